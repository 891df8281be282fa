"""Measure how much generated text is copied verbatim from the training split.

The same amount of validation text is measured for comparison: people repeat each other and themselves too, so only
what exceeds its figures is memorised.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from octavo.config.inference import SamplingConfig
from octavo.data.token_files import TokenSplit
from octavo.evaluate.documents import decode_documents
from octavo.evaluate.overlap import MAX_SEARCHED, CopyStats, measure_copies
from octavo.formats.json_schema import from_json
from octavo.generate.generate import decoder_of
from octavo.generate.prompts import opening_of_split
from octavo.generate.text import continue_prompts
from octavo.runs.saved_run import SavedRun
from octavo.system.progress import ProgressCallback, no_progress
from octavo.tokenizer import Tokenizer

_PROMPT_TOKENS = 8  # of validation text, where the tokenizer has no BOS token to begin with


@dataclass(frozen=True)
class Memorisation:
    """The copies in generated texts and in as much validation text, both compared with the training split."""

    generated: CopyStats
    held_out: CopyStats
    searched: int  # characters of training text, at its end
    searched_all: bool  # whether that is all of the training split
    lossless_tokenizer: bool  # False: the compared texts are decoded from their tokens
    tokens: int  # of a generated text, at most
    temperature: float
    seed: int
    checkpoint: str
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, with the fraction found of each side."""
        values = asdict(self)
        for name, stats in (("generated", self.generated), ("held_out", self.held_out)):
            values[name]["share_found"] = stats.fraction_found
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Memorisation":
        """Read what :meth:`to_dict` wrote.

        Raises:
            ValueError: the values are something else.
        """
        stats = {side: value for side in ("generated", "held_out") if isinstance(value := values.get(side), dict)}
        for side, value in stats.items():  # "share_found" follows from the other figures
            stats[side] = {name: entry for name, entry in value.items() if name != "share_found"}
        return from_json(cls, values | stats)


def measure_memorisation(
    run: SavedRun, samples: int, sampling: SamplingConfig, watch: ProgressCallback = no_progress
) -> Memorisation:
    """Generate texts, and search for them and for as much validation text in the training split.

    Args:
        run: the run; the last 20 million characters of its training split are searched.
        samples: number of texts; at most as many as the validation split has room for.
        sampling: of the generation.
        watch: is called with the fraction of the generation that is done.
    """
    began = time.perf_counter()
    tokenizer, train, held_out = run.tokenizer, run.split("train"), run.split("validation")
    samples = max(1, min(samples, len(held_out.ids) // sampling.max_new_tokens))
    texts = [""] * samples
    for chunks in continue_prompts(
        decoder_of(run.model),
        tokenizer,
        _prompts(tokenizer, held_out, samples),
        context_length=run.config.data.context_length,
        sampling=sampling,
        opening=opening_of_split(train, tokenizer),
        watch=watch,
    ):
        texts = [text + chunk for text, chunk in zip(texts, chunks, strict=True)]
    training = decode_documents(train, tokenizer, MAX_SEARCHED)
    texts, validation_texts = cut_to_lengths(texts, "".join(decode_documents(held_out, tokenizer)))
    return Memorisation(
        generated=measure_copies(texts, training),
        held_out=measure_copies(validation_texts, training),
        searched=sum(map(len, training)),
        searched_all=max(len(train.ids), train.facts.characters) <= MAX_SEARCHED,
        lossless_tokenizer=tokenizer.lossless,
        tokens=sampling.max_new_tokens,
        temperature=sampling.temperature,
        seed=sampling.seed,
        checkpoint=run.checkpoint,
        seconds=time.perf_counter() - began,
    )


def cut_to_lengths(texts: Sequence[str], held_out: str) -> tuple[list[str], list[str]]:
    """Return `texts`, and consecutive spans of `held_out` of the same lengths.

    If `held_out` is too short for all texts, the last ones are dropped; if it is too short for the first one, that
    one is shortened.
    """
    ends = np.cumsum([0, *map(len, texts)])
    count = int((ends[1:] <= len(held_out)).sum())
    if texts and not count:
        return [texts[0][: len(held_out)]], [held_out]
    return list(texts[:count]), [held_out[ends[i] : ends[i + 1]] for i in range(count)]


def _prompts(tokenizer: Tokenizer, held_out: TokenSplit, count: int) -> list[str]:
    """Return empty prompts, or if the tokenizer has no BOS token, a few tokens from evenly spread validation text."""
    if tokenizer.bos_id is not None:
        return [""] * count
    starts = np.linspace(0, max(0, len(held_out.ids) - _PROMPT_TOKENS), count).astype(int)
    return [tokenizer.decode(held_out.ids[start : start + _PROMPT_TOKENS].tolist()) for start in starts]
