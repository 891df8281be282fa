"""Compose the commands that findings name: train again with settings that fit, or extend the run."""

import shlex

from octavo.config import Config
from octavo.config.hyperparameters import choose_hyperparameters
from octavo.config.overrides import Request
from octavo.config.shapes import parameter_count
from octavo.errors import OctavoError
from octavo.evaluate.diagnosis.case import Commands
from octavo.formats.toml_schema import as_mapping, with_overrides
from octavo.runs.extension import larger_budget, requested_extension
from octavo.runs.provenance import text_arguments
from octavo.runs.saved_run import SavedRun

_MIN_MINUTES = 1.0  # of the run that is advised: less says little about settings
_TOLERANCE = 2.0  # ratio up to which two values are about the same: less makes no clear difference
_DROPOUT_TOLERANCE = 0.06
_UNCALIBRATED_EPOCHS = 20.0  # so many without calibration are worth another run
_BUDGET = "train.minutes"  # which a choice may lower
_FITTED_SECTIONS = ("data", "tokenizer", "model", "optimizer", "schedule")
_UNFITTED = {  # which the rule does not set and which do not make a model worse, or which are not of the training
    "data.validation",
    "data.test",
    "data.split_by",
    "data.held_out",
    "data.stride",
    "tokenizer.trained_on",
    "model.max_positions",
    "model.norm_epsilon",
    "optimizer.epsilon",
}


def commands_of(run: SavedRun) -> Commands:
    """Return the commands for a finished run; a command that cannot be composed is empty.

    The settings that fit are those that ``octavo train`` would choose for the same text and budget.
    """
    config = run.config
    try:
        last = next(event for event in reversed(run.metrics) if event["event"] == "step")
        seconds, epochs = float(last["seconds"]), float(last["epoch"])
        prefix, words, _ = text_arguments(run.directory.provenance["text"], run.path)
        facts = run.split("train").facts
        speed = float(last["tokens_per_second"])
        fine_tuned = "parent" in run.directory.provenance
    except (OctavoError, LookupError, StopIteration, TypeError, ValueError):
        return Commands()
    if fine_tuned:  # its settings follow from those of its parent
        return Commands(extend=_extension(run))
    text_size = {"train_bytes": facts.bytes, "ends": facts.ends}
    unfit = unfit_settings(config, epochs=epochs, tokens_per_second=speed, **text_size)
    budget = ["--minutes", f"{max(_MIN_MINUTES, seconds / 60):.2g}"]
    text = run.directory.provenance["text"]
    options = ["--encoding", text["encoding"]] if text.get("encoding", "utf-8") != "utf-8" else []
    options += ["--documents", text["document_unit"]] if text.get("document_unit", "file") != "file" else []
    retrain = prefix + shlex.join(["octavo", "train", *words, *budget, *options]) if unfit else ""
    return Commands(retrain, unfit, _extension(run))


def unfit_settings(
    config: Config, *, train_bytes: int, epochs: float, tokens_per_second: float, ends: int = 0
) -> tuple[str, ...]:
    """Return the settings of a config that are far from those that fit the text and the budget, by dotted name.

    Args:
        config: the config of a run.
        train_bytes: length of its training split in UTF-8.
        epochs: how often it read that split.
        tokens_per_second: its speed; that of the preset follows from the parameters of both.
        ends: ends of documents in the training split that are learned.
    """
    # Steps of another size would be another budget, so they count as passes over the text.
    minutes = config.train.minutes
    base = with_overrides(Config(), [("train.minutes", minutes), ("train.epochs", 0.0 if minutes else epochs)])
    own_size, base_size = (parameter_count(c.model, c.tokenizer.vocab_size)[0] for c in (config, base))
    speed = tokens_per_second * own_size / base_size
    choices = choose_hyperparameters(base, (), train_bytes=train_bytes, tokens_per_second=speed, ends=ends)
    fitted = with_overrides(base, [(choice.name, choice.value) for choice in choices if choice.name != _BUDGET])
    own, other = _settings(config), _settings(fitted)
    unfit = [name for name, value in own.items() if not _about_equal(name, value, other[name])]
    could_calibrate = fitted.train.calibrate and not config.train.calibrate and not config.train.patience
    if could_calibrate and epochs >= _UNCALIBRATED_EPOCHS:
        unfit.append("train.calibrate")
    return tuple(unfit)


def _settings(config: Config) -> dict[str, object]:
    """Return the settings that matter here by dotted name."""
    sections = as_mapping(config)
    named = {f"{section}.{key}": value for section in _FITTED_SECTIONS for key, value in sections[section].items()}
    return {name: value for name, value in named.items() if name not in _UNFITTED}


def _about_equal(name: str, one: object, other: object) -> bool:
    if not isinstance(one, int | float) or not isinstance(other, int | float) or isinstance(one, bool):
        return one == other
    if "dropout" in name:
        return abs(one - other) <= _DROPOUT_TOLERANCE
    low, high = sorted((abs(one), abs(other)))
    return high == low or (low > 0 and high / low <= _TOLERANCE)


def _extension(run: SavedRun) -> str:
    """Return the command that extends a run to twice its budget; empty if it cannot be extended."""
    ((kind, amount),) = larger_budget(run.config).items()
    try:
        requested_extension(run.directory, Request(overrides={f"train.{kind}": amount}))
    except OctavoError:
        return ""
    return shlex.join(["octavo", *run.directory.resume_command, f"--{kind}", f"{amount:g}"])
