"""What a worker process may be asked to do: functions that are marked, and nothing else.

    @task
    def probe(request: ProbeRequest, files: Files, report: Report) -> Probe: ...

The parent names it `engine.media.probe:probe`. Request and result are Structs; files come as open descriptors, for the
process has no paths. What needs a path (a model, a font, a shared library) is loaded by a function marked `@warm_up`,
which runs once when the process starts, before it locks itself down. What a task keeps between two of its kind (an open file,
a decoder) is given up by a function marked `@let_go`, which runs when other work comes, or none for a while.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, get_type_hints

from msgspec import Struct

Q = TypeVar("Q", bound=Struct)
R = TypeVar("R", bound=Struct)
W = TypeVar("W", bound=Callable[[], object])


@dataclass(frozen=True)
class Files:
    """Open descriptors: `inputs` are readable, `outputs` readable and writable, both in the order of the request."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...] = ()


class Report(Protocol):
    """Tells the parent how far the work is; cheap, may be called for every frame."""

    def __call__(self, done: float, total: float) -> None:
        """`done` of `total`, in any unit."""
        ...


Work = Callable[[Q, Files, Report], R]


@dataclass(frozen=True)
class Task:
    """A registered function with the Structs it takes and gives."""

    name: str
    request: type[Struct]
    result: type[Struct]
    work: Callable[[Any, Files, Report], Struct]


_tasks: dict[str, Task] = {}
_warm_ups: dict[str, Callable[[], object]] = {}
_let_gos: dict[str, Callable[[], object]] = {}


def task(work: Work[Q, R]) -> Work[Q, R]:
    """Register a function as work for the pool, under `module:function`. It stays callable as it is."""
    hints = get_type_hints(work)
    result = hints.pop("return")
    request = next(iter(hints.values()))
    name = _name(work)
    _tasks[name] = Task(name=name, request=request, result=result, work=work)
    return work


def warm_up(load: W) -> W:
    """Run a function when a worker process starts, while it still may open files."""
    _warm_ups[_name(load)] = load
    return load


def let_go(give_up: W) -> W:
    """Run a function when what was kept for the next task of the same kind is not wanted any more."""
    _let_gos[_name(give_up)] = give_up
    return give_up


def tasks() -> dict[str, Task]:
    """Return all registered tasks by name."""
    return dict(_tasks)


def run_warm_ups() -> None:
    """Run what is marked with `@warm_up` and has not run yet, in the order in which it was registered."""
    while _warm_ups:
        _warm_ups.pop(next(iter(_warm_ups)))()


def run_let_gos() -> None:
    """Run what is marked with `@let_go`."""
    for give_up in _let_gos.values():
        give_up()


def no_report(done: float, total: float) -> None:
    """Report to nobody: for calling a task as the plain function that it is."""


def _name(function: Callable[..., object]) -> str:
    return f"{function.__module__}:{function.__qualname__}"
