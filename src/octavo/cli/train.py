"""``octavo train``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.cli.options import add_corpus_options, corpus_of, refuse_without_text
from octavo.cli.output import as_options, command, drop_output, run_word, say
from octavo.cli.parser import add_runs_option
from octavo.config.overrides import Request
from octavo.errors import OctavoError
from octavo.formats.toml_schema import parse_assignment
from octavo.runs import check_new, runs_root
from octavo.runs.resume import check_same, run_to_resume
from octavo.system.terminal import counted, duration, shown, wrapped

if TYPE_CHECKING:
    from octavo.corpus import Corpus
    from octavo.pipeline.run import Run
    from octavo.reports.blocks import Unavailable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.epilog = (
        "Exit code 0 if the run is trained, scored and examined, 1 if it is trained and scored and another part "
        "could not be made (the summary says which), 2 if there is no score, 128 + number of a signal."
    )
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
    corpus, name = None, options.name
    if not options.text:
        refuse_without_text(options, "a TEXT")
    if options.text or not options.resume:
        corpus = corpus_of(options, options.text, root)
    if options.resume:
        resumed = run_to_resume(root, options.name)
        check_same(resumed, request, corpus)
        name = str(resumed.path.absolute())  # another may be the newest when torch is loaded
    else:
        request.applied_to(None)
        if options.name is not None:
            check_new(root, options.name)
    if options.dry_run:
        return _dry_run(options, request, corpus)

    from octavo.pipeline.train import train
    from octavo.training import Interrupted, InterruptedAtOnce

    try:
        for line in corpus.notes() if corpus else []:
            say(as_options(line), file=sys.stderr)
        trained = train(
            corpus,
            preset=request.preset,
            name=name,
            minutes=request.minutes,
            steps=request.steps,
            epochs=request.epochs,
            overrides=request.overrides,
            seed=request.seed,
            runs=options.runs,
            resume=options.resume,
            progress=not options.quiet,
            notes=False,
        )
    except Interrupted as stopped:
        again = _again(options, stopped.run_name)
        try:
            say(f"Stopped at step {stopped.step}; saved. To go on: {again}", file=sys.stderr)
        except OSError:  # the terminal was closed
            drop_output(sys.stderr)
        return 128 + stopped.signal_number
    except InterruptedAtOnce as stopped:
        again = _again(options, stopped.run_name)
        say(f"Stopped at once. To go on from what is saved: {again}", file=sys.stderr)
        return 130
    except KeyboardInterrupt:
        say("Stopped at once, before anything was written.", file=sys.stderr)
        return 130
    report, code = _report(trained, options)
    say("\n".join(_summary(trained, report, options)))
    return code


def _report(trained: Run, options: argparse.Namespace) -> tuple[Path | Unavailable, int]:
    """Make the page, and the exit code: 1 if the page or another part of the run could not be made.

    The run and its score are there: what goes wrong here costs nothing but the page.
    """
    from octavo.pipeline.progress import make_progress
    from octavo.reports.blocks import Unavailable, try_compute
    from octavo.reports.report import save_report
    from octavo.runs.completion import failed_parts

    with make_progress(not options.quiet) as progress:
        progress.note("the run is trained and scored; making a report of it")
        try:
            report = try_compute(lambda: save_report(trained, note=progress.note, watch=progress.share))
        except KeyboardInterrupt:
            return Unavailable("It was stopped."), 130
    return report, int(isinstance(report, Unavailable) or bool(failed_parts(trained.directory)))


def _again(options: argparse.Namespace, run_name: str) -> str:
    return command("train", resume=True, name=options.name or run_name, runs=options.runs)


def _dry_run(options: argparse.Namespace, request: Request, corpus: Corpus | None) -> int:
    from octavo.pipeline.plan import make_plan
    from octavo.pipeline.progress import make_progress

    if options.resume:
        raise OctavoError("--dry-run is for a run that is yet to begin: leave out --resume")
    with make_progress(not options.quiet) as progress:
        plan = make_plan(corpus, request, name=options.name, root=runs_root(options.runs), watch=progress.share)
    say("\n".join([*map(as_options, plan.corpus.notes()), *plan.lines()]))
    say(f"would be written to {runs_root(options.runs) / plan.name}")
    return 0


def _summary(run: Run, report: Path | Unavailable, options: argparse.Namespace) -> list[str]:
    """The result of a run, what could not be made, where things are, and what to type next."""
    from octavo.corpus.lines import READ, frequent_line_start
    from octavo.reports.blocks import Unavailable
    from octavo.reports.terminal.findings import diagnosis_lines
    from octavo.runs.completion import failed_parts

    failed = failed_parts(run.directory)
    if isinstance(report, Unavailable):
        failed["report"] = report.why
    places = {"curves": run.path / "curves" / "steps.png", "samples": run.path / "samples.txt", "report": report}
    score, step = run.evaluation, run.metrics[-1]
    error = score.standard_error_nats_per_character
    name, runs = run_word(run.directory, runs_root(options.runs)), options.runs
    prompt = [start] if (start := shown(frequent_line_start(run.splits["train"].beginning(READ)))) else []
    return [
        "",
        f"{run.name}: {score.nats_per_character:.4f} nats per character = {score.bits_per_character:.3f} bits"
        + (f", standard error {error:.4f} nats" if error else ""),
        f"  scored on {counted(score.characters, 'held-out character')}, {counted(score.tokens, 'token')}"
        + (", selected on this text" if score.selected_on_this_text else "")
        + ("" if score.lossless_tokenizer else "; its tokenizer loses text: compare with no other model"),
        f"  trained for {duration(step['seconds'])}, {counted(step['step'], 'step')}, {step['epoch']:.1f} epochs",
        *([] if "baselines" in failed else _beside(run)),
        *([] if "diagnosis" in failed else diagnosis_lines(run, "  ")),
        *(line for what, why in failed.items() for line in wrapped(f"no {what}: {why}", indent="  ")),
        f"  folder   {run.path}",
        *(f"  {what:<8} {place}" for what, place in places.items() if what not in failed),
        "next:",
        *([f"  {command('report', name, runs=runs)}"] if "report" in failed else []),
        f"  {command('generate', name, *prompt, runs=runs)}",
        f"  {command('evaluate', name, protocol='disjoint', runs=runs)}",
        *([f"  {command('tokenizer', name, *prompt, runs=runs)}"] if prompt else []),
    ]


def _beside(run: Run) -> list[str]:
    """What simpler models need for the same text, from the worst to the best; tokens apart where they lose text."""
    from octavo.evaluate.comparison import THIS_MODEL, rank_scores

    found = rank_scores(run.evaluation, run.baselines())
    groups = {"simpler models, in nats per character": found.rows}
    if not run.tokenizer.lossless:
        groups = {
            "simpler models of the same tokens, in nats per character": found.rows,
            "models of all the text, white space too, which compare with none of these": found.not_comparable,
        }
    lines = []
    for title, group in groups.items():
        listed = ", ".join(f"{one.name}: {one.nats_per_character:.3f}" for one in group if one.name != THIS_MODEL)
        lines += wrapped(f"{title}: {listed}", indent="  ")
    return lines
