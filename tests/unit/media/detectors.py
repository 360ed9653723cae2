"""Detectors that cost nothing; in a file of their own, so that worker processes start fast."""

import os
from typing import Any

from engine.media.analysis.requests import AnalyseRequest, AnalyseResult
from engine.media.tasks import Files, Report, task


@task
def look(request: AnalyseRequest, files: Files, report: Report) -> AnalyseResult:
    report(1, 2)
    assert request.index
    data: dict[str, Any] = {
        kind: [{"start": "0", "pid": os.getpid(), **request.params[kind]}] for kind in request.kinds
    }
    if "large" in data:
        data["large"] = ["x" * 1000] * 300
    return AnalyseResult(data=data, notices={"shots": ("looked twice",)})


@task
def listen(request: AnalyseRequest, files: Files, report: Report) -> AnalyseResult:
    if "broken" in request.kinds:
        raise RuntimeError("no ears")
    return AnalyseResult(data={kind: [] for kind in request.kinds})
