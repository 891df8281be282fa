"""``octavo reproduce``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from octavo.cli.options import ENCODING_HELP, corpus_of
from octavo.cli.output import say
from octavo.cli.parser import add_runs_option
from octavo.config.overrides import Request
from octavo.errors import OctavoError
from octavo.experiments.reproduction.existing_run import existing_run
from octavo.experiments.reproduction.reported import PRESET
from octavo.formats.toml_schema import parse_assignment
from octavo.runs import runs_root

if TYPE_CHECKING:
    from octavo.experiments.reproduction.results import Reproduction


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument(
        "--epochs", type=float, metavar="N", help="passes over the training part (10, as in the report)"
    )
    parser.add_argument("--name", default=PRESET, help=f"the run's name ({PRESET}); one that stands is gone on with")
    parser.add_argument("--text", metavar="FILE", help="another text than Tiny Shakespeare")
    parser.add_argument("--encoding", metavar="NAME", help=ENCODING_HELP)
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting, such as optimizer.kind=adamw"
    )
    parser.add_argument("--seed", type=int, metavar="S", help="seed of weights, batches, dropout and generations")
    parser.add_argument("--quiet", action="store_true", help="no progress, only the result")
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Train, measure, and print the table of epochs beside the report's."""
    overrides = [parse_assignment(text) for text in options.set]
    request = Request(PRESET, overrides, epochs=options.epochs, seed=options.seed)
    if options.encoding is not None and options.text is None:
        raise OctavoError("--encoding goes with --text alone: leave it out")
    # What is wrong with settings, names or files shows before anything heavy is loaded.
    root = runs_root(options.runs)
    corpus = None if options.text is None else corpus_of(options, [options.text], root)
    existing_run(root, options.name, request, corpus)

    from octavo.experiments.reproduction.reproduce import reproduce
    from octavo.training import Interrupted

    try:
        found = reproduce(
            corpus,
            name=options.name,
            epochs=options.epochs,
            seed=options.seed,
            overrides=overrides,
            runs=options.runs,
            progress=not options.quiet,
        )
    except Interrupted as stopped:
        say(f"Stopped at step {stopped.step}; saved. To go on, give the same command again.", file=sys.stderr)
        return 128 + stopped.signal_number
    except KeyboardInterrupt:
        say("Stopped at once. To go on, give the same command again.", file=sys.stderr)
        return 130
    say("\n".join(_summary(found)))
    return 0


def _summary(found: Reproduction) -> list[str]:
    """The table of epochs, what it comes to, and where everything is."""
    from octavo.experiments.reproduction import commentary as reading
    from octavo.experiments.reproduction.page import EPOCH_HEAD, epoch_cells
    from octavo.experiments.reproduction.reproduce import FOLDER

    table = [EPOCH_HEAD, *map(epoch_cells, found.epochs)] if found.epochs else []
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
    differing = [fact.name for fact in found.facts if not fact.equal]
    measured, folder = found.perplexities, found.run.path / FOLDER
    return [
        "",
        *(lines or [reading.about_epochs(found)]),
        "",
        f"facts: {len(found.facts) - len(differing)} of {len(found.facts)} as in the report"
        + (f"; others: {', '.join(differing)}" if differing else ""),
        f"validation loss {measured.validation.mean:.4f}; token frequencies alone {measured.unigram_validation:.4f}",
        f"training loss {measured.sample.mean:.4f}; as the report computed it {measured.training_as_reported:.4f}",
        f"  report    {folder / 'report.md'}",
        f"  figures   {folder / 'report.json'}",
        f"  pictures  {folder / '*.png'}",
    ]
