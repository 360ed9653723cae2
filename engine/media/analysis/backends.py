"""Who makes each kind of analysis, for cache keys, `GET /ready` and `cutroom doctor`.

A version begins with the number of our own method, which grows when its results change, and names what else the numbers
depend on.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Final

from engine.kernel.errors import Invalid
from engine.media.analysis import centerface, silero
from engine.media.analysis.params import defaults
from engine.media.analysis.requests import Backend

KINDS: Final = ("shots", "motion", "quality", "faces", "camera", "speech", "loudness", "beats")


def _opencv() -> str:
    return f"cv{version('opencv-python-headless')}"


def _shots() -> Backend:
    return Backend(
        kind="shots", stream="picture", name="likeness", version=f"1+{_opencv()}", params=defaults("shots")
    )


def _motion() -> Backend:
    # Its track is smoothed within shots: another way to find shots is another track.
    return Backend(
        kind="motion",
        stream="picture",
        name="compensated-difference",
        version=f"1+{_shots().name}{_shots().version}",
        params=defaults("motion"),
    )


def _quality() -> Backend:
    return Backend(
        kind="quality",
        stream="picture",
        name="edge-slope",
        version=f"1+{_opencv()}",
        params=defaults("quality"),
    )


def _faces() -> Backend:
    return Backend(
        kind="faces",
        stream="picture",
        name="centerface",
        version=f"1+onnxruntime{version('onnxruntime')}+av{version('av')}",
        model_hash=centerface.MODEL.sha256,
        params=defaults("faces"),
        missing=centerface.MODEL.missing(),
    )


def _camera() -> Backend:
    return Backend(
        kind="camera",
        stream="picture",
        name="corner-tracks",
        version=f"1+{_opencv()}",
        params=defaults("camera"),
    )


def _speech() -> Backend:
    return Backend(
        kind="speech",
        stream="sound",
        name="silero-vad-v6",
        version=f"1+onnxruntime{version('onnxruntime')}",
        model_hash=silero.MODEL.sha256,
        params=defaults("speech"),
        missing=silero.MODEL.missing(),
    )


def _loudness() -> Backend:
    return Backend(
        kind="loudness",
        stream="sound",
        name="ebur128",
        version=f"1+av{version('av')}",
        params=defaults("loudness"),
    )


def _beats() -> Backend:
    return Backend(
        kind="beats",
        stream="sound",
        name="flux-and-row",
        version=f"1+numpy{version('numpy')}",
        params=defaults("beats"),
    )


_MAKERS: Final[dict[str, Callable[[], Backend]]] = {
    "shots": _shots,
    "motion": _motion,
    "quality": _quality,
    "faces": _faces,
    "camera": _camera,
    "speech": _speech,
    "loudness": _loudness,
    "beats": _beats,
}


def backend(kind: str) -> Backend:
    """Return who makes a kind, as things stand now: a model may have been installed since the last time.

    Raises:
        Invalid: there is no such kind; the text names those there are.
    """
    if kind not in _MAKERS:
        raise Invalid(f"there is no analysis {kind!r}; there are {', '.join(KINDS)}", field="kinds")
    return _MAKERS[kind]()


def backends() -> dict[str, Backend]:
    """Return all of them by kind."""
    return {kind: backend(kind) for kind in KINDS}
