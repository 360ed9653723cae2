"""What an actor can undo or redo, worked out of a timeline's history: the changes to make now, or who stands in the way.

An edit is undone by its inverse, carried past what came after it. What was undone since counts as if it had never been.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from cutroom_sdk.wire.timelines import TimelineEdit
from engine.editing.changes import Change, Clash, clips_of, inverse, rebased, tracks_of
from engine.editing.reducer import Created, Edited, Event, Redone, Undone
from engine.kernel.errors import Compacted, Conflict, Rejected, StudioError
from engine.kernel.reducer import tag_of

Word = Literal["created", "edited", "undone", "redone"]
WORDS: Final[dict[type[Event], Word]] = {
    Created: "created",
    Edited: "edited",
    Undone: "undone",
    Redone: "redone",
}


class Past(NamedTuple):
    """An event of a timeline's stream, and by whom and when."""

    version: int
    actor: str
    at_ms: int
    event: Event


class Reversal(NamedTuple):
    """What takes back the event at the version `of`."""

    of: int
    changes: tuple[Change, ...]


def undoing(history: Sequence[Past], actor: str) -> Reversal | None:
    """Return what undoes an actor's newest edit that is not undone; None: there is none in this history.

    Raises:
        Conflict: `version_conflict`; `operations` are the later edits that touched the same.
    """
    return _reversal(history, _newest(history, actor, "undo"))


def redoing(history: Sequence[Past], actor: str) -> Reversal | None:
    """Return what redoes what an actor undid last and has not redone; an edit of theirs since ends that.

    Raises:
        Conflict: as `undoing`.
    """
    return _reversal(history, _newest(history, actor, "redo"))


def told(past: Past) -> TimelineEdit:
    """Return an event as clients are told of it."""
    event = past.event
    return TimelineEdit(
        version=past.version,
        actor=past.actor,
        at_ms=past.at_ms,
        event=WORDS[type(event)],
        operations=tuple(map(tag_of, map(type, event.operations))) if isinstance(event, Edited) else (),
        of=event.of if isinstance(event, Undone | Redone) else None,
        clips=tuple(sorted(clips_of(_changes(past)))),
    )


def _newest(history: Sequence[Past], actor: str, what: Literal["undo", "redo"]) -> Past | None:
    back: set[int] = set()  # versions that the actor has taken back since
    for past in reversed(history):
        if past.actor != actor or past.version in back:
            continue
        match past.event:
            case Undone(of=of) if what == "undo":
                back.add(of)
            case Redone(of=of) if what == "redo":
                back.add(of)
            case Edited() if what == "redo":
                return None
            case Created():
                pass
            case _:
                return past
    return None


def _reversal(history: Sequence[Past], target: Past | None) -> Reversal | None:
    if target is None:
        return None
    changes = inverse(_changes(target))
    for over in _standing(since(history, target.version)):
        try:
            changes = rebased(changes, over)
        except Clash as clash:
            raise in_the_way(history, target.version) from clash
    return Reversal(target.version, changes)


def since(history: Sequence[Past], version: int) -> Sequence[Past]:
    """Return what happened after a version; a history has no gaps."""
    return history[max(0, len(history) - max(0, history[-1].version - version)) :] if history else ()


def _standing(later: Sequence[Past]) -> list[tuple[Change, ...]]:
    """Return the changes of events in order, without those that were taken back among them."""
    left = [(past.version, _changes(past)) for past in later]
    for past in later:
        if not isinstance(past.event, Undone | Redone):
            continue
        versions = [version for version, _ in left]
        if past.event.of not in versions:
            continue
        first, last = versions.index(past.event.of), versions.index(past.version)
        gone = inverse(left[first][1])
        between: list[tuple[int, tuple[Change, ...]]] = []
        for version, changes in left[first + 1 : last]:
            # As they would have been without it; they do not touch the same, or it could not have been taken back.
            between.append((version, rebased(changes, gone, yields=False)))
            gone = rebased(gone, changes)
        left = [*left[:first], *between, *left[last + 1 :]]
    return [changes for _, changes in left]


def in_the_way(history: Sequence[Past], of: int) -> Conflict:
    """Return what says which later edits touched what the version `of` did."""
    target, *later = since(history, of - 1)
    back = {past.event.of for past in later if isinstance(past.event, Undone | Redone)}
    standing = [
        past
        for past in later
        if past.version not in back
        and not (isinstance(past.event, Undone | Redone) and past.event.of > target.version)
    ]
    clips, tracks = clips_of(_changes(target)), tracks_of(_changes(target))
    same = [past for past in standing if clips & clips_of(_changes(past))]
    same = same or [past for past in standing if tracks & tracks_of(_changes(past))] or standing
    named = ", ".join(f"{_said(past)} by {past.actor} (version {past.version})" for past in same[:3])
    return Conflict(
        f"what version {target.version} did cannot be taken back: {named} touched the same since",
        expected=target.version,
        actual=later[-1].version if later else target.version,
        operations=[told(past) for past in same],
    )


def _said(past: Past) -> str:
    return ", ".join(told(past).operations) or WORDS[type(past.event)]


def _changes(past: Past) -> tuple[Change, ...]:
    return () if isinstance(past.event, Created) else past.event.changes


def overtaken(conflict: Conflict, history: Sequence[Past], expected: int) -> Conflict:
    """Return a conflict of versions with the edits that won."""
    won = [told(past) for past in since(history, expected)]
    said = ", ".join(f"{', '.join(one.operations) or one.event} by {one.actor}" for one in won[:3])
    return Conflict(
        f"{conflict.detail}{f': {said}' if said else ''}",
        expected=conflict.extra["expected"],
        actual=conflict.extra["actual"],
        operations=won,
    )


def nothing_left(what: str, actor: str, before: int) -> StudioError:
    """Return what says that there is nothing to undo or redo; `before` is the version that the log begins after."""
    if before:
        return Compacted(
            f"the log reaches back to version {before}; what {actor} did until then cannot be taken back",
            oldest=before,
        )
    return Rejected(f"nothing_to_{what}", f"{actor} has nothing to {what} on this timeline")
