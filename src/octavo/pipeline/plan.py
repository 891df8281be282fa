"""Plan a run before anything is written: its config, its text as tokens, and a forecast of the complete command.

:mod:`octavo.training.forecast` forecasts the training. This module adds what follows it: score, baselines, the search
for copied text, report. Times are computed from the measured time of a forward pass and the length of the text,
memory from what each phase holds; the constants were fitted to measured runs (docs/lab-notes.md).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from octavo.config import Config
from octavo.config.fine_tuning import fine_tuned_config
from octavo.config.hyperparameters import Choice, choose_hyperparameters
from octavo.config.inference import default_stride, head_windows
from octavo.config.overrides import Request
from octavo.config.shapes import max_activation_width, parameter_count, windows_at_once
from octavo.corpus import Corpus, read_corpus, with_documents
from octavo.corpus.document import PER_FILE
from octavo.corpus.split import chooses_documents
from octavo.data.prepare import TokenizedSplits, prepare
from octavo.evaluate.baselines import MAX_LEARNED
from octavo.evaluate.documents import last_characters, texts_of
from octavo.evaluate.fine_tuning import overlap_facts, overlap_lines
from octavo.evaluate.overlap import MAX_SEARCHED, measure_overlap
from octavo.formats.toml_schema import with_overrides
from octavo.interpret.head_ablation import ABLATIONS
from octavo.runs import free_name
from octavo.runs.parent import Parent
from octavo.system.progress import PhaseCallback, no_phase_progress
from octavo.system.terminal import duration, format_bytes
from octavo.system.threads import usable_cores
from octavo.tokenizer import Characters, Tokenizer
from octavo.training.data import MIN_CALIBRATION_BLOCKS, calibration_blocks
from octavo.training.forecast import PROCESS_BYTES, TrainingForecast, forecast_training, tokens_per_second
from octavo.training.precision import Precision, choose_precision

_MIB = 2**20
# Seconds of one core:
_SECONDS_PER_BASELINE_BYTE = 7e-6  # learned from or scored, all baselines together; brotli takes nearly half of it
_SECONDS_PER_SLOWEST_BASELINE_BYTE = 3e-6
_SECONDS_PER_SEARCHED_CHARACTER = 2e-6
_FIXED_SECONDS = 4.0  # curves, samples, figures, measuring this machine
_ABLATION_SLOWDOWN = 2.5  # a forward pass with an intervention, relative to one without
# Bytes:
_LIBRARY_BYTES = 150 * _MIB  # Matplotlib and others that the phases after training load, and what these leave behind
_RETAINED_FRACTION = 0.6  # of the memory of training stays with the process
_BYTES_PER_SCORED_TOKEN = 48
_BYTES_PER_LEARNED_BYTE = 110  # by baselines
_BYTES_PER_SEARCHED_CHARACTER = 32
_BYTES_PER_ATTENTION_WEIGHT = 80  # of a window, in all layers and heads, in the report


@dataclass(frozen=True)
class CommandForecast:
    """The forecast of the complete command: the time after training, and the peak memory."""

    seconds_after: float
    memory_bytes: int

    def lines(self) -> list[str]:
        """Return a line for the user."""
        return [
            f"then about {duration(self.seconds_after)} for the score, baselines and the report; "
            f"about {format_bytes(self.memory_bytes)} of memory in all"
        ]


def forecast_command(config: Config, planned: TrainingForecast, characters: int, n_bytes: int) -> CommandForecast:
    """Forecast the command that trains on a text of `characters`, which are `n_bytes` in UTF-8.

    Args:
        config: the run's config.
        planned: the forecast of its training.
        characters: the length of the text.
        n_bytes: the length of the text in UTF-8.

    Example:
        >>> forecast_command(plan.config, plan.forecast, plan.corpus.characters, plan.corpus.bytes)  # doctest: +SKIP
    """
    model, context = config.model, config.data.context_length
    trained = int(characters * (1 - config.data.validation - config.data.test))
    learned, searched = min(trained, MAX_LEARNED), min(trained, MAX_SEARCHED)
    n_parameters, _ = parameter_count(model, planned.vocab_size)

    windows = math.ceil(planned.validation_tokens / default_stride(context))
    passes = len(ABLATIONS) * model.n_layers * model.n_heads
    heads = (
        passes * head_windows(passes * context * 2 * n_parameters) * planned.seconds_per_window * _ABLATION_SLOWDOWN
    )
    compared = learned * n_bytes / characters + n_bytes * config.data.validation
    baselines = compared * max(_SECONDS_PER_BASELINE_BYTE / usable_cores(), _SECONDS_PER_SLOWEST_BASELINE_BYTE)
    seconds = (
        windows * planned.seconds_per_window
        + baselines
        + searched * _SECONDS_PER_SEARCHED_CHARACTER
        + heads
        + _FIXED_SECONDS
    )

    at_once = context * windows_at_once(model, planned.vocab_size, context)
    forward = 4 * at_once * int(1.5 * planned.vocab_size + max_activation_width(model, planned.vocab_size, context))
    # The phases follow each other. The memory of training and scoring is not released before the next phase, that of
    # baselines, search and report is.
    after = (
        PROCESS_BYTES
        + _LIBRARY_BYTES
        + int(_RETAINED_FRACTION * (planned.memory_bytes - PROCESS_BYTES))
        + forward
        + _BYTES_PER_SCORED_TOKEN * planned.validation_tokens
        + max(
            _BYTES_PER_LEARNED_BYTE * learned * n_bytes // characters,
            _BYTES_PER_SEARCHED_CHARACTER * searched,
            _BYTES_PER_ATTENTION_WEIGHT * model.n_layers * model.n_heads * context**2,
        )
    )
    return CommandForecast(seconds, max(planned.memory_bytes, after))


CorpusSource = str | Path | Corpus | Sequence[str | Path] | None


@dataclass(frozen=True)
class Plan:
    """Settings, text, tokens and forecasts of a run before training: a dry run shows them, a run starts from them."""

    name: str
    config: Config
    corpus: Corpus
    tokenizer: Tokenizer
    prepared: TokenizedSplits
    forecast: TrainingForecast
    command_forecast: CommandForecast
    choices: tuple[Choice, ...] = ()  # the settings that were chosen for this text and budget
    parent: Parent | None = None  # of a fine-tuned run
    overlap: dict[str, float] | None = None  # with the texts of the parent

    @property
    def held_out(self) -> str:
        """Return what is held out of this text: "documents" or "end"."""
        data = self.config.data
        whole = data.split_by == "characters" and chooses_documents(self.corpus, data.held_out)
        return "documents" if whole else "end"

    def lines(self) -> list[str]:
        """Return a few lines for the user; `corpus.notes` has those on the text."""
        lines, documents = [*self._choice_lines(), *self.forecast.lines()], len(self.corpus.documents)
        if documents > 1:  # then the user should know from which of them the split is that alone is scored
            fraction, validation = self.config.data.validation, self.prepared["validation"][0]
            of = f"{len(validation.segments):,} of {documents:,} documents"
            if self.held_out == "documents":
                share = validation.characters / self.corpus.characters
                lines.append(f"validation split: {of}, spread over the text, chosen by the seed ({share:.1%} of it)")
            else:
                lines.append(f"validation split: {fraction:.0%} of the text, at its end, from {of}")
        coverage = self.tokenizer.coverage if isinstance(self.tokenizer, Characters) else None
        if coverage and coverage.known < coverage.distinct:
            lines.append(coverage.words())
        if self.parent is not None:
            lines = [self.parent.budget_line(self.config), *lines]
            lines += self.parent.vocabulary_lines(self.corpus)
            lines += overlap_lines(self.overlap, self.parent.run.name)
        return [*lines, *self.command_forecast.lines()]

    def _choice_lines(self) -> list[str]:
        """Return a line for each setting that was chosen; settings with the same reason share one."""
        by_reason: dict[str, list[Choice]] = {}
        for choice in self.choices:
            by_reason.setdefault(choice.reason, []).append(choice)
        lines = [f"  {', '.join(map(str, choices))}: {reason}" for reason, choices in by_reason.items()]
        title = "settings chosen for this text and budget (the preset pocket has fixed ones)"
        return [title, *lines] if lines else []


def make_plan(
    corpus: Corpus,
    request: Request,
    *,
    name: str | None = None,
    root: Path,
    parent: Parent | None = None,
    watch: PhaseCallback = no_phase_progress,
) -> Plan:
    """Tokenize the text, and try a few training steps; nothing is written.

    Args:
        corpus: the text.
        request: what the user asked for.
        name: the run's name; None takes it from the text.
        root: the folder of runs.
        parent: the run to fine-tune; None: train a new model.
        watch: receives the phase, and the fraction of it that is done.

    Raises:
        OctavoError: the settings cannot work, or not with this text; the message has the fix.
    """
    precision: Precision
    choices: tuple[Choice, ...] = ()
    if parent is None:
        config = request.applied_to(None)
        precision = choose_precision(config.train)
        if request.preset is None:
            choices = fitting_choices(config, request.names, corpus, precision)
            config = with_overrides(config, [(choice.name, choice.value) for choice in choices])
    else:
        config = fine_tuned_config(parent.run.config, request, again=parent.fine_tuned)
        precision = choose_precision(config.train)
    given = parent.run.tokenizer if parent else None
    tokenizer, prepared = prepare(corpus, config.data, config.tokenizer, watch, given=given, seed=config.train.seed)
    if not config.tokenizer.vocab_size:  # the resulting size is part of the run
        config = replace(config, tokenizer=replace(config.tokenizer, vocab_size=tokenizer.vocab_size))
    others = tuple(choice for choice in choices if choice.name != "train.calibrate")
    if others != choices and calibration_blocks(config, len(prepared["train"][1])) < MIN_CALIBRATION_BLOCKS:
        choices = others
        config = replace(config, train=replace(config.train, calibrate=False))
    planned = forecast_training(corpus.name, config, tokenizer, prepared, precision)
    command_forecast = forecast_command(config, planned, corpus.characters, corpus.bytes)
    overlap = None
    if parent is not None:
        command_forecast = _with_parent_scores(command_forecast, planned, config, parent)
        overlap = _overlap(parent, prepared)
    name = name or free_name(root, corpus.name)
    return Plan(name, config, corpus, tokenizer, prepared, planned, command_forecast, choices, parent, overlap)


def fitting_choices(config: Config, given: Sequence[str], corpus: Corpus, precision: Precision) -> tuple[Choice, ...]:
    """Choose the settings that the user leaves open; the speed of training is measured if the budget is a time.

    Args:
        config: the preset with the user's settings.
        given: the dotted names of these settings.
        corpus: the text.
        precision: the precision to train in.

    Raises:
        OctavoError: the machine has too little memory for a model of this config.
    """
    speed = tokens_per_second(config, precision) if config.train.minutes else 0.0
    fraction = 1 - config.data.validation - config.data.test
    ends = 0 if corpus.document_unit == PER_FILE else len(corpus.documents)
    text = {"train_bytes": int(corpus.bytes * fraction), "ends": int(ends * fraction)}
    return tuple(choose_hyperparameters(config, given, tokens_per_second=speed, **text))


def _with_parent_scores(
    forecast: CommandForecast, planned: TrainingForecast, config: Config, parent: Parent
) -> CommandForecast:
    """Add the time of the further scores of a fine-tuned run: one on its own text, two on that of its parent."""
    tokens = planned.validation_tokens + (2 * len(parent.validation.ids) if parent.validation else 0)
    windows = math.ceil(tokens / default_stride(config.data.context_length))
    return replace(forecast, seconds_after=forecast.seconds_after + windows * planned.seconds_per_window)


def _overlap(parent: Parent, prepared: TokenizedSplits) -> dict[str, float] | None:
    """Return how much of each validation text the other run is trained on; None if the parent has no text."""
    if parent.validation is None or parent.train is None:
        return None
    train, validation = ([str(text) for text in prepared[name][0].segments] for name in ("train", "validation"))
    own = measure_overlap(validation, texts_of(parent.train, parent.run.tokenizer, MAX_SEARCHED))
    parents = measure_overlap(texts_of(parent.validation, parent.run.tokenizer), last_characters(train, MAX_SEARCHED))
    return overlap_facts(own, parents)


def as_corpus(
    text: CorpusSource, encoding: str = "utf-8", documents: str = "file", root: Path | None = None
) -> Corpus:
    """Return `text` as a corpus: read paths, and split a given Corpus into documents as asked.

    Args:
        text: paths, or a Corpus; None is Tiny Shakespeare.
        encoding: the encoding of files that have no byte order mark and are not UTF-8.
        documents: what a document is, see :func:`octavo.train`.
        root: the folder of runs, which is not read as text.

    Raises:
        OctavoError: a file cannot be read as text.
    """
    if isinstance(text, Corpus):
        return with_documents(text, documents)
    return read_corpus([] if text is None else text, encoding=encoding, documents=documents, runs=root)
