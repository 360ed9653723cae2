"""What there is: routes, kinds of streams, payloads, settings, error codes. Read from the code, never listed by hand."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec import Struct
from starlette.routing import Route

import cutroom_sdk.wire
import engine
from engine.http.requests import BODY_MAX
from engine.kernel.kernel import OWN
from engine.kernel.records import ResourcesChanged
from engine.kernel.reducer import Aggregate, tag_of

ROOT: Final = Path(__file__).resolve().parent.parent
assert BODY_MAX  # the border is imported first, so that features find it whole


class Served(NamedTuple):
    """One method of one path, and the function that answers it."""

    method: str
    path: str
    endpoint: Callable[..., Any]

    @property
    def name(self) -> str:
        """`GET /v1/missions`."""
        return f"{self.method} {self.path}"


class Happening(NamedTuple):
    """A type of event: its tag, the kind of stream it belongs to, its Struct."""

    struct: type[Struct]
    kind: str
    type: str


def served() -> list[Served]:
    """Return all that is served, sorted by path and method."""
    found = [one for module in _modules("routes") for one in _served_by(module)]
    return sorted(found, key=lambda one: (one.path, one.method))


def _served_by(module: Any) -> Iterator[Served]:
    for route in getattr(module, "routes", []):
        if isinstance(route, Route):
            for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
                endpoint = getattr(route.endpoint, "_endpoint", route.endpoint)
                yield Served(method, route.path.replace(":path}", "}"), endpoint)


def _modules(name: str) -> Iterator[Any]:
    """Yield the modules called `name`, or beginning with `name` and an underscore, of the engine's folders."""
    folder = Path(engine.__path__[0])
    for file in sorted([*folder.glob(f"*/{name}.py"), *folder.glob(f"*/{name}_*.py")]):
        yield importlib.import_module(".".join(("engine", *file.relative_to(folder).with_suffix("").parts)))


def aggregates() -> list[Aggregate[Any, Any, Any]]:
    """Return every kind of stream, sorted by kind."""
    found = {one.kind: one for one in OWN}
    for module in _modules("reducer"):
        for value in vars(module).values():
            if isinstance(value, Aggregate):
                found[value.kind] = value
    return [found[kind] for kind in sorted(found)]


def happenings() -> list[Happening]:
    """Return every type of event, sorted by kind of stream, then in the order of its union."""
    found = [Happening(ResourcesChanged, "resources", tag_of(ResourcesChanged))]
    for aggregate in aggregates():
        found += [Happening(struct, aggregate.kind, tag_of(struct)) for struct in aggregate.event_types()]
    return sorted(found, key=lambda one: one.kind)


def payloads() -> dict[str, list[type[Struct]]]:
    """Return the wire's Struct types by the module that defines them, in the order they stand there."""
    found: dict[str, list[type[Struct]]] = {}
    for info in pkgutil.iter_modules(cutroom_sdk.wire.__path__):
        module = importlib.import_module(f"cutroom_sdk.wire.{info.name}")
        own = [one for one in vars(module).values() if _is_payload(one, module.__name__)]
        if own and info.name != "codec":
            found[info.name] = own
    return found


def _is_payload(value: Any, module: str) -> bool:
    return isinstance(value, type) and issubclass(value, Struct) and value.__module__ == module
