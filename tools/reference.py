"""Writes `docs/reference/`: what is served, recorded, set and answered, read from the code.

python -m tools.reference
"""

import inspect
import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from clients.view.words import next_step
from cutroom_sdk.wire.problems import CODES
from engine.config import FILE_ONLY, PREFIX, Settings
from engine.editing.profiles import profiles
from engine.kernel.reducer import Aggregate
from engine.policy.rules import RULES
from tools import api, inventory
from tools.command_line import command_line_page
from tools.effects_page import effects_page
from tools.inventory import ROOT
from tools.markdown import Row, page, table
from tools.openapi import summary_of
from tools.pages import write
from tools.toolbox import tools_page

FOLDER: Final = ROOT / "docs" / "reference"
WORDS: Final = tomllib.loads((ROOT / "tools" / "words.toml").read_text())


def files() -> dict[Path, str]:
    """Return what `docs/reference/` is to hold: text by path."""
    pages = {
        "command-line": command_line_page(),
        "effects": effects_page(),
        "errors": errors_page(),
        "events": events_page(),
        "policy": policy_page(),
        "profiles": profiles_page(),
        "resources": resources_page(),
        "routes": routes_page(),
        "settings": settings_page(),
        "tools": tools_page(),
    }
    lines = [
        f"- [{text.partition(chr(10))[0].removeprefix('# ')}]({name}.md)" for name, text in pages.items()
    ]
    schemas = (
        "- [OpenAPI](../../specs/openapi.json) and [JSON Schemas](../../specs/schemas/) of every payload"
    )
    pages["README"] = page("Reference", "Made from the code by `just docs`.", "\n".join([*lines, schemas]))
    return {FOLDER / f"{name}.md": text for name, text in pages.items()}


def routes_page() -> str:
    """Every route: what it does, who may ask, what goes in and out."""
    rooms: dict[str, list[Row]] = {}
    for one in inventory.served():
        contract = api.OPERATIONS[one.name]
        who = {api.OPEN: "no token", api.ANY: "any token"}.get(
            contract.capability, f"`{contract.capability}`"
        )
        query = ", ".join(f"`{api.said(name)}`" for name in contract.query)
        takes = "" if contract.request is None else _takes_text(contract)
        row = (f"`{one.name}`", summary_of(one), who, query, takes, _answer_text(contract))
        rooms.setdefault(one.endpoint.__module__.split(".")[1], []).append(row)
    heads = ("route", "what it does", "who may", "query", "takes", "answers")
    parts = [f"## {room}\n\n{table(heads, rows)}" for room, rows in sorted(rooms.items())]
    queries = table(
        ("name", "meaning"), [(f"`{api.said(name)}`", text) for name, (_, text) in api.QUERY.items()]
    )
    headers = table(("name", "meaning"), [(f"`{name}`", text) for name, text in api.HEADERS.items()])
    intro = (
        "JSON in and out; errors are `application/problem+json` ([codes](errors.md)). Payloads by name: "
        "[schemas](../../specs/schemas/)."
    )
    return page("Routes", intro, *parts, f"## Query\n\n{queries}", f"## Headers\n\n{headers}")


def _answer_text(contract: api.Operation) -> str:
    match contract.answer:
        case api.Page(item=item):
            text = f"page of `{_type_name(item)}`"
        case api.Stream(frames=frames):
            text = "stream of " + ", ".join(f"`{_type_name(frame)}`" for frame in frames)
        case api.Bytes(type=kind):
            text = kind
        case api.Nothing():
            text = "nothing"
        case other:
            text = f"`{_type_name(other)}`"
    return text if contract.status == 200 else f"{contract.status}, {text}"


def _takes_text(contract: api.Operation) -> str:
    request = contract.request
    text = request.type if isinstance(request, api.Bytes) else f"`{_type_name(request)}`"
    return ", or ".join([text, *(kind for kind, _ in contract.also)])


def _type_name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) and issubclass(kind, Struct) else "object"


def sentence_of(one: inventory.Happening) -> str:
    """Return what an event says happened: its own docstring's first line, else the sentence in `words.toml`.

    Raises:
        KeyError: there is neither.
    """
    own = one.struct.__dict__.get("__doc__")
    if own:
        return str(inspect.cleandoc(own).partition("\n\n")[0].replace("\n", " "))
    return str(WORDS["events"][one.type])


def events_page() -> str:
    """Every type of event, by the kind of stream it belongs to."""
    parts = []
    for kind in sorted({one.kind for one in inventory.happenings()}):
        rows = [
            (
                f"`{one.type}`",
                sentence_of(one),
                ", ".join(f"`{name}`" for name in one.struct.__struct_fields__),
            )
            for one in inventory.happenings()
            if one.kind == kind
        ]
        parts.append(f"## `{kind}/...`\n\n{table(('event', 'what happened', 'fields'), rows)}")
    intro = (
        "What the log holds. An event is never changed; a reader skips fields it does not know. The shape of each: "
        "[`specs/schemas/events.json`](../../specs/schemas/events.json)."
    )
    return page("Events", intro, *parts)


