"""Events of older versions, brought up to today's when they are read; what lies in the log is never changed.

A feature whose event gets another shape, or another name, leaves a function from the older JSON to today's under the name
that lies in logs. Reducers, reactions and streams then know today's events alone. Exports, hashes and proofs are of what
lies there.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from cutroom_sdk.wire.codec import encode

# From an event's decoded JSON, of any older version, to that of today's; what is today's already comes back as it is.
Upcast = Callable[[dict[str, Any]], dict[str, Any]]
NAMES_MAX: Final = 16


class Upcasts:
    """The functions of all features, by the type of event that they take."""

    def __init__(self, by_type: Mapping[str, Upcast]) -> None:
        self._by_type = dict(by_type)

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._by_type)

    @property
    def types(self) -> frozenset[str]:
        """The types, as they lie in logs, that there is a function for."""
        return frozenset(self._by_type)

    def bring_up(self, kind: str, data: bytes) -> tuple[str, bytes]:
        """Return an event's type and JSON as they are today.

        An event that was renamed is brought up under its new name again, so that each function knows one step.
        """
        if kind not in self._by_type:
            return kind, data
        told: dict[str, Any] = msgspec.json.decode(data)
        for _ in range(NAMES_MAX):
            upcast = self._by_type.get(kind)
            if upcast is None:
                break
            told = upcast(told)
            before, kind = kind, told["type"]
            if kind == before:
                break
        else:
            raise AssertionError(f"the upcasts of {kind} rename it in a circle")
        return kind, encode(told)


NONE: Final = Upcasts({})
