"""Where the values of secrets lie: one file beside the log, for its owner alone, and in no event, record or backup.

Everything else says `{"secret": NAME}`. The value is looked up by the effect that needs it, when it needs it, and what an
effect then proposes is searched for it before it is appended.
"""

import asyncio
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from cutroom_sdk.wire.codec import decode, encode
from engine.kernel import failpoints
from engine.kernel.context import Context
from engine.kernel.errors import Invalid, NotFound, Unavailable
from engine.kernel.fold import Asked
from engine.kernel.redaction import Needle, redacted, redacted_text

FILE: Final = "secrets.json"
VALUE_MIN: Final = 8  # shorter ones occur by chance in what has nothing to do with them
VALUE_MAX: Final = 4096
NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
reach = failpoints.points("vault", "new_synced", "renamed")


class _Kept(Struct, frozen=True, kw_only=True):
    """The file: partition -> name -> value."""

    secrets: dict[str, dict[str, str]] = {}


class Vault:
    """The secrets of one state directory, each belonging to a partition."""

    def __init__(self, path: Path, kept: _Kept) -> None:
        self._path = path
        self._kept = kept
        # Values that were replaced or removed may still be on their way in what is under way: they stay known.
        self._needles: dict[str, list[tuple[str, Needle]]] = {}
        self._writing = asyncio.Lock()
        for partition, values in kept.secrets.items():
            for name, value in values.items():
                self._know(partition, name, value)

    @classmethod
    def open(cls, folder: Path) -> "Vault":
        """Read the file, if there is one.

        Raises:
            Invalid: others may read it, or it is not what this program wrote.
        """
        path = folder / FILE
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            content = path.read_bytes()
        except FileNotFoundError:
            return cls(path, _Kept())
        if mode & 0o077:
            raise Invalid(
                f"{path} may be read by others (mode {mode:o}); chmod 600 it, and think of its secrets as known",
                field=str(path),
            )
        try:
            return cls(path, decode(content, _Kept))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Invalid(
                f"{path} is damaged: {error}; remove it and set the secrets anew", field=str(path)
            ) from error

    async def keep(self, partition: str, name: str, value: str) -> None:
        """Keep a value under a name, durably, in place of the one there was.

        Raises:
            Invalid: a name that is none, or a value that has not 8 to 4096 bytes.
            Unavailable: `insufficient_storage`; the value there was stands.
        """
        check_name(name)
        check_value(value)
        async with self._writing:
            self._know(partition, name, value)  # before it can be used for the first time
            await self._set(partition, {**self._kept.secrets.get(partition, {}), name: value})

    async def drop(self, partition: str, name: str) -> None:
        """Forget a value, durably; until the daemon ends it is still taken out of what is appended.

        Raises:
            Unavailable: `insufficient_storage`.
        """
        async with self._writing:
            values = self._kept.secrets.get(partition, {})
            if name in values:
                await self._set(partition, {one: values[one] for one in values if one != name})

    def value(self, partition: str, name: str) -> str:
        """Return a secret. Never to be proposed, logged or told.

        Raises:
            NotFound: there is none of this name here.
        """
        found = self._kept.secrets.get(partition, {}).get(name)
        if found is None:
            raise NotFound(
                f"there is no secret {name[:64]!r} on this machine; 'cutroom secret set NAME' keeps one",
                secret=name[:64],
            )
        return found

    def redacted(self, value: Any, partition: str) -> Any:
        """Return a value of the domain or the wire without this partition's secrets."""
        return redacted(value, self._needles.get(partition, ()))

    def redacted_text(self, text: str) -> str:
        """Return a text, such as a line of the program's log, without anybody's secrets."""
        for needles in self._needles.values():
            text = redacted_text(text, needles)
        return text

    def screened(self, asked: Sequence[Asked], context: Context) -> Sequence[Asked]:
        """Return proposals without secrets where the engine itself makes them; others know what they write."""
        if context.partition not in self._needles or not context.is_engine:
            return asked
        return [
            Asked(one.stream, self.redacted(one.proposal, context.partition), one.expected_version)
            for one in asked
        ]

    def _know(self, partition: str, name: str, value: str) -> None:
        known = self._needles.setdefault(partition, [])
        known.append((name, Needle(value)))
        # The longest first: one may be part of another.
        known.sort(key=lambda one: -one[1].length)

    async def _set(self, partition: str, values: dict[str, str]) -> None:
        kept = _Kept(secrets={**self._kept.secrets, partition: values})
        try:
            await asyncio.to_thread(_write, self._path, encode(kept))
        except OSError as error:
            raise Unavailable(
                f"{self._path} was not written: {error.strerror}", code="insufficient_storage"
            ) from error
        self._kept = kept


def check_name(name: str) -> None:
    """Check the name of a secret.

    Raises:
        Invalid: it is none.
    """
    if not NAME.fullmatch(name):
        raise Invalid(
            f"{name[:64]!r} is no name of a secret: a letter, then up to 63 letters, digits, - and _",
            field="name",
        )


def check_value(value: str) -> None:
    """Check the value of a secret; what is wrong with it is told without it.

    Raises:
        Invalid: too short or too long.
    """
    size = len(value.encode("utf-8", "surrogatepass"))
    if not VALUE_MIN <= size <= VALUE_MAX:
        raise Invalid(
            f"the value has {size} bytes; {VALUE_MIN} to {VALUE_MAX} are taken: shorter ones could not be told from what"
            " looks like them by chance",
            field="value",
        )


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    reach("new_synced")
    temporary.replace(path)
    reach("renamed")
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
