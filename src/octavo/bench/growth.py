"""How the time of a token grows with the size of things: context, width, windows of a batch, texts at once,
length of text.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from octavo.bench.generator import SAMPLED, VOCAB_SIZE, make_text_generator
from octavo.bench.measure import BenchCase, Comparison, Measurement, compare_cases
from octavo.bench.request import Peers
from octavo.bench.steps import N_TOKENS, case_note, octavo_steps, stepper
from octavo.config import Config, ModelConfig, load_preset
from octavo.system.progress import ProgressCallback, no_progress, subrange
from octavo.system.terminal import capitalized
from octavo.training.precision import Precision, choose_precision

_TOKENS_PER_TURN = 4096  # to train on, a turn
_TOKENS_PER_TEXT = 64  # tokens of each text, where it is not the context that grows


@dataclass(frozen=True)
class Sizes:
    """How large things become."""

    contexts: tuple[int, ...] = (50, 128, 256, 512, 1024)
    widths: tuple[int, ...] = (64, 128, 256, 512)
    batches: tuple[int, ...] = (1, 4, 16, 64)
    streams: tuple[int, ...] = (1, 4, 16, 64)
    texts: tuple[int, ...] = (10**4, 10**5, 10**6, 10**7)  # tokens that are trained on
    lengths: tuple[int, ...] = (64, 128, 256, 512, 1024)  # tokens that are written, in the default's context


@dataclass(frozen=True)
class Axis:
    """One thing that grows, all else being as in the default."""

    doing: str  # "training", "writing"
    name: str  # "context"
    sizes: tuple[int, ...]
    case: Callable[[int], BenchCase]


def bench_growth(
    rounds: int, peers: Peers, watch: ProgressCallback = no_progress, sizes: Sizes | None = None
) -> list[Comparison]:
    """Each axis by itself."""
    axes = make_axes(sizes or Sizes(), choose_precision(load_preset("pocket").train))
    return [
        measure_axis(axis, rounds, subrange(watch, i / len(axes), (i + 1) / len(axes))) for i, axis in enumerate(axes)
    ]


def make_axes(sizes: Sizes, precision: Precision) -> list[Axis]:
    """Training, then writing."""

    def training(config: Config) -> BenchCase:
        return _training_case(config, precision)

    pocket = load_preset("pocket")
    data, model = pocket.data, pocket.model
    batch = max(1, _TOKENS_PER_TURN // data.context_length)
    usual = replace(pocket, data=replace(data, batch_size=batch))
    return [
        Axis("training", "context", sizes.contexts, lambda n: training(_with_context(pocket, n))),
        Axis("training", "width", sizes.widths, lambda n: training(replace(usual, model=with_width(model, n)))),
        Axis("training", "batch", sizes.batches, lambda n: training(_with_batch(pocket, n))),
        Axis("training", "length of text", sizes.texts, lambda n: _training_case(usual, precision, n)),
        Axis("writing", "context", sizes.contexts, lambda n: _generation_case(model, n, n, 1)),
        Axis(
            "writing",
            "width",
            sizes.widths,
            lambda n: _generation_case(with_width(model, n), _TOKENS_PER_TEXT, _TOKENS_PER_TEXT, 1),
        ),
        Axis(
            "writing",
            "texts",
            sizes.streams,
            lambda n: _generation_case(model, _TOKENS_PER_TEXT, _TOKENS_PER_TEXT, n),
        ),
        Axis(
            "writing", "length of text", sizes.lengths, lambda n: _generation_case(model, n, data.context_length, 1)
        ),
    ]


def measure_axis(axis: Axis, rounds: int, watch: ProgressCallback = no_progress) -> Comparison:
    """An axis measured, its sizes in turn; and the power of the size that a token's time goes as."""
    cases = [replace(axis.case(size), name=f"{axis.name} {size}") for size in axis.sizes]
    found = compare_cases(f"{capitalized(axis.doing)}, by {axis.name}", cases, rounds=rounds, watch=watch)
    return replace(found, notes=(scaling_note(axis, found.measured),))


def scaling_note(axis: Axis, measured: Sequence[Measurement]) -> str:
    """How the time of a token grows, in a sentence."""
    powers = [scaling_exponent(axis.sizes, rates) for rates in zip(*(one.rates for one in measured), strict=True)]
    middle, least, most = (round(power, 2) + 0.0 for power in (median(powers), min(powers), max(powers)))  # no -0
    way = "grows" if middle >= 0 else "falls"
    reach = f"From {axis.name} {axis.sizes[0]} to {axis.sizes[-1]}"
    return (
        f"{reach} the time of a token {way} as the power {middle:.2f} of it, by least squares "
        f"({least:.2f} to {most:.2f} over the rounds): 0 is no growth, 1 is growth in step."
    )


def scaling_exponent(sizes: Sequence[int], rates: Iterable[float]) -> float:
    """The slope of log time per token on log size, by least squares."""
    slope, _ = np.polyfit([math.log(size) for size in sizes], [-math.log(rate) for rate in rates], 1)
    return float(slope)


def with_width(model: ModelConfig, width: int) -> ModelConfig:
    """All of it so wide: as many heads as there is room for, a feed-forward layer in proportion."""
    return replace(model, d_model=width, n_heads=width // model.head_width, d_ff=width * model.d_ff // model.d_model)


def _with_context(config: Config, context: int) -> Config:
    return replace(
        config,
        data=replace(config.data, context_length=context, batch_size=max(1, round(_TOKENS_PER_TURN / context))),
    )


def _with_batch(config: Config, windows: int) -> Config:
    return replace(config, data=replace(config.data, batch_size=windows))


def _training_case(config: Config, precision: Precision, text: int = N_TOKENS) -> BenchCase:
    a_step = config.data.batch_size * config.data.context_length
    steps = max(1, round(_TOKENS_PER_TURN / a_step))
    run = stepper(octavo_steps(config, VOCAB_SIZE, precision.dtype, text), steps)
    return BenchCase("", "tokens that a model learns from", steps * a_step, "tokens", run, case_note(precision.name))


def _generation_case(config: ModelConfig, tokens: int, context: int, streams: int) -> BenchCase:
    writer = make_text_generator(config)

    def write() -> None:
        writer.write(tokens, SAMPLED, context, streams)

    return BenchCase("", "tokens that a model writes", streams * tokens, "tokens", write, case_note("fp32"))
