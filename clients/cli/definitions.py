"""Definitions of routines: TOML files, those that ship with Cutroom among them, and what options say of one."""

import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

import clients
from clients.cli.options import CommandError
from cutroom_sdk.wire.codec import convert, to_builtins
from cutroom_sdk.wire.problems import NOT_FOUND
from cutroom_sdk.wire.routines import Routine, RoutineRequest

SUFFIX = ".toml"


def shipped() -> dict[str, Path]:
    """Return the definitions that ship with Cutroom, by name: beside the package, or in the repository's own folder."""
    package = Path(next(iter(clients.__path__)))
    folder = next((one for one in (package / "routines", package.parent / "routines") if one.is_dir()), None)
    files = sorted(folder.glob(f"*{SUFFIX}")) if folder else []
    return {file.stem: file for file in files}


def chosen(names: Sequence[str]) -> list[Path]:
    """Return the files of definitions that were named: files, or names of shipped ones; nothing named is all of those.

    Raises:
        CommandError: there is no such file or name.
    """
    there, found = shipped(), []
    for name in names or there:
        path = Path(name)
        if path.suffix == SUFFIX and path.is_file():
            found.append(path)
        elif name in there:
            found.append(there[name])
        else:
            known = ", ".join(there)
            raise CommandError(
                f"there is no definition {name}; name a TOML file, or one of {known}", NOT_FOUND
            )
    return found


def read(path: Path, args: Sequence[str] = ()) -> RoutineRequest:
    """Read a definition; its id is the file's name unless it says another. `~/` begins the user's home folder.

    Whoever names another output for a definition that may write to some places only means that place instead.

    Raises:
        CommandError: it is no TOML, or no routine; the text names the file and the field.
    """
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise CommandError(f"{path}: {error}") from error
    given.setdefault("routine_id", path.stem)
    named = arguments(args)
    given["args"] = {**given.get("args", {}), **named}
    if given.get("output_targets") and isinstance(named.get("output"), str):
        given["output_targets"] = [_folder_of(named["output"])]
    return request(given, str(path))


def _folder_of(output: str) -> str:
    path = Path(output)
    return str(path.parent if path.suffix else path)


def request(given: dict[str, Any], where: str) -> RoutineRequest:
    """Return plain values as what is asked for.

    Raises:
        CommandError: they do not fit; the text names the field.
    """
    try:
        return convert(at_home(given), RoutineRequest)
    except msgspec.ValidationError as error:
        raise CommandError(f"{where}: {error}") from error


def arguments(texts: Sequence[str]) -> dict[str, Any]:
    """Read `name=value`; a value that is a JSON list, object, number or word of JSON is that, another a text.

    Raises:
        CommandError: there is no `=`.

    >>> arguments(['goal=a film', 'sources=["/a", "/b"]'])
    {'goal': 'a film', 'sources': ['/a', '/b']}
    """
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise CommandError(f"--arg is {text!r}; name=value is taken")
        try:
            found[name] = msgspec.json.decode(value.encode())
        except msgspec.DecodeError:
            found[name] = value
    return found


def at_home(value: Any) -> Any:
    """Return values in which `~/` at the beginning of a text is the user's home folder, whom the daemon does not know."""
    match value:
        case str() if value.startswith("~/"):
            return os.path.expanduser(value)
        case list():
            return [at_home(one) for one in value]
        case dict():
            return {name: at_home(one) for name, one in value.items()}
        case _:
            return value


def change(asked: RoutineRequest, routine: Routine) -> dict[str, Any]:
    """Return the merge patch that makes a routine what is asked for; empty when it is that already."""
    wanted, there = to_builtins(asked), to_builtins(routine)
    del wanted["routine_id"]
    if not wanted["allowed_tools"]:
        del wanted["allowed_tools"]  # those that the entrypoint uses: the engine knows them
    found: dict[str, Any] = msgspec.to_builtins(_patch(there, wanted))
    return found


def _patch(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return what to merge into `old` for it to have what `new` has; names that `new` lacks are left alone on top."""
    patch: dict[str, Any] = {}
    for name, value in new.items():
        before = old.get(name)
        if value == before:
            continue
        if isinstance(value, dict) and isinstance(before, dict):
            patch[name] = {**dict.fromkeys(before.keys() - value.keys()), **_patch(before, value)}
        else:
            patch[name] = value
    return patch
