"""Two tenants on one daemon: whatever the one has, the other neither sees nor changes, on no route.

`CROSSES` (`crosses.py`) goes along with the table of routes: tests/house fails until somebody has said there what a new route does when
another tenant asks for something of acme's.
"""

import asyncio
import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from cutroom_sdk.wire.problems import REFUSED
from engine.webhooks.signature import key_of, sign
from tests.clips import Sound, make_clip, make_sound
from tests.daemons import Daemon
from tests.e2e.crosses import COMMON, CROSSES, EMPTY, MISSING, OPERATOR, OWN, STREAM
from tests.e2e.outside import Outside
from tests.e2e.studio import cutroom, edit
from tests.sink import Sink
from tools import api, inventory

CANARY: Final = "kanarienvogel"
KEY: Final = f"whsec_{CANARY}/secret{'A' * 12}"
MINE: Final = {
    "name": "the last",
    "entrypoint": {"tool": "http_request"},
    "args": {"url": "https://studio.example/"},
    "chain": {"template": "generic"},
}

Operation = dict[str, Any]


@dataclasses.dataclass
class Tenant:
    """Somebody with all rights in a partition of their own, and what they have there, by what it is."""

    outside: Outside
    token: str
    has: dict[str, str] = dataclasses.field(default_factory=dict)

    def asks(self, method: str, path: str, **asked: Any) -> Any:
        return self.outside.asks(method, path, token=self.token, **asked)[2]

    def makes(self, method: str, path: str, **asked: Any) -> Any:
        made = self.asks(method, path, **asked)
        assert made.status_code < 300, (path, made.text)
        return made.json() if made.content else None


def _tenant(outside: Outside, name: str) -> Tenant:
    asked = {"actor": f"boss-{name}", "capabilities": ["*"], "tenant": name, "env": "prod", "human": True}
    return Tenant(outside, outside.issue(**asked))


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with Sink() as found:
        found.answers["/"] = (503, {}, b"not now")  # for a command that waits in the outbox
        yield found


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory, sink: Sink) -> Iterator[Outside]:
    folder, footage = tmp_path_factory.mktemp("tenancy") / "state", tmp_path_factory.mktemp("footage")
    with Outside(folder, footage, CUTROOM_OUTBOUND_ALLOW=f"127.0.0.1:{sink.port}") as found:
        yield found


@pytest.fixture(scope="module")
def acme(
    outside: Outside, sink: Sink, tmp_path_factory: pytest.TempPathFactory, talk: tuple[Path, Any]
) -> Tenant:
    """A tenant that has one of everything, each with the canary in it where there is room for one."""
    acme = _tenant(outside, "acme")
    acme.makes("PUT", f"/v1/resources/project/{CANARY}", json={"value": CANARY})
    acme.makes("PUT", f"/v1/secrets/{CANARY}", json={"value": KEY})
    acme.makes("PUT", "/v1/secrets/ACMES", json={"value": f"{KEY} too"})
    acme.makes("PUT", f"/v1/webhooks/{CANARY}", json={"secrets": [CANARY]})
    report = {"type": "session.run.started", "run_id": f"{CANARY}-run"}
    acme.makes("POST", f"/v1/sessions/{CANARY}/events", json={"event": report})
    token = {"actor": CANARY, "capabilities": ["resources:read"]}
    acme.has["token"] = acme.makes("POST", "/v1/tokens", json=token)["token_id"]
    memory = {"text": f"the {CANARY} sings", "tier": "team", "tags": [CANARY]}
    acme.has["memory"] = acme.makes("POST", "/v1/memory", json=memory)["memory_id"]
    acme.has["asset"] = _asset(acme, tmp_path_factory.mktemp("sound") / "a.wav")
    artifact = acme.makes(
        "POST", f"/v1/assets/{acme.has['asset']}/analyses", json={"kind": "loudness", "params": {}}
    )
    acme.has["artifact"] = artifact["artifact_id"]
    acme.has["upload"] = acme.makes("POST", "/v1/uploads", json={"name": CANARY, "bytes": 9})["upload_id"]
    acme.has["timeline"] = acme.makes("POST", "/v1/timelines", json=_timeline(CANARY))["timeline_id"]
    _mission(acme)
    _waiting_command_and_notice(acme, f"{sink.url}/")
    _routine(acme, f"{sink.url}/fine")
    acme.has["render"] = _render(acme, tmp_path_factory.mktemp("film"))
    return acme


