"""How fast a model trains: the report's step beside a plain loop, the default's as a share of the machine's peak.

How fast a text is scored: as much as Tiny Shakespeare's held-out tenth, by the default model, in fp32.
"""

from collections.abc import Callable

import numpy as np
import torch

from octavo.bench.kernels import WITH, with_and_without_kernels
from octavo.bench.measure import BenchCase, Comparison, compare_cases
from octavo.bench.nano_gpt import nano_gpt_step
from octavo.bench.plain_loop import plain_steps
from octavo.bench.request import Peers
from octavo.bench.steps import in_words, made_up_ids, octavo_steps, taking
from octavo.config import load_preset
from octavo.config.inference import default_stride
from octavo.evaluate.scoring import token_losses
from octavo.model import Transformer
from octavo.system.progress import ProgressCallback, no_progress, subrange
from octavo.training.flops import forward_flops, matmul_rate
from octavo.training.precision import choose_precision

_STEPS = 10  # a turn


def bench_training(rounds: int, peers: Peers, watch: ProgressCallback = no_progress) -> list[Comparison]:
    """The report's step against a plain loop, the default's beside what products reach, and nanoGPT's recipe."""
    place = peers.place("nanoGPT")
    own = 0.7 if place else 1.0
    found = [
        report_step(rounds, subrange(watch, 0, 0.6 * own)),
        default_step(rounds, subrange(watch, 0.6 * own, own)),
    ]
    return found if place is None else [*found, nano_gpt_step(place, rounds, subrange(watch, own, 1), _STEPS)]


def report_step(rounds: int, watch: ProgressCallback = no_progress) -> Comparison:
    """Steps of the preset ``reference``: 64 windows of 50 tokens, dropout, clipping, L2 inside Adam."""
    config, vocab_size = load_preset("reference"), 500
    ids = torch.from_numpy(made_up_ids(vocab_size).astype(np.int64))
    runs: dict[str, tuple[Callable[[], float | None], str]] = {
        "a plain loop": (taking(plain_steps(config, ids, vocab_size), _STEPS), "fp32")
    }
    for name, run in with_and_without_kernels(
        taking(octavo_steps(config, vocab_size, torch.float32), _STEPS)
    ).items():
        runs[name] = (run, "fp32")
    runs[f"{WITH} in bf16"] = (taking(octavo_steps(config, vocab_size, torch.bfloat16), _STEPS), "bf16")
    work = "the reference's step: 64 windows of 50 tokens, dropout 0.1, clipping, Adam"
    cases = [BenchCase(name, work, _STEPS, "steps", take, in_words(kind)) for name, (take, kind) in runs.items()]
    return compare_cases("A step of the report's model", cases, rounds=rounds, watch=watch)


def default_step(rounds: int, watch: ProgressCallback = no_progress) -> Comparison:
    """FLOPs a second that the preset ``pocket`` needs, beside those of a square matrix product on as many threads."""
    config, vocab_size = load_preset("pocket"), 512
    precision, threads = choose_precision(config.train), torch.get_num_threads()
    windows, context = config.data.batch_size, config.data.context_length
    tokens = windows * context
    billions = 3 * forward_flops(Transformer(config.model, vocab_size), context) * tokens / 1e9

    def product() -> float:
        return 1e9 / matmul_rate(precision.dtype, threads)

    work, unit, note = "GFLOPs that the model needs, or that a product has", "GFLOPs", in_words(precision.name)
    cases = [BenchCase("matrix product", work, 1.0, unit, product, note)]
    for name, run in with_and_without_kernels(
        taking(octavo_steps(config, vocab_size, precision.dtype), _STEPS)
    ).items():
        cases.append(BenchCase(name, work, _STEPS * billions, unit, run, note))
    notes = (
        f"A step is {windows} windows of {context} tokens and takes {billions:.2f} GFLOPs, so that one is for "
        f"{tokens / billions:,.0f} tokens. The ratio is the share of the machine's peak.",
        f"{precision.name}: {precision.reason}.",
    )
    title = "A step of the default model, beside what matrix products reach"
    return compare_cases(title, cases, rounds=rounds, notes=notes, watch=watch)


_TOKENS = 56_000  # of vocabulary 512: 111,540 characters
_VOCABULARY = 512


def bench_scoring(rounds: int, peers: Peers, watch: ProgressCallback = no_progress) -> list[Comparison]:
    """Every token once, in windows of a whole context, half a context apart."""
    config = load_preset("pocket")
    context, stride = config.data.context_length, default_stride(config.data.context_length)
    model, ids = Transformer(config.model, _VOCABULARY), made_up_ids(_VOCABULARY, _TOKENS)

    def score() -> None:
        with torch.inference_mode():
            token_losses(model, [ids], bos_id=0, context_length=context, stride=stride)

    work = f"{_TOKENS:,} tokens, each scored once, in windows of {context}, {stride} apart"
    cases = [
        BenchCase(name, work, _TOKENS, "tokens", run, in_words("fp32"))
        for name, run in with_and_without_kernels(score).items()
    ]
    return [compare_cases(f"Scoring {work}", cases, rounds=rounds, watch=watch)]
