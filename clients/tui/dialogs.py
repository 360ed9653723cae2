"""Small windows over the screen: a reason, a yes or no, the keys."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static


class AskReason(ModalScreen[str | None]):
    """Asks for one line; None when it was left with Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back")]

    def __init__(self, title: str, hint: str) -> None:
        super().__init__()
        self._title = title
        self._hint = hint

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog"):
            yield Label(self._title, classes="dialog-title")
            yield Input(placeholder=self._hint, id="reason")
            yield Label("Enter sends it, Escape goes back", classes="muted")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter was pressed."""
        self.dismiss(event.value.strip())

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)


class Confirm(ModalScreen[bool]):
    """Asks yes or no; nothing but `y` is a yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape", "answer(False)", "No"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog"):
            yield Label(self._question, classes="dialog-title")
            yield Label("y: yes    n: no", classes="muted")

    def action_answer(self, answer: bool) -> None:
        """Pass the answer on."""
        self.dismiss(answer)


class Keys(ModalScreen[None]):
    """Shows the keys and what they do."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q", "leave", "Back")]

    def __init__(self, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with VerticalScroll(classes="dialog"):
            yield Label("Keys", classes="dialog-title")
            yield Static("\n".join(f"{key:<10} {text}" for key, text in self._keys), markup=False)

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)
