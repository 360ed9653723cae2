"""The AsyncAPI document holds together, and what the daemon was recorded to send is what it says."""

import json
from collections.abc import Iterator
from typing import Any, Final

import jsonschema
import pytest

from cutroom_sdk.sse import SseParser
from cutroom_sdk.wire.frames import FRAMES
from tests.house.source import ROOT
from tools import api, inventory

DOCUMENT: Final[dict[str, Any]] = json.loads((ROOT / "specs" / "asyncapi.json").read_text())
RECORDED: Final = sorted((ROOT / "snapshots" / "streams").glob("*.sse"))


def _at(reference: str) -> Any:
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _fits(channel: str, event: str, data: Any) -> None:
    message = DOCUMENT["channels"][channel]["messages"][event]
    # References of a payload begin at the document's root.
    schema = {"allOf": [message["payload"]], "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema).validate(data)


def test_it_is_of_the_version_that_it_says_and_has_all_that_must_be_there() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] == "send"
        channel = operation["channel"]["$ref"]
        assert _at(channel)["address"].startswith("/v1/")
        assert {one["$ref"] for one in operation["messages"]} == {
            f"{channel}/messages/{name}" for name in _at(channel)["messages"]
        }


def test_every_reference_leads_somewhere() -> None:
    found = set(_references(DOCUMENT))
    assert found
    assert all(_at(reference) for reference in found)


def test_every_stream_is_a_channel_and_every_frame_a_message() -> None:
    streams = {
        name.split(" ")[1] for name, one in api.OPERATIONS.items() if isinstance(one.answer, api.Stream)
    }
    assert {channel["address"] for channel in DOCUMENT["channels"].values()} == streams
    assert DOCUMENT["channels"]["resources"]["messages"].keys() == FRAMES.keys()
    events = {one.type for one in inventory.happenings()} | {"ready", "bookmark"}
    assert DOCUMENT["channels"]["log"]["messages"].keys() == events


def test_every_schema_is_one() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_what_was_sent_is_what_is_said(path: Any) -> None:
    channel = "log" if path.stem.endswith("_log") else "resources"
    messages = SseParser().feed(path.read_bytes())
    assert messages
    for message in messages:
        _fits(channel, message.event, json.loads(message.data))


def test_an_event_of_another_type_does_not_fit() -> None:
    record = {
        "position": 1, "stream": "run/r1", "version": 1, "type": "run.started", "at_ms": 1, "actor": "a",
        "data": {"type": "run.started", "mission_id": "m", "work_item_id": "w"},
    }  # fmt: skip
    _fits("log", "run.started", record)
    with pytest.raises(jsonschema.ValidationError):
        _fits("log", "run.canceled", record)
