"""What who looks from outside gets: the description of the interface, and figures that Prometheus can read."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.http import exposition
from engine.http.exposition import Family
from engine.kernel.measures import Histogram
from tests.conftest import ROOT
from tests.http_kit import Border, Watch, asked, served
from tests.kernel_kit import put, write


@pytest.fixture
async def border(tmp_path: Path) -> AsyncIterator[Border]:
    async with asked(tmp_path) as opened:
        yield opened


Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    """What another program reads in it, by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def figures(border: Border) -> Samples:
    async with border.asks("auditor") as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return samples(answer.text)


def one(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


async def test_the_interface_is_described_in_the_very_bytes_of_the_specification(border: Border) -> None:
    async with border.asks("nobody") as client:
        answer = await client.get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.content == (ROOT / "specs" / "openapi.json").read_bytes()
    assert answer.json()["paths"]["/metrics"]["get"]["x-capability"] == "log:read"


@pytest.mark.parametrize(("path", "name", "status"), [
    ("/openapi.json", None, 401),
    ("/metrics", None, 401),
    ("/metrics", "reader", 403),
    ("/metrics", "eve", 403),
])  # fmt: skip
async def test_who_may_not_look_does_not(border: Border, path: str, name: str | None, status: int) -> None:
    async with border.asks(name) as client:
        assert (await client.get(path)).status_code == status


async def test_events_and_commits_are_counted(border: Border) -> None:
    before = await figures(border)
    for n in range(3):
        await write(border.kernel, put("project/a", n))
    found = await figures(border)
    assert one(found, "cutroom_events_total") - one(before, "cutroom_events_total") == 3
    assert one(found, "cutroom_log_head_position") == border.kernel.dispatch.head == 3
    assert one(found, "cutroom_commit_seconds_count") == one(found, "cutroom_commit_requests_count") == 3
    assert one(found, "cutroom_commit_requests_bucket", le="1") == 3
    assert one(found, "cutroom_commit_requests_sum") == 3
    assert 0 < one(found, "cutroom_commit_seconds_sum") < 30
    assert one(found, "cutroom_database_bytes") + one(found, "cutroom_wal_bytes") > 4096
    assert one(found, "process_resident_memory_bytes") > 10 << 20


async def test_a_request_that_is_refused_makes_no_commit(border: Border) -> None:
    async with border.asks() as client:
        refused = await client.put("/v1/resources/project/a", json={"value": 1}, headers={"If-Match": '"3"'})
    assert refused.status_code == 412
    found = await figures(border)
    assert (one(found, "cutroom_events_total"), one(found, "cutroom_commit_seconds_count")) == (0, 0)
    assert one(found, "cutroom_http_requests_total", method="PUT", status="412") == 1


async def test_answers_are_counted_by_method_and_status_whoever_gave_them(border: Border) -> None:
    async with border.asks() as client:
        await client.get("/health")
        await client.get("/v1/resources/project/none")
        await client.get("/v1/nowhere")
        await client.get("/v1/mistakes")
        await client.request("BREW", "/health")
        await client.get("/health", headers={"Host": "evil.example"})
    found = await figures(border)
    counted = {
        tuple(sorted(dict(labels).items())): value
        for (name, labels), value in found.items()
        if name == "cutroom_http_requests_total"
    }
    assert {(dict(labels)["method"], dict(labels)["status"]): value for labels, value in counted.items()} == {
        ("GET", "200"): 1,
        ("GET", "403"): 1,
        ("GET", "404"): 2,
        ("GET", "500"): 1,
        ("other", "405"): 1,
    }


async def test_what_waits_in_the_outbox_is_counted_by_state(border: Border) -> None:
    found = await figures(border)
    states = {
        dict(labels)["state"]: value
        for (name, labels), value in found.items()
        if name == "cutroom_outbox_commands"
    }
    assert states == {"pending": 0, "attempted": 0, "dead": 0, "unknown": 0}


async def test_streams_are_counted_while_somebody_reads_them(tmp_path: Path) -> None:
    async with served(tmp_path) as border:
        assert one(await figures(border), "cutroom_streams_open") == 0
        async with Watch(border, "/v1/resources/events") as stream:
            await stream.take(1)
            assert one(await figures(border), "cutroom_streams_open") == 1


def test_names_in_labels_and_texts_are_kept_apart_from_the_format() -> None:
    odd = 'a"b\\c\nd'
    text = exposition.text([Family("x_total", "counter", odd, [({"by": odd}, 1)])])
    assert samples(text) == {("x_total", frozenset({("by", odd)})): 1}


def test_buckets_count_everything_below_them() -> None:
    sizes = Histogram((1, 5))
    for size in (0, 1, 2, 5, 6, 1000):
        sizes.observe(size)
    found = samples(exposition.text([Family("size", "histogram", "How large.", sizes)]))
    assert [one(found, "size_bucket", le=le) for le in ("1", "5", "+Inf")] == [2, 4, 6]
    assert (one(found, "size_sum"), one(found, "size_count")) == (1014, 6)


async def test_requests_that_go_the_short_way_are_counted_with_the_others(tmp_path: Path) -> None:
    taken: list[None] = []
    async with served(tmp_path, on_short=lambda: taken.append(None)) as border:
        async with border.asks() as client:
            for _ in range(2):
                await client.put("/v1/resources/project/a", json={"value": 1})
            await client.put("/v1/resources/project/a", json={"value": 1}, headers={"If-None-Match": "*"})
            for _ in range(2):  # the first has the record read into memory
                await client.get("/v1/resources/project/a")
        found = await figures(border)
    assert taken, "none of them went the short way"
    counts = [
        one(found, "cutroom_http_requests_total", method=method, status=status)
        for method, status in (("PUT", "201"), ("PUT", "200"), ("PUT", "412"), ("GET", "200"))
    ]
    assert counts == [1, 1, 1, 2]
