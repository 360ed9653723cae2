"""What goes in and where the result goes: checked before anything is started."""

import hashlib
import re
import stat
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final

import msgspec

from clients.cli.options import CommandError
from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.problems import CONFLICT, NOT_FOUND
from cutroom_sdk.wire.renders import Sidecar

CONTAINERS: Final = frozenset({".mp4", ".m4v"})
_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # a path has lost the second slash


def footage(paths: Sequence[Path]) -> list[Path]:
    """Return the footage as absolute paths of regular files, in the order given and as often as given.

    Raises:
        CommandError: one is not there, is empty, or is no regular file.
    """
    found: list[Path] = []
    for path in paths:
        try:
            real = path.expanduser().resolve(strict=True)
            status = real.stat()
        except FileNotFoundError as error:
            if _ADDRESS.match(str(path)):
                address = str(path).replace(":/", "://", 1)
                raise CommandError(f"{address} is an address; fetch it first and name the file") from error
            raise CommandError(f"there is no file {path}", NOT_FOUND) from error
        except (OSError, RuntimeError) as error:
            raise CommandError(f"{path} cannot be read: {error}") from error
        if not stat.S_ISREG(status.st_mode):
            raise CommandError(f"{path} is not a regular file; name the footage itself")
        if status.st_size == 0:
            raise CommandError(f"{path} is empty; there is nothing to cut")
        found.append(real)
    return found


def output_path(given: Path | None, sources: Sequence[Path], profile: str, here: Path) -> Path:
    """Return the absolute path of the file to write.

    Without `-o` it is `{first source}-{profile}.mp4` in `here`, `-edit` for the profile `source`, which is no target; a
    folder gets that name too.

    Raises:
        CommandError: it is a source, or would be no MP4.
    """
    word = "edit" if profile == "source" else profile
    name = f"{sources[0].stem}-{word}.mp4"
    target = (here / name) if given is None else (here / given.expanduser())
    if given is not None and (target.is_dir() or str(given).endswith("/")):
        target /= name
    target = target.parent.resolve() / target.name
    if target.suffix.lower() not in CONTAINERS:
        raise CommandError(f"{target.name} would be no MP4; name the output something.mp4")
    if any(_same_file(target, source) for source in sources):
        raise CommandError(f"{target} is a source; footage is never overwritten, name another output with -o")
    return target


def numbered(target: Path) -> Iterator[Path]:
    """Yield `target` and, without end, its names with a number: `a.mp4`, `a-2.mp4`, `a-3.mp4`.

    >>> names = numbered(Path("a.mp4")); next(names).name, next(names).name
    ('a.mp4', 'a-2.mp4')
    """
    yield target
    for number in count(2):
        yield target.with_stem(f"{target.stem}-{number}")


def check_free(target: Path, *, force: bool) -> bool:
    """Check that the output may be written; return whether an earlier result of ours lies there.

    Raises:
        CommandError: there is a file that did not come from here, or was changed since, and `force` was not given.
    """
    if not target.exists():
        return False
    if not target.is_file():
        raise CommandError(f"{target} is there and is no file; name another output with -o", CONFLICT)
    if force:
        return False
    if not _is_ours(target):
        raise CommandError(
            f"{target} is there and did not come from here as it is; --force overwrites it", CONFLICT
        )
    return True


def check_captions(sidecars: Sequence[Sidecar], target: Path, *, force: bool) -> None:
    """Check that files of captions replace nothing but what was delivered with the film that lies at `target`.

    Raises:
        CommandError: there is one that did not come from here, and `force` was not given.
    """
    ours = {one.get("path"): one.get("sha256") for one in _receipt(target).get("sidecars", ())}
    for one in sidecars:
        place = Path(one.path)
        if place.exists() and not force and _hash_of(place) not in (one.sha256, ours.get(one.path)):
            raise CommandError(
                f"{place} is there and did not come from here; --force overwrites it", CONFLICT
            )


def mission_of(target: Path) -> str | None:
    """Return the id of the mission that delivered the file as it is now; None: none did, or there is no file."""
    if not (target.is_file() and _is_ours(target)):
        return None
    mission_id = _receipt(target).get("mission_id")
    return mission_id if isinstance(mission_id, str) else None


def _is_ours(target: Path) -> bool:
    """Tell whether the receipt beside a file is this file's: same content as when it was delivered."""
    try:
        expected = _receipt(target)["output"]["sha256"]
    except (KeyError, TypeError):
        return False
    return _hash_of(target) == str(expected)


def _hash_of(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _receipt(target: Path) -> dict[str, Any]:
    try:
        return decode(Path(f"{target}.receipt.json").read_bytes(), dict[str, Any])
    except (OSError, msgspec.MsgspecError):
        return {}


def _same_file(target: Path, source: Path) -> bool:
    return target == source or (target.exists() and target.samefile(source))
