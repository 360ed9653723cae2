"""What an approval is about, in plain words: the tool, what it reaches, the plan in numbers, the files, what it has cost."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cutroom_sdk.wire.codec import canonical, to_builtins
from cutroom_sdk.wire.missions import Attempt, GateName
from engine.kernel.errors import StudioError
from engine.kernel.tools import Tool, Tools
from engine.missions import types as missions
from engine.missions.fold import files_of
from engine.missions.items import MANUAL
from engine.policy.rules import Verdict
from engine.runs.types import Work

SHOWN_MAX: Final = 5
# Numbers that tools tell of their results, and how they are said.
NUMBERS: Final[Mapping[str, str]] = {
    "cuts": "{} cuts",
    "duration_s": "{} s long",
    "removed_s": "{} s left out",
    "frames": "{} frames",
    "segments": "{} segments",
    "status": "answered with {}",
}


# Of one, these lose their ending.
SINGULARS: Final = frozenset({"1 cuts", "1 frames", "1 segments"})


def of_gate(mission: missions.Mission, item: missions.Item, gate: GateName, tools: Tools) -> str:
    """Return what a gate of an item is about: what its current run has made, and how."""
    made = item.attempts[-1]
    parts = [
        f"{mission.title}: {item.spec.title} ({gate})",
        _by(item, made, tools),
        _numbers(made.output),
        _reach(item, tools),
        _files(made),
        _notes(made.notices),
        _cost(mission, made),
    ]
    return ". ".join(part for part in parts if part)


def of_call(mission: missions.Mission, work: Work, tool: Tool, arguments: Any, verdict: Verdict) -> str:
    """Return what a call of a tool comes to that somebody is asked for leave for."""
    item = mission.item(work.work_item_id)
    reaches = "; ".join(tool.touches(arguments)) or "the tool does not say where"
    given = canonical(arguments)
    within = "" if tool.name == work.tool else f", called by {work.tool}"
    parts = [
        f"{mission.title}: {item.spec.title if item else work.work_item_id} (leaves this machine)",
        f"{tool.title} ({tool.name}{within})",
        f"to: {reaches}",
        f"with {len(given)} bytes of arguments{_secrets(arguments)}",
        f"asked because {verdict.reason}",
        _spent(mission),
    ]
    return ". ".join(part for part in parts if part)


def _by(item: missions.Item, made: Attempt, tools: Tools) -> str:
    if item.spec.kind == MANUAL:
        return f"done by {made.author or 'somebody outside'}"
    title = tools.get(item.spec.kind).title if item.spec.kind in tools.names() else item.spec.kind
    return f"{title} ({item.spec.kind})"


def _notes(notices: Sequence[str]) -> str:
    if len(notices) < 2:
        return f"note: {notices[0]}" if notices else ""
    return f"{len(notices)} notes, the first: {notices[0]}"


def _numbers(output: Mapping[str, Any]) -> str:
    return ", ".join(
        _number(text, output[name]) for name, text in NUMBERS.items() if _is_number(output.get(name))
    )


def _number(text: str, value: float) -> str:
    said = text.format(value)
    return said.removesuffix("s") if value == 1 and said in SINGULARS else said


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _reach(item: missions.Item, tools: Tools) -> str:
    if item.spec.kind == MANUAL or item.spec.kind not in tools.names():
        return ""
    tool = tools.get(item.spec.kind)
    try:
        return "; ".join(tool.touches(tools.read_stored(item.spec.kind, item.input)[0]))
    except StudioError:
        return ""  # an input that the tool has refused by now has nothing to say


def _files(made: Attempt) -> str:
    files = files_of(made.output)
    if files:
        more = f" and {len(files) - SHOWN_MAX} more" if len(files) > SHOWN_MAX else ""
        return "files: " + ", ".join(f"{one.path} ({one.bytes} bytes)" for one in files[:SHOWN_MAX]) + more
    count = len(made.refs)
    return f"{count} result{'' if count == 1 else 's'}, no files" if count else "no files"


def _cost(mission: missions.Mission, made: Attempt) -> str:
    began, ended = made.started_at_ms or made.requested_at_ms, made.finished_at_ms
    took = "made earlier, at no cost" if made.reused else ""
    if not took and ended is not None:
        took = f"took {(ended - began) / 1000:.1f} s"
    tried = f"attempt {made.attempt} of {mission.budgets.max_attempts}"
    return ", ".join(part for part in (took, tried, _spent(mission)) if part)


def _spent(mission: missions.Mission) -> str:
    most = mission.budgets.max_tool_calls
    return f"{mission.used.tool_calls} of {most} tool calls used" if most is not None else ""


def _secrets(arguments: Any) -> str:
    names = sorted(set(_named(to_builtins(arguments))))
    return f" and the secret{'' if len(names) == 1 else 's'} {', '.join(names)}" if names else ""


def _named(value: Any) -> list[str]:
    """Return the names of secrets that arguments refer to, `{"secret": NAME}`, at any depth."""
    if isinstance(value, Mapping):
        own = [value["secret"]] if isinstance(value.get("secret"), str) else []
        return own + [name for one in value.values() for name in _named(one)]
    if isinstance(value, list | tuple):
        return [name for one in value for name in _named(one)]
    return []
