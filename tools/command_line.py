"""The reference page of the command line, from the commands themselves."""

from collections.abc import Iterator
from typing import Any, Final

import typer
from typer.core import TyperArgument, TyperGroup, TyperOption

from clients.cli.main import app
from tools.markdown import Row, page, table

COMMON: Final = frozenset({"--state-dir", "--url", "--json", "--verbose"})
_HEADS: Final = ("", "meaning", "default")


def command_line_page() -> str:
    """Every command with its arguments, options and help."""
    parts = [_section(path, command) for path, command in commands(typer.main.get_command(app))]
    intro = (
        "`cutroom COMMAND --help` says the same. Exit codes: [errors](errors.md). With `--json` one JSON document, or one "
        "object a line for what streams, goes to standard output, and everything else to standard error."
    )
    return page("Command line", intro, f"## Everywhere\n\n{table(_HEADS, _everywhere())}", *parts)


def _everywhere() -> list[Row]:
    """The rows of what (nearly) every command takes; a command's own section leaves them out."""
    for _, command in commands(typer.main.get_command(app)):
        if options(command) >= COMMON:
            return [row for one in command.params if COMMON & set(one.opts) and (row := _row(one))]
    raise AssertionError(f"no command takes {sorted(COMMON)}")


def commands(command: Any, path: str = "cutroom") -> Iterator[tuple[str, Any]]:
    """Yield every command that does something, with the words that call it, sorted."""
    if isinstance(command, TyperGroup):
        for name in sorted(command.commands):
            if not command.commands[name].hidden:
                yield from commands(command.commands[name], f"{path} {name}")
    else:
        yield path, command


def options(command: Any) -> set[str]:
    """Return the names of a command's options, dashes included."""
    return {
        name
        for one in command.params
        if isinstance(one, TyperOption)
        for name in (*one.opts, *one.secondary_opts)
    }


def _section(path: str, command: Any) -> str:
    usage = " ".join(command.collect_usage_pieces(typer.Context(command, info_name=path)))
    told = (command.help or "").replace("\b\n", "").replace("\f", "").strip()
    rows = [row for one in command.params if not COMMON & set(one.opts) and (row := _row(one))]
    parts = [f"## `{path}`", told, f"`{path} {usage}`"]
    if rows:
        parts.append(table(_HEADS, rows))
    return "\n\n".join(part for part in parts if part)


def _row(parameter: Any) -> Row | None:
    if getattr(parameter, "hidden", False):
        return None
    needed = "must be given" if parameter.required else ""
    if isinstance(parameter, TyperArgument):
        return f"`{(parameter.metavar or parameter.name or '').upper()}`", parameter.help or "", needed
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    default = parameter.default
    plain = (
        default not in ("", None) and isinstance(default, str | int | float) and not isinstance(default, bool)
    )
    return names, parameter.help or "", f"`{default}`" if plain else needed
