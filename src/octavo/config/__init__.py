"""The settings of a run: sections with ranges, presets, overrides, sampling options and tensor shapes.

Importing this package imports neither torch nor NumPy.
"""

from octavo.config.loading import config_from_toml, load_preset, preset_names, preset_text
from octavo.config.schema import (
    BUDGETS,
    MAX_SIZE,
    SPLIT_LABELS,
    Config,
    DataConfig,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    TokenizerConfig,
    TrainConfig,
    check_range,
)

__all__ = [
    "BUDGETS",
    "MAX_SIZE",
    "SPLIT_LABELS",
    "Config",
    "DataConfig",
    "ModelConfig",
    "OptimizerConfig",
    "ScheduleConfig",
    "TokenizerConfig",
    "TrainConfig",
    "check_range",
    "config_from_toml",
    "load_preset",
    "preset_names",
    "preset_text",
]
