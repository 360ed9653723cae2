"""A cluster that is not there is said plainly; all else of clusters is in tests/fault/test_cluster.py."""

from pathlib import Path

import pytest

from engine.kernel.errors import Unavailable
from engine.rendering.executor import cluster_settings
from engine.rendering.executor_dask import Cluster


async def test_a_scheduler_that_is_not_there_is_said_plainly(tmp_path: Path) -> None:
    settings = cluster_settings("dask://127.0.0.1:1", str(tmp_path))
    assert settings is not None
    with pytest.raises(Unavailable, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"):
        await Cluster(settings, connect_s=1)._connected()
