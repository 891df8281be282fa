"""A model that writes, and how long it takes: what every measure of generation has in common.

Weights for a model that was never trained, under which it writes like one that was: a text's odds, and no end.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from octavo.config import ModelConfig
from octavo.config.inference import SamplingConfig
from octavo.generate.generate import generate
from octavo.model import Transformer
from octavo.tokenizer import ByteBPE

VOCAB_SIZE = 512
GREEDY = SamplingConfig(temperature=0.0)
SAMPLED = SamplingConfig(temperature=1.0, top_p=0.9)


@dataclass(frozen=True)
class TextGenerator:
    """A model with the odds of a text, and a tokenizer that begins with a start token."""

    model: Transformer
    tokenizer: ByteBPE

    def begin(self, tokens: int, sampling: SamplingConfig, context: int, streams: int = 1) -> Iterator[list[str]]:
        """Write from nothing; the texts grow by pieces, of which the first is one token."""
        asked = SamplingConfig(
            sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p, tokens, sampling.seed
        )
        return generate(self.model, self.tokenizer, [""] * streams, context_length=context, sampling=asked)

    def write(self, tokens: int, sampling: SamplingConfig, context: int, streams: int = 1) -> None:
        """Write to the end."""
        for _ in self.begin(tokens, sampling, context, streams):
            pass

    def seconds_after_first_token(self, tokens: int, sampling: SamplingConfig, context: int) -> float:
        """How long all tokens but the first take, which has the start of everything in it."""
        pieces = self.begin(tokens, sampling, context)
        next(pieces)
        began = time.perf_counter()
        for _ in pieces:
            pass
        return time.perf_counter() - began


def make_text_generator(config: ModelConfig) -> TextGenerator:
    """A writer with first weights, but for its odds."""
    tokenizer = _random_tokenizer()
    model = Transformer(config, tokenizer.vocab_size)
    assert tokenizer.bos_id is not None, "a byte-level tokenizer has a start token"
    set_zipf_logits(model, tokenizer.bos_id)
    return TextGenerator(model, tokenizer)


def _random_tokenizer() -> ByteBPE:
    letters = np.random.default_rng(0).integers(26, size=20_000)
    text = "".join(chr(97 + letter) for letter in letters)
    words = " ".join(text[begin:end] for begin, end in pairwise(range(0, len(text), 5)))
    return ByteBPE.train(words, VOCAB_SIZE)


_FIRST_COLUMN = 2.0  # of the first column: all others are noise beside it


@torch.no_grad()
def set_zipf_logits(model: Transformer, end_id: int) -> None:
    """Let tokens be as frequent as Zipf's law has it, and `end_id` never come.

    An untrained model with tied embeddings likes its last token best, and others alike: after the start token nothing
    is written at all, and a sampler's work is not that on a text. Here the first column of the embedding, which the
    last norm brings to about sqrt(d_model) whatever came before, holds the logarithm of each token's frequency.
    """
    weight = model.embedding.weight
    scale = math.sqrt(weight.shape[1])
    weight[:, 0] = _FIRST_COLUMN - torch.log(torch.arange(1, len(weight) + 1)) / scale
    weight[end_id] = 0.0
    weight[end_id, 0] = 0.5 * _FIRST_COLUMN  # by default e⁻¹¹ times as likely as the likeliest; a text begins with it
