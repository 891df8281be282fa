"""Series: what the lines of the metrics say, and what of them stays where they are many."""

import math
from typing import Any

import numpy as np
import pytest

from octavo.pipeline.run import Run
from octavo.reports.series import BITS, NATS, Points, TrainingCurve, points_of


def metrics(lines: int, **changes: Any) -> list[dict[str, Any]]:
    """Ten steps a line, 100 tokens a step."""
    rates = {"steps_per_second": 5.0, "tokens_per_second": 500.0, "learning_rate": 0.1, "gradient_norm": 1.0}
    return [
        {
            "event": "step",
            "step": 10 * i,
            "seconds": 2.0 * i,
            "epoch": 0.1 * i,
            "loss": 3.0,
            "nats_per_character": 1.5,
        }
        | rates
        | changes
        for i in range(1, lines + 1)
    ]


def one(points: list[Points], panel: str, kind: str = "train") -> Points:
    (found,) = [p for p in points if (p.panel, p.kind) == (panel, kind)]
    return found


def test_every_line_of_a_short_run_is_a_point(trained: Run) -> None:
    facts = trained.splits["train"].facts
    points = points_of(TrainingCurve("play", trained.metrics, facts.tokens / facts.characters))
    steps = [record for record in trained.metrics if record["event"] == "step"]
    loss = one(points, "loss")
    assert loss.lines == 1
    assert loss.at["step"].tolist() == [record["step"] for record in steps]
    assert loss.at["epoch"].tolist() == [record["epoch"] for record in steps]
    mean, low, high = loss.values[NATS]
    assert mean.tolist() == low.tolist() == high.tolist() == [record["loss"] for record in steps]
    assert loss.values[BITS][0][-1] == pytest.approx(steps[-1]["nats_per_character"] / math.log(2))
    validations = [record for record in trained.metrics if record["event"] == "validation"]
    assert one(points, "loss", "validation").values[NATS][0].tolist() == [look["loss"] for look in validations]
    train_split = one(points, "loss", "train-split").values
    assert train_split[NATS][0].tolist() == [look["train_loss"] for look in validations]
    assert train_split[BITS][0] == pytest.approx(train_split[NATS][0] * facts.tokens / facts.characters / math.log(2))
    assert one(points, "weights").values[""][0].tolist() == [look["weight_norm"] for look in validations]


def test_tokens_are_counted_as_they_were_read(trained: Run) -> None:
    points = points_of(TrainingCurve("play", trained.metrics))
    tokens = one(points, "loss").at["tokens"]
    size = trained.config.data.batch_size * trained.config.data.context_length
    assert tokens == pytest.approx(one(points, "loss").at["step"] * size)
    assert one(points, "loss", "validation").at["tokens"][-1] == pytest.approx(80 * size)


def test_a_long_run_is_thinned_and_keeps_its_mean_and_its_spikes() -> None:
    records = metrics(5601)
    noise = np.random.default_rng(0).standard_normal(5601) + 5
    noise[1234], noise[4321] = 99.0, -7.0
    for record, value in zip(records, noise, strict=True):
        record["gradient_norm"] = float(value)
    gradient = one(points_of(TrainingCurve("long", records)), "gradient")
    mean, low, high = gradient.values[""]
    assert len(mean) == 400
    assert gradient.lines == pytest.approx(14, abs=0.1)
    assert (high.max(), low.min()) == (99.0, -7.0)
    assert mean.mean() == pytest.approx(noise.mean(), abs=0.01)
    assert (low <= mean).all()
    assert (mean <= high).all()
    spike = gradient.at["step"][high.argmax()]
    assert spike == pytest.approx(12_350, abs=140), "where it was"


def test_many_runs_get_fewer_points_each() -> None:
    assert len(one(points_of(TrainingCurve("a", metrics(900)), runs=4), "loss").values[NATS][0]) == 100
    assert len(one(points_of(TrainingCurve("a", metrics(900)), runs=99), "loss").values[NATS][0]) == 60


def test_a_run_without_lines_has_no_series() -> None:
    assert points_of(TrainingCurve("new", [])) == []


def test_validation_of_an_earlier_version_and_of_an_early_stopping_split() -> None:
    look = {"event": "validation", "step": 20, "epoch": 1.0, "seconds": 4.0, "loss": 3.0, "nats_per_character": 1.5}
    points = points_of(TrainingCurve("old", [*metrics(2), look | {"part": "train-slice"}], 0.5))
    assert [p.kind for p in points if p.panel == "loss"] == ["train", "train-slice"]


def test_without_tokens_per_character_the_training_split_has_no_bits_per_character(trained: Run) -> None:
    assert set(one(points_of(TrainingCurve("play", trained.metrics)), "loss", "train-split").values) == {NATS}
