"""Policy and approvals from the command line, against a daemon of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clients.cli.main import run
from cutroom_sdk.discovery import find
from cutroom_sdk.sync.client import Client
from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.missions import GatesRequest, MissionRequest, WorkItemRequest
from cutroom_sdk.wire.problems import CONFLICT, DONE, NOT_FOUND, REFUSED, USAGE
from tests.daemons import Daemon
from tests.sink import Sink


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with Sink() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, sink: Sink) -> Iterator[Path]:
    daemon = Daemon(
        tmp_path_factory.mktemp("policy") / "state", CUTROOM_OUTBOUND_ALLOW=f"127.0.0.1:{sink.port}"
    )
    daemon.start()
    yield daemon.folder
    daemon.stop()


Cutroom = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cutroom(folder: Path, sink: Sink, capsys: pytest.CaptureFixture[str]) -> Cutroom:
    """Run `cutroom ...` in this process: what it ended with, printed, and said."""
    sink.calls.clear()

    def command(*arguments: str) -> tuple[int, str, str]:
        code = run(["--state-dir", str(folder), *arguments])
        out, talk = capsys.readouterr()
        return code, out, talk

    return command


def document(cutroom: Cutroom, *arguments: str) -> Any:
    """What a command prints with `--json`."""
    code, out, talk = cutroom("--json", *arguments)
    assert code == DONE, talk
    return msgspec.json.decode(out)


def asked(folder: Path, url: str) -> Approval:
    """Start a mission that sends something; return the question that it comes to."""
    item = WorkItemRequest(
        title="send",
        kind="http_request",
        input={"url": url, "method": "POST", "text": "hello"},
        gates=GatesRequest(review="none", test="none"),
    )
    request = MissionRequest(title="Tell them", goal="told", work_items=(item,), start=True)
    with Client(lambda: find(folder)) as studio:
        studio.create_mission(request)
        while not (found := studio.approvals(state="pending")):
            pass
    return found[0]


def test_what_leaves_the_machine_is_shown_decided_and_sent_once(
    folder: Path, sink: Sink, cutroom: Cutroom
) -> None:
    approval_id = asked(folder, f"{sink.url}/hook").approval_id
    code, out, _ = cutroom("approval", "show", approval_id)
    assert (code, "/hook" in out, "http_request" in out) == (DONE, True, True)
    shown = document(cutroom, "approval", "show", approval_id)
    assert (shown["subject"]["kind"], shown["effect"]["args"]["text"]) == ("effect", "hello")
    listed = document(cutroom, "approval", "list")
    assert [one["approval_id"] for one in listed["items"]] == [approval_id]
    assert sink.calls == []
    assert document(cutroom, "approval", "approve", approval_id, "--reason", "go")["state"] == "granted"
    assert cutroom("mission", "follow", "last")[0] == DONE
    assert [call.body for call in sink.calls] == [b"hello"]
    assert cutroom("approval", "approve", approval_id)[0] == CONFLICT


def test_a_no_ends_the_mission_as_refused(folder: Path, sink: Sink, cutroom: Cutroom) -> None:
    approval_id = asked(folder, f"{sink.url}/hook").approval_id
    denied = document(cutroom, "approval", "deny", approval_id, "--reason", "not today")
    assert denied["state"] == "denied"
    code, out, talk = cutroom("mission", "follow", "last")
    assert (code, "not today" in out + talk, sink.calls) == (REFUSED, True, [])


def test_reviews_are_granted_at_once(cutroom: Cutroom) -> None:
    document(cutroom, "mission", "create", "--template", "generic", "--arg", "title=Film it")
    told = document(cutroom, "approval", "approve-all", "last", "--reason", "seen")
    assert told == {"approvals": [], "left": []}, "nothing has been made yet"


def test_deciding_is_handed_over_and_taken_back(cutroom: Cutroom) -> None:
    given = document(cutroom, "approval", "delegate", "bob", "--until", "24h", "--gate", "review")
    assert (given["to"], given["gates"]) == ("bob", ["review"])
    listed = document(cutroom, "approval", "delegations")
    assert [one["to"] for one in listed["items"]] == ["bob"]
    ended = document(cutroom, "approval", "revoke", given["delegation_id"])
    assert ended["revoked_by"] == "operator"
    assert "revoked" in cutroom("approval", "delegations")[1]
    code, _, talk = cutroom("approval", "delegate", "bob", "--until", "24h", "--gate", "revue")
    assert (code, "review, test, effect are taken" in talk) == (USAGE, True)


def test_policy_is_asked_without_anything_happening(sink: Sink, cutroom: Cutroom) -> None:
    given = f'{{"url": "{sink.url}/"}}'
    told = document(cutroom, "policy", "simulate", "http_request", given)
    assert (told["decision"], told["rule"]) == ("pending_approval", "mission_requires_approval")
    unasked = ("--capabilities", "outbound:request,effects:external", "--actor", "operator")
    code, out, _ = cutroom("policy", "simulate", "http_request", given, *unasked)
    assert (code, "mission_allows" in out) == (DONE, True)
    assert cutroom("policy", "simulate", "http_request", "nonsense")[0] == USAGE
    assert cutroom("policy", "simulate", "HTTP_REQUEST", given)[0] == USAGE
    assert cutroom("policy", "simulate", "http_request", given, "--routine", "no")[0] == NOT_FOUND
    assert sink.calls == []
