"""Turns what a terminal shows into a picture for the documents, without fonts or addresses from elsewhere.

tmux capture-pane -e -N -p | python -m tools.picture docs/pictures/terminal.svg TITLE
"""

import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

FORM: Final = """\
<svg class="{unique_id}" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px;
  line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""


def picture(screen: str, title: str) -> str:
    """Return an SVG of a terminal's screen, escape sequences and all."""
    lines = screen.rstrip("\n").split("\n")
    text = Text.from_ansi(screen)
    width = max(len(Text.from_ansi(line).plain) for line in lines)
    with Path("/dev/null").open("w") as nowhere:
        console = Console(
            record=True, width=width, file=nowhere, force_terminal=True, color_system="truecolor"
        )
        console.print(text, overflow="crop", no_wrap=True)
        return console.export_svg(title=title, code_format=FORM, unique_id="terminal")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(picture(sys.stdin.read(), sys.argv[2]))