def _asset(acme: Tenant, path: Path) -> str:
    make_sound(path)
    content = path.read_bytes()
    upload = acme.makes("POST", "/v1/uploads", json={"name": f"{CANARY}.wav", "bytes": len(content)})
    headers = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    acme.makes("PATCH", f"/v1/uploads/{upload['upload_id']}", content=content, headers=headers)
    return str(acme.makes("POST", "/v1/assets", json={"upload": upload["upload_id"]})["asset_id"])


def _timeline(name: str) -> dict[str, Any]:
    size = {"width": 1920, "height": 1080, "sample_rate": 48_000}
    return {"timeline": {"name": name, "rate": "25", **size, "tracks": []}}


def _mission(acme: Tenant) -> None:
    item = {"work_item_id": "film", "title": CANARY, "gates": {"test": "none"}}
    made = {"title": CANARY, "goal": CANARY, "work_items": [item], "start": True}
    mission = acme.makes("POST", "/v1/missions", json=made)
    acme.has |= {"mission": mission["mission_id"], "run": mission["work_items"][0]["current_run_id"]}
    report = {
        "type": "run.finished",
        "work_item_id": "film",
        "run_id": acme.has["run"],
        "status": "succeeded",
    }
    acme.makes("POST", f"/v1/missions/{acme.has['mission']}/events", json={"event": report})
    approval = acme.outside.first("approval", acme.has["run"], token=acme.token)
    acme.has["approval"] = approval["approval_id"]


def _request(acme: Tenant, url: str) -> str:
    """Have a mission ask for an address, once; its id."""
    request = {"url": url, "headers": {"X-Name": CANARY}}
    gates = {"review": "none", "test": "none"}
    item = {"title": CANARY, "kind": "http_request", "input": request, "gates": gates}
    made = {
        "title": CANARY,
        "goal": CANARY,
        "work_items": [item],
        "capabilities": ["outbound:request", "effects:external"],
        "start": True,
        "budgets": {"max_attempts": 1},
    }
    return str(acme.makes("POST", "/v1/missions", json=made)["mission_id"])


def _routine(acme: Tenant, url: str) -> None:
    asked = {
        "name": CANARY,
        "entrypoint": {"tool": "http_request"},
        "args": {"url": url},
        "schedule": {"every_ms": 86_400_000},
        "external_effects_allowed": True,
        "requires_approval": False,
    }
    acme.has["routine"] = acme.makes("POST", "/v1/routines", json=asked)["routine_id"]
    acme.makes("POST", f"/v1/routines/{acme.has['routine']}/activate")
    fired = acme.makes("POST", f"/v1/routines/{acme.has['routine']}/run-now", json={})
    acme.has["routine-run"] = (
        fired["runs"][0] if isinstance(fired["runs"][0], str) else fired["runs"][0]["run_id"]
    )


def _waiting_command_and_notice(acme: Tenant, url: str) -> None:
    acme.has["waiting"] = _request(acme, url)
    acme.has["outbox"] = acme.outside.first("outbox", "not now", token=acme.token)["command_id"]
    failed = _request(acme, "http://127.0.0.1:1/")
    acme.has["notice"] = acme.outside.first("notice", failed, token=acme.token)["notice_id"]


def _render(acme: Tenant, folder: Path) -> str:
    footage = make_clip(folder / "clip.mp4", frames=75, audio=Sound()).path
    address = {"CUTROOM_URL": f"http://{acme.outside.host}", "CUTROOM_TOKEN": acme.token}
    daemon = Daemon(folder / "none", **address)  # never started: the command is told where to ask
    said = asyncio.run(cutroom(daemon, *edit(footage, folder / "out.mp4", goal="2 second highlight")))
    assert said.code == REFUSED, said.talk
    assert not (folder / "out.mp4").exists(), "a tenant's mission writes nothing among the operator's files"
    return str(acme.makes("GET", "/v1/renders")["items"][0]["render_id"])


@pytest.fixture(scope="module")
def umbra(outside: Outside, acme: Tenant) -> Tenant:
    """Another tenant, who knows every id that acme has."""
    return _tenant(outside, "umbra")


