"""Generation as in the course report: before every token the model reads the whole last window again.

Octavo's own generation (:mod:`octavo.generate.decoding`) keeps a KV cache, and begins a new window when the context
is full; it is faster and, within the first window, gives the same tokens.
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
    """A prompt and the decoded text, which includes the prompt."""

    prompt: str
    temperature: float
    text: str


def generate_without_cache(
    run: Run, prompt: Sequence[int], sampling: SamplingConfig, *, stream: int = 0
) -> list[int]:
    """Return the new token ids after `prompt`; each is sampled from the last window alone.

    Args:
        run: the run whose model generates.
        prompt: token ids; not empty unless the tokenizer has a BOS token.
        sampling: temperature, filters, number of tokens and seed.
        stream: random numbers are drawn from the generator of (sampling.seed, stream).
    """
    random = np.random.Generator(np.random.PCG64([sampling.seed, stream]))
    bos = [] if run.tokenizer.bos_id is None else [run.tokenizer.bos_id]
    context = run.config.data.context_length - len(bos)
    ids = list(prompt)
    with torch.inference_mode():
        for _ in range(sampling.max_new_tokens):
            logits = run.model(torch.tensor([bos + ids[-context:]]))[:, -1]
            number = torch.tensor([random.random()], dtype=torch.float64)
            ids += sample(logits_to_probs(logits, sampling), number).tolist()
    return ids[len(prompt) :]


def generate_all(run: Run) -> tuple[Generation, ...]:
    """Continue every prompt of the report at every temperature; a prompt without a known token is skipped."""
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
