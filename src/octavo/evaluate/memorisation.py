"""How much of what a model writes it has by heart.

It is measured beside held-out text cut to the same lengths: people repeat each other and themselves too, so only
what goes beyond that is memorised.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from octavo.config.inference import SamplingConfig
from octavo.data import TokenSplit
from octavo.evaluate.documents import decode_documents
from octavo.evaluate.overlap import MAX_SEARCHED, CopyStats, measure_copies
from octavo.formats.json_schema import from_json
from octavo.generate.generate import generate
from octavo.generate.prompts import find_opening
from octavo.model import Transformer
from octavo.system.progress import ProgressCallback, no_progress
from octavo.tokenizer import Tokenizer

_PROMPT = 8  # tokens of held-out text, where there is no start token to begin with


@dataclass(frozen=True)
class Memorisation:
    """What a model writes, and as much held-out text, both against the training part."""

    generated: CopyStats
    held_out: CopyStats
    searched: int  # characters of training text, at its end
    searched_all: bool  # whether that is the whole training part
    lossless_tokenizer: bool  # False: all texts are compared as the tokenizer tells them
    tokens: int  # of a generated text, at most
    temperature: float
    seed: int
    checkpoint: str
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        shares = {name: {"share_found": getattr(self, name).fraction_found} for name in ("generated", "held_out")}
        plain = asdict(self)
        return plain | {name: plain[name] | shares[name] for name in shares}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Memorisation":
        """Read what :meth:`to_dict` wrote.

        Raises:
            ValueError: it is something else.
        """
        named = [field.name for field in fields(CopyStats)]
        sides = ("generated", "held_out")  # which have a share, too, that follows from the rest
        objects = {side: value for side in sides if isinstance(value := values.get(side), dict)}
        own = {side: {name: value[name] for name in named if name in value} for side, value in objects.items()}
        return from_json(cls, values | own)


def measure_memorisation(
    model: Transformer,
    tokenizer: Tokenizer,
    train: TokenSplit,
    held_out: TokenSplit,
    *,
    samples: int,
    sampling: SamplingConfig,
    context_length: int,
    checkpoint: str = "",
    watch: ProgressCallback = no_progress,
) -> Memorisation:
    """Write texts and look them up in the training part, and as much held-out text beside them.

    There are no more samples than the held-out part has room for. `watch` is told the share of the writing done.
    """
    began = time.perf_counter()
    samples = max(1, min(samples, len(held_out.ids) // sampling.max_new_tokens))
    prompts = _prompts(tokenizer, held_out, samples)
    texts = [""] * samples
    for pieces in generate(
        model,
        tokenizer,
        prompts,
        context_length=context_length,
        sampling=sampling,
        opening=find_opening(train.ids, tokenizer),
        watch=watch,
    ):
        texts = [text + piece for text, piece in zip(texts, pieces, strict=True)]
    training = decode_documents(train, tokenizer, MAX_SEARCHED)
    texts, pieces = cut_to_lengths(texts, "".join(decode_documents(held_out, tokenizer)))
    return Memorisation(
        generated=measure_copies(texts, training),
        held_out=measure_copies(pieces, training),
        searched=sum(map(len, training)),
        searched_all=max(len(train.ids), train.facts.characters) <= MAX_SEARCHED,
        lossless_tokenizer=tokenizer.lossless,
        tokens=sampling.max_new_tokens,
        temperature=sampling.temperature,
        seed=sampling.seed,
        checkpoint=checkpoint,
        seconds=time.perf_counter() - began,
    )


def cut_to_lengths(texts: Sequence[str], held_out: str) -> tuple[list[str], list[str]]:
    """`texts`, and `held_out` cut into pieces as long as they are.

    If it is too short for all of them, the last texts are left out; if it is for the first one, that is cut too.
    """
    ends = np.cumsum([0, *map(len, texts)])
    count = int((ends[1:] <= len(held_out)).sum())
    if texts and not count:
        return [texts[0][: len(held_out)]], [held_out]
    return list(texts[:count]), [held_out[ends[i] : ends[i + 1]] for i in range(count)]


def _prompts(tokenizer: Tokenizer, held_out: TokenSplit, count: int) -> list[str]:
    """Nothing, or where the tokenizer has no start token some tokens from all over the held-out part."""
    if tokenizer.bos_id is not None:
        return [""] * count
    starts = np.linspace(0, max(0, len(held_out.ids) - _PROMPT), count).astype(int)
    return [tokenizer.decode(held_out.ids[start : start + _PROMPT].tolist()) for start in starts]
