"""The perplexity report, against loops of its own."""

import math

import numpy as np
import pytest
import torch

from octavo.experiments.reproduction.losses import BatchLosses, Perplexities, measure_losses, unigram_losses
from octavo.pipeline.run import Run


def by_hand(run: Run, part: str, batch: int) -> tuple[list[float], list[int]]:
    """The mean loss of each batch and its windows, a window at a time; windows of 32 begin with the start token."""
    ids, start = run.splits[part].ids.astype("int64"), run.tokenizer.bos_id
    windows = [ids[i : i + 33] for i in range(0, len(ids) - 32, 32)]
    losses = []
    with torch.inference_mode():
        for window in windows:
            logits = run.model(torch.tensor([[start, *window[1:-1].tolist()]])).double().log_softmax(-1)[0]
            losses.append(-float(logits[torch.arange(32), torch.from_numpy(window[1:])].mean()))
    groups = [losses[i : i + batch] for i in range(0, len(losses), batch)]
    return [sum(group) / len(group) for group in groups], [len(group) for group in groups]


def test_every_validation_window_and_a_sample_of_the_training_windows(trained: Run) -> None:
    shares: list[float] = []
    found = measure_losses(trained, shares.append)
    losses, windows = by_hand(trained, "validation", trained.config.data.batch_size)
    assert found.validation.windows == tuple(windows)
    assert windows[-1] != windows[0], "the last batch is partial"
    assert found.validation.losses == pytest.approx(losses, rel=1e-5)
    losses, windows = by_hand(trained, "train", trained.config.data.batch_size)
    assert found.train_windows == sum(windows) < 10_000
    assert found.sample.mean == pytest.approx(np.average(losses, weights=windows), rel=1e-5)
    assert found.training_as_reported == pytest.approx(found.sample.mean), "the sample is the whole"
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] <= 1


def test_the_means_are_of_windows_and_of_batches() -> None:
    losses = BatchLosses((5.0, 6.0), (64, 40))
    assert losses.mean == pytest.approx((5 * 64 + 6 * 40) / 104)
    assert losses.mean_of_batches == 5.5
    assert losses.standard_deviation == 0.5


def test_the_reports_training_loss_divides_by_the_wrong_number() -> None:
    sample = BatchLosses((5.53,) * 157, (64,) * 156 + (16,))
    assert sum(sample.windows) == 10_000
    found = Perplexities(sample, 1.0, sample, 358_453, 5.5144, 5.5305)
    assert found.training_as_reported == pytest.approx(5.53 * 10_000 / 358_453)
    assert math.exp(found.training_as_reported) == pytest.approx(1.17, abs=0.005)
    assert found.sample.mean == pytest.approx(5.53)


def test_unigram_of_the_reference_is_the_floor_that_was_measured(reference: Run) -> None:
    train, validation = (reference.splits[name].ids for name in ("train", "validation"))
    assert unigram_losses(train, validation, 500) == pytest.approx((5.5144, 5.5305), abs=5e-5)


def test_unigram_by_hand() -> None:
    entropy, score = unigram_losses(np.array([3, 0, 0, 1]), np.array([0, 3, 2]), 4, bos_id=3)
    assert entropy == pytest.approx(-(2 * math.log(2 / 3) + math.log(1 / 3)) / 3)
    assert score == pytest.approx(-(math.log(3 / 6) + math.log(1 / 6)) / 2), "every count is one more"
