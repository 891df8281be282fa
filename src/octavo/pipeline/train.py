"""Train a run from a text to its samples: plan, train, score, examine."""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from octavo.config.comments import commented_toml
from octavo.config.inference import SamplingConfig
from octavo.config.overrides import Overrides, Request
from octavo.corpus import Corpus
from octavo.data.token_files import save_splits
from octavo.errors import OctavoError, reason
from octavo.evaluate.fine_tuning import measure_fine_tuning
from octavo.formats.files import disk_is_full, remove_stale_files, write_atomically
from octavo.generate.documents import has_line_documents
from octavo.generate.samples import TEMPERATURES, make_samples, save_samples, usual_prompts
from octavo.pipeline.plan import CorpusSource, Plan, as_corpus, make_plan
from octavo.pipeline.progress import Progress, make_progress
from octavo.pipeline.run import Run
from octavo.pipeline.session import SMALL_FILES_BYTES, run_session
from octavo.reports.blocks import Unavailable, try_compute
from octavo.runs import NameTaken, RunDirectory, check_name_free, create_run, free_name, locked, runs_root
from octavo.runs.checkpoint_files import max_file_bytes, newest_is_damaged
from octavo.runs.completion import nothing_is_left, record_brief, record_examination
from octavo.runs.extension import extend, requested_extension
from octavo.runs.parent import Parent, parent_to_fine_tune
from octavo.runs.provenance import text_facts
from octavo.runs.resume import check_unchanged, run_to_resume
from octavo.runs.saved_run import SavedRun
from octavo.system.progress import MessageCallback, no_message
from octavo.training.signals import InterruptedAtOnce

T = TypeVar("T")

_SAMPLES = 3
_SAMPLE_TOKENS = 250  # of each
_PROMPTED_TOKENS = 100  # of each in samples.json
_SAMPLE_LINES = 10  # of each, where documents are lines


def train(
    text: CorpusSource = None,
    *,
    start_from: SavedRun | str | Path | None = None,
    preset: str | None = None,
    name: str | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    overrides: Overrides = (),
    seed: int | None = None,
    encoding: str = "utf-8",
    documents: str = "file",
    runs: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
    notes: bool = True,
    brief: bool = False,
) -> Run:
    """Train a model on a text and score it; write the run, with its curves and samples, into a run directory.

    :func:`octavo.report` makes the report page.

    Args:
        text: a path or several, or a :class:`~octavo.Corpus`; None: Tiny Shakespeare. See :func:`octavo.read_corpus`.
        start_from: a finished run, its path or its name, to fine-tune: its tokenizer, its sizes and its weights are
            used, and its settings with gentler learning rates and a fifth of its budget. docs/own-texts.md says more.
        preset: the name of a preset (``octavo presets``) or a TOML file; None: settings that fit the text
            and the budget (docs/own-texts.md).
        name: the run's name; None: that of the text, with a number if a run has it already.
        minutes, steps, epochs: the budget, one of the three; None: the preset's, or 4.8 minutes. With `resume`, a
            larger budget than that of the run extends it to this total.
        overrides: settings by dotted name, such as ``{"model.n_layers": 3}``.
        seed: seed of weights, batches and dropout. With a budget in steps or epochs the same seed gives the same
            weights, bit for bit, on the same machine with the same number of threads.
        encoding: of files that have no byte order mark and are not UTF-8.
        documents: what a document is: ``"files"``, ``"lines"``, ``"paragraphs"``, ``"jsonl:FIELD"``, ``"csv:COLUMN"``
            or ``"separator:TEXT"``; see :func:`octavo.read_corpus`.
        runs: the folder of all runs (default: ``$OCTAVO_RUNS``, else ``./runs``).
        resume: resume the unfinished run `name`, or the newest one, from its last checkpoint, or extend the run
            `name`, finished or not, to a larger budget. A finished run is returned as it is if no budget is given.
        progress: show a progress bar, or plain lines where standard error is no terminal.
        notes: show `Corpus.notes` before training; a caller that has shown them passes False.
        brief: only train and score: no baselines, memorisation, diagnosis, curves or samples.

    Returns:
        The run, trained and scored.

    Raises:
        OctavoError: an argument or the text cannot be used, or memory or disk space is too small.
        DivergenceError: the loss, gradient or weights became NaN or infinite, or the loss far exceeded the uniform
            baseline. It is an OctavoError.
        Interrupted: a signal asked to stop; the run is saved and can be resumed.
        InterruptedAtOnce: Ctrl-C came after training, or twice; the run can be resumed from what is saved.

    Example:
        >>> small = {"model.n_layers": 1, "model.d_model": 32, "model.d_ff": 64}
        >>> run = octavo.train("hamlet.txt", name="small", steps=3, overrides=small, brief=True, progress=False)
        >>> run.config.model.n_layers, run.checkpoint
        (1, 'step-00000003')
    """
    request, root = Request(preset, overrides, minutes, steps, epochs, seed), runs_root(runs)
    if resume:
        if start_from is not None:
            raise OctavoError("start_from begins a new run, and resume continues one: leave one of them out")
        directory = run_to_resume(root, name)
        check_unchanged(directory, request, None if text is None else as_corpus(text, encoding, documents, root))
        requested_extension(directory, request)
        return resume_run(directory, request, progress=progress, brief=brief)
    parent = None if start_from is None else parent_to_fine_tune(start_from, root, request)
    if parent is None:
        request.applied_to(None)  # an error in the settings or the name is raised before the text is read
    if name is not None:
        check_name_free(root, name)
    corpus = as_corpus(text, encoding, documents, root)
    return start_run(
        request, corpus, root=root, name=name, parent=parent, progress=progress, notes=notes, brief=brief
    )


