"""The daemon as somebody sees it who means no good: what it answers from outside, point by point.

`POINTS` is the checklist: each point and the tests that hold the daemon to it. tests/house sees that every one is there.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import signal
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from cutroom_sdk.wire.problems import USAGE
from engine.http.gate import is_open
from tests.clips import Sound, make_sound
from tests.daemons import Daemon
from tests.e2e.outside import SERVED, UNSAFE, Outside, path_of, read_answer
from tools import api

DEEP: Final = 100_000
UNPACKED: Final = 32 << 20

LIMITS, OUTBOUND, TENANCY = "test_security_limits", "test_security_outbound", "test_security_tenancy"
# The points of the checklist, and their tests: here, or in the module named before the dot.
POINTS: Final[dict[str, tuple[str, ...]]] = {
    "an exact list of allowed Hosts on every route, port included": (
        "test_another_host_is_refused_on_every_route_port_included",
    ),
    "token, JSON and Origin on every change; no GET that changes anything": (
        "test_every_route_but_the_open_ones_needs_a_token",
        "test_every_route_asks_for_its_capability_before_it_looks_at_what_was_sent",
        "test_nothing_of_a_body_is_read_before_it_is_known_who_sends_it_and_that_they_may",
        "test_another_sites_page_changes_nothing_on_any_route",
        "test_a_form_cannot_be_sent_as_json",
        "test_no_get_changes_anything",
    ),
    "CORS off": ("test_no_other_origin_may_read_an_answer",),
    "CSP, nosniff, frame-ancestors 'none'": ("test_every_answer_is_locked_down",),
    "a token of 256 bits, 0600 in 0700, never in an address or a log": (
        "test_secrets_are_256_bits_private_and_nowhere_else",
        "test_a_token_in_the_address_opens_nothing",
    ),
    "an HttpOnly, SameSite=Strict cookie for a browser's window": (
        "test_a_windows_cookie_is_for_this_site_and_out_of_scripts_reach",
        f"{TENANCY}.test_a_ticket_and_its_window_stay_in_their_partition",
    ),
    "no address that others reach without TLS": ("test_an_address_that_others_reach_is_not_served",),
    "limits on bodies, heads, their time, connections, JSON's depth, streams": (
        "test_more_than_is_allowed_is_an_answer",
        f"{LIMITS}.test_a_head_that_does_not_end_is_not_waited_for",
        f"{LIMITS}.test_a_second_request_on_a_connection_has_no_more_time",
        f"{LIMITS}.test_a_body_that_stops_coming_is_not_waited_for",
        f"{LIMITS}.test_a_head_has_a_size",
        f"{LIMITS}.test_connections_beyond_the_limit_are_turned_away_and_streams_count_apart",
    ),
    "media paths beneath their roots; no symlinks out, no .., no devices, no FIFOs": (
        "test_footage_is_taken_from_beneath_the_roots_alone_and_only_files",
        f"{TENANCY}.test_footage_of_this_machine_is_the_operators",
    ),
    "archives: nothing is unpacked": (
        "test_no_archive_is_ever_unpacked",
        "test_a_packed_body_is_refused_before_it_is_unpacked",
        f"{OUTBOUND}.test_an_answer_is_read_up_to_a_limit_and_never_unpacked",
    ),
    "media is opened in the sandbox alone": (
        "test_media_is_opened_in_a_sandbox_and_the_daemon_says_so",
        "test_media_is_read_by_locked_down_processes_and_by_nobody_else",
        "test_a_playlist_that_names_other_files_is_not_media",
    ),
    "requests go to public addresses alone": (
        f"{OUTBOUND}.test_a_request_goes_to_public_addresses_and_to_the_operators_own_alone",
        f"{OUTBOUND}.test_a_redirect_is_told_and_not_followed",
    ),
    "webhooks: HMAC over the raw body, five minutes, durably once": (
        f"{OUTBOUND}.test_a_delivery_is_taken_once_from_who_knows_the_secret_also_after_a_crash",
        f"{OUTBOUND}.test_no_other_sites_page_delivers",
        f"{TENANCY}.test_a_delivery_lands_in_the_partition_of_its_webhook",
    ),
    "approvals: bound to what was seen, used once, not made by agents": (
        "test_an_approval_is_for_people_bound_to_what_was_seen_and_used_once",
    ),
    "secrets by reference, redacted before they could be kept": (
        f"{OUTBOUND}.test_a_secret_reaches_whom_it_is_for_and_stays_in_no_file_but_its_own",
        f"{OUTBOUND}.test_a_value_is_shown_to_nobody",
    ),
}


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    folder, footage = tmp_path_factory.mktemp("security") / "state", tmp_path_factory.mktemp("footage")
    with Outside(folder, footage, CUTROOM_WORKERS="1") as found:
        yield found


def test_another_host_is_refused_on_every_route_port_included(outside: Outside) -> None:
    port = outside.host.partition(":")[2]
    for one in SERVED:
        for host in (f"evil.example:{port}", "127.0.0.1:1", "127.0.0.1"):
            refused = outside.refused(one.method, path_of(one), headers={"Host": host})
            assert refused == (403, "origin_refused"), (one.name, host)


def test_every_route_but_the_open_ones_needs_a_token(outside: Outside) -> None:
    for one in SERVED:
        if not is_open(one.method, one.path):
            for token in ("", "wrong", outside.token[:-1]):
                assert outside.refused(one.method, path_of(one), token=token) == (401, "unauthenticated"), (
                    one.name
                )
    for one in SERVED:
        assert (api.OPERATIONS[one.name].capability == api.OPEN) == is_open(one.method, one.path), one.name
    # Besides the way in for a browser's window, only signed deliveries change anything without a token.
    free = {one.name for one in UNSAFE if is_open(one.method, one.path)}
    assert free == {"POST /v1/enter", "POST /v1/webhooks/{name}"}


def test_every_route_asks_for_its_capability_before_it_looks_at_what_was_sent(outside: Outside) -> None:
    token = outside.issue(capabilities=["outbound:request"])  # for tools: no route takes it
    for one in SERVED:
        if api.OPERATIONS[one.name].capability not in (api.ANY, api.OPEN):
            refused = outside.refused(one.method, path_of(one), token=token, content=b"\0")
            assert refused == (403, "forbidden"), one.name


def test_nothing_of_a_body_is_read_before_it_is_known_who_sends_it_and_that_they_may(
    outside: Outside,
) -> None:
    token = outside.issue(capabilities=["outbound:request"])  # for tools: no route takes it
    for one in UNSAFE:
        if is_open(one.method, one.path):
            continue
        for shown, status in (("wrong", 401), (token, 403)):
            if status == 403 and api.OPERATIONS[one.name].capability == api.ANY:
                continue
            for key in ({}, {"Idempotency_Key": "k"}):
                head = outside.head_of(
                    one.method, path_of(one), token=shown, Content_Length="99999999", **key
                )
                assert outside.answered(head)[0] == status, (one.name, key)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_sites_page_changes_nothing_on_any_route(outside: Outside, headers: dict[str, str]) -> None:
    for one in UNSAFE:
        refused = outside.refused(one.method, path_of(one), headers=headers, json={})
        assert refused == (403, "origin_refused"), one.name


def test_a_form_cannot_be_sent_as_json(outside: Outside) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        refused = outside.refused(
            "PUT", "/v1/resources/project/a", content=b'{"value": 1}', headers={"Content-Type": kind}
        )
        assert refused == (415, "unsupported_media_type"), kind


def test_no_get_changes_anything(outside: Outside) -> None:
    before = outside.head()
    for one in SERVED:
        # Who looked at what was remembered is on record, whatever else: those who read leave their names in the audit.
        if one.method == "GET" and not one.path.endswith("/events") and "/v1/memory" not in one.path:
            outside.refused("GET", path_of(one))
    assert outside.head() == before


def test_no_other_origin_may_read_an_answer(outside: Outside) -> None:
    for one in SERVED:
        preflight = {"Origin": "http://evil.example", "Access-Control-Request-Method": one.method}
        for method in ("OPTIONS", "HEAD"):
            _, _, answer = outside.asks(method, path_of(one), headers=preflight)
            assert not [name for name in answer.headers if name.startswith("access-control-")], one.name


def test_every_answer_is_locked_down(outside: Outside) -> None:
    for path, token in (("/health", ""), ("/v1/resources", None), ("/v1/resources", "wrong"), ("/no", None)):
        _, _, answer = outside.asks("GET", path, token=token)
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers


def test_secrets_are_256_bits_private_and_nowhere_else(outside: Outside) -> None:
    folder, issued = outside.daemon.folder, outside.issue(actor="leak")
    outside.refused("GET", f"/v1/resources?token={outside.token}", token="")
    outside.refused("GET", f"/v1/resources/{issued}", token=issued[:-1])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("operator.token", "windows.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        assert len((folder / name).read_text().strip()) >= 43
    for file in filter(Path.is_file, folder.rglob("*")):
        content = file.read_bytes() if "sqlite" not in file.name else b""  # only the daemon opens those
        assert issued.encode() not in content, file.name
        assert outside.token.encode() not in content or file.name == "operator.token", file.name
    log = outside.asks("GET", "/v1/log?limit=1000")[2].text
    assert outside.token not in log
    assert issued not in log


def test_a_windows_cookie_is_for_this_site_and_out_of_scripts_reach(outside: Outside) -> None:
    ticket = outside.asks("POST", "/v1/tickets")[2].json()["ticket"]
    status, _, entered = outside.asks("POST", "/v1/enter", token="", json={"ticket": ticket})
    cookie = entered.headers["set-cookie"]
    assert (status, cookie.count("HttpOnly"), cookie.count("SameSite=Strict")) == (200, 1, 1)
    assert outside.token not in cookie
    shown = {"Cookie": cookie.partition(";")[0]}
    assert outside.refused("GET", "/v1/resources", token="", headers=shown)[0] == 200
    tampered = {"Cookie": shown["Cookie"][:-1] + ("0" if shown["Cookie"][-1] != "0" else "1")}
    assert outside.refused("GET", "/v1/resources", token="", headers=tampered) == (401, "unauthenticated")
    foreign = shown | {"Sec-Fetch-Site": "same-site"}
    assert outside.refused("GET", "/v1/resources", token="", headers=foreign) == (403, "origin_refused")


def test_a_token_in_the_address_opens_nothing(outside: Outside) -> None:
    for name in ("token", "access_token", "authorization", "cutroom_session", "ticket"):
        refused = outside.refused("GET", "/v1/resources", token="", params={name: outside.token})
        assert refused == (401, "unauthenticated"), name


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_an_address_that_others_reach_is_not_served(tmp_path: Path, host: str) -> None:
    process = Daemon(tmp_path / "state", "--host", host).spawn()
    _, said = process.communicate(timeout=30)
    assert process.returncode == USAGE
    assert "host" in said


def test_more_than_is_allowed_is_an_answer(outside: Outside) -> None:
    large = json.dumps({"value": "x" * (1 << 20)})
    deep = '{"value":' + "[" * DEEP + "]" * DEEP + "}"
    kind = {"Content-Type": "application/json"}
    at = "/v1/resources/project/limits"
    assert outside.refused("PUT", at, content=large, headers=kind) == (413, "payload_too_large")
    assert outside.refused("PUT", at, content=deep, headers=kind) == (400, "invalid_request")
    key = {"Idempotency-Key": "k" * 300}
    assert outside.refused("PUT", at, json={"value": 1}, headers=key) == (400, "invalid_request")
    assert outside.refused("GET", "/v1/resources/" + "/".join("abcdefghi")) == (400, "invalid_key")
    assert outside.refused("GET", "/v1/resources?limit=1001") == (400, "invalid_request")
    assert outside.refused("GET", at) == (404, "not_found"), "nothing of it was written"


def test_footage_is_taken_from_beneath_the_roots_alone_and_only_files(
    outside: Outside, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(b"not yours")
    (outside.footage / "link.mp4").symlink_to(secret)
    (outside.footage / "folder.mp4").mkdir()
    os.mkfifo(outside.footage / "pipe.mp4")
    beyond = outside.footage / ".." / secret.parent.name / secret.name
    for path in (secret, outside.footage / "link.mp4", beyond, Path("/etc/passwd"), Path("/dev/zero")):
        refused = outside.refused("POST", "/v1/assets", json={"path": str(path)})
        assert refused == (403, "path_outside_roots"), path
    for name in ("folder.mp4", "pipe.mp4"):
        refused = outside.refused("POST", "/v1/assets", json={"path": str(outside.footage / name)})
        assert refused == (400, "invalid_request"), name
    assert outside.refused("POST", "/v1/assets", json={"path": "relative.mp4"})[0] == 400


def _packed(content: bytes) -> dict[str, bytes]:
    """The same content in each kind of archive, small for what it stands for."""
    held, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("film.mp4", content)
    with tarfile.open(fileobj=tarred, mode="w:gz") as tar:
        entry = tarfile.TarInfo("../film.mp4")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    # A Zstandard frame (RFC 8878) of blocks that each stand for 128 KiB of one byte.
    block = ((128 << 10) << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    zstd = b"\x28\xb5\x2f\xfd\x00\x70" + block * 2_000
    return {
        "zip": held.getvalue(),
        "tar.gz": tarred.getvalue(),
        "gz": gzip.compress(content),
        "xz": lzma.compress(content),
        "bz2": bz2.compress(content),
        "zst": zstd,
    }


def _peak(pid: int) -> int:
    """The most memory that a process has had, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