def resources_page() -> str:
    """Every kind of stream whose state is published, and who may read it."""
    rows = [(f"`{one.kind}/{{id}}`", _picture(one), f"`{one.reads}`") for one in inventory.aggregates()]
    rows += [
        ("`project/...`, `team/...`", "Records that clients write, guarded by rev.", "`resources:read`"),
        ("`run/{id}/status`", "What another program reported of its run.", "`missions:read`"),
        ("`run/{id}/...`, `mission/{id}/...`", "Clients' own beside the engine's.", "as above them"),
    ]
    intro = "State is published under a key, with a rev that counts its writes."
    return page("Resources", intro, table(("key", "what it is", "who may read"), rows))


def _picture(aggregate: Aggregate[Any, Any, Any]) -> str:
    module = inspect.getmodule(aggregate.decide)
    return inspect.cleandoc(module.__doc__ or "").partition("\n")[0] if module else ""


def errors_page() -> str:
    """Every stable code, its HTTP status, its exit code and what to do about it."""
    rows = [
        (f"`{code}`", str(meaning.status), str(meaning.exit), meaning.title, next_step(code))
        for code, meaning in sorted(CODES.items())
    ]
    exits = [
        ("0", "done"),
        ("1", "the work failed"),
        ("2", "usage or invalid input"),
        ("3", "not found"),
        ("4", "conflict"),
        ("5", "refused: permission, policy, a denied approval"),
        ("6", "the daemon or something it needs is unavailable"),
        ("130", "canceled"),
    ]
    intro = "Branch on `code`; the words may change."
    codes = table(("code", "status", "exit", "meaning", "what to do"), rows)
    return page("Errors", intro, codes, f"## Exit codes\n\n{table(('exit', 'meaning'), exits)}")


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default_factory() if callable(field.default_factory) else field.default


def settings_page() -> str:
    """Every setting, its default and where to put it."""
    rows = [
        (
            f"`{field.name}`",
            f"`{msgspec.json.encode(_default(field)).decode()}`",
            "" if field.name.upper() in FILE_ONLY else f"`{PREFIX}{field.name.upper()}`",
            WORDS["settings"][field.name],
        )
        for field in msgspec.structs.fields(Settings)
    ]
    intro = (
        "From the file `cutroom.toml` in the state directory, then the environment, then the flags of `cutroom serve`; "
        "each overrides the one before. An unknown name is an error."
    )
    return page("Settings", intro, table(("setting", "default", "environment", "meaning"), rows))


def policy_page() -> str:
    """Every rule of policy, in the order in which they are looked at."""
    rows = [
        (str(place), f"`{one.name}`", f"`{one.decision}`", one.says) for place, one in enumerate(RULES, 1)
    ]
    intro = (
        "What becomes of a call of a tool: the first rule that has something to say decides. The gate in front of every call, "
        "those that tools make of others included, asks these rules, and so does `POST /v1/policy/simulate` "
        "(`cutroom policy simulate`), which calls nothing. `then or now`: of a routine both the authority that its run "
        "was fired with and that which it has now must allow a call."
    )
    leave = (
        "## Leave\n\n`pending_approval` asks a person, in an approval of the kind `effect` that shows tool, arguments and "
        "targets. It is bound to a hash over these, the run, the place of the call in it, the authority and its own end; it is "
        "spent in the commit that records the call. What changes afterwards makes it void, and somebody is asked anew. "
        "Deny it and the run fails with the reason (`approval_denied`); what is blocked fails with `blocked_policy`."
    )
    return page("Policy", intro, table(("", "rule", "decision", "when"), rows), leave)


def profiles_page() -> str:
    """Every target profile with its figures and where they come from."""
    rows = []
    for one in profiles().values():
        size = f"{one.width}x{one.height}" if one.width else "as the source"
        rate = f"{one.rate}" if one.rate else f"{one.rate_min} to {one.rate_max}"
        sound = (
            f"{one.loudness_lufs:g} LUFS, {one.true_peak_dbtp:g} dBTP" if one.loudness_lufs else "left alone"
        )
        longest = f"{one.max_duration} s" if one.max_duration else "no limit"
        source = f"{one.source} (read {one.read_on}, {one.confidence})"
        rows.append((f"`{one.name}`", one.title, size, rate, sound, longest, source))
    heads = ("profile", "for", "pixels", "frames a second", "loudness", "longest", "where from")
    intro = "What `--profile` takes. The figures are data: `engine/editing/profiles.toml`."
    return page("Target profiles", intro, table(heads, rows))


if __name__ == "__main__":
    write(files(), within=FOLDER)