def _bodies(acme: Tenant) -> dict[str, Operation]:
    """What is sent where a body is wanted: right in itself, and about what acme has."""
    finished = {
        "type": "run.finished",
        "work_item_id": "film",
        "run_id": acme.has["run"],
        "status": "succeeded",
    }
    started = {"type": "session.run.started", "run_id": f"{CANARY}-run"}
    pieces = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    merge = {"Content-Type": "application/merge-patch+json"}
    mission = {"title": "t", "goal": "g", "work_items": [{"title": "x"}]}
    second = {"start": "0", "duration": "1"}
    clip = {
        "type": "clip",
        "id": "c",
        "media": {"type": "asset", "asset_id": acme.has["asset"]},
        "source_range": second,
    }
    film: dict[str, Any] = {"name": "mine", "rate": "25", "width": 320, "height": 180, "sample_rate": 48000}
    film["tracks"] = [{"kind": "video", "name": "v", "items": [clip]}]
    return {
        "POST /v1/resources/transaction": {"json": {"operations": [{"op": "check", "key": f"project/{CANARY}", "if_match_rev": 0}]}},
        "PUT /v1/resources/{key}": {"json": {"value": "mine"}, "headers": {"If-None-Match": "*"}},
        "PATCH /v1/resources/{key}": {"content": b'{"of": "umbra"}', "headers": merge},
        "POST /v1/missions": {"json": mission},
        "POST /v1/missions/preview": {"json": mission},
        "POST /v1/routines": {"json": MINE},
        "PATCH /v1/routines/{id}": {"content": b'{"name": "mine"}', "headers": merge},
        "POST /v1/routines/{id}/run-now": {"json": {}},
        "POST /v1/routines/{id}/backfill": {"json": {"from_ms": 1, "to_ms": 2}},
        "POST /v1/missions/{id}/events": {"json": {"event": finished}},
        "POST /v1/sessions/{id}/events": {"json": {"event": started}},
        "POST /v1/approvals/{id}/approve": {"json": {}},
        "POST /v1/approvals/{id}/deny": {"json": {}},
        "POST /v1/missions/{id}/approve-all": {"json": {"reason": "mine"}},
        "POST /v1/delegations": {"json": {"to": "friend", "until_ms": (acme.outside.now_s() + 86_400) * 1000}},
        "POST /v1/policy/simulate": {"json": {"tool": "http_request", "args": {"url": "https://studio.example/"}, "mission_id": acme.has["mission"]}},
        "POST /v1/memory": {"json": {"text": "mine"}},
        "POST /v1/memory/search": {"json": {"query": f"{CANARY} sings"}},
        "POST /v1/memory/capabilities": {"json": {"read_tiers": ["session"]}},
        "POST /v1/memory/{id}/promote": {"json": {"to_tier": "curated"}},
        "POST /v1/memory/{id}/demote": {"json": {"to_tier": "session"}},
        "POST /v1/timelines": {"json": _timeline("mine")},
        "POST /v1/timelines/{id}/operations": {"json": {"operations": [{"type": "set_settings", "name": "mine"}], "expected_version": 1}},
        "POST /v1/timelines/{id}/undo": {"json": {}},
        "POST /v1/timelines/{id}/redo": {"json": {}},
        "POST /v1/timelines/{id}/fork": {"json": {}},
        "POST /v1/timelines/import": {"json": {"text": "1\n00:00:01,000 --> 00:00:02,000\nmine\n", "format": "srt"}},
        "POST /v1/proxies": {"json": {"asset_id": acme.has["asset"], "size": 360}},
        "POST /v1/assets": {"json": {"upload": acme.has["upload"]}},
        "POST /v1/assets/{id}/analyses": {"json": {"kind": "loudness", "params": {}}},
        "POST /v1/renders": {"json": {"profile": "source", "timeline": film}},
        "POST /v1/uploads": {"json": {"name": "mine", "bytes": 3}},
        "PATCH /v1/uploads/{id}": {"content": b"123", "headers": pieces},
        "POST /v1/tokens": {"json": {"actor": "mine", "capabilities": ["resources:read"]}},
        "PUT /v1/secrets/{name}": {"json": {"value": "umbras-own-value"}},
        "PUT /v1/webhooks/{name}": {"json": {"secrets": ["ACMES"]}},
        "POST /v1/enter": {"json": {"ticket": "spent"}},
        "POST /v1/log/compact": {"json": {"before": "1"}},
    }  # fmt: skip


def _filled(one: inventory.Served, acme: Tenant) -> str:
    named = one.path.split("/")[2].removesuffix("s") if one.path.count("/") > 1 else ""
    for mark in ("{id}", "{render_id}"):
        if mark in one.path:
            return one.path.replace(mark, acme.has.get(named, CANARY))
    return one.path.replace("{key}", f"project/{CANARY}").replace("{name}", CANARY)


def _ids(acme: Tenant) -> set[str]:
    return {*acme.has.values(), CANARY, KEY}


def _tells(text: str, acme: Tenant, *, asked_for: str) -> set[str]:
    """What an answer gives away of acme, apart from what was asked for by name."""
    return {one for one in _ids(acme) if one in text and one not in asked_for and asked_for not in one}


