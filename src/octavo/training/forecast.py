"""Before a run starts: what it will be, what it will cost, and what cannot work.

Time comes from a few real steps of the real model on this machine; memory from what those steps must hold.
"""

import math
import time
from dataclasses import dataclass, replace

import torch

from octavo.config import Config
from octavo.config.shapes import parameter_count, windows_at_once
from octavo.data import TokenizedSplits, Windows
from octavo.errors import OctavoError
from octavo.kernels import attention
from octavo.kernels.library import library
from octavo.model import Transformer
from octavo.model.attention import max_unfused_keys
from octavo.system.hardware import machine_memory
from octavo.system.terminal import duration, format_bytes, quantity
from octavo.tokenizer import Tokenizer
from octavo.training.data import TokenCount, early_stopping_tokens, training_data
from octavo.training.loop import dropout_masks
from octavo.training.optimizers import Optimizers
from octavo.training.precision import Precision
from octavo.training.schedule import make_budget
from octavo.training.step import training_step
from octavo.training.validation import ValidationPlan, mean_loss, plan_validations, spread_indices

PROCESS_BYTES = 440 * 2**20  # bytes of Python and PyTorch before there is a model
_PROBE_SECONDS = 1.0
# What is halved for a run that does not fit, in this order, and how far.
_SHRINKABLE = (
    ("data", "batch_size", 1),
    ("data", "context_length", 16),
    ("model", "n_layers", 12),  # thousands are a slip of the keyboard, and would take minutes to make
    ("model", "d_ff", 16),
    ("model", "d_model", 16),
    ("model", "n_layers", 1),
)
_MEMORISED_BY = 100  # epochs
_MANY_EPOCHS = "going through the text {:,.0f} times: expect it to be memorised; a smaller budget may score better"
_LONG_TOKENS = 20  # characters a token: words are shorter, so it is one piece repeated


@dataclass(frozen=True)
class TrainingForecast:
    """What a run comes to. `steps` is an estimate if the budget is minutes, `seconds` if it is not."""

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
    validation_windows: int  # of each
    validation_seconds: float  # of all validations
    seconds_per_window: float  # to read a window in fp32, without gradients
    tokens_per_second: float
    memory_bytes: int
    precision: Precision
    bpe_dropout: float  # 0: none, also where the tokenizer or the length of the text rules it out

    def lines(self) -> list[str]:
        """For people, a few lines."""
        return [
            f"{self.text}: {self.characters:,} characters, {self.train_tokens:,} training tokens of a vocabulary "
            f"of {self.vocab_size} ({self.characters_per_token:.2f} characters each), "
            f"{self.validation_tokens:,} held out",
            f"model: {self.parameters:,} parameters, {self.tokens_per_parameter:.2f} training tokens for each",
            f"about {quantity(self.steps, 'step')} ({self.epochs:.1f} epochs), {duration(self.seconds)}, "
            f"{self.tokens_per_second:,.0f} tokens/s, {format_bytes(self.memory_bytes)} while it trains",
            f"validation: {quantity(self.validations, 'time')} on {quantity(self.validation_windows, 'window')}, "
            f"{self.validation_seconds / max(self.seconds, 1e-9):.1%} of the time",
            f"BPE-dropout: {self.bpe_dropout or 'none'}",
            f"precision: {self.precision.name} ({self.precision.reason})",
            *([_MANY_EPOCHS.format(self.epochs)] if self.epochs > _MEMORISED_BY else []),
        ]


def check_text_length(config: Config, prepared: TokenizedSplits) -> None:
    """See that there is a window to train on and a token to score.

    Raises:
        OctavoError: the text is too short for the context; the sentence says what would do.
    """
    tokens, context = len(prepared["train"][1]), config.data.context_length
    total = sum(part.characters for part, _ in prepared.values())
    trained = tokens - early_stopping_tokens(config, tokens)
    if not sum(len(ids) for _, ids in prepared.values()):
        raise OctavoError(
            f"{quantity(total, 'character makes', 'characters make')} no token, since the {config.tokenizer.kind} "
            "tokenizer drops white space: "
            "tokenizer.kind=bpe keeps it"
        )
    if "validation" not in prepared or len(prepared["validation"][1]) < 2:
        raise OctavoError(
            f"{quantity(total, 'character leaves', 'characters leave')} too few tokens to score: use a longer text"
        )
    if trained > context:
        return
    if total > _LONG_TOKENS * max(tokens, 1):
        raise OctavoError(
            f"{quantity(total, 'character makes', 'characters make')} only {quantity(tokens, 'token')}, since the "
            "text repeats itself: tokenizer.kind=characters keeps its letters apart"
        )
    needed = math.ceil(1.02 * total * (context + 1) / max(trained, 1))
    fits = 2 ** int(math.log2(trained - 1)) if trained > 2 else 0
    fix = f", or set data.context_length={fits}" if fits >= 2 else ""
    few = quantity(total, "character is", "characters are")
    raise OctavoError(f"{few} too few for a context of {context}: use at least {needed}{fix}")


