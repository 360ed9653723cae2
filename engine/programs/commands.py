"""The tool `command`: a program that the operator has allowed by name, with arguments that fit, and no shell."""

from collections.abc import Mapping
from string import Template as Text
from typing import Any, Final

import msgspec
from msgspec import Struct

from cutroom_sdk.wire.codec import convert
from cutroom_sdk.wire.programs import AllowedCommand, CommandInput
from engine.kernel.errors import Invalid
from engine.kernel.tools import TOOL_LIMIT_MAX_S, Tool, ToolContext, ToolResult
from engine.programs.arguments import as_text, given, input_type
from engine.programs.exec import Become
from engine.programs.process import Workshop, carry_out

TOOL: Final = "command"
CAPABILITY: Final = "programs:run"


class Commands:
    """The commands that are allowed."""

    def __init__(self, allowed: Mapping[str, AllowedCommand], workshop: Workshop) -> None:
        """Read the setting `commands`.

        Raises:
            Invalid: a command's own description is wrong; the text names it.
        """
        self._allowed = allowed
        self._workshop = workshop
        self._inputs = {name: _input(name, one) for name, one in allowed.items()}
        for name, one in allowed.items():
            for path in one.reads:
                if not path.startswith("/") or workshop.holds_state(path):
                    raise Invalid(
                        f"commands.{name}: it may not read {path!r}: an absolute path that does not hold the engine's state",
                        field=f"commands.{name}",
                    )

    async def call(self, asked: CommandInput, context: ToolContext) -> ToolResult:
        """Run a command in a folder of its own; the files that it leaves there are kept.

        Raises:
            Invalid: no such command is allowed, or its arguments do not fit.
            NotFound, Rejected: a file that it is given is not there, or was changed.
            WorkFailed: it ended with another code than 0, took too long or printed too much.
            Unavailable: this machine cannot fence it in.
        """
        command, read = self._read(asked)
        values, paths = await given(read, command.args, context)
        async with self._workshop.folder() as folder:
            texts = {name: as_text(value) for name, value in values.items()} | {"folder": str(folder)}
            plain = self._workshop.setup_of((command.argv[0], *command.reads, *paths), folder)
            become = Become(
                **msgspec.structs.asdict(plain),
                argv=(command.argv[0], *(Text(part).substitute(texts) for part in command.argv[1:])),
            )
            ended = await carry_out("engine.programs.exec", become, folder=folder, limit_s=command.limit_s)
            if ended.code != 0:
                raise ended.failure(f"the command {asked.command}")
            files = await self._workshop.keep(folder)
        output = {"command": asked.command, "printed": ended.printed[-2000:], "files": files}
        return ToolResult(refs=context.refs, output=output)

    def verify(self, asked: CommandInput) -> None:
        """Check that a command is allowed and its arguments fit.

        Raises:
            Invalid: they do not; the text says what would.
        """
        self._read(asked)

    def touches(self, asked: CommandInput) -> tuple[str, ...]:
        """Say what a call would run."""
        command, _ = self._read(asked)
        return (f"runs {' '.join(command.argv)}, in a folder of its own and without the network",)

    def tool(self) -> Tool:
        """Return the tool."""
        return Tool(
            name=TOOL,
            title="Run a command that the operator has allowed",
            input=CommandInput,
            call=self.call,
            effect="local",
            capability=CAPABILITY,
            limit_s=min(
                TOOL_LIMIT_MAX_S, max((one.limit_s for one in self._allowed.values()), default=600.0) + 60
            ),
            touches=self.touches,
            verify=self.verify,
        )

    def _read(self, asked: CommandInput) -> tuple[AllowedCommand, Struct]:
        command = self._allowed.get(asked.command)
        if command is None:
            there = ", ".join(sorted(self._allowed)) or "none: the setting commands is empty"
            raise Invalid(f"no command {asked.command[:100]!r} is allowed; there are {there}", field="input")
        try:
            read: Struct = convert(asked.args, self._inputs[asked.command])
        except msgspec.ValidationError as error:
            raise Invalid(f"the arguments of {asked.command}: {error}", field="input") from error
        for part in command.argv[1:]:
            _check_no_option(asked.command, part, read)
        return command, read


def _input(name: str, command: AllowedCommand) -> type[Struct]:
    program = command.argv[0]
    if not program.startswith("/"):
        raise Invalid(
            f"commands.{name}: the program {program!r} is no absolute path", field=f"commands.{name}"
        )
    try:
        known = dict.fromkeys((*command.args, "folder"), "")
        for part in command.argv[1:]:
            Text(part).substitute(known)
        return input_type(f"commands.{name}", command.args)
    except (KeyError, ValueError) as error:
        raise Invalid(
            f"commands.{name}: argv names {error}, which is none of its args; $$ is a dollar sign",
            field=f"commands.{name}",
        ) from error


def _check_no_option(command: str, part: str, read: Struct) -> None:
    """Check that an argument that begins a part of the command line is not taken for an option by the program."""
    for name in read.__struct_fields__:
        value: Any = getattr(read, name)
        if part.startswith((f"${name}", f"${{{name}}}")) and isinstance(value, str) and value.startswith("-"):
            raise Invalid(
                f"the arguments of {command}: {name} must not begin with -: it would be an option",
                field="input",
            )
