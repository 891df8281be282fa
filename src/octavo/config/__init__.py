"""The settings of a run: sections with ranges, presets, overrides, sampling options, and the shapes that follow.

Importing this takes neither torch nor NumPy.
"""

from octavo.config.schema import (
    BUDGETS,
    LARGEST_SIZE,
    SMALLEST_VOCABULARY,
    SPLIT_LABELS,
    Config,
    DataConfig,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    TokenizerConfig,
    TrainConfig,
    as_budget,
    between,
    config_from_toml,
    load_preset,
    preset_names,
    preset_text,
)

__all__ = [
    "BUDGETS",
    "LARGEST_SIZE",
    "SMALLEST_VOCABULARY",
    "SPLIT_LABELS",
    "Config",
    "DataConfig",
    "ModelConfig",
    "OptimizerConfig",
    "ScheduleConfig",
    "TokenizerConfig",
    "TrainConfig",
    "as_budget",
    "between",
    "config_from_toml",
    "load_preset",
    "preset_names",
    "preset_text",
]
