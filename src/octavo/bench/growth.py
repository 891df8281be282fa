"""Measure how the time per token scales with context length, width, batch size, number of texts and text length."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from octavo.bench.generator import SAMPLED, VOCAB_SIZE, make_text_generator
from octavo.bench.measure import BenchCase, BenchComparison, Measurement, compare_cases, split_progress
from octavo.bench.request import Peers
from octavo.bench.steps import N_TOKENS, case_note, octavo_steps, stepper
from octavo.config import Config, ModelConfig, load_preset
from octavo.system.progress import ProgressCallback, no_progress
from octavo.system.terminal import capitalize_first
from octavo.training.precision import Precision, choose_precision

_TOKENS_PER_TURN = 4096  # of training
_TOKENS_PER_TEXT = 64  # of generation, where neither the context nor the length of the text grows


@dataclass(frozen=True)
class Sizes:
    """The sizes to measure, by axis."""

    contexts: tuple[int, ...] = (50, 128, 256, 512, 1024)
    widths: tuple[int, ...] = (64, 128, 256, 512)
    batches: tuple[int, ...] = (1, 4, 16, 64)
    streams: tuple[int, ...] = (1, 4, 16, 64)  # texts at once
    texts: tuple[int, ...] = (10**4, 10**5, 10**6, 10**7)  # tokens of the training split
    lengths: tuple[int, ...] = (64, 128, 256, 512, 1024)  # tokens to generate, in the default context


@dataclass(frozen=True)
class GrowthAxis:
    """One size that grows while all others are those of the default model."""

    activity: str  # "training", "generation"
    name: str  # "context"
    sizes: tuple[int, ...]
    case: Callable[[int], BenchCase]  # of a size


def bench_growth(
    rounds: int, peers: Peers, watch: ProgressCallback = no_progress, sizes: Sizes | None = None
) -> list[BenchComparison]:
    """Measure every axis separately."""
    axes = make_axes(sizes or Sizes(), choose_precision(load_preset("pocket").train))
    parts = split_progress(watch, len(axes))
    return [measure_axis(axis, rounds, part) for axis, part in zip(axes, parts, strict=True)]


def make_axes(sizes: Sizes, precision: Precision) -> list[GrowthAxis]:
    """Return the axes of training, then those of generation."""

    def training(config: Config, n_tokens: int = N_TOKENS) -> BenchCase:
        step = config.data.batch_size * config.data.context_length  # tokens
        steps = max(1, round(_TOKENS_PER_TURN / step))
        run = stepper(octavo_steps(config, VOCAB_SIZE, precision.dtype, n_tokens), steps)
        return BenchCase("", "training on tokens", steps * step, "tokens", run, case_note(precision.name))

    def generation(
        model: ModelConfig, tokens: int = _TOKENS_PER_TEXT, streams: int = 1, context: int = 0
    ) -> BenchCase:
        run = partial(make_text_generator(model).generate, tokens, SAMPLED, context or tokens, streams)
        return BenchCase("", "generating tokens", streams * tokens, "tokens", run, case_note("fp32"))

    pocket = load_preset("pocket")
    model, full = pocket.model, pocket.data.context_length
    usual = _with_data(pocket, batch_size=max(1, _TOKENS_PER_TURN // full))
    return [
        GrowthAxis("training", "context", sizes.contexts, lambda n: training(_with_context(pocket, n))),
        GrowthAxis("training", "width", sizes.widths, lambda n: training(replace(usual, model=with_width(model, n)))),
        GrowthAxis("training", "batch", sizes.batches, lambda n: training(_with_data(pocket, batch_size=n))),
        GrowthAxis("training", "length of text", sizes.texts, lambda n: training(usual, n)),
        GrowthAxis("generation", "context", sizes.contexts, lambda n: generation(model, n)),
        GrowthAxis("generation", "width", sizes.widths, lambda n: generation(with_width(model, n))),
        GrowthAxis("generation", "texts", sizes.streams, lambda n: generation(model, streams=n)),
        GrowthAxis("generation", "length of text", sizes.lengths, lambda n: generation(model, n, context=full)),
    ]


def measure_axis(axis: GrowthAxis, rounds: int, watch: ProgressCallback = no_progress) -> BenchComparison:
    """Measure every size of an axis; the note has the scaling exponent."""
    cases = [replace(axis.case(size), name=f"{axis.name} {size}") for size in axis.sizes]
    result = compare_cases(f"{capitalize_first(axis.activity)}, by {axis.name}", cases, rounds=rounds, watch=watch)
    return replace(result, notes=(scaling_note(axis, result.measurements),))


def scaling_note(axis: GrowthAxis, measurements: Sequence[Measurement]) -> str:
    """Return a sentence with the median exponent over the rounds, and its range."""
    exponents = [
        scaling_exponent(axis.sizes, rates) for rates in zip(*(one.rates for one in measurements), strict=True)
    ]
    middle, low, high = (round(e, 2) + 0.0 for e in (median(exponents), min(exponents), max(exponents)))  # no -0.00
    return (
        f"From {axis.name} {axis.sizes[0]} to {axis.sizes[-1]}, time per token scales as size^{middle:.2f} "
        f"(least squares; {low:.2f} to {high:.2f} over the rounds; 0 = constant, 1 = linear)."
    )


def scaling_exponent(sizes: Sequence[int], rates: Iterable[float]) -> float:
    """Return the slope of log(time per token) on log(size), by least squares; `rates` are in tokens per second."""
    slope, _ = np.polyfit([math.log(size) for size in sizes], [-math.log(rate) for rate in rates], 1)
    return float(slope)


def with_width(model: ModelConfig, width: int) -> ModelConfig:
    """Return the model with another d_model, the same head size, and d_ff in proportion."""
    return replace(model, d_model=width, n_heads=width // model.head_width, d_ff=width * model.d_ff // model.d_model)


def _with_context(config: Config, context: int) -> Config:
    """Return the config with another context and as many tokens per step as a turn has."""
    return _with_data(config, context_length=context, batch_size=max(1, round(_TOKENS_PER_TURN / context)))


def _with_data(config: Config, **changes: Any) -> Config:
    return replace(config, data=replace(config.data, **changes))
