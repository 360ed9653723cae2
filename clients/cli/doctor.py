"""`cutroom doctor`: what is installed, what is missing, what each missing thing would unlock and how to get it."""

import os
import platform
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Final

from rich.text import Text

from clients import paint
from clients.cli import terminal
from clients.cli.daemon import connected
from clients.cli.options import CommandError, Setup
from clients.view.words import size_text
from cutroom_sdk.errors import SdkError
from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.problems import DONE, UNAVAILABLE
from cutroom_sdk.wire.status import Feature, Health, Ready

PYTHON: Final = (3, 11)
FREE_BYTES: Final = 2 << 30
# Library, and what it is for.
LIBRARIES: Final = (
    ("av", "reading and writing media"),
    ("numpy", "pictures and sound as numbers"),
    ("onnxruntime", "hearing where somebody speaks"),
    ("opencv-python-headless", "finding shots, motion and blur"),
    ("opentimelineio", "timelines for other editors"),
    ("textual", "the terminal screen, 'cutroom tui'"),
)


async def doctor(setup: Setup) -> int:
    """Print what was found; return 0 when work can be done, else 6.

    A daemon that had to be started for the question is ended again.
    """
    found = local_checks(setup.folder)
    ready, health = Ready(features=(), ready=False), None
    try:
        async with connected(setup, start=True) as (client, started):
            try:
                ready, health = await client.ready(), await client.health()
            finally:
                if started:
                    started.end()
        found += [_daemon(health), *ready.features]
    except (CommandError, SdkError) as error:
        how = "mend what it says; its log lies in 'logs' of the state directory"
        found.append(Feature(name="daemon", ok=False, detail=str(error), unlocks="everything", how=how))
    works = ready.ready and all(feature.ok for feature in found if feature.unlocks == "everything")
    if setup.json:
        setup.document({"ready": works, "features": to_builtins(found)})
    else:
        _print(setup, found, works)
    return DONE if works else UNAVAILABLE


def _daemon(health: Health) -> Feature:
    versions = ", ".join(f"{name} {version}" for name, version in sorted(health.versions.items()))
    return Feature(name="daemon", ok=True, detail=f"version {health.version} ({versions})")


def local_checks(folder: Path) -> list[Feature]:
    """Return what can be told without a daemon."""
    return [
        Feature(
            name="python",
            ok=sys.version_info >= PYTHON,
            detail=platform.python_version(),
            unlocks="everything",
            how="" if sys.version_info >= PYTHON else "install Python 3.11 or newer",
        ),
        *(_library(name, purpose) for name, purpose in LIBRARIES),
        _state_folder(folder),
        _space(folder),
        _editor(),
    ]


def _library(name: str, purpose: str) -> Feature:
    try:
        return Feature(name=name, ok=True, detail=f"{metadata.version(name)}: {purpose}")
    except metadata.PackageNotFoundError:
        return Feature(
            name=name,
            ok=False,
            detail="is not installed",
            unlocks=purpose,
            how="install cutroom again: 'just setup'",
        )


def _state_folder(folder: Path) -> Feature:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    ok = os.access(existing, os.W_OK | os.X_OK)
    how = "" if ok else f"make {existing} writable, or name another folder with --state-dir"
    return Feature(name="state directory", ok=ok, detail=str(folder), unlocks="everything", how=how)


def _space(folder: Path) -> Feature:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(existing).free
    return Feature(
        name="disk",
        ok=free >= FREE_BYTES,
        detail=f"{size_text(free)} free",
        unlocks="room for renders and what was analysed",
        how="" if free >= FREE_BYTES else f"free at least {size_text(FREE_BYTES)}",
    )


def _editor() -> Feature:
    command = terminal.editor()
    return Feature(
        name="editor",
        ok=command is not None,
        detail=" ".join(command) if command else "none was found",
        unlocks="editing the list of what is kept while a plan is reviewed",
        how="" if command else "set EDITOR to an editor's command",
    )


def _print(setup: Setup, found: list[Feature], works: bool) -> None:
    console = setup.result()
    for feature in found:
        mark, style = ("✓", "green") if feature.ok else ("✗", "red")
        console.print(Text.assemble((mark, style), " ", (feature.name, "bold"), "  ", feature.detail))
        if not feature.ok:
            console.print(paint.facts_table([("   unlocks", feature.unlocks), ("   how", feature.how)]))
    console.print(Text("ready" if works else "not ready: see what is marked ✗", "green" if works else "red"))
