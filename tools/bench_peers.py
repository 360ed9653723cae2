"""The programs that `just bench render` compares with, each in an environment of its own, and what they are told to do.

What is asked is the same of each: the same cuts, x264 at the preset and quality of the profile that ours renders for, AAC at its
rate. The loudness that the profile asks for is ours alone to reach: the peers leave the sound as loud as it is.
"""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.editing.profiles import profile_named
from engine.kernel.clock import monotonic_s

PROFILE: Final = "source"
_ASKED: Final = profile_named(PROFILE)
PRESET, CRF, AUDIO = _ASKED.preset, str(_ASKED.crf), str(_ASKED.audio_bitrate)
GOP: Final = "60"
ENCODER: Final = (
    "-c:v",
    "libx264",
    "-preset",
    PRESET,
    "-crf",
    CRF,
    "-g",
    GOP,
    "-bf",
    "2",
    "-pix_fmt",
    "yuv420p",
)
SOUND: Final = ("-c:a", "aac", "-b:a", AUDIO)
# Packages of peers that are Python programs, pinned: figures are of these.
PEERS: Final = {"moviepy": "moviepy==2.2.1", "smartcut": "smartcut==1.7"}
Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Took:
    """Seconds of wall clock and of processor, and the most memory of the program, MiB."""

    wall_s: float
    cpu_s: float
    memory_mib: float


def installed(name: str, folder: Path) -> str:
    """Return the interpreter of a peer's own environment, made when it is not there.

    Raises:
        SystemExit: it cannot be installed.
    """
    python = folder / name / "bin" / "python"
    if not python.exists():
        for command in (
            ("uv", "venv", "--quiet", "--python", sys.executable, str(folder / name)),
            ("uv", "pip", "install", "--quiet", "--python", str(python), PEERS[name]),
        ):
            if subprocess.run(command).returncode != 0:
                raise SystemExit(f"{name} cannot be installed: {' '.join(command)}")
    return str(python)


def available(program: str) -> bool:
    """Tell whether a program of the system is there."""
    return shutil.which(program) is not None


def run(command: Sequence[str], folder: Path) -> Took:
    """Run a program to its end.

    Raises:
        SystemExit: it failed; the end of what it said.
    """
    log = folder / "peer.log"
    begun_s = monotonic_s()
    with log.open("wb") as told:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=told, stderr=told, cwd=folder)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        said = log.read_text(errors="replace")[-1500:]
        raise SystemExit(f"{command[0]} ended with {process.returncode}: {said}")
    return Took(monotonic_s() - begun_s, _cpu_s(used), used.ru_maxrss / 1024)


def _cpu_s(used: resource.struct_rusage) -> float:
    return used.ru_utime + used.ru_stime


