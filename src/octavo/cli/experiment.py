"""``octavo experiment``."""

import argparse
import sys
from typing import TYPE_CHECKING

from octavo.cli.output import command, say
from octavo.cli.parser import add_runs_option
from octavo.errors import OctavoError
from octavo.experiments import read_spec
from octavo.system.terminal import quantity

if TYPE_CHECKING:
    from octavo.experiments.experiment import Experiment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("file", metavar="FILE", help="a TOML file: variants, seeds, a budget (docs/experiments.md)")
    parser.add_argument("--name", help="name of the folder of results (default: the file's)")
    parser.add_argument("--workers", type=int, metavar="N", help="runs at once on this machine (default: one a core)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="run on a Dask cluster, such as tcp://10.0.0.1:8786")
    parser.add_argument("--steps", type=int, metavar="N", help="this budget in place of the file's, to try it out")
    parser.add_argument("--retry", action="store_true", help="run again what has failed")
    parser.add_argument("--dry-run", action="store_true", help="say what would run, and for about how long")
    parser.add_argument("--quiet", action="store_true", help="no progress, only the result")
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Run what is missing, print the table, say where everything is."""
    read_spec(options.file, steps=options.steps)  # what is wrong with it shows before anything heavy is loaded
    if options.workers is not None and options.scheduler is not None:
        raise OctavoError("--workers are of this machine, --scheduler is of a cluster: give one of them")
    if options.dry_run and options.scheduler is not None:
        raise OctavoError("--dry-run measures on this machine: leave out --scheduler")
    if options.dry_run:
        return _dry_run(options)

    from octavo.experiments.experiment import ExperimentStopped, experiment

    try:
        result = experiment(
            options.file,
            name=options.name,
            runs=options.runs,
            workers=options.workers,
            scheduler=options.scheduler,
            steps=options.steps,
            retry=options.retry,
            progress=not options.quiet,
        )
    except ExperimentStopped as stopped:
        result = stopped.experiment
        say("\n".join(_summary(result, options)))
        missing = quantity(result.missing, "run")
        say(f"Stopped with {missing} to go. To go on: {_again(options)}", file=sys.stderr)
        return 128 + stopped.signal_number
    except KeyboardInterrupt:
        say(f"Stopped at once. To go on from the last checkpoints: {_again(options)}", file=sys.stderr)
        return 130
    say("\n".join(_summary(result, options)))
    return 0


def _summary(result: "Experiment", options: argparse.Namespace) -> list[str]:
    lines = ["", result.table(), *[f"figure   {path}" for path in result.figures[:1]]]
    lines += [f"table    {result.path / 'table.md'}", f"all      {result.path / 'experiment.json'}"]
    if result.failed:
        failed = f"{result.failed} of {quantity(len(result.rows), 'run')} failed"
        lines.append(f"{failed}; to try again: {_again(options, retry=True)}")
    return lines


def _again(options: argparse.Namespace, *, retry: bool = False) -> str:
    given = {name: getattr(options, name) for name in ("name", "runs", "workers", "scheduler", "steps")}
    return command("experiment", options.file, **given, retry=retry)


def _dry_run(options: argparse.Namespace) -> int:
    from octavo.experiments.forecast import forecast_experiment

    plan = forecast_experiment(
        options.file,
        name=options.name,
        runs=options.runs,
        workers=options.workers,
        steps=options.steps,
        retry=options.retry,
    )
    say("\n".join(plan.lines()))
    return 0
