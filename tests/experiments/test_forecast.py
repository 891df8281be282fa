"""The forecast of an experiment."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from octavo.errors import OctavoError
from octavo.experiments.cell import CellJob
from octavo.experiments.experiment import experiment
from octavo.experiments.forecast import _OVERHEAD_SECONDS, forecast_experiment
from octavo.experiments.results import CellResult

Values = dict[str, Any]


def test_counts_sizes_and_time(values: Values, tmp_path: Path) -> None:
    found = forecast_experiment(values, name="a", runs=tmp_path / "runs", workers=2)
    assert not (tmp_path / "runs").exists()
    assert found.missing == {"narrow": 2, "wide": 2}
    assert found.workers == 2
    each = sum(run.seconds + _OVERHEAD_SECONDS for run in found.runs.values())
    assert found.seconds == pytest.approx(each)
    first, narrow, wide, *_ = found.lines()
    assert first.startswith("2 variants × 2 seeds = 4 runs")
    assert first.endswith("narrow")
    assert f"{found.runs['narrow'].parameters:,} parameters, about 6 steps" in narrow
    assert found.runs["wide"].parameters > found.runs["narrow"].parameters
    assert wide.strip().startswith("wide ")
    assert found.lines()[-1].endswith(str(tmp_path / "runs" / "a"))


def test_finished_cells_need_no_time(values: Values, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        experiment(values | {"seeds": [1]}, name="a", runs=tmp_path, executor=executor, progress=False)
    found = forecast_experiment(values, name="a", runs=tmp_path, workers=9)
    assert found.missing == {"narrow": 1, "wide": 1}
    assert found.workers == 2, "no more than there are runs"
    assert "4 runs, 2 of them done" in found.lines()[0]


def test_failed_cells_need_no_time_unless_they_are_retried(values: Values, tmp_path: Path) -> None:
    def fail(job: CellJob) -> CellResult:
        return CellResult(job.variant, job.seed, job.run, failure="it exploded")

    class Failing(ThreadPoolExecutor):
        def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
            return super().submit(fail, *args)

    with Failing(1) as executor:
        experiment(values, name="a", runs=tmp_path, executor=executor, progress=False)
    assert sum(forecast_experiment(values, name="a", runs=tmp_path).missing.values()) == 0
    assert sum(forecast_experiment(values, name="a", runs=tmp_path, retry=True).missing.values()) == 4


def test_an_invalid_variant_is_named(values: Values, tmp_path: Path) -> None:
    values["variants"]["long"] = {"data.context_length": 9000}
    with pytest.raises(OctavoError, match=r"variant long: .*8,000 characters"):
        forecast_experiment(values, runs=tmp_path)
