"""``octavo train``."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.cli import arguments
from octavo.cli.output import as_options, command, drop_output, run_word, say
from octavo.config.overrides import Request
from octavo.errors import OctavoError
from octavo.runs import RunDirectory, check_name_free, runs_root
from octavo.runs.completion import nothing_is_left
from octavo.runs.extension import budget_text, larger_budget, requested_extension
from octavo.runs.metrics import ending_texts
from octavo.runs.resume import check_unchanged, run_to_resume
from octavo.runs.scores import standard_score
from octavo.system.terminal import duration, escape_controls, quantity, wrap_lines

if TYPE_CHECKING:
    from octavo.corpus import Corpus
    from octavo.pipeline.run import Run
    from octavo.reports.blocks import Unavailable
    from octavo.runs.parent import Parent


_COUNT = 20  # documents in the command that generates them


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.epilog = (
        "Without --minutes, --steps and --epochs the budget is the preset's, or 4.8 minutes. Exit code 0 if the "
        "run is trained, scored and reported on, 1 if a part besides the score is missing (the summary names it), 2 "
        "without a score, 128 + number after a signal."
    )
    parser.add_argument(
        "text",
        nargs="*",
        metavar="TEXT",
        help="files or folders to train on, or - for standard input (default: Tiny Shakespeare)",
    )
    parser.add_argument(
        "--from",
        dest="start_from",
        metavar="RUN",
        help="fine-tune this run: its tokenizer, sizes and weights, a fifth of its budget, gentler learning rates",
    )
    parser.add_argument(
        "--preset",
        help="fixed settings: name of a preset or a TOML file (default: settings that fit the text and the budget)",
    )
    parser.add_argument("--name", help="name of the run (default: made from the name of the text)")
    arguments.add_number(parser, "--minutes", "M", "train for M minutes", kind=float)
    arguments.add_number(parser, "--steps", "N", "train for N optimizer steps")
    arguments.add_number(parser, "--epochs", "N", "train for N passes over the training split", kind=float)
    arguments.add_set(parser, "model.n_layers=3")
    seed = "seed of initial weights, batches and dropout (default: the preset's)"
    arguments.add_number(parser, "--seed", "S", seed)
    arguments.add_corpus_options(parser)
    parser.add_argument(
        "--resume",
        action="store_true",
        help="resume the run --name, or the most recent unfinished run; a larger budget extends a run to that total",
    )
    parser.add_argument("--dry-run", action="store_true", help="show the plan and forecast, train nothing")
    arguments.add_quiet(parser)


def run(options: argparse.Namespace) -> int:
    """Train, and print the results, where they are, and what to type next."""
    request = Request(options.preset, options.set, options.minutes, options.steps, options.epochs, options.seed)
    # An error in settings, names or files is reported before anything heavy is loaded.
    root = runs_root(options.runs)
    corpus = resumed = parent = None
    if options.resume and options.start_from is not None:
        raise OctavoError("--from begins a new run, and --resume continues one: leave one of them out")
    if not options.text:
        arguments.refuse_given(options, "a TEXT", "encoding", "documents")
    if options.text or not options.resume:
        corpus = arguments.corpus_of(options, options.text, root)
    if options.resume:
        resumed = run_to_resume(root, options.name)
        check_unchanged(resumed, request, corpus)
        if requested_extension(resumed, request) is None and not options.dry_run:
            with suppress(OSError):  # a file that cannot be read is named below
                if nothing_is_left(resumed, brief=False):
                    say("\n".join(_finished(resumed, options)))
                    return 0
    else:
        if options.start_from is not None:
            from octavo.runs.parent import parent_to_fine_tune

            parent = parent_to_fine_tune(options.start_from, root, request)
        else:
            request.applied_to(None)
        if options.name is not None:
            check_name_free(root, options.name)
    if options.dry_run:
        return _dry_run(options, request, corpus, parent)

    from octavo.pipeline.train import resume_run, start_run
    from octavo.training.signals import Interrupted, InterruptedAtOnce

    try:
        for line in corpus.notes() if corpus else []:
            say(as_options(line), file=sys.stderr)
        shown_progress = not options.quiet
        if resumed is not None:
            trained = resume_run(resumed, request, progress=shown_progress)
        else:
            assert corpus is not None
            given = {"name": options.name, "parent": parent}
            trained = start_run(request, corpus, root=root, progress=shown_progress, notes=False, **given)
    except Interrupted as stopped:
        resume = _resume_command(options, stopped.run_name)
        try:
            say(f"Stopped at step {stopped.step}; saved. To resume: {resume}", file=sys.stderr)
        except OSError:  # the terminal was closed
            drop_output(sys.stderr)
        return 128 + stopped.signal_number
    except InterruptedAtOnce as stopped:
        resume = _resume_command(options, stopped.run_name)
        say(f"Stopped at once. To resume from the last checkpoint: {resume}", file=sys.stderr)
        return 130
    except KeyboardInterrupt:
        say("Stopped at once, before anything was written.", file=sys.stderr)
        return 130
    report, code = _report(trained, options)
    say("\n".join(_summary(trained, report, options)))
    return code


def _report(trained: Run, options: argparse.Namespace) -> tuple[Path | Unavailable, int]:
    """Make the page; return it with the exit code, which is 1 if the page or another part of the run is missing.

    The run and its score exist by now: an error here costs only the page.
    """
    from octavo.pipeline.progress import make_progress
    from octavo.reports.blocks import Unavailable, try_compute
    from octavo.reports.report import save_report
    from octavo.runs.completion import failed_parts

    with make_progress(not options.quiet) as progress:
        progress.note("the run is trained and scored; making its report")
        try:
            report = try_compute(lambda: save_report(trained, note=progress.note, watch=progress.phase))
        except KeyboardInterrupt:
            return Unavailable("It was stopped."), 130
    return report, int(isinstance(report, Unavailable) or bool(failed_parts(trained.directory)))


def _resume_command(options: argparse.Namespace, run_name: str) -> str:
    return command("train", resume=True, name=options.name or run_name, runs=options.runs)


def _finished(run: RunDirectory, options: argparse.Namespace) -> list[str]:
    """Return lines that say that a run is finished, with its score, and how to extend it."""
    score, last = standard_score(run), run.last_record or {"seconds": 0.0, "step": 0}
    assert score is not None  # without one the run is not finished
    word, budget = run_word(run, runs_root(options.runs)), larger_budget(run.config)
    lines = [
        f"{run.name} is finished: {score['bits_per_character']:.3f} bits per character of its validation split, "
        f"scored after {duration(last['seconds'])} and {quantity(last['step'], 'step')}. Nothing was computed anew."
    ]
    try:
        requested_extension(run, Request(overrides={f"train.{kind}": amount for kind, amount in budget.items()}))
    except OctavoError as error:
        return [*lines, f"It cannot be trained further: {error}."]
    extend = command("train", resume=True, name=word, **budget, runs=options.runs)
    return [*lines, f"To train it further, to a total of {budget_text(budget)}: {extend}"]


def _dry_run(options: argparse.Namespace, request: Request, corpus: Corpus | None, parent: Parent | None) -> int:
    from octavo.pipeline.plan import make_plan
    from octavo.pipeline.progress import make_progress

    if options.resume or corpus is None:
        raise OctavoError("--dry-run is for a new run: leave out --resume")
    with make_progress(not options.quiet) as progress:
        root = runs_root(options.runs)
        plan = make_plan(corpus, request, name=options.name, root=root, parent=parent, watch=progress.phase)
    say("\n".join([*map(as_options, corpus.notes()), *plan.lines()]))
    say(f"would be written to {runs_root(options.runs) / plan.name}")
    return 0


def _summary(run: Run, report: Path | Unavailable, options: argparse.Namespace) -> list[str]:
    """Return lines with the result of a run, the parts that are missing, the paths, and what to type next."""
    from octavo.corpus.lines import MAX_CHARACTERS_READ, frequent_line_start
    from octavo.evaluate.comparison import ends_in_words
    from octavo.reports.blocks import Unavailable
    from octavo.reports.terminal.scores import diagnosis_lines, fine_tuning_lines, score_in_words
    from octavo.runs.completion import failed_parts

    failed, fine_tuning = failed_parts(run.directory), run.fine_tuning
    if isinstance(report, Unavailable):
        failed["report"] = report.why
    paths = {"curves": run.path / "curves" / "steps.png", "samples": run.path / "samples.txt", "report": report}
    score, step = run.evaluation, run.metrics[-1]
    word, runs = run_word(run.directory, runs_root(options.runs)), options.runs
    train = run.splits["train"]
    # Documents that are lines or records are generated whole, so they need no prompt.
    text = "" if train.facts.ends else train.beginning(MAX_CHARACTERS_READ)
    prompt = [start] if (start := escape_controls(frequent_line_start(text))) else []
    count = _COUNT if train.facts.ends else None
    return [
        "",
        f"{run.name}: {score_in_words(score)}",
        f"  scored on {quantity(score.characters, 'held-out character')}, {quantity(score.tokens, 'token')}"
        + (f"; {ends_in_words(score)}" if score.document_ends else "")
        + (", selected on this text" if score.selected_on_this_text else "")
        + ("" if score.lossless_tokenizer else "; the tokenizer is lossy: not comparable with other models"),
        f"  trained for {duration(step['seconds'])}, {quantity(step['step'], 'step')}, {step['epoch']:.1f} epochs",
        *(fine_tuning_lines(fine_tuning, "  ") if fine_tuning else []),
        *(line for text in ending_texts(run.metrics) for line in wrap_lines(text, indent="  ")),
        *([] if "baselines" in failed else _baseline_lines(run)),
        *([] if "diagnosis" in failed else diagnosis_lines(run, "  ")),
        *(line for name, reason in failed.items() for line in wrap_lines(f"no {name}: {reason}", indent="  ")),
        f"  folder   {run.path}",
        *(f"  {name:<8} {path}" for name, path in paths.items() if name not in failed),
        "next:",
        *([f"  {command('report', word, runs=runs)}"] if "report" in failed else []),
        f"  {command('generate', word, *prompt, count=count, runs=runs)}",
        f"  {command('evaluate', word, protocol='disjoint', runs=runs)}",
        *([f"  {command('tokenizer', word, *prompt, runs=runs)}"] if prompt else []),
    ]


def _baseline_lines(run: Run) -> list[str]:
    """Return the scores of the baselines, from worst to best; where the tokenizer is lossy, those of tokens first."""
    from octavo.evaluate.comparison import THIS_MODEL, rank_scores

    scores = rank_scores(run.evaluation, run.baselines())
    groups = {"baselines, in bits per character": scores.rows}
    if not run.tokenizer.lossless:
        groups = {
            "baselines on the same tokens, in bits per character": scores.rows,
            "baselines on the full text with its white space, not comparable with these": scores.not_comparable,
        }
    lines = []
    for title, rows in groups.items():
        listed = ", ".join(f"{row.name}: {row.bits_per_character:.3f}" for row in rows if row.name != THIS_MODEL)
        lines += wrap_lines(f"{title}: {listed}", indent="  ")
    return lines