@pytest.mark.parametrize("name", sorted(CROSSES.keys() & api.OPERATIONS.keys()))
def test_nothing_of_another_tenant_is_seen_or_changed(name: str, acme: Tenant, umbra: Tenant) -> None:
    (one,) = [one for one in inventory.served() if one.name == name]
    path, expected = _filled(one, acme), CROSSES[name]
    if expected == STREAM:
        assert not _streamed(umbra, path, acme), "the stream is silent about acme"
        return
    before = _all_of(acme)
    answer = umbra.asks(one.method, path, **_bodies(acme).get(name, {}))
    told = _tells(answer.text, acme, asked_for=json.dumps(_bodies(acme).get(name, {}), default=str) + path)
    assert not told, (name, told)
    _EXPECT[expected](answer)
    after = _all_of(acme)
    assert after == before, f"{name} changed something of acme's"


def _all_of(tenant: Tenant) -> list[Any]:
    """All that a tenant has, with revs, but for what goes on by itself: commands, runs, the mission that waits."""
    listed = tenant.makes("GET", "/v1/resources?limit=1000")["items"]
    going_on = ("outbox/", "run/", f"mission/{tenant.has['waiting']}")
    return [one for one in listed if not one["key"].startswith(going_on)]


def _streamed(umbra: Tenant, path: str, acme: Tenant) -> set[str]:
    """What a stream from the beginning of the log tells until something of umbra's own comes."""
    umbra.makes("PUT", "/v1/resources/project/last", json={"value": "the last"})
    umbra.makes("POST", "/v1/routines", json=MINE)
    with umbra.outside.streamed(f"{path}?after=0", umbra.token) as lines:
        text = ""
        for line in lines:
            text += line
            if "the last" in line:
                return _tells(text, acme, asked_for="-")
    raise AssertionError("the stream ended")


def _is(*wanted: int) -> Callable[[Any], None]:
    def check(answer: Any) -> None:
        assert answer.status_code in wanted, answer.text

    return check


def _is_empty(answer: Any) -> None:
    assert answer.status_code == 200, answer.text
    of_others = [one for one in answer.json()["items"] if "boss-acme" in json.dumps(one)]
    assert of_others == []


_EXPECT: Final[dict[str, Callable[[Any], None]]] = {
    EMPTY: _is_empty,
    MISSING: _is(404),
    OPERATOR: _is(403),
    OWN: _is(200, 201, 204),
    COMMON: _is(200),
    "unsigned": _is(401),
    "spent": _is(403),
}


def test_a_position_is_all_that_a_tenant_learns_of_others(acme: Tenant, umbra: Tenant) -> None:
    acme.makes("PUT", f"/v1/resources/project/{CANARY}", json={"value": CANARY})
    events = umbra.makes("GET", "/v1/log?limit=1000")["items"]
    # Umbra has chosen the same names for things of its own by now: what counts are ids and authors.
    assert not _tells(json.dumps(events), acme, asked_for=CANARY)
    assert {one["actor"].split(":")[0] for one in events} <= {"boss-umbra", "engine"}
    entries = umbra.makes("GET", "/v1/audit?limit=1000")["items"]
    assert "boss-acme" not in json.dumps(entries)


def test_idempotency_keys_belong_to_a_partition(acme: Tenant, umbra: Tenant) -> None:
    key = {"Idempotency-Key": "the same"}
    at, ours = "/v1/resources/team/keys", {"value": CANARY}
    assert acme.asks("PUT", at, json=ours, headers=key).status_code == 201
    again = umbra.asks("PUT", at, json=ours, headers=key)
    assert (again.status_code, again.headers.get("idempotent-replayed")) == (201, None)
    assert acme.asks("PUT", at, json=ours, headers=key).headers["idempotent-replayed"] == "true"


def test_a_ticket_and_its_window_stay_in_their_partition(acme: Tenant) -> None:
    ticket = acme.makes("POST", "/v1/tickets")["ticket"]
    entered = acme.outside.asks("POST", "/v1/enter", token="", json={"ticket": ticket})[2]
    assert (entered.json()["tenant"], entered.json()["env"]) == ("acme", "prod")
    cookie = {"Cookie": entered.headers["set-cookie"].partition(";")[0]}
    seen = acme.outside.asks("GET", f"/v1/resources/project/{CANARY}", token="", headers=cookie)[0]
    assert seen == 200
    revoked = acme.outside.asks("POST", "/v1/enter", token="", json={"ticket": ticket})[:2]
    assert revoked == (403, "forbidden"), "a ticket is good once"


