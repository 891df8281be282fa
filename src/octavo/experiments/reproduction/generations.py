"""Generation as the report does it: before every token the model reads the last tokens anew, from nothing.

Octavo's own way (:mod:`octavo.generate.decoding`) keeps a cache and begins a new window when the context is full;
it is quicker and, within a first window, the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch

from octavo.config.inference import SamplingConfig
from octavo.experiments.reproduction import reported
from octavo.generate.decoding import logits_to_probs, sample
from octavo.pipeline.run import Run


@dataclass(frozen=True)
class Generation:
    """A prompt and its continuation; the text is what decoding gives, prompt included."""

    prompt: str
    temperature: float
    text: str


def generate_without_cache(
    run: Run, prompt: Sequence[int], sampling: SamplingConfig, *, stream: int = 0
) -> list[int]:
    """New tokens after `prompt` (ids, not empty unless there is a start token), each from the last window alone.

    A stream draws from (sampling.seed, stream).
    """
    random = np.random.Generator(np.random.PCG64([sampling.seed, stream]))
    first = [] if run.tokenizer.bos_id is None else [run.tokenizer.bos_id]
    room = run.config.data.context_length - len(first)
    ids = list(prompt)
    with torch.inference_mode():
        for _ in range(sampling.max_new_tokens):
            logits = run.model(torch.tensor([first + ids[-room:]]))[:, -1]
            ids += sample(
                logits_to_probs(logits, sampling), torch.tensor([random.random()], dtype=torch.float64)
            ).tolist()
    return ids[len(prompt) :]


def generate_all(run: Run) -> tuple[Generation, ...]:
    """Every prompt of the report at every temperature; a prompt that the tokenizer has no token for is left out."""
    generations = []
    for stream, (prompt, temperature) in enumerate(product(reported.PROMPTS, reported.TEMPERATURES)):
        if not (ids := run.tokenizer.encode(prompt).tolist()):
            continue
        sampling = SamplingConfig(
            temperature=temperature,
            top_k=reported.TOP_K,
            max_new_tokens=reported.NEW_TOKENS,
            seed=run.config.train.seed,
        )
        new = generate_without_cache(run, ids, sampling, stream=stream)
        generations.append(Generation(prompt, temperature, run.tokenizer.decode([*ids, *new])))
    return tuple(generations)
