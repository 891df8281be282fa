"""Forecast a training run before it starts: its size, time and memory, and whether it can work.

Times come from a few real steps of the model on this machine, memory from what those steps must hold.
"""

import math
import time
from dataclasses import dataclass, replace

import torch

from octavo.config import Config, TokenizerConfig
from octavo.config.shapes import parameter_count, windows_at_once
from octavo.data.prepare import TokenizedSplits
from octavo.data.windows import Windows
from octavo.errors import OctavoError
from octavo.kernels import attention
from octavo.kernels.library import library
from octavo.model import Transformer
from octavo.model.attention import max_unfused_keys
from octavo.system.hardware import machine_memory
from octavo.system.terminal import duration, format_bytes, quantity
from octavo.tokenizer import Tokenizer
from octavo.training.data import (
    MIN_CALIBRATION_BLOCKS,
    TokenCount,
    calibration_blocks,
    held_out_tokens,
    training_data,
)
from octavo.training.loop import dropout_masks
from octavo.training.optimizers import Optimizers
from octavo.training.precision import Precision, fastest_seconds
from octavo.training.schedule import has_decay_phase, make_budget
from octavo.training.step import training_step
from octavo.training.validation import ValidationPlan, mean_loss, plan_validations, spread_indices

PROCESS_BYTES = 440 * 2**20  # bytes of Python and PyTorch before there is a model
_PROBE_SECONDS = 1.0
# Settings that are halved, in this order and down to these values, until a run fits into memory.
_SHRINKABLE = (
    ("data", "batch_size", 1),
    ("data", "context_length", 16),
    ("model", "n_layers", 12),  # thousands are a typing error, and would take minutes to build
    ("model", "d_ff", 16),
    ("model", "d_model", 16),
    ("model", "n_layers", 1),
)
_EPOCHS_THAT_MEMORISE = 100
_MANY_EPOCHS = "{:,.0f} epochs: expect the text to be memorised; a smaller budget may score better"
_LONG_TOKEN = 20  # characters: words are shorter, so such tokens are repetitions


@dataclass(frozen=True)
class TrainingForecast:
    """The forecast of a run. `steps` is an estimate if the budget is in minutes, otherwise `seconds` is."""

    text: str
    characters: int
    train_tokens: int
    validation_tokens: int
    vocab_size: int
    characters_per_token: float
    parameters: int
    tokens_per_parameter: float  # training tokens, each counted once
    steps: int
    epochs: float
    seconds: float
    validation: ValidationPlan
    validations: int
    validation_windows: int  # of each validation
    validation_seconds: float  # of all validations
    seconds_per_window: float  # of a forward pass in fp32
    tokens_per_second: float
    memory_bytes: int
    precision: Precision
    bpe_dropout: float  # 0: none, or not possible with this tokenizer or length of text

    def lines(self) -> list[str]:
        """Return a few lines for the user."""
        return [
            f"{self.text}: {self.characters:,} characters, {self.train_tokens:,} training tokens of a vocabulary "
            f"of {self.vocab_size} ({self.characters_per_token:.2f} characters each), "
            f"{self.validation_tokens:,} validation tokens",
            f"model: {self.parameters:,} parameters, {self.tokens_per_parameter:.2f} training tokens per parameter",
            f"about {quantity(self.steps, 'step')} ({self.epochs:.1f} epochs), {duration(self.seconds)}, "
            f"{self.tokens_per_second:,.0f} tokens/s, {format_bytes(self.memory_bytes)} of memory",
            f"validation: {quantity(self.validations, 'time')} on {quantity(self.validation_windows, 'window')}, "
            f"{self.validation_seconds / max(self.seconds, 1e-9):.1%} of the time",
            f"BPE-dropout: {self.bpe_dropout or 'none'}",
            f"precision: {self.precision.name} ({self.precision.reason})",
            *([_MANY_EPOCHS.format(self.epochs)] if self.epochs > _EPOCHS_THAT_MEMORISE else []),
        ]


