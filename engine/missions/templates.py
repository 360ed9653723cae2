"""Mission templates: data beside this file, one TOML each, filled with arguments.

A value that is exactly `$name` becomes the argument itself, whatever its type; within longer text `$name` is filled in.
Items' gates that a template leaves out are `none`.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from string import Template as Text
from typing import Any, Literal

import msgspec
from msgspec import Struct

from cutroom_sdk.wire.missions import Budgets, GatesRequest, WorkItemRequest
from engine.kernel.errors import Invalid


class Argument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a template takes under one name. Without `default` it must be given.

    `texts` is a list of at least one text. A `choice` is one of the names of `choices` and stands for its value.
    """

    type: Literal["text", "texts", "choice"]
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
    items = tuple(_item(_filled(item, values)) for item in template.items)
    return Filled(
        title=_filled(template.title, values),
        goal=_filled(template.goal, values),
        success_criteria=tuple(_filled(line, values) for line in template.success_criteria),
        budgets=template.budgets,
        work_items=items,
    )


def near(name: str, there: Iterable[str]) -> str:
    """Return what to say after "there is no such": the names that are near, or all there are.

    >>> near("footage_edti", ["footage_edit", "generic"])
    '; did you mean footage_edit?'
    """
    known = sorted(there)
    close = difflib.get_close_matches(name, known, n=3)
    return f"; did you mean {' or '.join(close)}?" if close else f"; there are {', '.join(known)}"


def _item(filled: dict[str, Any]) -> WorkItemRequest:
    item = msgspec.convert(filled, WorkItemRequest)
    gates = GatesRequest(review=item.gates.review or "none", test=item.gates.test or "none")
    return msgspec.structs.replace(item, gates=gates)


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
        case "texts":
            if not isinstance(given, list) or not given or not all(isinstance(one, str) for one in given):
                raise Invalid(f"{name} is not a list of texts with at least one: {wanted.help}", field=field)
            return given
        case "choice":
            if not isinstance(given, str) or given not in wanted.choices:
                raise Invalid(
                    f"{name} is {given!r}; {' or '.join(wanted.choices)} is taken: {wanted.help}", field=field
                )
            return wanted.choices[given]


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
