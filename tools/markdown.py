"""The little Markdown that the reference pages are made of."""

from collections.abc import Iterable, Sequence

Row = Sequence[str]
MADE = "<!-- Made from the code; `just docs` writes it. -->"


def page(title: str, intro: str, *parts: str) -> str:
    """Return a page: its title in the first line."""
    return "\n\n".join([f"# {title}", MADE, intro, *parts]) + "\n"


def table(heads: Row, rows: Iterable[Row]) -> str:
    r"""Return a table; bars in cells are escaped.

    >>> print(table(("a", "b"), [("1", "x|y")]))
    | a | b |
    |---|---|
    | 1 | x\|y |
    """
    lines = [heads, *rows]
    drawn = [
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in lines
    ]
    return "\n".join([drawn[0], "|" + "---|" * len(heads), *drawn[1:]])
