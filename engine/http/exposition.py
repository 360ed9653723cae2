"""Figures as text that Prometheus and its kin read: the exposition format, version 0.0.4.

A family is a `# HELP` line, a `# TYPE` line and its samples; label values escape backslash, quote and line feed. A
histogram's buckets count everything at or below `le`, and end with `+Inf`.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from engine.kernel.measures import Histogram

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Labels = Mapping[str, str]


class Family(NamedTuple):
    """One metric: its samples by what tells them apart, or a histogram. A counter's name ends with `_total`."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    samples: Iterable[tuple[Labels, float]] | Histogram


def text(families: Iterable[Family]) -> str:
    """Return families one after the other.

    >>> print(text([Family("a_total", "counter", "How often.", [({"by": "x"}, 3)])]), end="")
    # HELP a_total How often.
    # TYPE a_total counter
    a_total{by="x"} 3
    """
    return "".join(f"{line}\n" for family in families for line in _lines(family))


def _lines(family: Family) -> Iterable[str]:
    yield f"# HELP {family.name} {_escaped(family.help)}"
    yield f"# TYPE {family.name} {family.kind}"
    if isinstance(family.samples, Histogram):
        yield from _buckets(family.name, family.samples)
    else:
        for labels, value in family.samples:
            yield _sample(family.name, labels, value)


def _buckets(name: str, histogram: Histogram) -> Iterable[str]:
    below = 0
    for bound, count in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        below += count
        yield _sample(f"{name}_bucket", {"le": "+Inf" if bound == float("inf") else f"{bound:g}"}, below)
    yield _sample(f"{name}_sum", {}, histogram.total)
    yield _sample(f"{name}_count", {}, below)


def _sample(name: str, labels: Labels, value: float) -> str:
    told = ",".join(f'{label}="{_escaped(of, quote=True)}"' for label, of in labels.items())
    return f"{name}{{{told}}} {value!r}" if told else f"{name} {value!r}"


def _escaped(said: str, *, quote: bool = False) -> str:
    plain = said.replace("\\", r"\\").replace("\n", r"\n")
    return plain.replace('"', r"\"") if quote else plain
