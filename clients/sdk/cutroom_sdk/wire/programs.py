"""Programs that are not the engine's: commands that its operator allows, and what they and tools of packages take."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from cutroom_sdk.wire.codec import Request

Seconds = Annotated[float, Meta(gt=0, le=86_400)]


class ToolArgument(Request, frozen=True, kw_only=True):
    """What a command or a tool of a package takes under one name. `default` None: it must be given.

    A `text` matches `pattern` from its beginning to its end, where one is given. A `choice` is one of `choices`. Numbers
    lie in `[minimum, maximum]`. A `file` is named `asset/{id}` or `render/{id}`; the program gets the path of the file.
    """

    type: Literal["text", "integer", "number", "boolean", "choice", "file"]
    help: str = ""
    default: str | int | float | bool | None = None
    pattern: str | None = None
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


class AllowedCommand(Request, frozen=True, kw_only=True):
    """A command that missions may run, in the setting `commands`. No shell is between: each part of `argv` is one argument.

    In parts after the first, `$name` is the argument of this name, `$folder` the folder that is the command's own, `$$` a
    dollar sign. `reads` are files and folders that it may read beside the system's programs and libraries.
    """

    argv: Annotated[tuple[str, ...], Meta(min_length=1)]
    args: dict[str, ToolArgument] = {}
    reads: tuple[str, ...] = ()
    limit_s: Seconds = 600.0


class CommandInput(Request, frozen=True, kw_only=True):
    """Input of the tool `command`: the name of a command that the setting `commands` allows, and its arguments."""

    command: str
    args: dict[str, Any] = {}
