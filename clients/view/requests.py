"""A request and a notice in full: names and values, for the screen that shows one of them."""

from datetime import tzinfo

from clients.view import find, rows
from clients.view.words import stamp_text, state_text, word
from cutroom_sdk.shelf import Shelf
from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.notices import Notice

Fact = tuple[str, str]


def request_facts(shelf: Shelf, approval: Approval, now_ms: int, zone: tzinfo | None = None) -> list[Fact]:
    """Return what is asked and of whom, and what was decided; some values are empty."""
    subject = approval.subject
    row = rows.approval_row(shelf, approval, now_ms)
    decided = approval.decided_at_ms
    pending = approval.state == "pending"
    what = f"{subject.gate} of {subject.id}" if subject.gate else f"{state_text(subject.kind)} {subject.id}"
    return [
        ("asks", approval.summary),
        ("for", "" if approval.summary.startswith(row.title) else row.title),
        ("what", what),
        ("state", f"{approval.state}: {word('approval', approval.state).help}"),
        ("who decides", {"human": "a person", "agent": "anybody but its author"}.get(approval.decider, "")),
        ("asked", row.age),
        ("expires", stamp_text(approval.expires_at_ms, zone) if pending else ""),
        (
            "decided",
            f"{stamp_text(decided, zone)} by {approval.decided_by}{_how(approval)}" if decided else "",
        ),
        ("reason", approval.reason or ""),
    ]


def _how(approval: Approval) -> str:
    """Say how a decision came about where it was not one person looking at one thing."""
    in_place = f", by the delegation {approval.delegation_id}" if approval.delegation_id else ""
    return in_place + (", along with others" if approval.by_blanket else "")


def binding_facts(approval: Approval) -> list[Fact]:
    """Return what the decision holds for, and for nothing else."""
    effect = approval.effect
    call = (
        []
        if effect is None
        else [
            ("tool", effect.tool),
            ("arguments", encode(effect.args).decode()),
            ("to", ", ".join(effect.targets or effect.touches)),
            ("asked by", f"the rule {effect.rule}"),
        ]
    )
    return [
        *call,
        ("hash", approval.subject_hash),
        ("run", approval.subject.run_id or ""),
        ("made", ", ".join(approval.artifact_refs)),
    ]


def notice_facts(shelf: Shelf, notice: Notice, zone: tzinfo | None = None) -> list[Fact]:
    """Return what a notice says, and what to do about it; some values are empty."""
    said = notice.properties
    budget = f"{said.get('budget')}: {said.get('used')} of {said.get('allowed')} used"
    mission_id, todo = said.get("mission_id"), word("notice", notice.type).help
    known = isinstance(mission_id, str) and find.mission(shelf, mission_id) is not None
    return [
        ("about", str(said.get("title") or notice.type)),
        ("what", str(said.get("detail") or "")),
        ("budget", budget if said.get("allowed") else str(said.get("budget") or "")),
        ("item", str(said.get("work_item_id") or "")),
        ("told", stamp_text(notice.told_at_ms, zone)),
        ("to do", "" if todo == notice.type else todo),
        ("call", f"{said['command']} of {said.get('stream')}" if said.get("command") else ""),
        ("mission", str(mission_id) if known else ""),
    ]
