"""From what is asked for to a routine in which nothing is left open: its schedule, its folder, what it may do."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from cutroom_sdk.wire.routines import Chain, Entrypoint, RoutineRequest, Watch
from engine.kernel.context import Context
from engine.kernel.errors import Forbidden, Invalid
from engine.routines.ticks import local_date, ticks
from engine.routines.types import Definition, Work

_PLACE: Final = re.compile(r"\$(date|file)\b")


class Needs(NamedTuple):
    """What an entrypoint uses: its tools, and the capabilities that these need."""

    tools: tuple[str, ...]
    capabilities: tuple[str, ...]


class Check(Protocol):
    """Tells what an entrypoint with its arguments would come to; `engine.wiring` knows missions and tools."""

    def __call__(self, name: str, entrypoint: Entrypoint, args: dict[str, Any], context: Context) -> Needs:
        """Return what it uses.

        Raises:
            Invalid: there is no such template or tool, or the arguments do not fit; `field` says which.
            Forbidden: `context` lacks a capability that it needs.
        """
        ...


def read(
    asked: RoutineRequest, context: Context, *, check: Check, roots: Sequence[Path]
) -> tuple[Definition, tuple[str, ...]]:
    """Return the definition that a request comes to, and the capabilities that its missions need.

    Raises:
        Invalid: it is wrong in itself; the text names the field and what would be right.
        Forbidden: `path_outside_roots`; or it needs a capability that the caller lacks.
    """
    if asked.schedule is None and asked.watch is None and asked.chain is None:
        raise Invalid("nothing makes it fire; give a schedule, a watch or a chain", field="schedule")
    if asked.schedule is not None:
        ticks(asked.schedule, 0)
    _check_misfire(asked)
    if asked.watch is not None:
        if not context.has_files:
            raise Forbidden(
                "folders of this machine are its operator's; a routine of another tenant watches none",
                code="path_outside_roots",
                path=asked.watch.folder,
            )
        check_folder(asked.watch, roots)
    if asked.chain is not None:
        _check_chain(asked.chain)
    _exactly_one("entrypoint", mission=asked.entrypoint.mission, tool=asked.entrypoint.tool)
    sample = _filled(asked.args, {"date": "2000-01-01", "file": "/file"})
    if asked.watch is None and "file" in _places(asked.args):
        raise Invalid("$file stands for the file of a watched folder, and there is no watch", field="args")
    needs = check(asked.name, asked.entrypoint, sample, context)
    _check_targets(asked)
    definition = Definition(
        name=asked.name,
        entrypoint=asked.entrypoint,
        args=asked.args,
        schedule=asked.schedule,
        watch=asked.watch,
        chain=asked.chain,
        misfire=asked.misfire,
        overlap=asked.overlap,
        jitter_ms=asked.jitter_ms,
        allowed_tools=_allowed(asked, needs.tools),
        output_targets=asked.output_targets,
        requires_approval=asked.requires_approval,
        external_effects_allowed=asked.external_effects_allowed,
    )
    return definition, needs.capabilities


def request_of(definition: Definition) -> RoutineRequest:
    """Return what would be asked for to come to this definition: what a patch is applied to."""
    named = {name: getattr(definition, name) for name in definition.__struct_fields__}
    return RoutineRequest(**named)


def args_of(work: Work) -> dict[str, Any]:
    """Return the arguments of a run: `$date` and `$file` filled in."""
    schedule = work.definition.schedule
    timezone = schedule.timezone if schedule is not None and schedule.timezone is not None else "UTC"
    places = {"date": local_date(work.due_at_ms, timezone)}
    if work.file is not None:
        places["file"] = work.file
    filled: dict[str, Any] = _filled(work.definition.args, places)
    return filled


def check_folder(watch: Watch, roots: Sequence[Path]) -> Path:
    """Return the real path of a watched folder.

    Raises:
        Invalid: not an absolute path, or a pattern that is more than a file's name.
        Forbidden: `path_outside_roots`.
    """
    if not watch.folder.startswith("/") or "\0" in watch.folder:
        raise Invalid(f"{watch.folder[:200]!r} is not an absolute path", field="watch.folder")
    if not watch.pattern or "/" in watch.pattern:
        raise Invalid(
            f"the pattern is {watch.pattern[:100]!r}; a file's name such as *.mp4 is taken",
            field="watch.pattern",
        )
    real = Path(watch.folder).resolve()
    if not any(real.is_relative_to(root) for root in roots):
        places = ", ".join(str(root) for root in roots)
        raise Forbidden(
            f"{watch.folder} is outside the media roots ({places}); add it to media_roots, or watch another folder",
            code="path_outside_roots",
            path=watch.folder,
            field="watch.folder",
        )
    return real


def _check_misfire(asked: RoutineRequest) -> None:
    catches_up = asked.misfire.policy == "catch_up"
    if catches_up and asked.misfire.max_runs is None:
        raise Invalid("catch_up needs max_runs: how many missed ticks fire at most", field="misfire.max_runs")
    if not catches_up and asked.misfire.max_runs is not None:
        raise Invalid(
            f"max_runs belongs to catch_up; {asked.misfire.policy} takes none", field="misfire.max_runs"
        )


def _check_chain(chain: Chain) -> None:
    _exactly_one("chain", routine_id=chain.routine_id, template=chain.template)


def _exactly_one(field: str, **given: str | None) -> None:
    if sum(value is not None for value in given.values()) != 1:
        raise Invalid(f"{field} has exactly one of {' and '.join(given)}", field=field)


def _check_targets(asked: RoutineRequest) -> None:
    for place, target in enumerate(asked.output_targets):
        if not target.startswith(("/", "https://", "http://")):
            raise Invalid(
                f"{target[:200]!r} is neither an absolute path nor an address such as https://studio.example/path",
                field=f"output_targets[{place}]",
            )


def _allowed(asked: RoutineRequest, needed: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tools that are allowed: those named, which must cover what is needed, else what is needed."""
    if not asked.allowed_tools:
        return needed
    for tool in needed:
        if tool not in asked.allowed_tools:
            raise Invalid(
                f"the entrypoint uses {tool}, which allowed_tools leaves out", field="allowed_tools"
            )
    return asked.allowed_tools


def _filled(value: Any, places: dict[str, str]) -> Any:
    match value:
        case str():
            return _PLACE.sub(lambda found: places.get(found[1], found[0]), value)
        case list():
            return [_filled(one, places) for one in value]
        case dict():
            return {name: _filled(one, places) for name, one in value.items()}
        case _:
            return value


def _places(value: Any) -> set[str]:
    match value:
        case str():
            return set(_PLACE.findall(value))
        case list():
            return set().union(*(_places(one) for one in value))
        case dict():
            return set().union(*(_places(one) for one in value.values()))
        case _:
            return set()
