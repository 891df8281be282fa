"""An epoch of the report's experiment on the whole text: every fact, and what an epoch teaches.

The real one has a window at every offset, 5,601 steps, and takes minutes. Windows here are 80 tokens apart: 70 steps
of the same model over the same text.
"""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from octavo.cli.main import main

STRIDE = 80
WINDOWS = (358_503 - 50 - STRIDE) // STRIDE + 1  # room for any phase of the stride


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    runs = tmp_path_factory.mktemp("runs")
    assert main(["reproduce", "--epochs", "1", f"--data.stride={STRIDE}", "--quiet", "--runs", str(runs)]) == 0
    figures: dict[str, Any] = json.loads(Path(runs, "reference", "reproduction", "report.json").read_text())
    return figures


def test_the_facts_are_the_reports_but_for_what_the_stride_changes(report: dict[str, Any]) -> None:
    facts = {fact["name"]: fact for fact in report["facts"]}
    differing = {name for name, fact in facts.items() if not fact["equal"]}
    assert differing == {"training windows", "steps an epoch", "validation batches"}
    assert all("data.stride" in str(facts[name]["because"]) for name in differing)
    assert facts["training windows"]["seen"] == WINDOWS
    assert facts["steps an epoch"]["seen"] == math.ceil(WINDOWS / 64)
    assert facts["parameters"]["seen"] == 524_660
    assert facts["tokens"]["seen"] == 448_129
    assert facts["validation tokens"]["seen"] == 89_626


def test_the_epoch_is_told_beside_the_reports(report: dict[str, Any]) -> None:
    (row,) = report["epochs"]
    assert row["report"] == {
        "epoch": 1,
        "train_loss": 5.2713,
        "validation_loss": 5.5793,
        "validation_perplexity": 264.89,
    }
    assert row["here"]["epoch"] == 1
    assert row["here"]["validation_perplexity"] == pytest.approx(math.exp(row["here"]["validation_loss"]))
    assert 5.3 < row["here"]["validation_loss"] < 6.0  # from 6.2, chance; at step 200 the real run stands at 5.39
    assert row["here"]["train_loss"] < math.log(500) + 0.7


def test_the_unigram_floor_is_the_known_one(report: dict[str, Any]) -> None:
    assert report["perplexity"]["unigram"]["train_entropy"] == pytest.approx(5.5144, abs=5e-5)
    assert report["perplexity"]["unigram"]["validation_loss"] == pytest.approx(5.5305, abs=5e-5)
