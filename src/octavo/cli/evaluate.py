"""``octavo evaluate``."""

import argparse
import sys
from functools import partial

from octavo.cli import arguments
from octavo.cli.output import as_options, say
from octavo.config.inference import PROTOCOLS, check_scoring, default_stride
from octavo.runs import runs_root

_CHUNK_CHARACTERS = 256  # of the disjoint protocol


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.epilog = "Exit code 0 if everything was computed, 1 if only the score was, and 2 without a score."
    arguments.add_run(parser)
    parser.add_argument(
        "text",
        nargs="?",
        metavar="TEXT",
        help="file or folder with another text, or - for standard input (default: the run's own text)",
    )
    parser.add_argument(
        "--split",
        choices=("validation", "test", "train"),
        help="split of the run's own text to score (default: validation)",
    )
    parser.add_argument(
        "--protocol",
        choices=PROTOCOLS,
        default="sliding",
        help="sliding: overlapping windows; disjoint: chunks with an empty context each (default: sliding)",
    )
    stride = "tokens between starts of sliding windows (default: half a context)"
    arguments.add_number(parser, "--stride", "N", stride)
    chunk = f"characters of a chunk of the disjoint protocol (default: {_CHUNK_CHARACTERS})"
    arguments.add_number(parser, "--chunk-characters", "N", chunk)
    parser.add_argument("--window", dest="chunk_characters", type=int, help=argparse.SUPPRESS)  # its earlier name
    parser.add_argument("--no-baselines", action="store_true", help="score only the model, without baselines")
    arguments.add_corpus_options(parser)


def run(options: argparse.Namespace) -> int:
    """Score the model and the baselines, print one table, and write the numbers into the run."""
    directory = arguments.run_of(options)
    if options.text is not None:
        arguments.refuse_given(options, "the run's own text", "split")
    if options.protocol != "disjoint":
        arguments.refuse_given(options, "--protocol disjoint", "chunk-characters")
    context = directory.config.data.context_length
    stride = default_stride(context) if options.stride is None else options.stride
    chunk = _CHUNK_CHARACTERS if options.chunk_characters is None else options.chunk_characters
    check_scoring(options.protocol, stride, chunk, context)
    corpus = None
    if options.text is None:
        directory.check_has_text()
        arguments.refuse_given(options, "a TEXT", "encoding", "documents")
    else:
        corpus = arguments.corpus_of(options, [options.text], runs_root(options.runs))
        for line in corpus.notes():
            say(as_options(line), file=sys.stderr)

    from octavo.evaluate import TrainOverlap
    from octavo.pipeline.progress import make_progress
    from octavo.pipeline.run import Run
    from octavo.pipeline.train import OptionalParts
    from octavo.reports.terminal import scores as terminal

    scored, split = Run(directory), options.split or "validation"
    trained_on, shared = corpus is None and split == "train", directory.shared
    with make_progress(True) as progress:
        score = scored.evaluate(
            corpus,
            watch=partial(progress.phase, "scoring"),
            split=split,
            stride=stride,
            protocol=options.protocol,
            window_characters=chunk,
        )
        standard = (split, options.protocol, stride) == ("validation", "sliding", default_stride(context))
        diagnosed = corpus is None and standard and not options.no_baselines
        parts, no_overlap = OptionalParts(), TrainOverlap(0, 0, 0)
        compute = partial(scored.baselines, corpus, split=split, watch=partial(progress.phase, "baselines"))
        baselines = [] if trained_on or shared or options.no_baselines else parts.compute("baselines", compute) or []
        search = partial(scored.overlap, corpus, split=split)
        overlap = None if trained_on else no_overlap
        if not trained_on and not shared:
            overlap = parts.compute("overlap with the training split", search) or no_overlap
        if diagnosed and scored.saved_memorisation is None:
            watch = partial(progress.phase, "searching for memorised text")
            parts.compute("memorisation", partial(scored.memorisation, watch=watch))
        make = partial(terminal.diagnosis_lines, scored, score=score, baselines=baselines)
        diagnosis = [] if not diagnosed else parts.compute("diagnosis", make) or []
    training_seconds = float((directory.last_record or {}).get("seconds", 0.0))
    say("\n".join(terminal.score_head(directory.name, score)), end="\n\n")
    say("\n".join(terminal.score_table_lines(score, baselines, training_seconds)), end="\n\n")
    noted = no_overlap if diagnosis else overlap  # the diagnosis states it
    say("\n".join([*terminal.figures(score), *terminal.score_note_lines(score, baselines, noted)]))
    if diagnosis:
        say("\n" + "\n".join(diagnosis))
    if shared:
        say("no baselines and no overlap: the run was shared without its training text")
    if not scored.has_unsaved_results:
        say(f"written to {directory.path / 'evaluation.json'}" + (" and baselines.json" if baselines else ""))
    for name, reason in parts.failed.items():
        say(f"octavo: no {name}: {reason}", file=sys.stderr)
    return 1 if parts.failed else 0
