"""Mission templates: data beside this file, one TOML each, filled with arguments.

A value that is exactly `$name` becomes the argument itself, whatever its type; within longer text `$name` is filled in.
Items' gates that a template leaves out are `none`. An item with `for_each = "argument"` is there once for each text of the
argument, a list: `$one` is the text, `$name` the last part of it where it is a path, `$n` its number, from 1, with as many
digits as the last one has. Items that belong together name each other by it: `depends_on = ["render-$n"]`.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import PurePath
from string import Template as Text
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.missions import Budgets, GatesRequest, MissionRequest, WorkItemRequest
from engine.kernel.context import Context
from engine.kernel.errors import Invalid
from engine.kernel.tools import Tools


class Argument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a template takes under one name. Without `default` it must be given.

    `texts` is a list of at least one text; so is `footage`, of files, folders and `asset/{id}`, in which `listed` puts a
    folder's files in its place. A `choice` is one of the names of `choices` and stands for its value. `settings` are an
    object that the tool knows, by default the JSON of one.
    """

    type: Literal["text", "texts", "footage", "choice", "settings"]
    help: str
    default: str | None = None
    choices: dict[str, str] = {}


class Template(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A template as its file has it; `items` are work items in which arguments are still to be filled in."""

    title: str
    goal: str
    args: dict[str, Argument]
    items: tuple[dict[str, Any], ...]
    success_criteria: tuple[str, ...] = ()
    budgets: Budgets = Budgets()


class Filled(Struct, frozen=True, kw_only=True):
    """A template with its arguments filled in."""

    title: str
    goal: str
    success_criteria: tuple[str, ...]
    budgets: Budgets
    work_items: tuple[WorkItemRequest, ...]


def names() -> tuple[str, ...]:
    """Return the names of all templates, sorted."""
    found = (file.name for file in files(__package__).joinpath("templates").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


def load(name: str) -> Template:
    """Read a template.

    Raises:
        Invalid: `unknown_template`, with the names there are.
    """
    there = names()
    if name not in there:
        raise Invalid(
            f"no template is called {name!r}{near(name, there)}", code="unknown_template", field="template"
        )
    text = files(__package__).joinpath("templates", f"{name}.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Template)


def fill(name: str, args: Mapping[str, Any]) -> Filled:
    """Fill a template with arguments.

    Raises:
        Invalid: `unknown_template`; or an argument that it does not take, that is missing, or of another shape, with
            `field` as `args.name`.
    """
    template = load(name)
    for given in args:
        if given not in template.args:
            raise Invalid(
                f"the template {name} takes no argument {given!r}{near(given, template.args)}",
                field=f"args.{given}",
            )
    values = {arg: _value(name, arg, wanted, args) for arg, wanted in template.args.items()}
    items = tuple(_item(one) for item in template.items for one in _each(item, values))
    return Filled(
        title=_filled(template.title, values),
        goal=_filled(template.goal, values),
        success_criteria=tuple(_filled(line, values) for line in template.success_criteria),
        budgets=template.budgets,
        work_items=items,
    )


async def listed(request: MissionRequest, tools: Tools, context: Context) -> MissionRequest:
    """Return a request in whose arguments files stand for folders of footage; done before `fill`, which opens nothing.

    Raises:
        Invalid: a folder has no footage, with `field` as `args.name`.
        Forbidden: a folder may not be read.
    """
    if request.template not in names():
        return request  # `fill` says so, and what there is
    args = dict(request.args)
    for name, wanted in load(request.template).args.items():
        given: Any = args.get(name)
        if wanted.type != "footage" or not _are_texts(given):
            continue
        try:
            args[name] = await tools.listed(wanted.type, given, context)
        except Invalid as error:
            raise Invalid(error.detail, code=error.code, field=f"args.{name}") from error
    return replace(request, args=args)


def near(name: str, there: Iterable[str]) -> str:
    """Return what to say after "there is no such": the names that are near, or all there are.

    >>> near("footage_edti", ["footage_edit", "generic"])
    '; did you mean footage_edit?'
    """
    known = sorted(there)
    close = difflib.get_close_matches(name, known, n=3)
    return f"; did you mean {' or '.join(close)}?" if close else f"; there are {', '.join(known)}"


def _each(item: dict[str, Any], values: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Yield an item as often as it is to be there, filled."""
    if "for_each" not in item:
        yield _filled(item, values)
        return
    texts: list[str] = values[item["for_each"]]
    plain = {name: value for name, value in item.items() if name != "for_each"}
    for number, text in enumerate(texts, 1):
        own = {"one": text, "name": PurePath(text).name, "n": str(number).zfill(len(str(len(texts))))}
        yield _filled(plain, {**values, **own})


def _item(filled: dict[str, Any]) -> WorkItemRequest:
    item = msgspec.convert(filled, WorkItemRequest)
    gates = GatesRequest(review=item.gates.review or "none", test=item.gates.test or "none")
    return replace(item, gates=gates)


def _value(template: str, name: str, wanted: Argument, args: Mapping[str, Any]) -> Any:
    given = args.get(name, wanted.default)
    field = f"args.{name}"
    if given is None:
        raise Invalid(f"the template {template} needs {name}: {wanted.help}", field=field)
    match wanted.type:
        case "text":
            if not isinstance(given, str):
                raise Invalid(f"{name} is not a text: {wanted.help}", field=field)
            return given
        case "texts" | "footage":
            if not _are_texts(given):
                raise Invalid(f"{name} is not a list of texts with at least one: {wanted.help}", field=field)
            return given
        case "choice":
            if not isinstance(given, str) or given not in wanted.choices:
                raise Invalid(
                    f"{name} is {given!r}; {' or '.join(wanted.choices)} is taken: {wanted.help}", field=field
                )
            return wanted.choices[given]
        case "settings":
            given = msgspec.json.decode(given) if name not in args else given
            if not isinstance(given, dict):
                raise Invalid(f"{name} is no object: {wanted.help}", field=field)
            return given


def _are_texts(given: Any) -> bool:
    return isinstance(given, list) and bool(given) and all(isinstance(one, str) for one in given)


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    match value:
        case str() if value.startswith("$") and value[1:] in values:
            return values[value[1:]]
        case str():
            return Text(value).substitute(values)
        case list():
            return [_filled(one, values) for one in value]
        case dict():
            return {name: _filled(one, values) for name, one in value.items()}
        case _:
            return value
