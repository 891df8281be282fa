"""Before training: a config, a text in tokens, and an honest forecast; nothing is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from octavo.config import Config
from octavo.corpus import Corpus, read_corpus, with_documents
from octavo.data import Prepared, prepare
from octavo.forecast import Forecast, forecast
from octavo.request import Request
from octavo.runs import check_new, free_name
from octavo.tokenizer import Characters, Tokenizer
from octavo.training import Precision, choose_precision
from octavo.training.preflight import Preflight, preflight

Text = str | Path | Corpus | Sequence[str | Path] | None


@dataclass(frozen=True)
class Plan:
    """All that is known before training: what a dry run shows and what a run starts from."""

    name: str
    config: Config
    corpus: Corpus
    tokenizer: Tokenizer
    prepared: Prepared
    forecast: Preflight
    whole: Forecast

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
    text: Text,
    request: Request,
    *,
    name: str | None = None,
    encoding: str = "utf-8",
    documents: str = "file",
    root: Path,
    watch: Callable[[str, float], None] = lambda what, share: None,
) -> Plan:
    """Read and tokenize the text, and try a few steps; nothing is written.

    `watch` is told what is being done, and the share of it that is done.

    Raises:
        OctavoError: whatever cannot work, with the mend.
    """
    config = request.applied_to(None)
    if name is not None:
        check_new(root, name)
    corpus = as_corpus(text, encoding, documents, root)
    tokenizer, prepared = prepare(corpus, config.data, config.tokenizer, watch)
    if not config.tokenizer.vocab_size:  # what it came to is part of the run
        config = replace(config, tokenizer=replace(config.tokenizer, vocab_size=tokenizer.vocab_size))
    precision: Precision = choose_precision(config.train)
    planned = preflight(corpus.name, config, tokenizer, prepared, precision)
    whole = forecast(config, planned, corpus.characters, corpus.bytes)
    return Plan(name or free_name(root, corpus.name), config, corpus, tokenizer, prepared, planned, whole)


def as_corpus(text: Text, encoding: str = "utf-8", documents: str = "file", root: Path | None = None) -> Corpus:
    """Return a corpus with such documents, and read paths; None is Tiny Shakespeare. `root`: the folder of all runs.

    Raises:
        OctavoError: a file cannot be read as text.
    """
    if isinstance(text, Corpus):
        return with_documents(text, documents)
    return read_corpus([] if text is None else text, encoding=encoding, documents=documents, runs=root)
