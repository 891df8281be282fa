"""The windows of an epoch: the plain ones, or those of the epoch's own cutting."""

import numpy as np
import pytest
import torch

from octavo.data import BatchOrder, EpochWindows
from octavo.tokenizer import BPEDropout
from octavo.tokenizer.kinds import ByteBPE

TEXT = "to be or not to be that is the question " * 40


@pytest.fixture(scope="module")
def tokenizer() -> ByteBPE:
    return ByteBPE.train(TEXT, 300)


def windows_of(tokenizer: ByteBPE, dropout: BPEDropout | None) -> EpochWindows:
    ids = np.append(0, tokenizer.encode(TEXT)).astype(np.uint16)
    return EpochWindows(ids, 12, 6, bos_id=0, phases=6, dropout=(lambda watch: dropout) if dropout else None)


def test_without_dropout_they_are_the_plain_ones(tokenizer: ByteBPE) -> None:
    windows = windows_of(tokenizer, None)
    batch = BatchOrder(0, len(windows), 8, phases=6).batch(3)
    for found, expected in zip(
        windows.gather(batch, resample_bpe=True), windows.base.gather(batch.indices, batch.phases), strict=True
    ):
        assert torch.equal(found, expected)


def test_each_window_is_a_piece_of_its_own_epoch(tokenizer: ByteBPE) -> None:
    dropout = BPEDropout(tokenizer, [tokenizer.encode(TEXT)], 0.3, 1)
    windows = windows_of(tokenizer, dropout)
    order = BatchOrder(0, len(windows), 7, phases=6)
    for step in range(3 * len(windows) // 7):
        batch = order.batch(step)
        inputs, targets = windows.gather(batch, resample_bpe=True)
        assert inputs.shape == targets.shape == (7, 12)
        assert (inputs[:, 0] == 0).all()
        for epoch, row in zip(batch.epochs.tolist(), targets.tolist(), strict=True):
            text = " ".join(map(str, dropout.epoch(epoch).tolist()))
            assert f" {' '.join(map(str, row))}" in text
        plain, _ = windows.gather(batch, resample_bpe=False)
        assert torch.equal(plain, windows.base.gather(batch.indices, batch.phases)[0])
