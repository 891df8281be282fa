"""``octavo experiment``."""

import argparse
import sys
from typing import TYPE_CHECKING

from octavo.cli.options import add_quiet_option, add_runs_option
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
    parser.add_argument(
        "--workers", type=int, metavar="N", help="train N runs at a time on this machine (default: one for each core)"
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="train on a Dask cluster, such as tcp://10.0.0.1:8786 (default: none)"
    )
    parser.add_argument(
        "--steps", type=int, metavar="N", help="train each run for N steps, to try it out (default: FILE's budget)"
    )
    parser.add_argument("--retry", action="store_true", help="train failed runs again")
    parser.add_argument("--dry-run", action="store_true", help="show the plan and forecast, train nothing")
    add_quiet_option(parser)
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Train the missing runs, then print the table and the paths of the results."""
    read_spec(options.file, steps=options.steps)  # an error in it is reported before anything heavy is loaded
    if options.workers is not None and options.scheduler is not None:
        raise OctavoError("--workers goes with this machine and --scheduler with a cluster: give one of them")
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