def start_run(
    request: Request,
    corpus: Corpus,
    *,
    root: Path,
    name: str | None = None,
    parent: Parent | None = None,
    progress: bool = True,
    notes: bool = True,
    brief: bool = False,
) -> Run:
    """Begin a new run under `root` and finish it; `parent` is the run to fine-tune.

    The other arguments and the errors are those of :func:`train`.
    """
    with make_progress(progress) as display:
        plan = make_plan(corpus, request, name=name, root=root, parent=parent, watch=display.phase)
        for line in [*(corpus.notes() if notes and progress else []), *plan.lines()]:
            display.note(line)
        directory = _create(root, plan, name)
        del plan  # the text and its tokens are read from the run from now on
        return _finish(directory, display, brief, Request())


def resume_run(
    directory: RunDirectory, request: Request | None = None, *, progress: bool = True, brief: bool = False
) -> Run:
    """Finish a run that was begun earlier, or extend it if `request` has a larger budget.

    The options and errors are those of :func:`train`.
    """
    with make_progress(progress) as display:
        return _finish(directory, display, brief, request or Request())


def _create(root: Path, plan: Plan, name: str | None) -> RunDirectory:
    """Create the run's folder.

    Of two processes that want the same name at once, the second is refused if the user gave the name, and takes the
    next free one otherwise.
    """
    chosen = plan.name
    needed = plan.corpus.bytes + sum(ids.nbytes for _, ids in plan.prepared.values()) + SMALL_FILES_BYTES
    needed += plan.parent.bytes if plan.parent else 0
    while True:
        try:
            return create_run(root, chosen, partial(_write_plan, plan), needed)
        except NameTaken:
            if name is not None:
                raise
            chosen = free_name(root, plan.corpus.name)


def _write_plan(plan: Plan, folder: Path) -> None:
    """Write everything of a run that is known before its first step."""
    settings = commented_toml(plan.config, {choice.name: choice.reason for choice in plan.choices}).encode()
    write_atomically(folder / "config.toml", settings)
    plan.tokenizer.save(folder / "tokenizer.json")
    save_splits(folder / "data", plan.prepared)
    provenance: dict[str, Any] = {
        "text": text_facts(plan.corpus) | {"held_out": plan.held_out},
        "forecast": asdict(plan.forecast) | {"whole_command": asdict(plan.command_forecast)},
        "precision": asdict(plan.forecast.precision),
        "parameters": plan.forecast.parameters,
        "tokenizer": plan.tokenizer.fingerprint,
        "choices": [asdict(choice) for choice in plan.choices],
        "config": hashlib.sha256(settings).hexdigest(),
        "sittings": [],
    }
    if plan.parent is not None:
        plan.parent.write(folder)
        provenance["parent"] = plan.parent.facts | {"overlap": plan.overlap}
    RunDirectory(folder).write_json("provenance.json", provenance)


