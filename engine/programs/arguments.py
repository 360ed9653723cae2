"""What programs take: from arguments as they are described to a type that reads them, and to what the program gets."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from cutroom_sdk.wire.media import Asset
from cutroom_sdk.wire.programs import ToolArgument
from cutroom_sdk.wire.renders import Render
from engine.kernel.errors import Invalid, NotFound
from engine.kernel.tools import ToolContext
from engine.media.files import source_path

TEXT_MAX: Final = 10_000
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_FILE: Final = r"^(asset|render)/[A-Za-z0-9._~-]{1,128}$"


def input_type(name: str, arguments: Mapping[str, ToolArgument]) -> type[Struct]:
    """Return a type that takes these arguments and no others.

    Raises:
        Invalid: the description is wrong in itself.
    """
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for argument, told in arguments.items():
        if not _NAME.fullmatch(argument) or argument == "folder":
            raise Invalid(f"{name}: {argument!r} is no name for an argument: small letters, digits and _")
        kind = _type(f"{name}: {argument}", told)
        if told.default is None:
            fields.append((argument, kind))
            continue
        try:
            msgspec.convert(told.default, kind)
        except msgspec.ValidationError as error:
            raise Invalid(f"{name}: the default of {argument}: {error}") from error
        fields.append((argument, kind, told.default))
    return msgspec.defstruct(name, fields, frozen=True, kw_only=True, forbid_unknown_fields=True)


def _type(what: str, told: ToolArgument) -> Any:
    match told.type:
        case "text":
            pattern = None if told.pattern is None else f"^(?:{told.pattern})$"
            try:
                re.compile(pattern or "")
            except re.error as error:
                raise Invalid(f"{what}: the pattern {told.pattern!r} is none: {error}") from error
            return Annotated[str, Meta(max_length=TEXT_MAX, pattern=pattern)]
        case "integer":
            least = None if told.minimum is None else math.ceil(told.minimum)
            most = None if told.maximum is None else math.floor(told.maximum)
            return Annotated[int, Meta(ge=least, le=most)]
        case "number":
            return Annotated[float, Meta(ge=told.minimum, le=told.maximum)]
        case "boolean":
            return bool
        case "choice":
            if not told.choices:
                raise Invalid(f"{what}: a choice needs choices")
            return Literal[told.choices]
        case "file":
            return Annotated[str, Meta(pattern=_FILE)]


def as_text(value: Any) -> str:
    """Return an argument as a part of a command line has it: `true` and `false` for a boolean.

    >>> as_text(True), as_text(3), as_text("a b")
    ('true', '3', 'a b')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


async def given(
    read: Struct, arguments: Mapping[str, ToolArgument], context: ToolContext
) -> tuple[dict[str, Any], list[str]]:
    """Return what a program gets, with paths for files, and those paths.

    Raises:
        NotFound, Rejected: a file is not there, or was changed.
    """
    values: dict[str, Any] = msgspec.structs.asdict(read)
    paths: list[str] = []
    for name, told in arguments.items():
        if told.type == "file":
            values[name] = str(await _path(values[name], context))
            paths.append(values[name])
    return values, paths


async def _path(ref: str, context: ToolContext) -> Path:
    if ref.startswith("asset/"):
        asset: Asset | None = await context.resources.value(ref, Asset)
        if asset is not None:
            return source_path(asset, context.blobs)
    else:
        render: Render | None = await context.resources.value(ref, Render)
        if render is not None and render.output is not None:
            return context.blobs.path(render.output.sha256)
    raise NotFound(f"{ref} is not there, or has no file", ref=ref)
