"""What others' programs do for runs: commands that the operator allows, and tools of installed packages."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cutroom_sdk.wire.programs import AllowedCommand
from cutroom_sdk.wire.status import Feature
from engine.kernel.kernel import Kernel
from engine.programs.commands import Commands
from engine.programs.packages import Found, Packages, found
from engine.programs.process import Workshop


class Programs:
    """The programs of one daemon."""

    def __init__(self, packages: Packages, workshop: Workshop) -> None:
        self._packages = packages
        self._workshop = workshop

    async def load(self, points: Sequence[Found] | None = None) -> None:
        """Remove what a crash has left, and put the tools of packages onto the registry; before any run is taken up."""
        self._workshop.clear()
        await self._packages.load(found() if points is None else points)

    def readiness(self) -> tuple[Feature, ...]:
        """Say of each tool of a package whether it can be used, and why not."""
        return self._packages.features


def register(
    kernel: Kernel, folder: Path, commands: Mapping[str, AllowedCommand], *, fenced: bool
) -> Programs:
    """Put the tool `command` onto the registry.

    Raises:
        Invalid: the description of a command is wrong.
    """
    workshop = Workshop(folder / "programs", kernel.blobs, fenced=fenced)
    kernel.tools.add(Commands(commands, workshop).tool())
    return Programs(Packages(kernel, workshop), workshop)