def check_text_length(config: Config, prepared: TokenizedSplits) -> None:
    """Check that there is a window to train on, a token to score, and text to calibrate on if that is asked for.

    Raises:
        OctavoError: the text is too short for the context; the message names a length or context that would work.
    """
    tokens, context = len(prepared["train"][1]), config.data.context_length
    total = sum(part.characters for part, _ in prepared.values())
    trained = tokens - held_out_tokens(config, tokens)
    if not sum(len(ids) for _, ids in prepared.values()):
        raise OctavoError(
            f"{quantity(total, 'character gives', 'characters give')} no token, because the {config.tokenizer.kind} "
            "tokenizer drops white space: use tokenizer.kind=bpe, which keeps it"
        )
    if "validation" not in prepared or len(prepared["validation"][1]) < 2:
        raise OctavoError(
            f"{quantity(total, 'character leaves', 'characters leave')} too few tokens to score: use a longer text"
        )
    few_blocks = config.train.calibrate and calibration_blocks(config, tokens) < MIN_CALIBRATION_BLOCKS
    if trained > context and not few_blocks:
        return
    if total > _LONG_TOKEN * max(tokens, 1):
        raise OctavoError(
            f"{quantity(total, 'character gives', 'characters give')} only {quantity(tokens, 'token')}, because "
            "the text repeats itself: use tokenizer.kind=characters"
        )
    if trained > context:
        raise OctavoError(
            f"{quantity(total, 'character is', 'characters are')} too few to calibrate on: use a longer text, or set "
            "train.calibrate=false"
        )
    needed = math.ceil(1.02 * total * (context + 1) / max(trained, 1))
    fits = 2 ** int(math.log2(trained - 1)) if trained > 2 else 0
    fix = f", or set data.context_length={fits}" if fits >= 2 else ""
    few = quantity(total, "character is", "characters are")
    raise OctavoError(f"{few} too few for a context of {context}: use at least {needed}{fix}")


def forecast_training(
    name: str, config: Config, tokenizer: Tokenizer, prepared: TokenizedSplits, precision: Precision
) -> TrainingForecast:
    """Forecast a run by about a second of trying.

    Args:
        name: the text's name.
        config: the run's config.
        tokenizer: the run's tokenizer.
        prepared: the splits of the text with their token ids.
        precision: the precision to train in.

    Raises:
        OctavoError: the text is too short, or the machine has too little memory.
    """
    check_text_length(config, prepared)
    memory = check_memory(config, tokenizer.vocab_size, precision)
    model = Transformer(config.model, tokenizer.vocab_size, config.train.seed)
    train, validation = (
        TokenCount(ids, part.characters_and_ends) for part, ids in (prepared["train"], prepared["validation"])
    )
    data = training_data(config, train, validation, tokenizer)
    windows = min(config.data.batch_size, len(data.windows)) if data.order.partial else config.data.batch_size
    per_window = {
        dtype: _seconds_per_window(model, data.validation, dtype) for dtype in {precision.dtype, torch.float32}
    }
    per_step = _seconds_per_step(config, model, precision, windows)
    per_epoch = data.order.steps_per_epoch
    budget = make_budget(config.train, per_epoch)
    validations = plan_validations(config, per_window[precision.dtype], len(data.validation))
    validation_windows = len(spread_indices(data.validation, validations.windows))
    per_validation = 2 * validation_windows * per_window[precision.dtype]
    per_epoch_end = config.train.validate_epochs * len(data.full_validation) * per_window[precision.dtype]
    if budget.steps:
        steps, times = budget.steps, _times(config, validations, budget.steps)
    else:
        times = _times(config, validations, int(budget.seconds / per_step))
        steps = max(1, int((budget.seconds - times * per_validation) / (per_step + per_epoch_end / per_epoch)))
    in_validation = times * per_validation + steps / per_epoch * per_epoch_end
    return TrainingForecast(
        text=name,
        characters=sum(part.characters for part, _ in prepared.values()),
        train_tokens=len(train.ids),
        validation_tokens=len(validation.ids),
        vocab_size=tokenizer.vocab_size,
        characters_per_token=1 / train.tokens_per_character,
        parameters=model.n_parameters(),
        tokens_per_parameter=len(train.ids) / model.n_parameters(),
        steps=steps,
        epochs=steps / per_epoch,
        seconds=budget.seconds or steps * per_step + in_validation,
        validation=validations,
        validations=times,
        validation_windows=validation_windows,
        validation_seconds=in_validation,
        seconds_per_window=per_window[torch.float32],
        tokens_per_second=windows * config.data.context_length / per_step,
        memory_bytes=memory,
        precision=precision,
        bpe_dropout=config.tokenizer.dropout if data.windows.uses_bpe_dropout else 0.0,
    )


def tokens_per_second(config: Config, precision: Precision) -> float:
    """Measure the speed of training in tokens per second, before there is a text.

    Args:
        config: the run's config.
        precision: the precision to train in.

    Raises:
        OctavoError: the machine has too little memory.
    """
    vocab_size = config.tokenizer.vocab_size or TokenizerConfig().vocab_size
    check_memory(config, vocab_size, precision)
    model = Transformer(config.model, vocab_size, config.train.seed)
    windows, context = config.data.batch_size, config.data.context_length
    return windows * context / _seconds_per_step(config, model, precision, windows)


