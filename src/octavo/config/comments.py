"""The ``config.toml`` of a run, in which a one-line comment says what each setting is, or why it has no effect."""

import dataclasses
from collections.abc import Mapping

from octavo.config.schema import BUDGETS, Config
from octavo.formats.toml_schema import to_commented_toml

_HEADER = (
    '# Settings of a run. "automatic": the value follows from what the comment names.\n'
    '# "unused": the value has no effect, because of the setting that the comment names.\n'
    '# "chosen": the value fits the text and the budget, for the reason that the comment names.\n\n'
)


def commented_toml(config: Config, chosen: Mapping[str, str] | None = None) -> str:
    """Return the settings as TOML with comments, which :func:`octavo.config.config_from_toml` reads back unchanged.

    Args:
        config: the settings.
        chosen: the reasons for which settings were chosen, by dotted name.

    Example:
        >>> print(commented_toml(Config()).splitlines()[6])
        stride = 0  # automatic (data.context_length): tokens between the starts of neighbouring windows
    """
    comments = setting_comments(config)
    comments |= {name: f"chosen ({reason}): {comments[name]}" for name, reason in (chosen or {}).items()}
    return _HEADER + to_commented_toml(config, comments)


def setting_comments(config: Config) -> dict[str, str]:
    """Return the comment of each setting by dotted name: its meaning, and whether it is automatic or unused."""
    comments, unused = {}, unused_settings(config)
    for section in dataclasses.fields(config):
        settings = getattr(config, section.name)
        for field in dataclasses.fields(settings):
            name = f"{section.name}.{field.name}"
            comment, source = field.metadata["comment"], field.metadata["automatic"]
            if name in unused:
                comment = f"unused ({unused[name]}): {comment}"
            elif source and getattr(settings, field.name) in (0, "auto"):
                comment = f"automatic ({source}): {comment}"
            elif source:
                sentinel = "auto" if isinstance(field.default, str) else "0"
                comment = f"{comment}; {sentinel}: automatic ({source})"
            comments[name] = comment
    return comments


def unused_settings(config: Config) -> dict[str, str]:
    """Return the settings that have no effect, each with the setting because of which it has none."""
    data, tokenizer, model, train = config.data, config.tokenizer, config.model, config.train
    schedule, table = config.schedule, model.position in ("sinusoidal", "learned")
    not_bpe = (tokenizer.kind != "bpe", f"tokenizer.kind is {tokenizer.kind}")
    not_muon = (config.optimizer.kind != "muon", f"optimizer.kind is {config.optimizer.kind}")
    position = f"model.position is {model.position}"
    budget = next(name for name in BUDGETS if getattr(train, name))
    rules = {
        "data.shift": (data.window_stride == 1, "data.stride is 1"),
        "data.held_out": (data.split_by == "tokens", "data.split_by is tokens"),
        "tokenizer.dropout": not_bpe,
        "tokenizer.dropout_until": not_bpe if not_bpe[0] else (not tokenizer.dropout, "tokenizer.dropout is 0"),
        "model.position_base": (model.position not in ("rotary", "sinusoidal"), position),
        "model.max_positions": (not table, position),
        "model.norm_order": (model.norm == "none", "model.norm is none"),
        "model.norm_epsilon": (model.norm == "none" and not model.qk_norm, "model.norm is none"),
        "optimizer.matrix_learning_rate": not_muon,
        "optimizer.momentum": not_muon,
        "schedule.decay": (schedule.kind != "trapezoid", f"schedule.kind is {schedule.kind}"),
        "schedule.final": (schedule.kind == "constant", "schedule.kind is constant"),
        "train.select_on": (not train.patience, "train.patience is 0"),
        **{f"train.{name}": (name != budget, f"the budget is train.{budget}") for name in BUDGETS},
    }
    return {name: reason for name, (unused, reason) in rules.items() if unused}
