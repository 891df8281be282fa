"""``octavo train``."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.cli.corpus_options import add_corpus_options, corpus_of, refuse_without_text
from octavo.cli.parser import add_runs_option, program, runs_given
from octavo.cli.saying import say
from octavo.errors import OctavoError
from octavo.request import Request
from octavo.resume import check_same, run_to_resume
from octavo.runs import check_new, runs_root
from octavo.terminal import duration, shown, wrapped
from octavo.typed_toml import parse_assignment

if TYPE_CHECKING:
    from octavo.corpus import Corpus
    from octavo.run import Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("text", nargs="*", metavar="TEXT", help="files, folders, or - (default: Tiny Shakespeare)")
    parser.add_argument("--preset", help="a preset's name or a TOML file (default: pocket)")
    parser.add_argument("--name", help="the run's name (default: from the text)")
    parser.add_argument("--minutes", type=float, metavar="M", help="budget: minutes of training")
    parser.add_argument("--steps", type=int, metavar="N", help="budget: optimizer steps")
    parser.add_argument("--epochs", type=float, metavar="N", help="budget: passes over the training part")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting, such as model.n_layers=3"
    )
    parser.add_argument("--seed", type=int, metavar="S", help="seed of weights, batches and dropout")
    add_corpus_options(parser)
    parser.add_argument("--resume", action="store_true", help="go on with --name, or the newest unfinished run")
    parser.add_argument("--dry-run", action="store_true", help="say what the run would be, and stop")
    parser.add_argument("--quiet", action="store_true", help="no progress, only the result")
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Train, and say what came of it and where it is."""
    request = Request(
        options.preset,
        [parse_assignment(text) for text in options.set],
        options.minutes,
        options.steps,
        options.epochs,
        options.seed,
    )
    # What is wrong with settings, names or files shows before anything heavy is loaded.
    root = runs_root(options.runs)
    corpus = None
    if not options.text:
        refuse_without_text(options, "a TEXT")
    if options.text or not options.resume:
        corpus = corpus_of(options, options.text, root)
    if options.resume:
        check_same(run_to_resume(root, options.name), request, corpus)
    else:
        request.applied_to(None)
        if options.name is not None:
            check_new(root, options.name)
    if options.dry_run:
        return _dry_run(options, request, corpus)

    from octavo.pipeline import train
    from octavo.training import Interrupted, InterruptedAtOnce

    try:
        trained = train(
            corpus,
            preset=request.preset,
            name=options.name,
            minutes=request.minutes,
            steps=request.steps,
            epochs=request.epochs,
            overrides=request.overrides,
            seed=request.seed,
            runs=options.runs,
            resume=options.resume,
            progress=not options.quiet,
        )
    except Interrupted as stopped:
        again = _again(options, stopped.run_name)
        say(f"Stopped at step {stopped.step}; saved. To go on: {again}", file=sys.stderr)
        return 128 + stopped.signal_number
    except InterruptedAtOnce as stopped:
        again = _again(options, stopped.run_name)
        say(f"Stopped at once. To go on from what is saved: {again}", file=sys.stderr)
        return 130
    except KeyboardInterrupt:
        say("Stopped at once, before anything was written.", file=sys.stderr)
        return 130
    if options.quiet and corpus is not None:
        for line in corpus.notes():
            say(line, file=sys.stderr)
    report, code = _report(trained, options)
    say("\n".join(_summary(trained, report, options)))
    return code


def _report(trained: Run, options: argparse.Namespace) -> tuple[Path | None, int]:
    """Make the page, and the exit code. The run is complete: what goes wrong here costs nothing but the page."""
    from octavo.progress import make_progress
    from octavo.reports.report import save_report

    with make_progress(not options.quiet) as progress:
        progress.note("the run is complete; making a report of it")
        try:
            return save_report(trained, note=progress.note), 0
        except KeyboardInterrupt:
            return None, 130
        except OSError as error:
            say(f"octavo: the report cannot be written: {error.strerror or error}", file=sys.stderr)
            return None, 2


def _again(options: argparse.Namespace, run_name: str) -> str:
    return f"{program()} train --resume --name {shlex.quote(options.name or run_name)}{runs_given(options)}"


def _dry_run(options: argparse.Namespace, request: Request, corpus: Corpus | None) -> int:
    from octavo.planning import make_plan

    if options.resume:
        raise OctavoError("--dry-run is for a run that is yet to begin: leave out --resume")
    plan = make_plan(corpus, request, name=options.name, root=runs_root(options.runs))
    say("\n".join(plan.lines()))
    say(f"would be written to {runs_root(options.runs) / plan.name}")
    return 0


def _summary(run: Run, report: Path | None, options: argparse.Namespace) -> list[str]:
    """The result of a run, where things are, and what to type next."""
    from octavo.cli.findings import diagnosis_lines

    score, step = run.evaluation, run.metrics[-1]
    error = score.standard_error_nats_per_character
    name, where = f"{program()} {{}} {run.name}", runs_given(options)
    prompt = shlex.quote(shown(" ".join(run.parts["validation"].beginning(200).split()[:4])) or "…")
    return [
        "",
        f"{run.name}: {score.nats_per_character:.4f} nats per character = {score.bits_per_character:.3f} bits"
        + (f", standard error {error:.4f} nats" if error else ""),
        f"  scored on {score.characters:,} held-out characters, {score.tokens:,} tokens"
        + (", selected on this text" if score.selected_on_this_text else "")
        + ("" if score.lossless_tokenizer else "; its tokenizer loses text: compare with no other model"),
        f"  trained for {duration(step['seconds'])}, {step['step']:,} steps, {step['epoch']:.1f} epochs",
        *_beside(run),
        *diagnosis_lines(run, "  "),
        f"  folder   {run.path}",
        f"  curves   {run.path / 'curves' / 'steps.png'}",
        f"  samples  {run.path / 'samples.txt'}",
        *([f"  report   {report}"] if report else []),
        "next:",
        *([] if report else [f"  {name.format('report')}{where}"]),
        f"  {name.format('generate')} {prompt}{where}",
        f"  {name.format('evaluate')} --protocol disjoint{where}",
        f"  {name.format('tokenizer')} {prompt}{where}",
    ]


def _beside(run: Run) -> list[str]:
    """What simpler models need for the same text, from the worst to the best; tokens apart where they lose text."""
    from octavo.evaluate.comparison import THIS_MODEL, comparison

    found = comparison(run.evaluation, run.baselines())
    groups = {"simpler models, in nats per character": found.standings}
    if not run.tokenizer.lossless:
        groups = {
            "simpler models of the same tokens, in nats per character": found.standings,
            "models of all the text, white space too, which compare with none of these": found.apart,
        }
    lines = []
    for title, group in groups.items():
        listed = ", ".join(f"{one.name}: {one.nats_per_character:.3f}" for one in group if one.name != THIS_MODEL)
        lines += wrapped(f"{title}: {listed}", indent="  ")
    return lines
