"""``octavo reproduce``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from octavo.cli import arguments
from octavo.cli.output import align_columns, say
from octavo.config.overrides import Request
from octavo.experiments.reproduction.existing_run import existing_run
from octavo.experiments.reproduction.reported import PRESET
from octavo.runs import runs_root

if TYPE_CHECKING:
    from octavo.experiments.reproduction.results import Reproduction


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    epochs = "train for N passes over the training split (default: 10, as in the report)"
    arguments.add_number(parser, "--epochs", "N", epochs, kind=float)
    parser.add_argument(
        "--name", default=PRESET, help=f"name of the run; an existing one is resumed (default: {PRESET})"
    )
    parser.add_argument("--text", metavar="FILE", help="train on this text (default: Tiny Shakespeare)")
    arguments.add_encoding(parser)
    arguments.add_set(parser, "optimizer.kind=adamw")
    seed = "seed of weights, batches, dropout and samples (default: the preset's)"
    arguments.add_number(parser, "--seed", "S", seed)
    arguments.add_quiet(parser)


def run(options: argparse.Namespace) -> int:
    """Train, measure, and print the table of epochs next to those of the course report."""
    request = Request(PRESET, options.set, epochs=options.epochs, seed=options.seed)
    if options.text is None:
        arguments.refuse_given(options, "--text", "encoding")
    # An error in settings, names or files is reported before anything heavy is loaded.
    root = runs_root(options.runs)
    corpus = None if options.text is None else arguments.corpus_of(options, [options.text], root)
    existing_run(root, options.name, request, corpus)

    from octavo.experiments.reproduction.reproduce import reproduce
    from octavo.training.signals import Interrupted

    try:
        result = reproduce(
            corpus,
            name=options.name,
            epochs=options.epochs,
            seed=options.seed,
            overrides=options.set,
            runs=options.runs,
            progress=not options.quiet,
        )
    except Interrupted as stopped:
        say(f"Stopped at step {stopped.step}; saved. To resume, give the same command again.", file=sys.stderr)
        return 128 + stopped.signal_number
    except KeyboardInterrupt:
        say("Stopped at once. To resume, give the same command again.", file=sys.stderr)
        return 130
    say("\n".join(_summary(result)))
    return 0


def _summary(result: Reproduction) -> list[str]:
    """Return lines with the table of epochs, the main results, and the paths."""
    from octavo.experiments.reproduction import commentary
    from octavo.experiments.reproduction.page import EPOCH_HEAD, epoch_cells
    from octavo.experiments.reproduction.reproduce import FOLDER

    table = [EPOCH_HEAD, *map(epoch_cells, result.epochs)] if result.epochs else []
    lines = align_columns(table, str.rjust)
    differing = [fact.name for fact in result.facts if not fact.equal]
    losses, folder = result.perplexities, result.run.path / FOLDER
    return [
        "",
        *(lines or [commentary.about_epochs(result)]),
        "",
        f"facts: {len(result.facts) - len(differing)} of {len(result.facts)} as in the course report"
        + (f"; others: {', '.join(differing)}" if differing else ""),
        "losses in nats per token:",
        f"  validation split {losses.validation.mean:.4f}, unigram baseline {losses.unigram_validation:.4f}",
        f"  training split {losses.sample.mean:.4f}, as the course report computed it "
        f"{losses.training_as_reported:.4f}",
        f"  report    {folder / 'report.md'}",
        f"  figures   {folder / 'report.json'}",
        f"  pictures  {folder / '*.png'}",
    ]
