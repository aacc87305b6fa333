"""What the tests of runs share: two workers of our own, and what a store must hold."""

from collections.abc import Iterator
from typing import Any

import pytest
from distributed import LocalCluster
from trials.run_cases import by_hand, content, small_plan


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None,
                      scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                      env={"JAX_PLATFORMS": "cpu"}, silence_logs=50) as made:  # fmt: skip
        yield made


@pytest.fixture(scope="module")
def address(cluster: Any) -> str:
    return str(cluster.scheduler_address)


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the store must hold, byte by byte, computed in this process."""
    path = tmp_path_factory.mktemp("expected") / "results.zarr"
    by_hand(small_plan(), path)
    return content(path)
