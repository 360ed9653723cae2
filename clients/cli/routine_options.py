"""What options say of a routine: moments, spans, and the parts of a definition that they come to."""

from datetime import datetime
from pathlib import Path
from typing import Any

from clients.cli import definitions
from clients.cli.options import CommandError
from clients.cli.tokens import UNITS_MS


def given(
    mission: str | None,
    tool: str | None,
    arg: list[str] | None,
    cron: str | None,
    timezone: str | None,
    every: str | None,
    at: str | None,
    watch: Path | None,
    after: str | None,
    misfire: str | None,
    overlap: str | None,
) -> dict[str, Any]:
    """Return what options say of a routine, and nothing of what they leave out."""
    schedule = {
        "cron": cron,
        "timezone": timezone,
        "every_ms": None if every is None else _span_ms(every),
        "at_ms": None if at is None else moment_ms(at, "--at"),
    }
    policy, _, most = (misfire or "").partition(":")
    if most and not most.isdigit():
        raise CommandError(f"--misfire is {misfire!r}; skip, run_once or catch_up:3 is taken")
    parts: dict[str, dict[str, Any]] = {
        "schedule": schedule,
        "entrypoint": {"mission": mission, "tool": tool},
        "watch": {"folder": None if watch is None else str(watch.expanduser().absolute())},
        "chain": {"routine_id": after},
        "misfire": {"policy": policy or None, "max_runs": int(most) if most else None},
        "args": definitions.arguments(arg or []),
    }
    kept = {part: _said(fields) for part, fields in parts.items()}
    return {part: fields for part, fields in kept.items() if fields} | _said({"overlap": overlap})


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _span_ms(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and unit in UNITS_MS):
        raise CommandError(f"--every is {text!r}; a span such as 90s, 30m, 6h or 1d is taken")
    return int(number) * UNITS_MS[unit]


def moment_ms(text: str, option: str) -> int:
    """Return a date and time in milliseconds; without a zone it is this machine's, a date is its midnight.

    Raises:
        CommandError: it is none.

    >>> moment_ms("2027-01-31T18:00:00Z", "--at")
    1801418400000
    """
    try:
        return int(datetime.fromisoformat(text.strip()).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise CommandError(f"{option} is {text!r}; a time such as 2027-01-31T18:00 is taken") from error
