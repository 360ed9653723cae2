"""Files that are made: written where they differ, removed where nothing makes them any more, compared by the tests."""

from pathlib import Path

from tools.inventory import ROOT

GENERATED = (".json", ".md")


def write(files: dict[Path, str], *, within: Path) -> None:
    """Make the folder `within` hold exactly `files`, and say what changed."""
    for path in stale(files, within=within):
        print(path.relative_to(ROOT))
        if path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path])
        else:
            path.unlink()


def stale(files: dict[Path, str], *, within: Path) -> list[Path]:
    """Return what differs from `files` or has no business in the folder, sorted."""
    there = {path for path in within.rglob("*") if path.suffix in GENERATED}
    differing = {path for path, text in files.items() if not path.exists() or path.read_text() != text}
    return sorted(differing | (there - set(files)))
