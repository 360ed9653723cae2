"""Policy: may this call of a tool happen, now, by whoever it happens for. Pure, and the only place that says so.

The rules are looked at from the top, and the first that has something to say decides. What is asked about is what the
tool declares of itself (its effect, its capability, where its results go), never what it or its routine is called.
"""

from collections.abc import Callable
from typing import Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from cutroom_sdk.wire.codec import digest
from cutroom_sdk.wire.missions import Authority
from cutroom_sdk.wire.policy import UNASKED, PolicyDecision, ToolEffect
from engine.kernel.context import Context


class Call(Struct, frozen=True, kw_only=True):
    """A call as its tool declares it. `targets` are real paths (no links, no `..`) and addresses `https://studio.example/path`."""

    tool: str
    effect: ToolEffect
    capability: str
    targets: tuple[str, ...] = ()


class Standing(Struct, frozen=True, kw_only=True):
    """For whom a call happens: a mission's capabilities, and what bounds them.

    `bounds` is empty for a mission that a person or a program made by itself. For a routine's it is the authority that the
    run was fired with and that which the routine has now, where it has another: each of them must allow the call. Their
    `output_targets` are real paths and addresses.
    """

    capabilities: tuple[str, ...]
    bounds: tuple[Authority, ...] = ()

    def may(self, capability: str) -> bool:
        """Tell whether the mission holds a capability."""
        return Context(actor="", capabilities=frozenset(self.capabilities)).may(capability)


class Verdict(Struct, frozen=True, kw_only=True):
    """What policy says, by which rule, and why."""

    decision: PolicyDecision
    rule: str
    reason: str


Finds = Callable[[Call, Standing], str | None]


class Rule(Struct, frozen=True, kw_only=True):
    """One rule: its name, what it comes to, what it says in words, and what it finds in a call, None: nothing."""

    name: str
    decision: PolicyDecision
    says: str
    finds: Finds


def judge(call: Call, standing: Standing) -> Verdict:
    """Return the verdict on a call: that of the first rule which has something to say."""
    for rule in RULES:
        reason = rule.finds(call, standing)
        if reason is not None:
            return Verdict(decision=rule.decision, rule=rule.name, reason=reason)
    raise AssertionError("the last rule speaks of everything")


def subject_hash(
    call: Call, standing: Standing, *, run_id: str, place: str, arguments: object, expires_at_ms: int
) -> str:
    """Return the hash that leave for a call is bound to: any other call, run, authority or time has another."""
    subject = {
        "run_id": run_id,
        "place": place,
        "call": call,
        "arguments": arguments,
        "bounds": standing.bounds,
        "expires_at_ms": expires_at_ms,
    }
    return digest(subject)


def beneath(target: str, roots: tuple[str, ...]) -> bool:
    """Tell whether a path or an address is one of `roots` or lies beneath one, by whole segments.

    >>> beneath("/out/a.mp4", ("/out",)), beneath("/outer/a.mp4", ("/out/",)), beneath("/out", ("/",))
    (True, False, True)
    >>> beneath("https://a.example/hooks/1?x", ("https://a.example/hooks",))
    True
    >>> beneath("https://a.example/hooks/../b", ("https://a.example/hooks",))
    False
    """
    return any(_is_beneath(target, root) for root in roots)


def _is_beneath(target: str, root: str) -> bool:
    if target.startswith("/") != root.startswith("/"):
        return False
    if target.startswith("/"):
        return _below(target, root)
    given, allowed = urlsplit(target), urlsplit(root)
    if (given.scheme, given.netloc) != (allowed.scheme, allowed.netloc) or "@" in given.netloc:
        return False
    # A server may take `..`, encoded or not, for what it is on a disk.
    twice = unquote(unquote(given.path)).replace("\\", "/")
    plain = not any(part in (".", "..") for part in twice.split("/"))
    return _below(given.path or "/", allowed.path or "/") and plain


def _below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def _lacks_capability(call: Call, standing: Standing) -> str | None:
    if standing.may(call.capability):
        return None
    return f"{call.tool} needs {call.capability}, which the mission was not given"


