"""``octavo evaluate``."""

import argparse
import sys

from octavo.cli.corpus_options import add_corpus_options, corpus_of, refuse_without_text
from octavo.cli.parser import add_runs_option
from octavo.cli.saying import say
from octavo.errors import OctavoError
from octavo.options import PROTOCOLS, check_scoring
from octavo.runs import open_run, runs_root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
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
    stride = max(1, context // 2) if options.stride is None else options.stride
    window = 256 if options.window is None else options.window
    check_scoring(options.protocol, stride, window, context)
    corpus = None
    if options.text is None:
        refuse_without_text(options, "a TEXT")
    else:
        corpus = corpus_of(options, [options.text], runs_root(options.runs))
        for line in corpus.notes():
            say(line, file=sys.stderr)

    from octavo.cli import score_table
    from octavo.cli.findings import diagnosis_lines
    from octavo.progress import make_progress
    from octavo.run import Run

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
        baselines = (
            []
            if trained_on or options.no_baselines
            else scored.baselines(corpus, split=split, watch=lambda share: progress.share("baselines", share))
        )
        overlap = None if trained_on else scored.overlap(corpus, split=split)
        as_listed = (split, options.protocol, stride) == ("validation", "sliding", max(1, context // 2))
        diagnosed = corpus is None and as_listed and not options.no_baselines
        if diagnosed and scored.memorised is None:
            scored.memorisation(watch=lambda share: progress.share("looking for copies", share))
    trained_for = float((directory.last_record or {}).get("seconds", 0.0))
    say("\n".join(score_table.head(directory.name, score)), end="\n\n")
    say("\n".join(score_table.table(score, baselines, trained_for)), end="\n\n")
    say("\n".join([*score_table.figures(score), *score_table.notes(score, baselines, overlap)]))
    if diagnosed:
        say("\n" + "\n".join(diagnosis_lines(scored, score=score, baselines=baselines)))
    if not scored.not_kept:
        say(f"written to {directory.path / 'evaluation.json'}" + (" and baselines.json" if baselines else ""))
    return 0