def test_no_archive_is_ever_unpacked(outside: Outside) -> None:
    assert outside.daemon.process is not None
    outside.refused("GET", "/v1/resources")
    packed, before = _packed(b"\0" * UNPACKED), _peak(outside.daemon.process.pid)
    for name, content in packed.items():
        assert len(content) < UNPACKED // 50, name
        (outside.footage / f"film.mp4.{name}").write_bytes(content)
        at = str(outside.footage / f"film.mp4.{name}")
        assert outside.refused("POST", "/v1/assets", json={"path": at}) == (422, "media_unreadable"), name
        upload = outside.asks("POST", "/v1/uploads", json={"name": "film.mp4", "bytes": len(content)})[
            2
        ].json()
        pieces = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        place = f"/v1/uploads/{upload['upload_id']}"
        assert outside.refused("PATCH", place, content=content, headers=pieces)[0] == 204
        finish = outside.refused("POST", "/v1/assets", json={"upload": upload["upload_id"]})
        assert finish == (422, "media_unreadable"), name
    assert _peak(outside.daemon.process.pid) - before < UNPACKED // 2


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x-gzip"])
def test_a_packed_body_is_refused_before_it_is_unpacked(outside: Outside, coding: str) -> None:
    body = gzip.compress(b'{"value": "' + b"x" * (1 << 20) + b'"}')
    headers = {"Content-Encoding": coding, "Content-Type": "application/json"}
    for method, path in (
        ("PUT", "/v1/resources/project/packed"),
        ("POST", "/v1/missions"),
        ("POST", "/v1/assets"),
    ):
        refused = outside.refused(method, path, content=body, headers=headers)
        assert refused == (415, "unsupported_media_type"), path
    assert (
        outside.asks("GET", "/v1/resources", headers={"Accept-Encoding": "gzip"})[2].headers.get(
            "content-encoding"
        )
        is None
    )


