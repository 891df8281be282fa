"""A model that was never trained writes like one that was."""

from dataclasses import replace

import pytest
import torch

from octavo.bench.generator import GREEDY, SAMPLED, make_text_generator
from octavo.config import ModelConfig
from octavo.config.inference import SamplingConfig
from octavo.generate.decoding import decode


def test_tokens_come_as_often_as_zipfs_law_has_it_and_the_end_never() -> None:
    writer = make_text_generator(ModelConfig())
    end = writer.tokenizer.bos_id
    assert end is not None
    ids = torch.arange(writer.model.vocab_size)[:, None]
    with torch.inference_mode():
        odds = writer.model(ids)[:, -1].softmax(-1)
    assert odds[:, end].max() < 1e-4
    mean = odds.mean(0)
    assert 1.6 < mean[1] / mean[3] < 2.4  # ranks 2 and 4: the first token is the end
    assert 40 < torch.special.entr(odds).sum(-1).exp().mean() < 300


def test_a_text_has_a_clock_after_its_first_token() -> None:
    writer = make_text_generator(ModelConfig(d_model=32, d_ff=32, n_layers=1))
    for sampling in (GREEDY, SAMPLED):
        writer.write(40, sampling, 16, streams=2)
        assert writer.seconds_after_first_token(8, sampling, 8) > 0


@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED])
def test_its_texts_are_drawn_and_come_to_their_length(sampling: SamplingConfig) -> None:
    writer = make_text_generator(ModelConfig())
    end, asked = writer.tokenizer.bos_id, replace(sampling, max_new_tokens=256)
    seeds = [(0, stream) for stream in range(8)]
    texts: list[list[int]] = [[] for _ in seeds]
    for chunk in decode(
        writer.model, [[] for _ in seeds], context_length=256, bos_id=end, sampling=asked, seeds=seeds
    ):
        for text, tokens in zip(texts, chunk, strict=True):
            text += tokens
    assert all(len(text) == 256 and end not in text for text in texts)
    assert sampling is GREEDY or min(len(set(text)) for text in texts) > 40
