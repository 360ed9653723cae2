"""What a text needs before it can be drawn: its safe zone, its fonts by hash, the frames among which it moves.

The compiler makes a `Drawn` of a clip's values; `lettered` completes it. The fonts' files lie where the system has them:
`Fonts.keep` puts those that a plan names among the blobs, where workers, near and far, get them by hash.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from cutroom_sdk.wire.renders import Profile, SafeZone
from engine.editing.profiles import profiles
from engine.kernel.blobs import Blobs, hash_file
from engine.kernel.clock import monotonic_s
from engine.kernel.errors import Unavailable
from engine.rendering.compositor.text import bidi
from engine.rendering.graph import Drawn, DrawnFont, Values
from engine.rendering.subtitles import SOFT
from engine.rendering.typefaces import LIST_COMMAND, Choice, Typeface, choose, read_list, shipped

# EBU R 95: what must be read lies within 90 % of the picture's width and height.
BROADCAST: Final = SafeZone(top=0.05, bottom=0.05, left=0.05, right=0.05)
LISTED_FOR_S: Final = 30.0
LIST_LIMIT_S: Final = 60.0  # fontconfig may have to read every font anew
WHOLE: Final = SafeZone(top=0.0, bottom=0.0, left=0.0, right=0.0)
# What is written of a generator: these of its texts, and what a counter may come to.
_WRITTEN: Final = ("text", "second", "before", "after")
_COUNTED: Final = "0123456789.,:-"
NO_LIST: Final = (
    "the installed fonts are not known: fc-list is missing (on Debian: apt-get install fontconfig); "
    "only the font that comes with the engine is used"
)


class Fonts:
    """The fonts of this machine."""

    def __init__(self, installed: Iterable[Typeface] = (), notices: Iterable[str] = ()) -> None:
        """Know these fonts beside the shipped ones; `notices` are told with every text."""
        self.typefaces = (*shipped(), *installed)
        self.notices = tuple(notices)
        self._hashes: dict[tuple[str, int, int], str] = {}
        self._paths: dict[str, str] = {}

    def choose(
        self, family: str, weight: int, *, italic: bool, text: str
    ) -> tuple[tuple[DrawnFont, ...], Choice]:
        """Return the fonts that write a text, by hash, and what there is to say about them."""
        choice = choose(self.typefaces, family, weight, italic=italic, text=text)
        fonts = tuple(
            DrawnFont(
                sha256=self._hash(part.typeface.path),
                characters=part.characters,
                index=part.typeface.index,
                weight=part.weight,
                colour=part.typeface.colour,
            )
            for part in choice.parts
        )
        return fonts, choice

    def _hash(self, path: str) -> str:
        found = Path(path).stat()
        key = (path, found.st_size, found.st_mtime_ns)
        if key not in self._hashes:
            self._hashes[key] = hash_file(Path(path))
        self._paths[self._hashes[key]] = path
        return self._hashes[key]

    def path_of(self, sha256: str) -> str:
        """Return where the file of a font lies that was chosen before."""
        return self._paths[sha256]

    def keep(self, hashes: Iterable[str], blobs: Blobs) -> None:
        """See to it that the fonts among these files are blobs; the others are left alone.

        Raises:
            Unavailable: a font was changed or removed since it was chosen, or there is no room for it.
        """
        for sha256 in hashes:
            path = self._paths.get(sha256)
            if path is None or blobs.has(sha256):
                continue
            try:
                with blobs.staged() as (file, staged), open(path, "rb") as source:
                    shutil.copyfileobj(source, file)
                    file.flush()
                    kept = blobs.adopt(staged)
            except FileNotFoundError as error:
                raise Unavailable(f"the font {path} is gone: try again", code="unavailable") from error
            if kept != sha256:
                raise Unavailable(f"the font {path} was changed just now: try again")


_known: list[tuple[float, Fonts]] = []


def installed_fonts() -> Fonts:
    """Return the fonts that fontconfig knows of, and the shipped ones; what is installed meanwhile is seen soon after.

    Blocks for a moment: not for the event loop.
    """
    now = monotonic_s()
    if not _known or now - _known[0][0] > LISTED_FOR_S:
        _known[:] = [(now, _listed())]
    return _known[0][1]


def _listed() -> Fonts:
    try:
        done = subprocess.run(LIST_COMMAND, capture_output=True, check=True, timeout=LIST_LIMIT_S)
    except (OSError, subprocess.SubprocessError):
        return Fonts(notices=(NO_LIST,))
    return Fonts(read_list(done.stdout.decode(errors="replace")))


class Letterer:
    """Completes what is drawn for one plan (`Lettering` of the compiler), with the fonts of this machine."""

    def __init__(self, profile: Profile | None, fonts: Fonts | None = None) -> None:
        """`fonts` None: those that are installed when a text first asks for one."""
        self._profile, self._fonts = profile, fonts
        self._used: dict[str, None] = {}

    def __call__(self, node: Drawn) -> tuple[Drawn, tuple[str, ...]]:
        """Complete a node."""
        if "font" in node.values and self._fonts is None:
            self._fonts = installed_fonts()
        done, notices = lettered(node, self._profile, self._fonts or Fonts())
        self._used.update(dict.fromkeys(font.sha256 for font in done.fonts))
        return done, notices

    def keep(self, blobs: Blobs) -> None:
        """See to it that the fonts of the plan are blobs.

        Raises:
            Unavailable: as `Fonts.keep`.
        """
        if self._fonts is not None:
            self._fonts.keep(self._used, blobs)


def lettered(node: Drawn, profile: Profile | None, fonts: Fonts) -> tuple[Drawn, tuple[str, ...]]:
    """Complete what is drawn of a clip, and return what there is to say about it.

    Args:
        node: with every parameter of the catalogue among its values, its words, the clip time of each frame and the
            clip's length; a generator that holds no writing comes back as it is, but for its time.
        profile: what it is rendered for; None: nothing in particular.
        fonts: those there are.
    """
    if "font" not in node.values:
        return replace(node, seconds=(0.0,), lasts=0.0), ()
    text = "".join(str(node.values.get(name, "")) for name in _WRITTEN)
    text += " ".join(word.text for word in node.words) + (_COUNTED if node.kind == "counter" else "")
    chosen, choice = fonts.choose(
        str(node.values["font"]),
        round(_number(node.values, "weight")),
        italic=bool(_number(node.values, "italic")),
        # What is turned into capitals or small letters has other characters.
        text=text if node.values["case"] == "none" else text + text.upper() + text.lower(),
    )
    if node.values.get("style") == SOFT:
        return _without_time(node), (
            "soft captions of a nested timeline are not shown: put them on the film's own track",
        )
    notices = [*choice.notices, *(fonts.notices if choice.notices else ())]
    if bidi.turns(text) and bidi.library() is None:
        notices.append(bidi.MISSING)
    zone = zone_of(str(node.values["safe_zone"]), profile)
    values: Values = {
        **node.values,
        "safe_top": (zone.top,),
        "safe_bottom": (zone.bottom,),
        "safe_left": (zone.left,),
        "safe_right": (zone.right,),
    }
    done = replace(node, values=values, fonts=chosen)
    return _without_time(done), tuple(notices)


def zone_of(name: str, profile: Profile | None) -> SafeZone:
    """Return the safe zone of this name: a profile's, `broadcast`, `none`, or `profile`: of the one rendered for."""
    if name == "none":
        return WHOLE
    if name == "profile":
        return BROADCAST if profile is None or profile.safe_zone is None else profile.safe_zone
    if name == "broadcast":
        return BROADCAST
    return profiles()[name].safe_zone or BROADCAST


def _without_time(node: Drawn) -> Drawn:
    """Leave out the time where it changes nothing, so that a segment stays what it is when its clip moves or grows."""
    goes = node.values["animate_out"] != "none" or node.kind == "counter"
    comes = node.values["animate_in"] != "none"
    told = bool(node.words)
    return replace(
        node,
        seconds=node.seconds if goes or comes or told else (0.0,),
        lasts=node.lasts if goes else 0.0,
    )


def _number(values: Values, name: str) -> float:
    value = values[name]
    assert not isinstance(value, str), f"{name} is a number"
    return value[0]