def test_footage_of_this_machine_is_the_operators(outside: Outside, umbra: Tenant) -> None:
    clip = make_sound(outside.footage / "the-operators.wav")
    refused = umbra.asks("POST", "/v1/assets", json={"path": str(clip)})
    assert (refused.status_code, refused.json()["code"]) == (403, "path_outside_roots")
    assert outside.refused("POST", "/v1/assets", json={"path": str(clip)})[0] == 201
    watching = MINE | {"watch": {"folder": str(outside.footage)}}
    refused = umbra.asks("POST", "/v1/routines", json=watching)
    assert (refused.status_code, refused.json()["code"]) == (403, "path_outside_roots")


@pytest.mark.parametrize(
    "name",
    ["X-Cutroom-Tenant", "X-Tenant", "X-Cutroom-Env", "Tenant", "Env"],
)
def test_no_header_names_a_partition(acme: Tenant, umbra: Tenant, name: str) -> None:
    value = "prod" if "Env" in name else "acme"
    answer = umbra.asks("GET", "/v1/missions", headers={name: value})
    assert not _tells(answer.text, acme, asked_for="-")


@pytest.mark.parametrize(
    "query", ["tenant=acme", "env=dev", "tenant=acme&env=prod", "tenant=umbra&tenant=acme"]
)
def test_a_request_that_names_another_partition_is_refused(umbra: Tenant, query: str) -> None:
    for path in (
        "/v1/missions",
        "/v1/resources/project/x",
        "/v1/log",
        "/v1/log/events",
        "/v1/resources/events",
    ):
        refused = umbra.asks("GET", f"{path}?{query}")
        assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (
            403,
            "forbidden",
            "env" if query == "env=dev" else "tenant",
        )
    own = umbra.asks("GET", "/v1/missions?tenant=umbra&env=prod")
    assert own.status_code == 200, "to name one's own is no mistake"


@pytest.mark.parametrize("named", [{"tenant": "acme"}, {"env": "dev"}, {"tenant": "acme", "env": "prod"}])
def test_a_body_that_names_another_partition_is_refused(umbra: Tenant, named: dict[str, str]) -> None:
    token = {"actor": "x", "capabilities": ["resources:read"]}
    refused = umbra.asks("POST", "/v1/tokens", json=token | named)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    for path, body in (
        ("/v1/missions", {"title": "t", "goal": "g"}),
        ("/v1/uploads", {"name": "n", "bytes": 1}),
    ):
        refused = umbra.asks("POST", path, json=body | named)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
        assert refused.json()["field"] in named


def test_a_delivery_lands_in_the_partition_of_its_webhook(acme: Tenant, umbra: Tenant) -> None:
    now = acme.outside.now_s()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{sign(key_of(KEY), 'msg_1', str(now), b'{}')}",
        "Content-Type": "application/json",
    }
    for path, status in ((f"/v1/webhooks/{CANARY}", 401), (f"/v1/webhooks/umbra.prod.{CANARY}", 401)):
        assert acme.outside.asks("POST", path, token="", content=b"{}", headers=headers)[0] == status
    at = f"/v1/webhooks/acme.prod.{CANARY}"
    assert acme.outside.asks("POST", at, token="", content=b"{}", headers=headers)[0] == 202
    assert umbra.makes("GET", "/v1/log?type=webhook.received")["items"] == []
    assert len(acme.makes("GET", "/v1/log?type=webhook.received")["items"]) == 1


@pytest.mark.parametrize(
    "asked",
    [
        {"capabilities": ["*"]},
        {"capabilities": ["missions:write"]},
        {"capabilities": ["memory:promote:team"]},
        {"human": True},
        {"expires_at_ms": None},
        {"expires_at_ms": 1 << 50},
        {"tenant": "acme"},
        {"env": "dev"},
        {"actor": "operator"},
        {"actor": "engine:outbox"},
    ],
)
def test_nobody_grants_what_they_lack(umbra: Tenant, asked: dict[str, Any]) -> None:
    ends = umbra.outside.now_s() * 1000 + 3_600_000
    rights = ["tokens:admin", "memory:promote:curated", "resources:read"]
    small = umbra.makes(
        "POST", "/v1/tokens", json={"actor": "deputy", "capabilities": rights, "expires_at_ms": ends}
    )
    base = {"actor": "x", "capabilities": ["resources:read"], "expires_at_ms": ends - 1000}
    deputy = Tenant(umbra.outside, small["token"])
    assert deputy.asks("POST", "/v1/tokens", json=base).status_code == 201
    refused = deputy.asks("POST", "/v1/tokens", json=base | asked)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), refused.text
    assert refused.json()["field"] in asked
