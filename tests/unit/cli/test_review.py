import io
from collections.abc import Iterator
from fractions import Fraction

from rich.console import Console

from clients.cli.review import ANOTHER, Verdict, review
from cutroom_sdk.wire.editing import CutPlan, KeepSpan
from tests.unit.view.test_plan import PLAN


class Reviewer:
    """Says its lines one after the other; None is the end of the input. Texts replace what the editor shows."""

    def __init__(self, *lines: str | None, texts: Iterator[str | None] | None = None) -> None:
        self._lines = iter(lines)
        self._texts = texts
        self.questions: list[str] = []
        self.shown: list[str] = []
        self.screen = io.StringIO()

    async def ask(self, question: str) -> str | None:
        self.questions.append(question)
        return next(self._lines)

    async def edit(self, text: str) -> str | None:
        self.shown.append(text)
        assert self._texts is not None
        return next(self._texts)

    async def verdict(self, plan: CutPlan | None = PLAN) -> Verdict:
        console = Console(file=self.screen, width=100)
        edit = self.edit if self._texts else None
        return await review(console, plan, "the poster is drawn", ask=self.ask, edit=edit)


async def test_the_plan_is_shown_with_its_reasons_before_the_question() -> None:
    reviewer = Reviewer("y")
    assert await reviewer.verdict() == Verdict("approve")
    assert "whole; sentence" in reviewer.screen.getvalue()
    assert "0:05.00 - 0:10.16" in reviewer.screen.getvalue()


async def test_an_answer_that_is_none_is_asked_for_again() -> None:
    reviewer = Reviewer("", "perhaps", "Yes")
    assert await reviewer.verdict() == Verdict("approve")
    assert len(reviewer.questions) == 3


async def test_no_without_a_reason_asks_for_another_proposal() -> None:
    assert await Reviewer("n", "").verdict() == Verdict("deny", ANOTHER)
    assert await Reviewer("n", "too long").verdict() == Verdict("deny", "too long")


async def test_q_and_the_end_of_the_input_end_it() -> None:
    for lines in (("q",), (None,), ("n", "q"), ("n", None)):
        assert (await Reviewer(*lines).verdict()).answer == "quit"


async def test_an_edited_list_says_what_to_keep() -> None:
    reviewer = Reviewer("e", texts=iter(["b 10 - 20"]))
    verdict = await reviewer.verdict()
    assert verdict.answer == "deny"
    assert verdict.keep == (KeepSpan(asset_id="b" * 32, start=Fraction(10), end=Fraction(20)),)


async def test_a_mistake_in_the_list_is_shown_and_what_was_typed_is_kept() -> None:
    reviewer = Reviewer("e", texts=iter(["b 10 - 5", "b 5 - 10"]))
    assert (await reviewer.verdict()).keep[0].start == 5
    assert reviewer.shown[1].endswith("b 10 - 5")
    assert "not after the start" in reviewer.shown[1]


async def test_a_list_that_was_left_alone_goes_back_to_the_question() -> None:
    assert await Reviewer("e", "y", texts=iter([None])).verdict() == Verdict("approve")
    assert await Reviewer("e", "y", texts=iter(["# nothing"])).verdict() == Verdict("approve")


async def test_without_an_editor_editing_is_not_offered() -> None:
    reviewer = Reviewer("e", "y")
    assert await reviewer.verdict() == Verdict("approve")
    assert "edit" not in reviewer.questions[0]


async def test_what_has_no_list_is_asked_for_by_its_summary() -> None:
    reviewer = Reviewer("e", "y", texts=iter([]))
    assert await reviewer.verdict(None) == Verdict("approve")
    assert "the poster is drawn" in reviewer.screen.getvalue()
    assert "edit" not in reviewer.questions[0]