def forecast_training(
    name: str, config: Config, tokenizer: Tokenizer, prepared: TokenizedSplits, precision: Precision
) -> TrainingForecast:
    """Work out a run, by a second of trying.

    Raises:
        OctavoError: the text is too short, or the machine's memory too small.
    """
    check_text_length(config, prepared)
    memory = check_memory(config, tokenizer.vocab_size, precision)
    model = Transformer(config.model, tokenizer.vocab_size, config.train.seed)
    train, validation = (
        TokenCount(ids, part.characters) for part, ids in (prepared["train"], prepared["validation"])
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
    per_epoch_end = config.train.validate_epochs * len(data.held_out) * per_window[precision.dtype]
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


def _times(config: Config, validations: ValidationPlan, steps: int) -> int:
    """Return how often a run of so many steps validates."""
    every = config.train.validate_every
    return 0 if every < 0 else min(steps, validations.times) if every == 0 else -(-steps // every)


def check_memory(config: Config, vocab_size: int, precision: Precision) -> int:
    """Bytes that a training step needs, about: known before there is a model, which might not fit.

    Raises:
        OctavoError: the machine has less.
    """
    parameters, _ = parameter_count(config.model, vocab_size)
    memory = memory_estimate(config, parameters, vocab_size, precision)
    available = machine_memory()
    if available and memory > available:
        fits = fitting_settings(config, vocab_size, precision, available)
        raise OctavoError(
            f"this run needs about {memory / 2**30:.1f} GiB and the machine has {available / 2**30:.1f}: "
            + (f"{' and '.join(fits)} would fit" if fits else "take a machine with more memory")
        )
    return memory


def memory_estimate(config: Config, parameters: int, vocab_size: int, precision: Precision) -> int:
    """Bytes at the peak of a training step: weights and their kin, and what the backward pass keeps.

    The counts of what is kept were fitted to measured peaks (docs/lab-notes.md), within a quarter of them.
    """
    sizes, data, train = config.model, config.data, config.train
    moments = 1 if config.optimizer.kind == "muon" else 2
    copies = 2 + moments + bool(train.average) + bool(train.patience)
    positions = data.batch_size * data.context_length
    kernels = library() is not None
    if kernels and attention.supports_head_size(sizes.head_width):
        in_attention = 4 * sizes.head_width
    else:
        fused = data.context_length > max_unfused_keys(precision.dtype)  # then no scores are kept
        in_attention = 8 * sizes.head_width + (0 if fused else 4 * data.context_length)
    in_feedforward = 2 + (sizes.feedforward == "swiglu") if kernels else 5
    beside = 4 if kernels else 14
    a_layer = sizes.n_heads * in_attention + in_feedforward * sizes.d_ff + beside * sizes.d_model
    of_logits = 2 if kernels else 4  # the logits and their gradient; PyTorch keeps both for the logarithms too
    kept = sizes.n_layers * a_layer + 4 * sizes.d_model + of_logits * vocab_size
    masks = sum(2**22 + 2 * positions * sizes.d_ff for rate in {sizes.dropout, sizes.hidden_dropout} if rate)
    return PROCESS_BYTES + 4 * copies * parameters + precision.dtype.itemsize * (positions * kept + masks)


def fitting_settings(config: Config, vocab_size: int, precision: Precision, available: int) -> list[str]:
    """The largest settings below the config's that need no more than `available` bytes, as assignments: a smaller
    batch, or if even one window is too much also a shorter context, or a narrower model; nothing if none of it helps.
    """

    def fits(tried: Config) -> bool:
        return memory_estimate(tried, parameter_count(tried.model, vocab_size)[0], vocab_size, precision) <= available

    def smaller(whole: Config, section: str, key: str, least: int) -> Config:
        """Halved until it fits, and at least once."""
        value = getattr(getattr(whole, section), key)
        while value // 2 >= least:
            value //= 2
            whole = replace(whole, **{section: replace(getattr(whole, section), **{key: value})})
            if fits(whole):
                break
        return whole

    tried = config
    for section, key, least in _SHRINKABLE:
        try:
            tried = smaller(tried, section, key, least)
        except OctavoError:  # such a width does not go with the rest
            return []
        if fits(tried):
            changed = [
                f"{s}.{k}={getattr(getattr(tried, s), k)}"
                for s, k, _ in _SHRINKABLE
                if getattr(getattr(tried, s), k) != getattr(getattr(config, s), k)
            ]
            return list(dict.fromkeys(changed))
    return []


def _seconds_per_window(model: Transformer, windows: Windows, dtype: torch.dtype) -> float:
    """Return the time to read a window without gradients: the quicker one of two readings."""
    at_once = windows_at_once(model.config, model.vocab_size, windows.context_length)
    indices = spread_indices(windows, at_once)
    times = []
    for _ in range(2):
        began = time.perf_counter()
        mean_loss(model, windows, indices, dtype=dtype)
        times.append(time.perf_counter() - began)
    return min(times) / len(indices)


def _seconds_per_step(config: Config, model: Transformer, precision: Precision, windows: int) -> float:
    """A fast one of a few steps on made-up tokens: a busy moment must not count. The model is spent by it."""
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
