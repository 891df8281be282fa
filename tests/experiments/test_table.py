"""The table shows the scores, what is missing, and what is not comparable."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from octavo.experiments import Spec, read_spec
from octavo.experiments.results import CellResult, summarise
from octavo.experiments.table import experiment_markdown

MakeRow = Callable[..., CellResult]


def spec_of(**values: Any) -> Spec:
    return read_spec({"seeds": [1, 2, 3], "variants": {"base": {}, "a-long-name": {}}} | values)


def table_of(spec: Spec, rows: list[CellResult]) -> str:
    return experiment_markdown(spec, rows, summarise(spec, rows))


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_means_intervals_and_differences(make_row: MakeRow) -> None:
    rows = [make_row(v, s, about=1.0 + (v != "base")) for v in ("base", "a-long-name") for s in (1, 2, 3)]
    lines = table_of(spec_of(title="A question?"), rows).splitlines()
    assert lines[0] == "# A question?"
    table = [line for line in lines if line.startswith("|")]
    assert len({len(line) for line in table[:4]}) == 1, "the columns line up"
    head, _, base, other = (cells(line) for line in table[:4])
    assert head[:3] == ["variant", "seeds", "bits per character"]
    assert head[6] == "nats per character"
    assert base[:2] == ["base", "3"]
    assert base[4] == "(base)"
    assert base[2] == f"{sum(row.bits_per_character or 0 for row in rows[:3]) / 3:.4f}"
    assert base[6] == f"{sum(row.nats_per_character or 0 for row in rows[:3]) / 3:.4f}"
    assert other[0] == "a-long-name"
    assert float(other[4]) == pytest.approx(1 / math.log(2), abs=0.05)
    low, high = other[5].split(" … ")
    assert float(low) < float(other[4]) < float(high)


def test_failures_and_missing_runs_are_noted(make_row: MakeRow) -> None:
    failed = CellResult("base", 1, "base-seed1", failure="step 7: the loss\x1b exploded")
    said = table_of(spec_of(), [failed, make_row("a-long-name", 1)])
    assert "base, seed 1, failed: step 7: the loss\\x1b exploded" in said
    assert "4 of 6 runs" in said
    rows = [cells(line) for line in said.splitlines() if line.startswith("|")]
    assert rows[2][1:3] == ["0 of 3", "–"]
    assert rows[3][1] == "1 of 3"
    assert rows[3][3:6] == ["–", "–", "–"], "one seed has no interval, and no base to compare with"


def test_a_lossy_tokenizer_adds_a_column_and_a_note(make_row: MakeRow) -> None:
    plain = table_of(spec_of(), [make_row("base", 1)])
    assert "nats per token |" not in plain
    said = table_of(spec_of(), [make_row("base", 1, lossless_tokenizer=False)])
    assert "nats per token |" in said
    assert "lossy" in said
    assert "lossy" not in plain


def test_scores_at_other_lengths(make_row: MakeRow) -> None:
    spec = spec_of(score={"contexts": [50, 100]})
    rows = [make_row("base", s, at_context={"50": 1.5 + s / 100, "100": None}) for s in (1, 2)]
    table = [cells(line) for line in table_of(spec, rows).splitlines() if line.startswith("|")]
    assert ["variant", "50", "100"] in table
    assert ["base", "2.1857 (2.178 … 2.193)", "–"] in table


def test_early_stopping_on_the_scored_text_is_noted(make_row: MakeRow) -> None:
    for selected in (True, False):
        text = table_of(spec_of(), [make_row("base", 1, selected_on_this_text=selected)])
        assert ("Early stopping" in text) is selected


def test_without_results_every_run_is_missing() -> None:
    assert "6 of 6 runs" in table_of(spec_of(), [])


def test_a_single_variant_has_no_differences(make_row: MakeRow) -> None:
    said = table_of(spec_of(variants={"only": {}}), [make_row("only", 1)])
    assert "minus" not in said
