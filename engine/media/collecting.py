"""The footage of folders: found by name, taken in one file after the other, what cannot be used named and left out."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from engine.kernel.context import Context
from engine.kernel.errors import Forbidden, Invalid, Rejected
from engine.media.registering import Registrar

FOOTAGE: Final = frozenset(
    {".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mts", ".m2ts", ".mpg", ".mpeg", ".mxf"}
)
FILES_MAX: Final = 1_000
ASSET: Final = "asset/"  # before the id of footage that is here already
Report = Callable[[int, int, str], None]


async def collected(
    sources: Sequence[str], registrar: Registrar, context: Context, report: Report
) -> tuple[list[str], list[str]]:
    """Return the ids of the assets that the sources come to, each once, and notices of what was left out.

    Raises:
        Invalid: nothing was named, there is no footage, or more than `FILES_MAX` files.
        StudioError: as `Registrar.take_path`, of a file that was named itself.
    """
    wanted = await _files(sources, registrar)
    taken: dict[str, None] = {}
    notices: list[str] = []
    for number, (path, named) in enumerate(wanted.items()):
        report(number, len(wanted), os.path.basename(path))
        if path.startswith(ASSET):
            taken[(await registrar.check(path.removeprefix(ASSET), context)).asset.asset_id] = None
            continue
        try:
            asset = (await registrar.take_path(path, None, context)).asset
        except (Invalid, Forbidden, Rejected) as error:
            if named:
                raise
            notices.append(f"left out: {error.detail}")
            continue
        if asset.video is None and not named:
            notices.append(f"left out: {asset.name} has no picture")
            continue
        taken[asset.asset_id] = None
    if not taken:
        raise Invalid(f"there is no footage in {', '.join(sources)}", field="sources")
    return list(taken), notices


async def listed(sources: Sequence[str], registrar: Registrar) -> list[str]:
    """Return the files, and `asset/{id}`, that the sources come to, none of them opened.

    Raises:
        Invalid: as `collected`.
        Forbidden: a source lies where no footage may be read.
    """
    return list(await _files(sources, registrar))


async def _files(sources: Sequence[str], registrar: Registrar) -> dict[str, bool]:
    """Return what there is to take in, in order, and whether each was named itself."""
    if not sources:
        raise Invalid("sources is empty; name a file or a folder", field="sources")
    for source in sources:
        if source.startswith(ASSET):
            continue
        if not source.startswith("/") or "\0" in source:
            raise Invalid(f"{source[:200]!r} is not an absolute path, nor asset/ and an id", field="sources")
        registrar.check_place(source)
    wanted = await asyncio.to_thread(_wanted, sources)
    if not wanted:
        raise Invalid(f"there is no footage in {', '.join(sources)}", field="sources")
    if len(wanted) > FILES_MAX:
        raise Invalid(f"there are {len(wanted)} files; {FILES_MAX} are the most", field="sources")
    return wanted


def _wanted(sources: Sequence[str]) -> dict[str, bool]:
    """Return the files to take in, in order, and whether each was named itself; hidden ones are no footage.

    Whether they may be read is for the registrar to say: here they are only listed.
    """
    found: dict[str, bool] = {}
    for source in sources:
        if source.startswith(ASSET) or not os.path.isdir(source):
            found[source] = True
            continue
        for path in sorted(Path(source).iterdir()):
            if path.suffix.lower() in FOOTAGE and not path.name.startswith("."):
                found.setdefault(str(path), False)
    return found
