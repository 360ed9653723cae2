"""What single elements of FCPXML say: where they hang, how they are written, how loud and how large they are."""

from xml.etree.ElementTree import Element

from cutroom_sdk.wire.timeline import Parameter
from engine.editing.interchange.fcpxml_form import colour_of
from engine.editing.interchange.lanes import Lane


def lane_of(item: Element) -> Lane:
    """Return where an element that hangs on another one stands; sound hangs below."""
    text = item.get("lane", "0")
    digits = text.lstrip("-")
    number = (
        int(text) if digits.isascii() and digits.isdigit() and len(digits) < 4 and text.count("-") < 2 else 0
    )
    name = item.get("name", "") if item.tag == "spine" else ""
    return Lane(kind="audio" if number < 0 else "video", lane=number, name=name)


def writing_of(item: Element) -> dict[str, Parameter]:
    """Return the parameters of a title's or caption's text, in its first style."""
    text = "".join("".join(one.itertext()) for one in item.iterfind("text/text-style"))
    look: dict[str, Parameter] = {
        "text": text or "".join("".join(one.itertext()) for one in item.iterfind("text"))
    }
    style = item.find("text-style-def/text-style")
    if style is None:
        return look
    if font := style.get("font"):
        look["font"] = font[:100]
    size = style.get("fontSize", "")
    if size.replace(".", "", 1).isascii() and size.replace(".", "", 1).isdigit() and 8 <= float(size) <= 600:
        look["size"] = float(size)
    if (colour := colour_of(style.get("fontColor", ""))) is not None:
        look["colour"] = colour
    if style.get("bold") is not None:
        look["weight"] = 700.0 if style.get("bold") == "1" else 400.0
    if style.get("italic") is not None:
        look["italic"] = 1.0 if style.get("italic") == "1" else 0.0
    if (align := style.get("alignment")) in ("left", "center", "right"):
        look["align"] = align
    return look


def gain_of(item: Element) -> float:
    """Return how much louder a clip is, dB; 0 where that cannot be read."""
    volume = item.find("adjust-volume")
    text = volume.get("amount", "0dB").removesuffix("dB") if volume is not None else "0"
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if -200 <= found <= 60 else 0.0


def size_of(form: Element | None) -> tuple[int, int] | None:
    """Return the width and height of a format, even; None: it names none."""
    width, height = (form.get(side, "") if form is not None else "" for side in ("width", "height"))
    if all(side.isascii() and side.isdigit() and len(side) < 6 for side in (width, height)):
        return int(width) // 2 * 2, int(height) // 2 * 2
    return None


def sample_rate_of(text: str) -> int | None:
    """Return the sample rate that a sequence names, Hz; None: none that is known."""
    known = {
        "32k": 32000,
        "44.1k": 44100,
        "48k": 48000,
        "88.2k": 88200,
        "96k": 96000,
        "176.4k": 176400,
        "192k": 192000,
    }
    return known.get(text)