def _times(config: Config, validations: ValidationPlan, steps: int) -> int:
    """Return how often a run of so many steps validates."""
    every = config.train.validate_every
    return 0 if every < 0 else min(steps, validations.times) if every == 0 else -(-steps // every)


def check_memory(config: Config, vocab_size: int, precision: Precision) -> int:
    """Return about how many bytes a training step needs, before a model is built that might not fit.

    Raises:
        OctavoError: the machine has less memory.
    """
    parameters, _ = parameter_count(config.model, vocab_size)
    memory = memory_estimate(config, parameters, vocab_size, precision)
    available = machine_memory()
    if available and memory > available:
        fits = fitting_settings(config, vocab_size, precision, available)
        raise OctavoError(
            f"this run needs about {memory / 2**30:.1f} GiB and the machine has {available / 2**30:.1f}: "
            + (f"{' and '.join(fits)} would fit" if fits else "use a machine with more memory")
        )
    return memory


def memory_estimate(config: Config, parameters: int, vocab_size: int, precision: Precision) -> int:
    """Estimate the peak memory of a training step in bytes: weights and their copies, and activations.

    The counts of activations were fitted to measured peaks (docs/lab-notes.md); the estimate is within a quarter.
    """
    sizes, data, train = config.model, config.data, config.train
    moments = 1 if config.optimizer.kind == "muon" else 2
    copies = 2 + moments + bool(train.average)
    if train.patience:  # the best weights, and the state to return to
        copies += 1 + (moments + bool(train.average)) * has_decay_phase(config.schedule)
    positions = data.batch_size * data.context_length
    kernels = library() is not None
    if kernels and attention.supports_head_size(sizes.head_width):
        in_attention = 4 * sizes.head_width
    else:
        fused = data.context_length > max_unfused_keys(precision.dtype)  # then no attention scores are kept
        in_attention = 8 * sizes.head_width + (0 if fused else 4 * data.context_length)
    in_feedforward = 2 + (sizes.feedforward == "swiglu") if kernels else 5
    in_residual = 4 if kernels else 14
    per_layer = sizes.n_heads * in_attention + in_feedforward * sizes.d_ff + in_residual * sizes.d_model
    of_logits = 2 if kernels else 4  # logits and their gradient; PyTorch also keeps both for the log-probabilities
    per_position = sizes.n_layers * per_layer + 4 * sizes.d_model + of_logits * vocab_size
    masks = sum(2**22 + 2 * positions * sizes.d_ff for rate in {sizes.dropout, sizes.hidden_dropout} if rate)
    return PROCESS_BYTES + 4 * copies * parameters + precision.dtype.itemsize * (positions * per_position + masks)


def fitting_settings(config: Config, vocab_size: int, precision: Precision, available: int) -> list[str]:
    """Return the largest smaller settings that fit into `available` bytes, as assignments; empty if none do.

    A smaller batch is tried first, then a shorter context, then a smaller model.
    """

    def fits(tried: Config) -> bool:
        return memory_estimate(tried, parameter_count(tried.model, vocab_size)[0], vocab_size, precision) <= available

    halved: dict[str, int] = {}
    for section, key, least in _SHRINKABLE:
        while not fits(config) and (value := getattr(getattr(config, section), key) // 2) >= least:
            halved[f"{section}.{key}"] = value
            try:
                config = replace(config, **{section: replace(getattr(config, section), **{key: value})})
            except OctavoError:  # such a width does not fit the other settings
                return []
    names = dict.fromkeys(f"{section}.{key}" for section, key, _ in _SHRINKABLE)
    return [f"{name}={halved[name]}" for name in names if name in halved] if fits(config) else []


def _seconds_per_window(model: Transformer, windows: Windows, dtype: torch.dtype) -> float:
    """Return the time of a forward pass per window: the faster of two tries."""
    at_once = windows_at_once(model.config, model.vocab_size, windows.context_length)
    indices = spread_indices(windows, at_once)
    return fastest_seconds(lambda: mean_loss(model, windows, indices, dtype=dtype), 2) / len(indices)


def _seconds_per_step(config: Config, model: Transformer, precision: Precision, windows: int) -> float:
    """Return the time of a training step on random tokens, a lower quartile. The model must not be used again."""
    shape = (windows, config.data.context_length)
    ids = torch.randint(model.vocab_size, shape, generator=torch.Generator().manual_seed(0))
    optimizers = Optimizers(model, config.optimizer)
    masks = dropout_masks(config, precision.dtype)
    times: list[float] = []
    while len(times) < 2 or sum(times) < _PROBE_SECONDS:
        began = time.perf_counter()
        training_step(
            model,
            optimizers,
            ids,
            ids,
            drop=masks.masks_for_step(len(times)),
            dtype=precision.dtype,
            clip_norm=config.optimizer.clip_norm,
            learning_rate_scale=0.0,
        )
        times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 4]
