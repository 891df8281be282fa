"""The windows of a run: those of a part, to be scored, and the order of the batches that it trained on.

The facts of the experiment that can be checked without training: counts, token ids, parameters.

A fact that differs names the settings of the run that it follows from and that are not the preset's; one that
differs without any such setting is a fault of Octavo.
"""

import hashlib
from dataclasses import dataclass

from octavo.config import Config, load_preset
from octavo.data import BatchOrder, Windows
from octavo.experiments.reproduction import reported
from octavo.formats.toml_schema import as_mapping, dotted_names
from octavo.pipeline.run import Run
from octavo.training import TokenCount, training_data


def part_windows(run: Run, part: str) -> Windows:
    """All windows of a part, as the run's config lays them out."""
    config, ids = run.config.data, run.splits[part].ids
    length = min(config.context_length, len(ids) - 1)
    return Windows(ids, length, config.window_stride, bos_id=run.tokenizer.bos_id)


def batch_order(run: Run) -> BatchOrder:
    """How training went through its windows."""
    train, validation = (
        TokenCount(p.ids, p.facts.characters) for p in (run.splits["train"], run.splits["validation"])
    )
    return training_data(run.config, train, validation, run.tokenizer).order


Value = int | float | str | tuple[int, ...]

TEXT = "text"  # stands among the settings for the text itself
_TOKENIZER = (TEXT, "tokenizer.kind", "tokenizer.vocab_size", "tokenizer.trained_on")
_SPLIT = (*_TOKENIZER, "data.validation", "data.test", "data.split_by")
_WINDOWS = (*_SPLIT, "data.context_length", "data.stride", "train.patience", "train.select_on")
_BATCHES = (*_WINDOWS, "data.batch_size", "data.last_batch")


@dataclass(frozen=True)
class Fact:
    """What the report says, what the run has, and which of its changed settings can be why they differ."""

    name: str
    expected: Value
    seen: Value
    because: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether the run has what the report says."""
        return self.expected == self.seen


def changed_settings(config: Config) -> dict[str, str]:
    """The settings that are not the preset's, by dotted name: ``was → is``."""
    preset, own = as_mapping(load_preset(reported.PRESET)), as_mapping(config)
    changes = {}
    for name in dotted_names(own):
        section, key = name.split(".")
        if preset[section][key] != own[section][key]:
            changes[name] = f"{preset[section][key]} → {own[section][key]}"
    return changes


def check_facts(run: Run) -> tuple[Fact, ...]:
    """Every fact of the report beside the run's."""
    tokenizer, parts, order = run.tokenizer, run.splits, batch_order(run)
    text = "".join(part.text for part in parts.values())
    digest = hashlib.sha256(text.encode()).hexdigest()
    held_out = -(-len(part_windows(run, "validation")) // run.config.data.batch_size)
    example = tokenizer.encode(reported.EXAMPLE).tolist()
    changed = sorted({*changed_settings(run.config), *([TEXT] if digest != reported.SHA256 else [])})

    def fact(name: str, expected: Value, seen: Value, follows_from: tuple[str, ...]) -> Fact:
        return Fact(name, expected, seen, tuple(s for s in changed if s.startswith(follows_from)))

    tokens, train, validation = (
        sum(len(part.ids) for part in parts.values()),
        len(parts["train"].ids),
        len(parts["validation"].ids),
    )
    sized_by = ("model.",) if tokenizer.vocab_size == reported.VOCABULARY else (*_TOKENIZER, "model.")
    return (
        fact("characters", reported.CHARACTERS, len(text), (TEXT,)),
        fact("lines", reported.LINES, text.count("\n"), (TEXT,)),
        fact("SHA-256", reported.SHA256, digest, (TEXT,)),
        fact("vocabulary", reported.VOCABULARY, tokenizer.vocab_size, _TOKENIZER),
        fact("tokens", reported.TRAIN_TOKENS + reported.VALIDATION_TOKENS, tokens, _SPLIT),
        fact("training tokens", reported.TRAIN_TOKENS, train, _SPLIT),
        fact("validation tokens", reported.VALIDATION_TOKENS, validation, _SPLIT),
        fact("training windows", reported.TRAIN_WINDOWS, order.windows, _WINDOWS),
        fact("steps an epoch", reported.STEPS_PER_EPOCH, order.steps_per_epoch, _BATCHES),
        fact("validation batches", reported.VALIDATION_BATCHES, held_out, _BATCHES),
        fact("parameters", reported.PARAMETERS, run.model.n_parameters(), sized_by),
        fact(f"ids of {reported.EXAMPLE!r}", reported.EXAMPLE_IDS, tuple(example), _TOKENIZER),
        fact("its pieces", reported.EXAMPLE_PIECES, " ".join(map(tokenizer.token_text, example)), _TOKENIZER),
    )
