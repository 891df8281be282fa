"""Choose the hyperparameters that fit a text and a budget: the defaults of ``octavo train`` without ``--preset``.

The choice starts from the preset ``pocket`` and follows from two numbers that are known before training: the length
of the training split, and how many tokens the budget allows at the measured speed. Their ratio is the number of
passes over the text, on which overfitting depends. The tables were fitted to the experiments in
``experiments/own-texts``; docs/own-texts.md has the figures. Importing this module does not import torch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from octavo.config.schema import Config, OptimizerConfig
from octavo.config.shapes import parameter_count
from octavo.system.terminal import quantity

_BYTES_PER_TOKEN = 2.1  # of a byte-level BPE vocabulary of 512; 1.9 to 2.3 in the texts of the experiments
_MIN_STEPS = 600  # a larger batch than the smallest is used only if so many steps remain
_BATCHES = (16, 32, 64)  # windows
# The weights forget their values at the rate learning_rate · weight_decay (Wang & Aitchison, 2024, arXiv:2405.13698).
_TIME_CONSTANTS = 4.0  # of that decay in a run: 3 to 6 in the best runs of the experiments
_WEIGHT_DECAY_RANGE = (0.02, 2.0)
# A longer text takes more passes before a model overfits, so they count as fewer there.
_REFERENCE_BYTES = 90_000  # the text on which most passes were tried
_EXPONENT = 0.2  # at 37 passes over 1 MB dropout 0.15 was too much (docs/lab-notes.md: from a single run)
# By passes, scaled so, the dropout at which the validation loss was lowest.
_DROPOUT = ((5.0, 0.0), (28.0, 0.1), (57.0, 0.2))
_BYTES_PER_VOCAB = 160  # of training text for each token of the vocabulary
_VOCAB_RANGE = (288, 2048)  # tokens; 3,072 were no better for Chinese
# Layers, and how many passes that model must be able to make, scaled so: a deeper one learns more from each pass.
_LAYERS = ((4, 45.0), (3, 40.0))
_D_FF = 416
_CALIBRATE_FROM = 2.0  # passes, scaled so: low, because the speed that they follow from is measured for a second
_MIN_CALIBRATED_BYTES = 20_000  # less text leaves too little to fit the temperature on
MAX_PASSES = 60.0  # the validation loss hardly falls from 28 to 57 passes, and more were not tried
_DEPENDS_ON = {  # a choice is not made where the user sets one of these
    "data.batch_size": ("data.batch_size", "data.context_length"),
    "tokenizer.vocab_size": ("tokenizer.vocab_size", "tokenizer.kind"),
    "optimizer.weight_decay": ("optimizer.weight_decay", "optimizer.kind", "optimizer.matrix_learning_rate"),
    "model.n_layers": ("model.n_layers", "model.d_model"),
    "model.d_ff": ("model.d_ff", "model.d_model", "model.feedforward"),
    "model.dropout": ("model.dropout",),
    "model.hidden_dropout": ("model.hidden_dropout",),
    "train.minutes": (),
    "train.calibrate": ("train.calibrate", "train.patience", "model.norm", "schedule.kind", "schedule.decay"),
}


@dataclass(frozen=True)
class Choice:
    """A setting by its dotted name, its value, and why it was chosen."""

    name: str
    value: float | bool
    reason: str

    def __str__(self) -> str:
        """Return the setting as ``--set`` takes it."""
        return f"{self.name}={str(self.value).lower() if isinstance(self.value, bool) else f'{self.value:g}'}"


def choose_hyperparameters(
    config: Config, given: Sequence[str], *, train_bytes: int, tokens_per_second: float, ends: int = 0
) -> list[Choice]:
    """Return the settings that fit a text and a budget.

    Args:
        config: the preset ``pocket`` with the user's settings, which has the budget.
        given: the dotted names of the user's settings, which are not chosen.
        train_bytes: length of the training split in UTF-8.
        tokens_per_second: measured speed of training; it is not used where the budget is in steps or epochs, so that
            such a run has the same settings on any machine.
        ends: ends of documents in the training split that are learned, each of which is a token.

    Returns:
        The choices; the budget, if it is lowered, comes first.

    Example:
        >>> from octavo.config.schema import TrainConfig
        >>> config = Config(train=TrainConfig(steps=320))
        >>> chosen = choose_hyperparameters(config, [], train_bytes=90_000, tokens_per_second=0.0)
        >>> {choice.name: choice.reason for choice in chosen}["optimizer.weight_decay"]
        '4 time constants of decay in 320 steps'
    """
    pass_tokens = max(1, train_bytes) / _BYTES_PER_TOKEN + ends
    step_windows, context, train = config.data.batch_size, config.data.context_length, config.train
    tokens = 60 * train.minutes * tokens_per_second or train.epochs * pass_tokens
    tokens = tokens or float(train.steps * step_windows * context)
    passes = tokens / pass_tokens
    chosen: list[Choice] = []
    length = (_REFERENCE_BYTES / max(1, train_bytes)) ** _EXPONENT
    can_calibrate = train_bytes >= _MIN_CALIBRATED_BYTES and not _is_given("train.calibrate", given)
    layers, slowdown = config.model.n_layers, 1.0
    if (can_calibrate or train.calibrate) and not _is_given("model.n_layers", given):
        layers, slowdown = _layers(config, passes, length)
    passes /= slowdown
    if train.minutes and passes > MAX_PASSES:
        minutes = float(f"{train.minutes * MAX_PASSES / passes:.3g}")
        reason = f"at most {MAX_PASSES:.0f} passes over the text: more were not tried"
        chosen.append(Choice("train.minutes", minutes, reason))
        passes = MAX_PASSES
    tokens = passes * pass_tokens
    in_words = f"{quantity(round(passes), 'pass', 'passes')} over {quantity(train_bytes, 'byte')}"
    batch = step_windows
    if not train.steps:
        fits = [windows for windows in _BATCHES if tokens / (windows * context) >= _MIN_STEPS]
        batch = max(fits, default=_BATCHES[0])
        chosen.append(Choice("data.batch_size", batch, f"at least {_MIN_STEPS} steps where the budget allows them"))
        batch = step_windows if _is_given("data.batch_size", given) else batch
    steps = tokens / (batch * context)
    scaled = passes * length
    fewest, most = _VOCAB_RANGE
    vocab_size = max(fewest, min(most, 32 * round(train_bytes / (32 * _BYTES_PER_VOCAB))))
    rate = config.optimizer.matrix_learning_rate or OptimizerConfig().matrix_learning_rate
    decay = _TIME_CONSTANTS / (rate * steps)
    low, high = _WEIGHT_DECAY_RANGE
    dropout = round(_interpolated(_DROPOUT, scaled), 2)
    chosen += [
        Choice("tokenizer.vocab_size", vocab_size, f"{_BYTES_PER_VOCAB} bytes of text for each, up to {most:,}"),
        Choice("model.n_layers", layers, in_words),
        Choice("model.d_ff", _D_FF, "a multiple of 32, which quantised formats need"),
        Choice("model.dropout", dropout, in_words),
        Choice("model.hidden_dropout", dropout, in_words),
        Choice(
            "optimizer.weight_decay",
            float(f"{min(high, max(low, decay)):.2g}"),
            f"{_TIME_CONSTANTS:g} time constants of decay in {quantity(round(steps), 'step')}",
        ),
    ]
    if scaled >= _CALIBRATE_FROM and can_calibrate:
        chosen.append(Choice("train.calibrate", True, f"{in_words}: predictions become too sure"))
    return [choice for choice in chosen if not _is_given(choice.name, given)]


def _layers(config: Config, passes: float, length: float) -> tuple[int, float]:
    """Return how many layers to use, and by what factor they make training slower.

    With a budget in steps or epochs, a deeper model reads as many tokens, so for it the factor is 1.

    Args:
        config: the preset with the user's settings.
        passes: passes over the text that its model can make in the budget.
        length: the factor by which passes count for a text of this length.
    """
    model, vocab_size = config.model, config.tokenizer.vocab_size
    own = parameter_count(model, vocab_size)[0]
    for layers, least in _LAYERS:
        deeper = parameter_count(replace(model, n_layers=layers), vocab_size)[0]
        slowdown = deeper / own if config.train.minutes else 1.0
        possible = min(MAX_PASSES, passes / slowdown) if config.train.minutes else passes
        if possible * length >= least:
            return layers, slowdown
    return model.n_layers, 1.0


def _is_given(name: str, given: Sequence[str]) -> bool:
    return any(other in given for other in _DEPENDS_ON[name])


def _interpolated(table: Sequence[tuple[float, float]], x: float) -> float:
    """Return the value at `x`, linear in log(x) between the rows of `table`, and constant outside."""
    (low, value), *_ = table
    if x <= low:
        return value
    for (x0, y0), (x1, y1) in pairwise(table):
        if x <= x1:
            return y0 + (y1 - y0) * math.log(x / x0) / math.log(x1 / x0)
    return table[-1][1]
