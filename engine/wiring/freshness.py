"""Whether what somebody decides about is still what they were asked about.

What the engine makes is named by its content and does not change. What clients wrote themselves may: such records are
compared with the moment of the question, and their revs are checked again in the commit of the decision.
"""

from collections.abc import Sequence

from cutroom_sdk.wire.approvals import ApprovalSubject
from cutroom_sdk.wire.resources import Operation
from engine.kernel import records
from engine.kernel.context import Context, engine_context
from engine.kernel.dispatch import Asked
from engine.kernel.errors import Rejected
from engine.kernel.kernel import Kernel
from engine.kernel.log import Event
from engine.kernel.records import ResourcesChanged, WriteRecords
from engine.kernel.resources import Record
from engine.missions import types as missions


async def check(
    kernel: Kernel, context: Context, approval_id: str, subject: ApprovalSubject, refs: Sequence[str]
) -> tuple[Asked, ...]:
    """Return what is to be proposed along with a decision so that it counts only while `refs` are as they were.

    Raises:
        Rejected: `subject_changed`, one of them was written after the question; it is asked anew.
    """
    question = await kernel.resources.record(f"approval/{approval_id}", context.partition)
    found = [
        await kernel.resources.record(ref, context.partition) for ref in refs if records.is_writable(ref)
    ]
    written = [record for record in found if record is not None]
    if question is None or not written:
        return ()
    changed = [record for record in written if record.position > question.position]
    if changed:
        await _ask_anew(kernel, context, subject, changed)
        names = ", ".join(record.key for record in changed)
        raise Rejected(
            "subject_changed",
            f"{names} has changed since this was asked; it is asked anew, about what is there now",
            state="void",
        )
    checks = tuple(Operation(op="check", key=record.key, if_match_rev=record.rev) for record in written)
    return (Asked(records.STREAM, WriteRecords(operations=checks)),)


async def _ask_anew(
    kernel: Kernel, context: Context, subject: ApprovalSubject, changed: Sequence[Record]
) -> None:
    if subject.kind != "work_item":
        return
    mission = f"mission/{subject.id.partition('/')[0]}"
    noted = [Asked(mission, missions.NoteResource(key=record.key, rev=record.rev)) for record in changed]
    by = engine_context("freshness", partition=context.partition, correlation_id=context.correlation_id)
    await kernel.dispatch.propose_many(noted, by)


def on_changed(event: ResourcesChanged, recorded: Event) -> Sequence[Asked]:
    """Tell missions of changes of what lies under their own keys, `mission/{id}/...`."""
    told = []
    for one in event.operations:
        kind, _, rest = one.key.partition("/")
        if kind == "mission":
            mission_id = rest.partition("/")[0]
            noted = missions.NoteResource(key=one.key, rev=one.rev, at_ms=recorded.at_ms)
            told.append(Asked(f"mission/{mission_id}", noted))
    return told


def register(kernel: Kernel) -> None:
    """Have missions hear of what clients change under their keys."""
    kernel.reactions.on(ResourcesChanged, "a mission hears of a changed resource", on_changed)
