"""Tags within the text of a caption: `<b>`, `<i>`, `<font color>` around all of it make its look, all others are noted."""

import html
import re
from typing import Final

from cutroom_sdk.wire.timeline import Parameter
from engine.editing.interchange.losses import Losses

# Names that SRT files use; another word between angle brackets is text.
_TAG: Final = re.compile(r"</?(?:b|i|u|s|font|c|v|lang|ruby|rt)(?:[\s.][^<>]{0,200})?>", re.IGNORECASE)
_AROUND: Final = re.compile(r"\A<(b|i)>(.*)</\1>\Z", re.IGNORECASE | re.DOTALL)
_COLOURED: Final = re.compile(
    r"""\A<font\s+color\s*=\s*["']?(#[0-9a-f]{6}|[a-z]{3,20})["']?\s*>(.*)</font>\Z""",
    re.IGNORECASE | re.DOTALL,
)
BOLD: Final = 700.0
_COLOURS: Final = {
    "white": "#ffffff",
    "black": "#000000",
    "red": "#ff0000",
    "lime": "#00ff00",
    "green": "#008000",
    "blue": "#0000ff",
    "yellow": "#ffff00",
    "cyan": "#00ffff",
    "magenta": "#ff00ff",
}


def plain(text: str, where: str, losses: Losses) -> tuple[str, dict[str, Parameter]]:
    """Return a text without its tags, and the look that tags around all of it stand for."""
    look: dict[str, Parameter] = {}
    rest = text.strip()
    for _ in range(4):
        around, coloured = _AROUND.match(rest), _COLOURED.match(rest)
        if around is not None and not _closes(around):
            rest = around[2]
            look |= {"weight": BOLD} if around[1].lower() == "b" else {"italic": 1.0}
        elif coloured is not None and "</font>" not in coloured[2].lower():
            colour = coloured[1].lower()
            if not colour.startswith("#") and colour not in _COLOURS:
                break
            rest, look = coloured[2], {**look, "colour": _COLOURS.get(colour, colour)}
        else:
            break
    bare = _TAG.sub("", rest)
    if bare != rest:
        losses.add(where, "styles within a text", "a caption has one look, but for its words")
    return bare, look


def _closes(around: re.Match[str]) -> bool:
    """Tell whether the first tag ends before the text does: `<i>a</i> b <i>c</i>`."""
    return f"</{around[1].lower()}>" in around[2].lower()


def tagged(text: str, look: dict[str, Parameter], *, bold: bool, italic: bool) -> str:
    """Return a text within the tags of its look."""
    colour = look.get("colour")
    if isinstance(colour, str) and colour.startswith("#"):
        text = f'<font color="{colour[:7]}">{text}</font>'
    return boldly(text, bold=bold, italic=italic)


def boldly(text: str, *, bold: bool, italic: bool) -> str:
    """Return a text within the tags that SRT and WebVTT share."""
    text = f"<i>{text}</i>" if italic else text
    return f"<b>{text}</b>" if bold else text


def looks_tagged(text: str) -> bool:
    """Tell whether a text holds what a reader takes for a tag."""
    return _TAG.search(text) is not None


def unescaped(text: str) -> str:
    """Return a WebVTT text with its character references resolved."""
    return html.unescape(text)


def escaped(text: str) -> str:
    """Return a text as WebVTT writes it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