def ffmpeg(*arguments: str) -> tuple[str, ...]:
    """Return a call of ffmpeg that overwrites and says little."""
    return ("ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments)


def ffmpeg_cuts(film: Path, spans: Spans, rate: int, out: Path) -> tuple[str, ...]:
    """Return the call that keeps spans of frames, all of it encoded anew."""
    parts, names = [], ""
    for number, (start, end) in enumerate(spans):
        parts.append(f"[0:v]trim=start_frame={start}:end_frame={end},setpts=PTS-STARTPTS[v{number}]")
        parts.append(f"[0:a]atrim={start / rate}:{end / rate},asetpts=PTS-STARTPTS[a{number}]")
        names += f"[v{number}][a{number}]"
    parts.append(f"{names}concat=n={len(spans)}:v=1:a=1[v][a]")
    return ffmpeg(
        "-i", str(film), "-filter_complex", ";".join(parts), "-map", "[v]", "-map", "[a]", *ENCODER, *SOUND, str(out)
    )  # fmt: skip


def ffmpeg_dissolves(film: Path, spans: Spans, overlap: int, rate: int, out: Path) -> tuple[str, ...]:
    """Return the call that dissolves each span into the next: neighbours share `overlap` frames."""
    parts, length = [], 0
    for number, (start, end) in enumerate(spans):
        parts.append(
            f"[0:v]trim=start_frame={start}:end_frame={end},setpts=PTS-STARTPTS,fps={rate}[v{number}]"
        )
        parts.append(f"[0:a]atrim={start / rate}:{end / rate},asetpts=PTS-STARTPTS[a{number}]")
    picture, sound = "v0", "a0"
    length = spans[0][1] - spans[0][0]
    for number, (start, end) in enumerate(spans[1:], start=1):
        offset = (length - overlap) / rate
        parts.append(
            f"[{picture}][v{number}]xfade=transition=fade:duration={overlap / rate}:offset={offset}[x{number}]"
        )
        parts.append(f"[{sound}][a{number}]acrossfade=d={overlap / rate}[y{number}]")
        picture, sound, length = f"x{number}", f"y{number}", length + end - start - overlap
    return ffmpeg(
        "-i", str(film), "-filter_complex", ";".join(parts), "-map", f"[{picture}]", "-map", f"[{sound}]",
        *ENCODER, *SOUND, str(out),
    )  # fmt: skip


def melt_dissolves(film: Path, spans: Spans, overlap: int, out: Path) -> tuple[str, ...]:
    """Return melt's call for the same."""
    clips: list[str] = []
    for number, (start, end) in enumerate(spans):
        clips += [str(film), f"in={start}", f"out={end - 1}"]
        if number:
            clips += ["-mix", str(overlap), "-mixer", "luma", "-mixer", "mix:-1"]
    return ("melt", *clips, *_melt_file(out))


def melt_layers(film: Path, count: int, words: str, out: Path) -> tuple[str, ...]:
    """Return melt's call for colour, a picture in the picture, a title, music that is turned down."""
    return (
        "melt", str(film), "in=0", f"out={count - 1}", "-attach-clip", "lift_gamma_gain", "gain_r=1.1",
        "-track", str(film), "in=3000", f"out={2999 + count}", "-attach-clip", "volume", "gain=0.25",
        "-transition", "composite", "geometry=66%/6%:30%x30%:100", "a_track=0", "b_track=1",
        "-transition", "mix:-1", "always_active=1", "sum=1", "a_track=0", "b_track=1",
        "-filter", "dynamictext", f"argument={words}", "geometry=0/80%:100%x15%:100", "size=64",
        *_melt_file(out),
    )  # fmt: skip


def ffmpeg_layers(film: Path, count: int, rate: int, words: str, out: Path) -> tuple[str, ...]:
    """Return the call for colour, a picture in the picture, a title, and music that goes down under the first track."""
    seconds = count / rate
    graph = (
        f"[0:v]trim=end_frame={count},eq=contrast=1.1:saturation=1.2[base];"
        f"[0:v]trim=start_frame=3000:end_frame={3000 + count},setpts=PTS-STARTPTS,scale=576:324[small];"
        f"[base][small]overlay=1268:64[two];"
        f"[two]drawtext=text='{words}':fontsize=64:fontcolor=white:borderw=4:x=(w-text_w)/2:y=h*0.85[v];"
        f"[0:a]atrim=end={seconds},asplit[voice][key];[0:a]atrim=100:{100 + seconds},asetpts=PTS-STARTPTS[music];"
        "[music][key]sidechaincompress=threshold=0.03:ratio=8[ducked];[voice][ducked]amix=inputs=2:normalize=0[a]"
    )
    return ffmpeg(
        "-i", str(film), "-filter_complex", graph, "-map", "[v]", "-map", "[a]", *ENCODER, *SOUND, str(out)
    )


def smartcut(python: str, film: Path, spans: Spans, rate: int, out: Path) -> tuple[str, ...]:
    """Return smartcut's call that keeps spans of frames."""
    kept = ",".join(f"{start / rate:.6f},{end / rate:.6f}" for start, end in spans)
    return (str(Path(python).with_name("smartcut")), str(film), str(out), "--keep", kept)


def frame(film: Path, seconds: float, out: Path) -> tuple[str, ...]:
    """Return the call for one exact frame."""
    return ffmpeg("-ss", f"{seconds:.6f}", "-i", str(film), "-frames:v", "1", str(out))


MOVIEPY_DISSOLVES: Final = f"""
import sys
from moviepy import VideoFileClip, CompositeVideoClip, vfx, afx
film, out, overlap, rate, *edges = sys.argv[1:]
overlap, rate = int(overlap) / int(rate), int(rate)
spans = [tuple(int(edge) / rate for edge in pair.split("-")) for pair in edges]
source, clips, at = VideoFileClip(film), [], 0.0
for number, (start, end) in enumerate(spans):
    clip = source.subclipped(start, end).with_start(at)
    if number:
        clip = clip.with_effects([vfx.CrossFadeIn(overlap), afx.AudioFadeIn(overlap)])
    clips.append(clip)
    at += end - start - overlap
CompositeVideoClip(clips).write_videofile(
    out, fps=rate, codec="libx264", preset="{PRESET}", ffmpeg_params=["-crf", "{CRF}", "-g", "{GOP}"],
    audio_codec="aac", audio_bitrate="{AUDIO}", logger=None
)
"""

MOVIEPY_LAYERS: Final = f"""
import sys
from moviepy import VideoFileClip, CompositeVideoClip, CompositeAudioClip, TextClip, vfx, afx
film, out, count, rate, words, font = sys.argv[1:]
seconds = int(count) / int(rate)
source = VideoFileClip(film)
base = source.subclipped(0, seconds).with_effects([vfx.LumContrast(contrast=0.1)])
small = source.subclipped(100, 100 + seconds).resized((576, 324)).with_position((1268, 64)).without_audio()
title = TextClip(font=font, text=words, font_size=64, color="white", stroke_color="black", stroke_width=4, duration=seconds)
music = source.subclipped(100, 100 + seconds).audio.with_effects([afx.MultiplyVolume(0.25)])
film = CompositeVideoClip([base, small, title.with_position(("center", 918))])
film = film.with_audio(CompositeAudioClip([base.audio, music]))
film.write_videofile(
    out, fps=int(rate), codec="libx264", preset="{PRESET}", ffmpeg_params=["-crf", "{CRF}", "-g", "{GOP}"],
    audio_codec="aac", audio_bitrate="{AUDIO}", logger=None
)
"""


def _melt_file(out: Path) -> tuple[str, ...]:
    return (
        "-consumer", f"avformat:{out}", "vcodec=libx264", f"preset={PRESET}", f"crf={CRF}", f"g={GOP}", "bf=2",
        "acodec=aac", f"ab={AUDIO}", "real_time=-2", "progress=0",
    )  # fmt: skip
