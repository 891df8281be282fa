"""What training reads: whether each epoch has windows of its own."""

from typing import Any

import torch

from octavo.config import Config
from octavo.config.overrides import Request
from octavo.corpus import Corpus
from octavo.data.prepare import prepare
from octavo.training.data import MAX_DROPOUT_TOKENS, TokenCount, TrainingData, bpe_dropout_until, training_data


def laid_out(config: Config, text: str) -> TrainingData:
    tokenizer, parts = prepare(Corpus.from_text(text), config.data, config.tokenizer)
    train, validation = (TokenCount(parts[name][1], parts[name][0].characters) for name in ("train", "validation"))
    return training_data(config, train, validation, tokenizer)


def windows_of(data: TrainingData, epoch: int) -> set[tuple[int, ...]]:
    """Inputs and the last target of every window of an epoch, in whatever order."""
    steps = int(data.order.steps_per_epoch)
    batches = [data.order.batch(step) for step in range(epoch * steps, (epoch + 1) * steps)]
    pairs = [data.windows.gather(batch, resample_bpe=False) for batch in batches]
    rows = [torch.cat([inputs, targets[:, -1:]], dim=1) for inputs, targets in pairs]
    return {tuple(row) for row in torch.cat(rows).tolist()}


def configured(tiny: dict[str, Any], **data: Any) -> Config:
    given = {"data.last_batch": "partial", "tokenizer.dropout": 0.0} | {f"data.{k}": v for k, v in data.items()}
    return Request(overrides=tiny | given, steps=5).applied_to(None)


def test_without_shift_every_epoch_has_the_same_windows(tiny: dict[str, Any], play: str) -> None:
    for stride in (0, 8):
        data = laid_out(configured(tiny, shift=False, stride=stride), play[:6_000])
        first = windows_of(data, 0)
        assert len(first) == len(data.windows)
        assert windows_of(data, 1) == windows_of(data, 2) == first


def test_with_shift_epochs_have_windows_of_their_own(tiny: dict[str, Any], play: str) -> None:
    data = laid_out(configured(tiny, shift=True), play[:6_000])
    one, two, three = (windows_of(data, epoch) for epoch in range(3))
    assert len(one) == len(two) == len(three) == len(data.windows)
    assert not one & two
    assert not two & three


def test_words_are_cut_anew_by_bpe_dropout_alone_and_of_no_text_that_is_very_long(tiny: dict[str, Any]) -> None:
    def until(tokens: int = 1_000, **tokenizer: Any) -> float:
        given = tiny | {f"tokenizer.{name}": value for name, value in tokenizer.items()}
        return bpe_dropout_until(Request(overrides=given, steps=5).applied_to(None), tokens)

    assert (until(), until(dropout_until=0.5)) == (0.85, 0.5)
    assert until(dropout=0.0) == until(kind="characters", dropout=0.0) == until(MAX_DROPOUT_TOKENS + 1) == 0


def test_they_are_shifted_unless_told_otherwise(tiny: dict[str, Any]) -> None:
    assert configured(tiny).data.shift
