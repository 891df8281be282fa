"""Measure the speed of training steps and of scoring.

The `reference` preset's step is compared with a plain PyTorch loop. The `pocket` preset's step is compared with the
measured matmul throughput; the ratio is the model FLOPs utilisation (MFU). Scoring is in fp32, on as much text as the
validation split of Tiny Shakespeare.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from octavo.bench.kernels import WITH, with_and_without_kernels
from octavo.bench.measure import BenchCase, BenchComparison, compare_cases
from octavo.bench.nano_gpt import nano_gpt_step
from octavo.bench.plain_loop import plain_steps
from octavo.bench.request import Peers
from octavo.bench.steps import case_note, octavo_steps, random_ids, stepper
from octavo.config import load_preset
from octavo.config.inference import default_stride
from octavo.evaluate.scoring import Scorer
from octavo.model import Transformer
from octavo.system.progress import ProgressCallback, no_progress, subrange
from octavo.training.flops import forward_flops, matmul_rate
from octavo.training.precision import choose_precision

_STEPS_PER_TURN = 10
_SCORED_TOKENS = 56_000  # at a vocabulary of 512, as many as 111,540 characters have
_VOCAB_SIZE = 512


def bench_training(rounds: int, peers: Peers, watch: ProgressCallback = no_progress) -> list[BenchComparison]:
    """Measure the steps of both presets, and that of nanoGPT's recipe if its checkout was found."""
    checkout = peers.get("nanoGPT")
    own = 0.7 if checkout else 1.0  # fraction of the progress
    results = [
        reference_step(rounds, subrange(watch, 0, 0.6 * own)),
        pocket_step(rounds, subrange(watch, 0.6 * own, own)),
    ]
    if checkout is not None:
        results.append(nano_gpt_step(checkout, rounds, subrange(watch, own, 1), _STEPS_PER_TURN))
    return results


def reference_step(rounds: int, watch: ProgressCallback = no_progress) -> BenchComparison:
    """Compare steps of the preset ``reference``, with dropout and clipping, with those of a plain loop."""
    config, vocab_size = load_preset("reference"), 500
    ids = torch.from_numpy(random_ids(vocab_size).astype(np.int64))

    def steps(dtype: torch.dtype) -> Callable[[], None]:
        return stepper(octavo_steps(config, vocab_size, dtype), _STEPS_PER_TURN)

    work = "the reference's step: 64 windows of 50 tokens, dropout 0.1, clipping, Adam"
    plain_run = stepper(plain_steps(config, ids, vocab_size), _STEPS_PER_TURN)
    plain = BenchCase("a plain loop", work, _STEPS_PER_TURN, "steps", plain_run, case_note("fp32"))
    cases = [
        plain,
        *with_and_without_kernels(replace(plain, run=steps(torch.float32))),
        replace(plain, name=f"{WITH} in bf16", run=steps(torch.bfloat16), note=case_note("bf16")),
    ]
    return compare_cases("A step of the course report's model", cases, rounds=rounds, watch=watch)


def pocket_step(rounds: int, watch: ProgressCallback = no_progress) -> BenchComparison:
    """Compare the FLOP/s of the preset ``pocket`` with those of a square matmul on as many threads."""
    config = load_preset("pocket")
    precision, threads = choose_precision(config.train), torch.get_num_threads()
    windows, context = config.data.batch_size, config.data.context_length
    tokens = windows * context
    gigaflops = 3 * forward_flops(Transformer(config.model, _VOCAB_SIZE), context) * tokens / 1e9  # of a step

    def matmul() -> float:
        return 1e9 / matmul_rate(precision.dtype, threads)

    work, unit, note = "GFLOPs of the model, or of a matmul", "GFLOPs", case_note(precision.name)
    steps = stepper(octavo_steps(config, _VOCAB_SIZE, precision.dtype), _STEPS_PER_TURN)
    cases = [
        BenchCase("matmul", work, 1.0, unit, matmul, note),
        *with_and_without_kernels(BenchCase("", work, _STEPS_PER_TURN * gigaflops, unit, steps, note)),
    ]
    notes = (
        f"A step has {windows} windows of {context} tokens and needs {gigaflops:.2f} GFLOPs, so 1 GFLOP is "
        f"{tokens / gigaflops:,.0f} tokens. The ratio is the MFU: model FLOPs over the measured matmul throughput.",
        f"{precision.name}: {precision.reason}.",
    )
    title = "A step of the default model, next to the matmul throughput"
    return compare_cases(title, cases, rounds=rounds, notes=notes, watch=watch)


def bench_scoring(rounds: int, peers: Peers, watch: ProgressCallback = no_progress) -> list[BenchComparison]:
    """Measure the score of every token once, in windows of a context with a stride of half a context."""
    config = load_preset("pocket")
    context, stride = config.data.context_length, default_stride(config.data.context_length)
    model, ids = Transformer(config.model, _VOCAB_SIZE), random_ids(_VOCAB_SIZE, _SCORED_TOKENS)

    def score() -> None:
        with torch.inference_mode():
            Scorer(model, 0, context, stride).token_losses([ids])

    work = f"{_SCORED_TOKENS:,} tokens, each scored once, in windows of {context} with stride {stride}"
    cases = with_and_without_kernels(BenchCase("", work, _SCORED_TOKENS, "tokens", score, case_note("fp32")))
    return [compare_cases(f"Scoring {work}", cases, rounds=rounds, watch=watch)]
