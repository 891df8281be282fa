"""``octavo evaluate``."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from octavo.cli.options import add_corpus_options, corpus_of, refuse_without_text
from octavo.cli.output import as_options, say
from octavo.cli.parser import add_runs_option
from octavo.config.inference import PROTOCOLS, check_scoring, default_stride
from octavo.errors import OctavoError
from octavo.reports.blocks import Unavailable, try_compute
from octavo.runs import open_run, runs_root

if TYPE_CHECKING:
    from collections.abc import Callable

    from octavo.evaluate import Baseline

T = TypeVar("T")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.epilog = "Exit code 1 if there is a score and something that goes with it could not be made."
    parser.add_argument("run", metavar="RUN", help="a run's name or folder")
    parser.add_argument(
        "text",
        nargs="?",
        metavar="TEXT",
        help="a file or folder with another text; - reads it (default: the run's own text)",
    )
    parser.add_argument(
        "--split",
        choices=("validation", "test", "train"),
        help="part of the run's own text (validation)",
    )
    parser.add_argument("--stride", type=int, metavar="N", help="tokens between windows (half a context)")
    parser.add_argument(
        "--protocol",
        choices=PROTOCOLS,
        default="sliding",
        help="windows that overlap, or pieces side by side, each scored from nothing",
    )
    parser.add_argument(
        "--window",
        type=int,
        metavar="N",
        help="characters of a piece of the disjoint protocol (256)",
    )
    parser.add_argument(
        "--no-baselines", action="store_true", help="the model alone, without what simpler models make of the text"
    )
    add_corpus_options(parser)
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Score the model and what it has to beat, print one table, leave the figures in the run."""
    directory = open_run(options.run, runs_root(options.runs))
    for option, needed, there in (
        ("--split", "the run's own text", options.text is None),
        ("--window", "--protocol disjoint", options.protocol == "disjoint"),
    ):
        if getattr(options, option[2:]) is not None and not there:
            raise OctavoError(f"{option} goes with {needed} alone: leave it out")
    context = directory.config.data.context_length
    stride = default_stride(context) if options.stride is None else options.stride
    window = 256 if options.window is None else options.window
    check_scoring(options.protocol, stride, window, context)
    corpus = None
    if options.text is None:
        refuse_without_text(options, "a TEXT")
    else:
        corpus = corpus_of(options, [options.text], runs_root(options.runs))
        for line in corpus.notes():
            say(as_options(line), file=sys.stderr)

    from octavo.evaluate import TrainOverlap
    from octavo.pipeline.progress import make_progress
    from octavo.pipeline.run import Run
    from octavo.reports.terminal import scores as score_table
    from octavo.reports.terminal.findings import diagnosis_lines

    scored, split = Run(directory), options.split or "validation"
    trained_on = corpus is None and split == "train"
    with make_progress(True) as progress:
        score = scored.evaluate(
            corpus,
            watch=lambda share: progress.share("scoring", share),
            split=split,
            stride=stride,
            protocol=options.protocol,
            window_characters=window,
        )
        as_listed = (split, options.protocol, stride) == ("validation", "sliding", default_stride(context))
        diagnosed = corpus is None and as_listed and not options.no_baselines
        part, nothing = _Parts(), TrainOverlap(0, 0, 0)
        baselines: list[Baseline] = []
        if not trained_on and not options.no_baselines:
            watch = partial(progress.share, "baselines")
            baselines = part("baselines", lambda: scored.baselines(corpus, split=split, watch=watch), [])
        overlap = None
        if not trained_on:
            overlap = part("overlap with the training part", lambda: scored.overlap(corpus, split=split), nothing)
        if diagnosed and scored.memorised is None:
            look = partial(progress.share, "looking for copies")
            part("memorisation", lambda: scored.memorisation(watch=look), None)
        diagnosis: list[str] = []
        if diagnosed:
            diagnosis = part("diagnosis", lambda: diagnosis_lines(scored, score=score, baselines=baselines), [])
    trained_for = float((directory.last_record or {}).get("seconds", 0.0))
    say("\n".join(score_table.score_head(directory.name, score)), end="\n\n")
    say("\n".join(score_table.score_table(score, baselines, trained_for)), end="\n\n")
    noted = nothing if diagnosis else overlap  # the diagnosis says it
    say("\n".join([*score_table.figures(score), *score_table.score_notes_lines(score, baselines, noted)]))
    if diagnosis:
        say("\n" + "\n".join(diagnosis))
    if not scored.has_unsaved_results:
        say(f"written to {directory.path / 'evaluation.json'}" + (" and baselines.json" if baselines else ""))
    for what, why in part.failed.items():
        say(f"octavo: no {what}: {why}", file=sys.stderr)
    return 1 if part.failed else 0


class _Parts:
    """Makes what goes with a score. What cannot be made is noted, and the score is shown all the same."""

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}

    def __call__(self, what: str, make: Callable[[], T], otherwise: T) -> T:
        made = try_compute(make)
        if not isinstance(made, Unavailable):
            return made
        self.failed[what] = made.why
        return otherwise