def _finish(directory: RunDirectory, progress: Progress, brief: bool, request: Request) -> Run:
    """Extend a run if `request` asks for it, and do whatever the run still lacks, holding its lock.

    Interrupts and disk errors are turned into sentences.
    """
    try:
        with locked(directory):
            for folder, *_ in os.walk(directory.path):
                remove_stale_files(Path(folder))
            if done := extend(directory, request):
                progress.note(done)
            return _train_and_examine(directory, progress, brief)
    except KeyboardInterrupt:
        raise InterruptedAtOnce(directory.name) from None
    except BrokenPipeError:  # the reader of the progress is gone
        raise
    except OSError as error:  # what is saved is intact, and the same call resumes from it
        path = error.filename or directory.path
        fix = "free space" if disk_is_full(error) else "fix that"
        raise OctavoError(
            f"{path}: {reason(error)}; {fix}, then resume {directory.name}", command=directory.resume_command
        ) from error


def _train_and_examine(directory: RunDirectory, progress: Progress, brief: bool) -> Run:
    """Train unless training has ended (and its newest checkpoint is valid), score, and examine unless `brief`."""
    if nothing_is_left(directory, brief=brief):
        progress.note(f"{directory.name} is finished: nothing is left to do")
        return Run(directory)
    if directory.ended and not newest_is_damaged(directory.path / "checkpoints", max_file_bytes(directory.config)):
        progress.note(f"{directory.name} is trained already")
    else:
        run_session(directory, progress)
    run = Run(directory, must_save=True)
    progress.note("scoring the validation split")
    score = run.evaluate(watch=partial(progress.phase, "scoring"))
    if "parent" in directory.provenance:
        progress.note("scoring both validation splits before and after fine-tuning")
        measure_fine_tuning(run, score, partial(progress.phase, "scoring before and after"))
    if brief:
        record_brief(directory)
    else:
        _examine(run, progress)
    run.must_save = False
    return run


def _examine(run: Run, progress: Progress) -> None:
    """Compute baselines, memorisation and diagnosis, draw the curves and generate samples.

    A part that fails is noted with the reason, and the others are still made. Samples come last: if they are there,
    every part was tried (:mod:`octavo.runs.completion`).

    Raises:
        OSError: the failed parts cannot be noted.
    """
    progress.note("computing baselines, drawing curves, generating samples")
    parts = OptionalParts(progress.note)
    baselines = parts.compute("baselines", lambda: run.baselines(watch=partial(progress.phase, "baselines")))
    parts.compute("memorisation", lambda: run.memorisation(watch=partial(progress.phase, "memorisation")))
    parts.compute("diagnosis", lambda: run.diagnose(baselines=baselines or []))
    parts.compute("curves", lambda: run.curves().save(run.path / "curves"))
    parts.compute("samples", lambda: _write_samples(run))
    record_examination(run.directory, parts.failed)


@dataclass
class OptionalParts:
    """Compute what goes with a score. A part that cannot be computed is noted in `failed` with the reason."""

    note: MessageCallback = no_message
    failed: dict[str, str] = field(default_factory=dict)

    def compute(self, name: str, compute: Callable[[], T]) -> T | None:
        """Return what `compute` returns; None if it fails."""
        result = try_compute(compute)
        if not isinstance(result, Unavailable):
            return result
        self.failed[name] = result.why
        self.note(f"no {name}: {result.why}")
        return None


def _write_samples(run: Run) -> None:
    """Write ``samples.txt`` and ``samples.json``; a sample of a run whose documents are lines has several of them."""
    without_bos = run.tokenizer.bos_id is None
    prompt = run.tokenizer.decode(run.splits["validation"].ids[:8].tolist()) if without_bos else ""
    lines = _SAMPLE_LINES if has_line_documents(run.directory) else 1
    texts = [prompt] * _SAMPLES * lines
    for chunks in run.generate_many(texts, max_new_tokens=_SAMPLE_TOKENS):
        texts = [text + chunk for text, chunk in zip(texts, chunks, strict=True)]
    texts = ["\n".join(texts[start : start + lines]) for start in range(0, len(texts), lines)]
    samples = "\n\n".join(f"--- sample {number} ---\n{text}" for number, text in enumerate(texts, 1))
    write_atomically(run.path / "samples.txt", (samples + "\n").encode())

    def complete(prompts: Sequence[str], sampling: SamplingConfig) -> list[str]:
        chunks = zip(*run.generate_many(prompts, **asdict(sampling)), strict=True)
        return ["".join(column) for column in chunks]

    samplings = [SamplingConfig(temperature=one, max_new_tokens=_PROMPTED_TOKENS) for one in TEMPERATURES]
    save_samples(run.path, list(make_samples(complete, usual_prompts(run), samplings)))
