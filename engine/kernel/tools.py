"""What a run may call: one registry of tools, filled by the features."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

import msgspec
from msgspec import Struct

from cutroom_sdk.wire.codec import Wire, convert
from cutroom_sdk.wire.renders import Check
from engine.kernel.blobs import Blobs
from engine.kernel.context import Context
from engine.kernel.errors import Invalid


class ToolResult(Wire, frozen=True, kw_only=True):
    """What a tool made. `refs` are resource keys, such as `asset/...`, `artifact/...`, `render/...`.

    The refs of an item are what the items that depend on it get; a tool passes on what its followers need. `reused`
    says that earlier work answered. `output` is a small JSON summary for people and for checks (under 16 KiB).
    """

    refs: tuple[str, ...] = ()
    reused: bool = False
    notices: tuple[str, ...] = ()
    output: dict[str, Any] = {}


class Report(Protocol):
    """Tells how far a piece of work is; cheap, may be called often, from the event loop only."""

    def __call__(self, done: float, total: float, note: str = "") -> None:
        """`done` of `total`, in any unit; `note` says what is being done."""
        ...


class Resources(Protocol):
    """Reads published state."""

    async def value(self, key: str, kind: type[Any]) -> Any:
        """Return the resource's value as `kind`, or None when there is none."""
        ...

    async def values(self, prefix: str, kind: type[Any]) -> list[Any]:
        """Return the values of all resources under `prefix`, sorted by key."""
        ...


TOOL_LIMIT_MAX_S: Final = 24 * 3600.0
Propose = Callable[[str, Any], Awaitable[Any]]
CallTool = Callable[[str, dict[str, Any]], Awaitable[ToolResult]]


async def _call_nothing(name: str, _arguments: dict[str, Any]) -> ToolResult:
    raise Invalid(f"{name} cannot be called here: only a run's tool calls others, while the run lasts")


@dataclass(frozen=True, kw_only=True)
class ToolContext:
    """What a tool has at hand while it runs.

    `run_id` is also the idempotency key: the same run asked twice, after a crash, must come to the same end.
    `propose(stream, proposal)` is how it has something recorded; the new state comes back. `reasons` are what made an
    earlier attempt of the same item fail or be denied, `attempt` counts from 1. `role` says as what it is done. `call_tool(name, arguments)` calls another
    tool, through the same gate as the run's own: it raises what the gate refuses with, and where a person has to be asked
    first the run is left, and its tool called again from the beginning when there is leave. What another tool has given is
    kept by its place among these calls, and given again.
    """

    run_id: str
    context: Context
    refs: tuple[str, ...]
    propose: Propose
    resources: Resources
    blobs: Blobs
    report: Report
    now_ms: Callable[[], int]
    attempt: int = 1
    reasons: tuple[str, ...] = ()
    mission_id: str = ""
    role: str = ""
    call_tool: "CallTool" = _call_nothing


ToolCall = Callable[[Any, ToolContext], Awaitable[ToolResult]]
ToolCheck = Callable[[ToolResult, ToolContext], Awaitable[tuple[Check, ...]]]


def _nothing(_arguments: Any) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A thing a run may call.

    `input` is the Struct of its arguments (unknown fields refused). `effect` says how far it reaches: `none` computes,
    `local` writes on this machine, `external` leaves it. `check` is the engine's own test of a result, used by `auto`
    gates. `limit_s` ends a call that takes longer; a day is the most. `idempotent` tools may be called again after a crash.
    Of others `may_repeat` tells whether a call with this input may.
    `verify` looks at arguments that fit `input`, and raises `Invalid` where they are wrong all the same.
    `mend` brings arguments that were stored under other rules to today's, and says what it repaired.
    `touches` tells from arguments what a call would reach, in words for people: the files it writes, the addresses it calls.
    `targets` tells the same to the gate: absolute paths, and addresses (`https://studio.example/path`).
    """

    name: str
    title: str
    input: type[Struct]
    call: ToolCall
    effect: Literal["none", "local", "external"]
    capability: str
    limit_s: float
    idempotent: bool = True
    check: ToolCheck | None = None
    touches: Callable[[Any], tuple[str, ...]] = _nothing
    targets: Callable[[Any], tuple[str, ...]] = _nothing
    may_repeat: Callable[[Any], bool] | None = None
    verify: Callable[[Any], None] | None = None
    mend: Callable[[dict[str, Any]], tuple[dict[str, Any], tuple[str, ...]]] | None = None

    def repeatable(self, arguments: Any) -> bool:
        """Tell whether a call may be made again when nobody knows what became of it."""
        return self.idempotent or (self.may_repeat is not None and self.may_repeat(arguments))


Listing = Callable[[Sequence[str], Context], Awaitable[list[str]]]


@dataclass
class Tools:
    """The registry; beside the tools, what tells of kinds of things that stand for several which ones they are."""

    _tools: dict[str, Tool] = field(default_factory=dict)
    _listings: dict[str, Listing] = field(default_factory=dict)

    def add(self, tool: Tool) -> None:
        """Register a tool; its name must be free."""
        assert tool.name not in self._tools, f"two tools are called {tool.name}"
        assert 0 < tool.limit_s <= TOOL_LIMIT_MAX_S, f"{tool.name} has a limit of {tool.limit_s} s"
        self._tools[tool.name] = tool

    def get(self, name: str) -> Tool:
        """Return the tool.

        Raises:
            Invalid: `unknown_tool`, with the names there are.
        """
        if name not in self._tools:
            raise Invalid(
                f"no tool is called {name!r}; there are {', '.join(self.names())}", code="unknown_tool"
            )
        return self._tools[name]

    def list_with(self, kind: str, listing: Listing) -> None:
        """Register who tells which single things `kind` comes to: the files of a folder of footage."""
        assert kind not in self._listings, f"two listings of {kind}"
        self._listings[kind] = listing

    async def listed(self, kind: str, texts: Sequence[str], context: Context) -> list[str]:
        """Return the single things that `texts` stand for; themselves where nobody knows better.

        Raises:
            StudioError: as whoever tells.
        """
        listing = self._listings.get(kind)
        return list(texts) if listing is None else await listing(texts, context)

    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self._tools))

    def read_input(self, name: str, arguments: dict[str, Any]) -> Any:
        """Return a tool's arguments as its input type.

        Raises:
            Invalid: `unknown_tool`, or the arguments do not fit; the text names the field.
        """
        tool = self.get(name)
        try:
            read = convert(arguments, tool.input)
        except msgspec.ValidationError as error:
            raise Invalid(f"the input of {name}: {error}", field="input") from error
        if tool.verify is not None:
            tool.verify(read)
        return read

    def read_stored(self, name: str, arguments: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
        """Return arguments that were taken once as a tool's input type, and what had to be repaired.

        Raises:
            Invalid: as `read_input`, where nothing mends them.
        """
        mend = self.get(name).mend
        mended, notices = (arguments, ()) if mend is None else mend(arguments)
        return self.read_input(name, mended), notices
