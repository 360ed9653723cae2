"""Texts in a worker that has locked itself down: nothing is opened that was not handed in."""

from fractions import Fraction
from pathlib import Path

from engine.media.pool import Pool
from engine.media.tasks import Files, no_report
from engine.rendering import worker
from engine.rendering.graph import Layer, Layered, Solid
from engine.rendering.walking import graph_inputs
from engine.rendering.work import PictureWork, SegmentDone
from tests.clips import make_clip
from tests.render.text.kit import installed, needs, node, words
from tests.render.workshop import PROFILE, plan_of, source_of, span, timeline_of


@needs("Noto Sans CJK JP", "fonts-noto-cjk")
@needs("Noto Color Emoji", "fonts-noto-color-emoji")
@needs("Noto Sans Arabic", "fonts-noto-core")
async def test_a_worker_behind_its_walls_draws_every_script(tmp_path: Path) -> None:
    source = source_of(make_clip(tmp_path / "clip.mp4", frames=5).path)
    plain = (
        plan_of(timeline_of([span(source, 0, 5, rate=Fraction(25))], rate=Fraction(25)), [source], PROFILE)
        .segments[0]
        .work
    )
    fonts = installed()
    texts = [
        node(
            "caption",
            given={"style": "highlight", "size": 200},
            said=words("Ciao مرحبا 日本語 🎬"),
            seconds=[0.0, 0.3, 0.6, 1.1, 1.6],
            fonts=fonts,
        ),
        node(
            "lower_third",
            given={"text": "Ada", "second": "ناس"},
            seconds=[0.0, 0.1, 0.2, 0.3, 0.4],
            fonts=fonts,
        ),
    ]
    tree = Layered(
        layers=(Layer(input=Solid(colour=(40, 60, 80, 255))), *(Layer(input=one) for one in texts))
    )
    work = PictureWork(count=5, graph=tree, encoder=plain.encoder, capabilities=plain.capabilities)
    files = [Path(fonts.path_of(one)) for one in graph_inputs(tree).files]
    async with Pool(modules=("engine.rendering.worker",), workers=1) as pool:
        done = await pool.run(
            "engine.rendering.worker:render_segment", work, SegmentDone,
            inputs=files, outputs=[tmp_path / "inside"], needs=["engine.rendering.compositor.warm"],
        )  # fmt: skip
    assert done.frames == 5
    with (tmp_path / "outside").open("w+b") as out:
        opened = [one.open("rb") for one in files]
        worker.render_segment(work, Files(tuple(one.fileno() for one in opened), (out.fileno(),)), no_report)
        for one in opened:
            one.close()
    assert (tmp_path / "inside").read_bytes() == (tmp_path / "outside").read_bytes()