def _workers(pid: int) -> list[int]:
    """The daemon's processes that open media."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    children = [int(one) for task in tasks for one in (task / "children").read_text().split()]
    return [one for one in children if b"engine.media.child" in Path(f"/proc/{one}/cmdline").read_bytes()]


def test_media_is_read_by_locked_down_processes_and_by_nobody_else(outside: Outside) -> None:
    assert outside.daemon.process is not None
    for name in ("first", "second"):
        make_sound(outside.footage / f"{name}.wav", Sound(tone_hz=300 if name == "first" else 500))
    assert outside.refused("POST", "/v1/assets", json={"path": str(outside.footage / "first.wav")})[0] == 201
    workers = _workers(outside.daemon.process.pid)
    for pid in workers:
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), "no other programs, no network"
        opened = {os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir()}
        assert not [one for one in opened if one.startswith(str(outside.footage))], "nothing is left open"
    assert workers
    # Stand them still: were the daemon itself to read media, it would not wait for them.
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    body = json.dumps({"path": str(outside.footage / "second.wav")}).encode()
    with outside.connect() as connection:
        kind = {"Content_Type": "application/json", "Content_Length": str(len(body))}
        connection.sendall(outside.head_of("POST", "/v1/assets", **kind) + body)
        connection.settimeout(1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        assert outside.refused("GET", "/health")[0] == 200, "the daemon itself is idle"
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
        connection.settimeout(20)
        assert read_answer(connection)[0] == 201


def test_a_playlist_that_names_other_files_is_not_media(outside: Outside, tmp_path: Path) -> None:
    (tmp_path / "secret.ts").write_bytes(b"not yours")
    lists = {
        "list.m3u8": f"#EXTM3U\n#EXTINF:1,\n{tmp_path / 'secret.ts'}\n#EXT-X-ENDLIST\n",
        "concat.mp4": f"ffconcat version 1.0\nfile {tmp_path / 'secret.ts'}\n",
        "session.mp4": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    }
    for name, text in lists.items():
        (outside.footage / name).write_text(text)
        refused = outside.refused("POST", "/v1/assets", json={"path": str(outside.footage / name)})
        assert refused == (422, "media_unreadable"), name


def test_media_is_opened_in_a_sandbox_and_the_daemon_says_so(outside: Outside) -> None:
    features = outside.asks("GET", "/ready")[2].json()["features"]
    (sandbox,) = [one for one in features if "sandbox" in one["name"]]
    assert sandbox["ok"], sandbox["detail"]


def test_an_approval_is_for_people_bound_to_what_was_seen_and_used_once(outside: Outside) -> None:
    reporter = outside.issue(
        actor="cutter", capabilities=["missions:write", "missions:report", "missions:read"]
    )
    agent = outside.issue(actor="agent", capabilities=["approvals:decide", "approvals:read"])
    person = outside.issue(actor="ada", capabilities=["approvals:decide", "approvals:read"], human=True)
    item = {"work_item_id": "film", "title": "Film it", "gates": {"test": "none"}}
    made = {"title": "Shoot", "goal": "footage", "work_items": [item], "start": True}
    mission = outside.asks("POST", "/v1/missions", token=reporter, json=made)[2].json()
    run_id = mission["work_items"][0]["current_run_id"]
    report = {"type": "run.finished", "work_item_id": "film", "run_id": run_id, "status": "succeeded"}
    at = f"/v1/missions/{mission['mission_id']}/events"
    assert outside.refused("POST", at, token=reporter, json={"event": report})[0] == 200
    approval = outside.first("approval", run_id)
    approve = f"/v1/approvals/{approval['approval_id']}/approve"
    seen = {"subject_hash": approval["subject_hash"]}
    assert outside.refused("POST", approve, token=reporter, json=seen) == (403, "forbidden")
    assert outside.refused("POST", approve, token=agent, json=seen) == (403, "forbidden")
    assert outside.refused("POST", approve, token=person, json={"subject_hash": "0" * 64})[0] == 422
    assert outside.refused("POST", approve, token=person, json=seen)[0] == 200
    assert outside.refused("POST", approve, token=person, json=seen) == (409, "approval_not_pending")
    forged = outside.refused("PUT", "/v1/resources/approval/forged", json={"value": {"state": "granted"}})
    assert forged == (403, "engine_owned")


def test_a_tenants_token_sees_and_changes_its_own_partition_alone(outside: Outside) -> None:
    eve = outside.issue(actor="eve", capabilities=["*"], tenant="acme", env="prod")
    assert outside.refused("PUT", "/v1/resources/project/ours", json={"value": 1})[0] == 201
    for path in ("/v1/resources/project/ours", "/v1/resources?tenant=local", "/v1/log?env=dev"):
        status, _ = outside.refused("GET", path, token=eve)
        assert status in (403, 404), path
    assert outside.asks("GET", "/v1/resources", token=eve)[2].json()["items"] == []
    assert outside.asks("GET", "/v1/tokens", token=eve)[2].json()["items"] == []
    back = {"actor": "mallory", "capabilities": ["*"], "tenant": "local", "env": "dev"}
    assert outside.refused("POST", "/v1/tokens", token=eve, json=back) == (403, "forbidden")


def test_who_was_refused_is_on_record(outside: Outside) -> None:
    token = outside.issue(actor="nosy", capabilities=["memory:promote:team"])
    asked = {one.name: api.OPERATIONS[one.name].capability for one in SERVED}
    for one in SERVED:
        if asked[one.name] not in (api.ANY, api.OPEN):
            # With a key as well: then it is refused in another place.
            outside.refused(one.method, path_of(one), token=token, headers={"Idempotency-Key": "k"})
    outside.refused("POST", "/v1/webhooks/x", token="")
    entries = outside.asks("GET", "/v1/audit?limit=1000")[2].json()["items"]
    refused = {one["capability"] for one in entries if (one["actor"], one["code"]) == ("nosy", "forbidden")}
    assert refused == set(asked.values()) - {api.ANY, api.OPEN}
    assert {"origin_refused", "unauthenticated", "signature_refused"} <= {one["code"] for one in entries}


def test_who_administers_is_on_record(outside: Outside) -> None:
    outside.refused("PUT", "/v1/secrets/AUDITED", json={"value": f"whsec_{'never/to/be/told' * 2}"})
    outside.refused("PUT", "/v1/webhooks/audited", json={"secrets": ["AUDITED"]})
    outside.refused("DELETE", "/v1/webhooks/audited")
    outside.refused("DELETE", "/v1/secrets/AUDITED")
    issued = outside.asks("POST", "/v1/tokens", json={"actor": "x", "capabilities": ["log:read"]})[2].json()
    outside.refused("DELETE", f"/v1/tokens/{issued['token_id']}")
    told = outside.asks("GET", "/v1/audit?limit=1000")[2]
    done = [one["action"] for one in told.json()["items"] if one["outcome"] == "done"]
    assert done[-6:] == [
        "PUT /v1/secrets/AUDITED",
        "PUT /v1/webhooks/audited",
        "DELETE /v1/webhooks/audited",
        "DELETE /v1/secrets/AUDITED",
        "POST /v1/tokens",
        f"DELETE /v1/tokens/{issued['token_id']}",
    ]
    assert "never/to/be/told" not in told.text
    assert issued["token"] not in told.text
