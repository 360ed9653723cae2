"""The daemon as somebody sees it who means no good: what it answers from outside, point by point.

`POINTS` is the checklist: each point and the tests that hold the daemon to it. tests/house sees that every one is there.
"""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from cutroom_sdk.wire.problems import USAGE
from engine.http.gate import is_open
from tests.daemons import Daemon
from tests.e2e.outside import SERVED, UNSAFE, Outside, path_of
from tools import api

DEEP: Final = 100_000

POINTS: Final[dict[str, tuple[str, ...]]] = {}


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    folder, footage = tmp_path_factory.mktemp("security") / "state", tmp_path_factory.mktemp("footage")
    with Outside(folder, footage) as found:
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
    token = outside.issue(capabilities=["routines:activate"])
    for one in SERVED:
        if api.OPERATIONS[one.name].capability not in (api.ANY, api.OPEN):
            refused = outside.refused(one.method, path_of(one), token=token, content=b"\0")
            assert refused == (403, "forbidden"), one.name


def test_nothing_of_a_body_is_read_before_it_is_known_who_sends_it_and_that_they_may(
    outside: Outside,
) -> None:
    token = outside.issue(capabilities=["routines:activate"])
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
        if one.method == "GET" and not one.path.endswith("/events"):
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
    token = outside.issue(actor="nosy")
    outside.refused("GET", "/v1/tokens", token=token)
    entries = outside.asks("GET", "/v1/audit?limit=1000")[2].json()["items"]
    assert ("nosy", "GET /v1/tokens", "forbidden") in {
        (one["actor"], one["action"], one["code"]) for one in entries
    }
    assert {"origin_refused", "unauthenticated"} <= {one["code"] for one in entries}
