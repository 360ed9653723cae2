"""Which query parameters a route takes, as the interface's description says; any other is refused by its name.

A parameter that is misspelt would otherwise be left out in silence, and a list of one thing become a list of everything.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from engine.kernel.errors import Invalid

_CONVERTOR: Final = re.compile(r":\w+\}")
ANYWHERE: Final = frozenset({"tenant", "env"})  # the gate sees to it that they name the token's own partition
Taken = Mapping[Callable[..., Any], frozenset[str]]


class _Parameter(Struct, frozen=True, kw_only=True):
    name: str = ""
    place: str = msgspec.field(name="in", default="")


class _Operation(Struct, frozen=True, kw_only=True):
    parameters: tuple[_Parameter, ...] = ()


class _Document(Struct, frozen=True, kw_only=True):
    paths: dict[str, dict[str, _Operation]]


def taken(routes: Sequence[BaseRoute], document: bytes) -> Taken:
    """Return the names that each endpoint of `routes` takes, as far as the OpenAPI document knows it."""
    paths = msgspec.json.decode(document, type=_Document).paths
    return dict(_found(routes, paths))


def _found(
    routes: Sequence[BaseRoute], paths: Mapping[str, Mapping[str, _Operation]]
) -> Iterator[tuple[Callable[..., Any], frozenset[str]]]:
    for route in routes:
        if not isinstance(route, Route):
            continue
        operations = paths.get(_CONVERTOR.sub("}", route.path), {})
        for method in route.methods or ():
            if (operation := operations.get(method.lower())) is not None:
                yield (
                    route.endpoint,
                    frozenset(one.name for one in operation.parameters if one.place == "query"),
                )


def check(request: Request) -> None:
    """Check that a request asks with parameters that its route takes.

    Raises:
        Invalid: with the name of the first that it does not.
    """
    if not request.scope["query_string"]:
        return
    names = request.app.state.queries.get(request.scope["endpoint"])
    for name in request.query_params if names is not None else ():
        if name not in names and name not in ANYWHERE:
            there_are = ", ".join(sorted(names)) or "none"
            raise Invalid(
                f"there is no query parameter {name[:80]!r} here; there are: {there_are}", field=name[:80]
            )
