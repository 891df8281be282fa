"""A text generator for every benchmark of generation: an untrained model whose logits are those of a text.

An untrained model would not do: it repeats one token or ends at once. `set_zipf_logits` gives it the token
frequencies of a text, so that a sampler has its usual work, and no end.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch

from octavo.config import ModelConfig
from octavo.config.inference import SamplingConfig
from octavo.generate.generate import decoder_of
from octavo.generate.text import continue_prompts
from octavo.model import Transformer
from octavo.tokenizer import ByteBPE

VOCAB_SIZE = 512
GREEDY = SamplingConfig(temperature=0.0)
SAMPLED = SamplingConfig(temperature=1.0, top_p=0.9)


@dataclass(frozen=True)
class TextGenerator:
    """A model with the token frequencies of a text, and a tokenizer with a BOS token."""

    model: Transformer
    tokenizer: ByteBPE

    def stream(self, tokens: int, sampling: SamplingConfig, context: int, streams: int = 1) -> Iterator[list[str]]:
        """Generate texts from an empty prompt; yield the next chunk of each, the first of which is one token."""
        sampling = replace(sampling, max_new_tokens=tokens)
        decoder, prompts = decoder_of(self.model), [""] * streams
        return continue_prompts(decoder, self.tokenizer, prompts, context_length=context, sampling=sampling)

    def generate(self, tokens: int, sampling: SamplingConfig, context: int, streams: int = 1) -> None:
        """Generate texts of `tokens` tokens and discard them."""
        for _ in self.stream(tokens, sampling, context, streams):
            pass

    def seconds_after_first_token(self, tokens: int, sampling: SamplingConfig, context: int) -> float:
        """Return the seconds for all tokens but the first, which includes the prefill."""
        chunks = self.stream(tokens, sampling, context)
        next(chunks)
        began = time.perf_counter()
        for _ in chunks:
            pass
        return time.perf_counter() - began


def make_text_generator(config: ModelConfig) -> TextGenerator:
    """Return a generator with initial weights, except for :func:`set_zipf_logits`."""
    tokenizer = _random_tokenizer()
    model = Transformer(config, tokenizer.vocab_size)
    assert tokenizer.bos_id is not None, "a byte-level tokenizer has a BOS token"
    set_zipf_logits(model, tokenizer.bos_id)
    return TextGenerator(model, tokenizer)


def _random_tokenizer() -> ByteBPE:
    """Train a tokenizer on random words of five letters."""
    letters = np.random.default_rng(0).integers(26, size=20_000)
    text = "".join(chr(97 + letter) for letter in letters)
    words = " ".join(text[begin:end] for begin, end in pairwise(range(0, len(text), 5)))
    return ByteBPE.train(words, VOCAB_SIZE)


_FIRST_COLUMN = 2.0  # its level: large enough that the other columns are noise


@torch.no_grad()
def set_zipf_logits(model: Transformer, end_id: int) -> None:
    """Change the embedding so that token frequencies follow Zipf's law and `end_id` practically never occurs.

    With tied embeddings an untrained model predicts its last token again, and the BOS token therefore ends the text
    at once. Here the first column of the embedding holds the logarithm of each token's frequency; the final norm
    scales that column to about sqrt(d_model), whatever the input was.
    """
    weight = model.embedding.weight
    scale = math.sqrt(weight.shape[1])
    weight[:, 0] = _FIRST_COLUMN - torch.log(torch.arange(1, len(weight) + 1)) / scale
    weight[end_id] = 0.0
    weight[end_id, 0] = 0.5 * _FIRST_COLUMN  # by default e⁻¹¹ times as probable as the top token
