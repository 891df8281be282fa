"""A model that was never trained writes like one that was."""

from itertools import islice

import torch

from octavo.bench.writing import GREEDY, SAMPLED, make_writer
from octavo.config import ModelConfig
from octavo.generate.decoding import decode


def test_tokens_come_as_often_as_zipfs_law_has_it_and_the_end_never() -> None:
    writer = make_writer(ModelConfig())
    end = writer.tokenizer.start_id
    assert end is not None
    ids = torch.arange(writer.model.vocab_size)[:, None]
    with torch.inference_mode():
        odds = writer.model(ids)[:, -1].softmax(-1)
    assert odds[:, end].max() < 1e-4
    mean = odds.mean(0)
    assert 1.6 < mean[1] / mean[3] < 2.4  # ranks 2 and 4: the first token is the end
    assert 40 < torch.special.entr(odds).sum(-1).exp().mean() < 300


def test_a_text_has_all_of_its_tokens_and_a_clock_after_the_first() -> None:
    writer = make_writer(ModelConfig(d_model=32, d_ff=32, n_layers=1))
    for sampling in (GREEDY, SAMPLED):
        writer.write(40, sampling, 16, streams=2)
        assert writer.seconds_after_the_first(8, sampling, 8) > 0


def test_its_texts_are_drawn() -> None:
    writer = make_writer(ModelConfig())
    steps = decode(writer.model, [[]], context_length=64, start_id=0, sampling=SAMPLED, seeds=[(0, 0)])
    assert len({token for (token,) in islice(steps, 64)}) > 20
