"""Windows of an epoch: the same in every epoch or, with BPE-dropout, of a segmentation of its own."""

import numpy as np
import pytest
import torch

from octavo.data.batch_order import BatchOrder
from octavo.data.windows import EpochWindows, Windows
from octavo.tokenizer import BPEDropout
from octavo.tokenizer.kinds import ByteBPE

TEXT = "to be or not to be that is the question " * 40


@pytest.fixture(scope="module")
def tokenizer() -> ByteBPE:
    return ByteBPE.train(TEXT, 300)


def windows_of(tokenizer: ByteBPE, dropout: BPEDropout | None) -> EpochWindows:
    ids = np.append(0, tokenizer.encode(TEXT)).astype(np.uint16)
    return EpochWindows(Windows(ids, 12, 6, bos_id=0, phases=6), (lambda watch: dropout) if dropout else None)


def test_without_bpe_dropout_they_are_the_base_windows(tokenizer: ByteBPE) -> None:
    windows = windows_of(tokenizer, None)
    batch = BatchOrder(0, len(windows), 8, phases=6).batch(3)
    for found, expected in zip(
        windows.gather(batch, resample_bpe=True), windows.base.gather(batch.indices, batch.phases), strict=True
    ):
        assert torch.equal(found, expected)


def test_each_window_is_from_the_segmentation_of_its_epoch(tokenizer: ByteBPE) -> None:
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
        base, _ = windows.gather(batch, resample_bpe=False)
        assert torch.equal(base, windows.base.gather(batch.indices, batch.phases)[0])
        for epoch in range(3):
            assert windows.length_ratio(epoch) == len(dropout.epoch(epoch)) / windows.base.tokens > 1
    assert windows_of(tokenizer, None).length_ratio(0) == 1
