"""Forecast what the whole command takes, after training too: score, baselines, search for copies, report.

Training itself is forecast by :mod:`octavo.training.forecast`. Times are reckoned from the time to read a window on
this machine and from the length of the text, memory from what each phase holds; the constants were fitted to measured
runs (docs/lab-notes.md).

Before training: a config, a text in tokens, and an honest forecast; nothing is written.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from octavo.config import Config
from octavo.config.inference import default_stride, head_windows
from octavo.config.overrides import Request
from octavo.config.shapes import parameter_count, widest, windows_at_once
from octavo.corpus import Corpus, read_corpus, with_documents
from octavo.data import TokenizedSplits, prepare
from octavo.evaluate.baselines import MAX_LEARNED
from octavo.evaluate.overlap import MAX_SEARCHED
from octavo.interpret.head_ablation import ABLATIONS
from octavo.runs import check_name_free, free_name
from octavo.system.progress import PhaseCallback, no_phase_progress
from octavo.system.terminal import duration, size
from octavo.system.threads import usable_cores
from octavo.tokenizer import Characters, Tokenizer
from octavo.training import Precision, choose_precision
from octavo.training.forecast import PROCESS_BYTES, TrainingForecast, forecast_training

_MIB = 2**20
# Seconds of one core.
_BASELINES = 7e-6  # for each byte learned from or scored; brotli alone takes nearly half of it
_LONGEST_BASELINE = 3e-6
_COPIES = 2e-6  # for each character of the training part
_FIXED = 4.0  # curves, samples, pictures, measuring this machine
_WITH_TAP = 2.5  # times as long as a plain pass takes one in which something is changed
# Bytes.
_LIBRARIES = 150 * _MIB  # Matplotlib and others that come with the phases after training, and what these leave behind
_KEPT = 0.6  # of what training needs stays with the process
_SCORED = 48  # for each token of the held-out part
_LEARNED = 110  # for each byte that baselines learn from
_SEARCHED = 32  # for each character that copies are searched in
_WEIGHT = 80  # for each attention weight of a window, in all layers and heads, of the report


@dataclass(frozen=True)
class CommandForecast:
    """Hold the time of what comes after training, and the memory of the whole command at its peak."""

    seconds_after: float
    memory_bytes: int

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"then about {duration(self.seconds_after)} for the score, simpler models and the report; "
            f"about {size(self.memory_bytes)} of memory in all"
        ]


def forecast_command(config: Config, planned: TrainingForecast, characters: int, n_bytes: int) -> CommandForecast:
    """Forecast the command that trains on a text of so many `characters` and `n_bytes` in UTF-8.

    Example:
        >>> forecast(plan.config, plan.forecast, plan.corpus.characters, plan.corpus.bytes).lines()
    """
    model, context = config.model, config.data.context_length
    trained = int(characters * (1 - config.data.validation - config.data.test))
    learned, searched = min(trained, MAX_LEARNED), min(trained, MAX_SEARCHED)
    n_parameters, _ = parameter_count(model, planned.vocab_size)

    windows = math.ceil(planned.validation_tokens / default_stride(context))
    passes = len(ABLATIONS) * model.n_layers * model.n_heads
    heads = passes * head_windows(passes * context * 2 * n_parameters) * planned.seconds_per_window * _WITH_TAP
    compared = learned * n_bytes / characters + n_bytes * config.data.validation
    baselines = compared * max(_BASELINES / usable_cores(), _LONGEST_BASELINE)
    seconds = windows * planned.seconds_per_window + baselines + searched * _COPIES + heads + _FIXED

    at_once = context * windows_at_once(model, planned.vocab_size, context)
    forward = 4 * at_once * int(1.5 * planned.vocab_size + widest(model, planned.vocab_size, context))
    # The phases come one after the other, but the memory of training and of the score is not given back before the
    # next; of baselines, copies and report it is.
    after = (
        PROCESS_BYTES
        + _LIBRARIES
        + int(_KEPT * (planned.memory_bytes - PROCESS_BYTES))
        + forward
        + _SCORED * planned.validation_tokens
        + max(
            _LEARNED * learned * n_bytes // characters,
            _SEARCHED * searched,
            _WEIGHT * model.n_layers * model.n_heads * context**2,
        )
    )
    return CommandForecast(seconds, max(planned.memory_bytes, after))


CorpusSource = str | Path | Corpus | Sequence[str | Path] | None


@dataclass(frozen=True)
class Plan:
    """All that is known before training: what a dry run shows and what a run starts from."""

    name: str
    config: Config
    corpus: Corpus
    tokenizer: Tokenizer
    prepared: TokenizedSplits
    forecast: TrainingForecast
    whole: CommandForecast

    def lines(self) -> list[str]:
        """For people, a few lines; `corpus.notes` has those on the text."""
        return self.forecast.lines() + self._held_out() + self._left_out() + self.whole.lines()

    def _held_out(self) -> list[str]:
        """Say where the held-out text is from, if there are several documents: a score is of those alone."""
        documents, segments = len(self.corpus.documents), len(self.prepared["validation"][0].segments)
        if documents == 1:
            return []
        share = self.config.data.validation
        return [f"held out: {share:.0%} of the text, at its end, from {segments:,} of {documents:,} documents"]

    def _left_out(self) -> list[str]:
        coverage = self.tokenizer.coverage if isinstance(self.tokenizer, Characters) else None
        return [coverage.words()] if coverage and coverage.known < coverage.distinct else []


def make_plan(
    text: CorpusSource,
    request: Request,
    *,
    name: str | None = None,
    encoding: str = "utf-8",
    documents: str = "file",
    root: Path,
    watch: PhaseCallback = no_phase_progress,
) -> Plan:
    """Read and tokenize the text, and try a few steps; nothing is written.

    `watch` is told what is being done, and the share of it that is done.

    Raises:
        OctavoError: whatever cannot work, with the fix.
    """
    config = request.applied_to(None)
    if name is not None:
        check_name_free(root, name)
    corpus = as_corpus(text, encoding, documents, root)
    tokenizer, prepared = prepare(corpus, config.data, config.tokenizer, watch)
    if not config.tokenizer.vocab_size:  # what it came to is part of the run
        config = replace(config, tokenizer=replace(config.tokenizer, vocab_size=tokenizer.vocab_size))
    precision: Precision = choose_precision(config.train)
    planned = forecast_training(corpus.name, config, tokenizer, prepared, precision)
    whole = forecast_command(config, planned, corpus.characters, corpus.bytes)
    return Plan(name or free_name(root, corpus.name), config, corpus, tokenizer, prepared, planned, whole)


def as_corpus(
    text: CorpusSource, encoding: str = "utf-8", documents: str = "file", root: Path | None = None
) -> Corpus:
    """Return a corpus with such documents, and read paths; None is Tiny Shakespeare. `root`: the folder of all runs.

    Raises:
        OctavoError: a file cannot be read as text.
    """
    if isinstance(text, Corpus):
        return with_documents(text, documents)
    return read_corpus([] if text is None else text, encoding=encoding, documents=documents, runs=root)
