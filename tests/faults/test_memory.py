"""The forecast of memory holds; `make soak` measures all configurations."""

import sys
from pathlib import Path

import pytest
from tests.faults.memory import WITHIN, forecast_and_measured


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the peak of a process")
@pytest.mark.parametrize("name", ["pocket"])
def test_the_forecast_is_within_a_quarter_of_the_peak(name: str, play_file: Path, tmp_path: Path) -> None:
    forecast, measured = forecast_and_measured(name, play_file, tmp_path)
    assert forecast == pytest.approx(measured, rel=WITHIN)
