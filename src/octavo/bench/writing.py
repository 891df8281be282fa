"""A model that writes, and how long it takes: what every measure of generation has in common."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from octavo.bench.odds import give_odds
from octavo.config import ModelConfig
from octavo.generate.from_model import generate
from octavo.model import Transformer
from octavo.options import SamplingConfig
from octavo.tokenizer import ByteBPE

VOCABULARY = 512
GREEDY = SamplingConfig(temperature=0.0)
SAMPLED = SamplingConfig(temperature=1.0, top_p=0.9)


@dataclass(frozen=True)
class Writer:
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

    def seconds_after_the_first(self, tokens: int, sampling: SamplingConfig, context: int) -> float:
        """How long all tokens but the first take, which has the start of everything in it."""
        pieces = self.begin(tokens, sampling, context)
        next(pieces)
        began = time.perf_counter()
        for _ in pieces:
            pass
        return time.perf_counter() - began


def make_writer(config: ModelConfig) -> Writer:
    """A writer with first weights, but for its odds."""
    tokenizer = _made_up_tokenizer()
    model = Transformer(config, tokenizer.vocab_size)
    assert tokenizer.start_id is not None, "a byte-level tokenizer has a start token"
    give_odds(model, tokenizer.start_id)
    return Writer(model, tokenizer)


def _made_up_tokenizer() -> ByteBPE:
    letters = np.random.default_rng(0).integers(26, size=20_000)
    text = "".join(chr(97 + letter) for letter in letters)
    words = " ".join(text[begin:end] for begin, end in pairwise(range(0, len(text), 5)))
    return ByteBPE.train(words, VOCABULARY)
