"""The untrained text generator has the token frequencies of a text."""

from dataclasses import replace

import pytest
import torch

from octavo.bench.generator import GREEDY, SAMPLED, make_text_generator
from octavo.config import ModelConfig
from octavo.config.inference import SamplingConfig
from octavo.generate.decoding import decode
from octavo.generate.streams import ContextWindow, Request


def test_token_frequencies_follow_zipfs_law_and_the_bos_token_hardly_occurs() -> None:
    generator = make_text_generator(ModelConfig())
    bos_id = generator.tokenizer.bos_id
    assert bos_id is not None
    ids = torch.arange(generator.model.vocab_size)[:, None]
    with torch.inference_mode():
        probabilities = generator.model(ids)[:, -1].softmax(-1)
    assert probabilities[:, bos_id].max() < 1e-4
    mean = probabilities.mean(0)
    assert 1.6 < mean[1] / mean[3] < 2.4  # ranks 2 and 4: id 0 is the BOS token
    assert 40 < torch.special.entr(probabilities).sum(-1).exp().mean() < 300


def test_the_time_after_the_first_token_is_measured() -> None:
    generator = make_text_generator(ModelConfig(d_model=32, d_ff=32, n_layers=1))
    for sampling in (GREEDY, SAMPLED):
        generator.generate(40, sampling, 16, streams=2)
        assert generator.seconds_after_first_token(8, sampling, 8) > 0


@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED])
def test_its_texts_are_varied_and_reach_their_length(sampling: SamplingConfig) -> None:
    generator = make_text_generator(ModelConfig())
    bos_id, sampling_256 = generator.tokenizer.bos_id, replace(sampling, max_new_tokens=256)
    seeds = [(0, stream) for stream in range(8)]
    texts: list[list[int]] = [[] for _ in seeds]
    request = Request([[] for _ in seeds], ContextWindow(256, bos_id), sampling_256, seeds)
    for chunk in decode(generator.model, request):
        for text, tokens in zip(texts, chunk, strict=True):
            text += tokens
    assert all(len(text) == 256 and bos_id not in text for text in texts)
    assert sampling is GREEDY or min(len(set(text)) for text in texts) > 40
