"""What `cutroom edit` does with a cut once it is planned: settings from a file, and those that have an option."""

from fractions import Fraction
from pathlib import Path
from typing import Any

from clients.cli.making import settings_from
from clients.cli.options import CommandError
from cutroom_sdk.wire.problems import USAGE


def post_settings(
    file: str | None,
    *,
    transition: str | None = None,
    speed: str | None = None,
    captions: Path | None = None,
    loudness: float | None = None,
) -> dict[str, Any]:
    """Return post settings as the daemon takes them: those of `file`, and over them the options that were given.

    Raises:
        CommandError: a file that cannot be read, a number that is none; what the settings mean is the daemon's to check.

    >>> post_settings(None, transition="dissolve:0.5", speed="1.5")
    {'transitions': {'kind': 'dissolve', 'duration': '1/2'}, 'speed': '3/2'}
    """
    post: Any = settings_from(file) if file is not None else {}
    if not isinstance(post, dict):
        raise CommandError('post settings are an object: {"speed": "3/2", ...}', USAGE)
    if transition is not None:
        kind, _, duration = transition.partition(":")
        post["transitions"] = {
            "kind": kind,
            **({"duration": _exact(duration, "--transition")} if duration else {}),
        }
    if speed is not None:
        post["speed"] = _exact(speed, "--speed")
    if captions is not None:
        post["captions"] = {**post.get("captions", {}), "subtitles": _text(captions)}
    if loudness is not None:
        post["mastering"] = {**post.get("mastering", {}), "loudness_lufs": loudness}
    return post


def _exact(text: str, option: str) -> str:
    try:
        return str(Fraction(text))
    except (ValueError, ZeroDivisionError) as error:
        raise CommandError(f"{option} has {text[:40]!r}, which is no number such as 1.5", USAGE) from error


def _text(path: Path) -> str:
    try:
        return path.expanduser().read_text("utf-8-sig")
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}", USAGE) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is no text in UTF-8", USAGE) from error
