"""The facts of the course report's experiment that can be checked without training: counts, token ids, parameters.

A fact that differs names the changed settings of the run that can be the cause. A fact that differs without such a
setting is a bug in Octavo.
"""

import hashlib
from dataclasses import dataclass

from octavo.config import Config, load_preset
from octavo.data.batch_order import BatchOrder
from octavo.data.windows import Windows
from octavo.experiments.reproduction import reported
from octavo.experiments.spec import settings_by_name
from octavo.pipeline.run import Run
from octavo.training.data import TokenCount, training_data


def split_windows(run: Run, split: str) -> Windows:
    """Return all windows of a split, with the stride of the run's config."""
    config, ids = run.config.data, run.splits[split].ids
    length = min(config.context_length, len(ids) - 1)
    return Windows(ids, length, config.window_stride, bos_id=run.tokenizer.bos_id)


def batch_order(run: Run) -> BatchOrder:
    """Return the order of the batches in training."""
    train, validation = (
        TokenCount(p.ids, p.facts.characters) for p in (run.splits["train"], run.splits["validation"])
    )
    return training_data(run.config, train, validation, run.tokenizer).order


Value = int | float | str | tuple[int, ...]

TEXT = "text"  # a cause besides the settings: another text
_TOKENIZER = (TEXT, "tokenizer.kind", "tokenizer.vocab_size", "tokenizer.trained_on")
_SPLIT = (*_TOKENIZER, "data.validation", "data.test", "data.split_by")
_WINDOWS = (*_SPLIT, "data.context_length", "data.stride", "train.patience", "train.select_on", "train.calibrate")
_BATCHES = (*_WINDOWS, "data.batch_size", "data.last_batch")


@dataclass(frozen=True)
class Fact:
    """A value of the report and the run's, and the changed settings that can be the cause of a difference.

    The field names are the keys in ``report.json``.
    """

    name: str
    expected: Value
    seen: Value
    because: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Return whether the run has the report's value."""
        return self.expected == self.seen


def changed_settings(config: Config) -> dict[str, str]:
    """Return the settings that differ from the preset, by dotted name, as ``preset → run``."""
    preset = settings_by_name(load_preset(reported.PRESET))
    return {name: f"{preset[name]} → {own}" for name, own in settings_by_name(config).items() if own != preset[name]}


def check_facts(run: Run) -> tuple[Fact, ...]:
    """Compare every fact of the report with the run."""
    tokenizer, splits, order = run.tokenizer, run.splits, batch_order(run)
    text = "".join(split.text for split in splits.values())
    digest = hashlib.sha256(text.encode()).hexdigest()
    validation_batches = -(-len(split_windows(run, "validation")) // run.config.data.batch_size)
    example = tokenizer.encode(reported.EXAMPLE).tolist()
    changed = sorted({*changed_settings(run.config), *([TEXT] if digest != reported.SHA256 else [])})

    def fact(name: str, expected: Value, seen: Value, depends_on: tuple[str, ...]) -> Fact:
        return Fact(name, expected, seen, tuple(s for s in changed if s.startswith(depends_on)))

    tokens = {name: len(split.ids) for name, split in splits.items()}
    model_settings = ("model.",) if tokenizer.vocab_size == reported.VOCABULARY else (*_TOKENIZER, "model.")
    return (
        fact("characters", reported.CHARACTERS, len(text), (TEXT,)),
        fact("lines", reported.LINES, text.count("\n"), (TEXT,)),
        fact("SHA-256", reported.SHA256, digest, (TEXT,)),
        fact("vocabulary", reported.VOCABULARY, tokenizer.vocab_size, _TOKENIZER),
        fact("tokens", reported.TRAIN_TOKENS + reported.VALIDATION_TOKENS, sum(tokens.values()), _SPLIT),
        fact("training tokens", reported.TRAIN_TOKENS, tokens["train"], _SPLIT),
        fact("validation tokens", reported.VALIDATION_TOKENS, tokens["validation"], _SPLIT),
        fact("training windows", reported.TRAIN_WINDOWS, order.windows, _WINDOWS),
        fact("steps per epoch", reported.STEPS_PER_EPOCH, order.steps_per_epoch, _BATCHES),
        fact("validation batches", reported.VALIDATION_BATCHES, validation_batches, _BATCHES),
        fact("parameters", reported.PARAMETERS, run.model.n_parameters(), model_settings),
        fact(f"ids of {reported.EXAMPLE!r}", reported.EXAMPLE_IDS, tuple(example), _TOKENIZER),
        fact("its tokens", reported.EXAMPLE_TOKENS, " ".join(map(tokenizer.token_text, example)), _TOKENIZER),
    )
