"""The config of a run that is fine-tuned from another one. Importing this module does not import torch.

Fine-tuning begins at weights that are good already, so it needs smaller steps and fewer of them than training from
random weights does. Measured figures are in docs/own-texts.md.
"""

from dataclasses import replace

from octavo.config.overrides import Request
from octavo.config.schema import BUDGETS, Config
from octavo.errors import OctavoError
from octavo.formats.toml_schema import as_mapping

LEARNING_RATE_SCALE = 0.3  # of all learning rates: full ones undo what the weights have learned
WARMUP = 0.05  # of the budget: a fresh optimizer has no estimate of the gradient's scale at first
BUDGET_SCALE = 0.2  # of the budget, where the user gives none: most of what is needed is learned already
# Settings of the model and tokenizer that change neither a shape nor a token.
_FREE = ("model.dropout", "model.hidden_dropout", "tokenizer.dropout", "tokenizer.dropout_until")


def fine_tuning_base(config: Config, *, again: bool = False) -> Config:
    """Return the config of a fine-tuned run where the user changes nothing: that of the other run, but gentler.

    Args:
        config: the config of the run that is fine-tuned.
        again: whether that run was itself fine-tuned; its learning rates and budget are small already, and stay.

    Example:
        >>> base = fine_tuning_base(Config())
        >>> base.optimizer.learning_rate, base.schedule.warmup, base.train.minutes
        (0.003, 0.05, 0.96)
    """
    if again:
        return replace(config, train=replace(config.train, calibrate=False))
    optimizer, schedule, train = config.optimizer, config.schedule, config.train
    longest = 1 - schedule.decay if schedule.kind == "trapezoid" else 1.0
    return replace(
        config,
        optimizer=replace(
            optimizer,
            learning_rate=_scaled(optimizer.learning_rate, LEARNING_RATE_SCALE),
            matrix_learning_rate=_scaled(optimizer.matrix_learning_rate, LEARNING_RATE_SCALE),
        ),
        schedule=replace(schedule, warmup=min(WARMUP, longest)),
        train=replace(
            train,
            steps=max(1, round(train.steps * BUDGET_SCALE)) if train.steps else 0,
            epochs=_scaled(train.epochs, BUDGET_SCALE),
            minutes=_scaled(train.minutes, BUDGET_SCALE),
            calibrate=False,  # fine-tuning makes few passes, and its text may be too short to fit a temperature on
        ),
    )


def fine_tuned_config(config: Config, request: Request, *, again: bool = False) -> Config:
    """Return the config of a run that is fine-tuned from one of `config`, with the settings that the user asks for.

    Raises:
        OctavoError: a preset is named, or a setting would change the model or the tokenizer.
    """
    if request.preset is not None:
        raise OctavoError("a fine-tuned run has the settings of the run it starts from: leave out the preset")
    result = request.applied_to(fine_tuning_base(config, again=again))
    old, new = as_mapping(config), as_mapping(result)
    for section in ("model", "tokenizer"):
        for key, value in old[section].items():
            if new[section][key] != value and f"{section}.{key}" not in _FREE:
                raise OctavoError(
                    f"{section}.{key} is {value} in the run that is fine-tuned, and its weights need that: leave the "
                    "setting out, or train a new model"
                )
    return result


def budget_words(config: Config) -> str:
    """Return the budget of a config in words.

    Example:
        >>> budget_words(Config())
        '4.8 minutes'
    """
    name, amount = next((name, amount) for name in BUDGETS if (amount := getattr(config.train, name)))
    return f"{amount:,g} {name[:-1] if amount == 1 else name}"


def _scaled(value: float, scale: float) -> float:
    """Return the product without the noise of binary fractions, since config.toml shows it."""
    return float(f"{value * scale:.6g}")