def _tool_left_out(call: Call, standing: Standing) -> str | None:
    for bound in standing.bounds:
        if call.tool not in bound.allowed_tools:
            allowed = ", ".join(bound.allowed_tools) or "none"
            return f"{call.tool} is not among the tools of the routine {bound.routine_id}: {allowed}"
    return None


def _outside_targets(call: Call, standing: Standing) -> str | None:
    for bound in standing.bounds:
        if call.effect == "none" or not bound.output_targets:
            continue
        if not call.targets:
            return f"{call.tool} does not say where its results go, and {bound.routine_id} has output_targets"
        for target in call.targets:
            if not beneath(target, bound.output_targets):
                places = ", ".join(bound.output_targets)
                return (
                    f"{target} is not beneath the output_targets of the routine {bound.routine_id}: {places}"
                )
    return None


def _external_refused(call: Call, standing: Standing) -> str | None:
    for bound in standing.bounds:
        if call.effect == "external" and not bound.external_effects_allowed:
            return f"{call.tool} leaves this machine, and the routine {bound.routine_id} may not"
    return None


def _routine_asks(call: Call, standing: Standing) -> str | None:
    for bound in standing.bounds:
        if call.effect == "external" and bound.requires_approval:
            return f"{call.tool} leaves this machine, and the routine {bound.routine_id} asks first"
    return None


def _mission_asks(call: Call, standing: Standing) -> str | None:
    if call.effect != "external" or standing.bounds or standing.may(UNASKED):
        return None
    return f"{call.tool} leaves this machine, and the mission was not given {UNASKED}"


def _routine_allows(call: Call, standing: Standing) -> str | None:
    if call.effect != "external" or not standing.bounds:
        return None
    return f"the routine {standing.bounds[0].routine_id} may leave this machine without asking"


def _mission_allows(call: Call, _standing: Standing) -> str | None:
    return f"the mission was given {UNASKED}" if call.effect == "external" else None


def _stays_here(call: Call, _standing: Standing) -> str | None:
    does = "computes and writes nothing" if call.effect == "none" else "stays on this machine"
    return f"{call.tool} {does}"


RULES: Final = (
    Rule(
        name="capability_missing",
        decision="blocked_policy",
        says="The mission lacks the capability that the tool needs.",
        finds=_lacks_capability,
    ),
    Rule(
        name="tool_not_allowed",
        decision="blocked_policy",
        says="The routine's `allowed_tools` leave the tool out, then or now. Names are compared letter by letter.",
        finds=_tool_left_out,
    ),
    Rule(
        name="outside_targets",
        decision="blocked_policy",
        says=(
            "The routine has `output_targets` and the tool would write, or send, somewhere else, or does not say where. Links"
            " and `..` are followed first."
        ),
        finds=_outside_targets,
    ),
    Rule(
        name="external_not_allowed",
        decision="blocked_policy",
        says="The tool leaves this machine and the routine's `external_effects_allowed` is false, then or now.",
        finds=_external_refused,
    ),
    Rule(
        name="routine_requires_approval",
        decision="pending_approval",
        says="The tool leaves this machine and the routine's `requires_approval` is true, then or now.",
        finds=_routine_asks,
    ),
    Rule(
        name="mission_requires_approval",
        decision="pending_approval",
        says=f"The tool leaves this machine, no routine began the mission, and it was not given `{UNASKED}`.",
        finds=_mission_asks,
    ),
    Rule(
        name="routine_allows",
        decision="run",
        says="The tool leaves this machine, and its routine may do so without asking.",
        finds=_routine_allows,
    ),
    Rule(
        name="mission_allows",
        decision="run",
        says=f"The tool leaves this machine, and a person gave the mission `{UNASKED}`.",
        finds=_mission_allows,
    ),
    Rule(
        name="stays_here",
        decision="run",
        says="The tool computes, or writes on this machine alone.",
        finds=_stays_here,
    ),
)
