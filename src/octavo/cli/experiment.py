"""``octavo experiment``."""

import argparse
import sys
from typing import TYPE_CHECKING

from octavo.cli import arguments
from octavo.cli.output import command, say
from octavo.errors import OctavoError
from octavo.experiments import read_spec
from octavo.system.terminal import quantity

if TYPE_CHECKING:
    from octavo.experiments.experiment import Experiment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "file", metavar="FILE", help="TOML file with variants, seeds and a budget (see docs/experiments.md)"
    )
    parser.add_argument("--name", help="name of the folder of results (default: the name of FILE)")
    workers = "train N runs at a time on this machine (default: one for each core)"
    arguments.add_number(parser, "--workers", "N", workers)
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="train on a Dask cluster, such as tcp://10.0.0.1:8786 (default: none)"
    )
    steps = "train each run for N steps, to try it out (default: FILE's budget)"
    arguments.add_number(parser, "--steps", "N", steps)
    parser.add_argument("--retry", action="store_true", help="train failed runs again")
    parser.add_argument("--dry-run", action="store_true", help="show the plan and forecast, train nothing")
    arguments.add_quiet(parser)


def run(options: argparse.Namespace) -> int:
    """Train the missing runs, then print the table and the paths of the results."""
    read_spec(options.file, steps=options.steps)  # an error in it is reported before anything heavy is loaded
    if options.workers is not None and options.scheduler is not None:
        raise OctavoError("--workers goes with this machine and --scheduler with a cluster: give one of them")
    if options.dry_run and options.scheduler is not None:
        raise OctavoError("--dry-run measures on this machine: leave out --scheduler")
    given = {name: getattr(options, name) for name in ("name", "runs", "workers", "steps", "retry")}
    if options.dry_run:
        from octavo.experiments.forecast import forecast_experiment

        say("\n".join(forecast_experiment(options.file, **given).lines()))
        return 0

    from octavo.experiments.experiment import ExperimentStopped, experiment

    try:
        result = experiment(options.file, **given, scheduler=options.scheduler, progress=not options.quiet)
    except ExperimentStopped as stopped:
        result = stopped.experiment
        say("\n".join(_summary(result, options)))
        missing = quantity(result.missing, "run")
        say(f"Stopped; {missing} left. To resume: {_command(options)}", file=sys.stderr)
        return 128 + stopped.signal_number
    except KeyboardInterrupt:
        say(f"Stopped at once. To resume from the last checkpoints: {_command(options)}", file=sys.stderr)
        return 130
    say("\n".join(_summary(result, options)))
    return 0


def _summary(result: "Experiment", options: argparse.Namespace) -> list[str]:
    lines = ["", result.table(), *[f"figure   {path}" for path in result.figures[:1]]]
    lines += [f"table    {result.path / 'table.md'}", f"data     {result.path / 'experiment.json'}"]
    if result.failed:
        failed = f"{result.failed} of {quantity(len(result.rows), 'run')} failed"
        lines.append(f"{failed}; to try again: {_command(options, retry=True)}")
    return lines


def _command(options: argparse.Namespace, *, retry: bool = False) -> str:
    """Return the command that resumes the experiment."""
    given = {name: getattr(options, name) for name in ("name", "runs", "workers", "scheduler", "steps")}
    return command("experiment", options.file, **given, retry=retry)
