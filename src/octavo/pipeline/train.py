"""The whole path: a text becomes a trained, measured run with its curves and samples."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from octavo.config import Config
from octavo.config.inference import SamplingConfig
from octavo.config.overrides import Overrides, Request
from octavo.data import check_ids, open_splits, save_splits
from octavo.errors import DivergenceError, OctavoError, reason
from octavo.evaluate.diagnosis import EarlyDiagnosis, early_baseline_losses, validation_point
from octavo.formats.files import disk_is_full, remove_left_over, write_atomically
from octavo.formats.json_schema import from_json
from octavo.formats.toml_schema import to_toml
from octavo.formats.untrusted import MOST_LINES
from octavo.generate.generate import generate
from octavo.generate.opening import opening
from octavo.model import Transformer
from octavo.model.weights import load_weights
from octavo.pipeline.examination import examine
from octavo.pipeline.plan import CorpusSource, Plan, as_corpus, make_plan
from octavo.pipeline.progress import Progress, make_progress
from octavo.pipeline.run import Run
from octavo.runs import MetricsLog, NameTaken, RunDirectory, create_run, free_name, locked, runs_root
from octavo.runs.checkpoint import bytes_needed, load_newest, prune, save_checkpoint
from octavo.runs.checkpoint_files import most_bytes, newest_is_damaged, newest_valid
from octavo.runs.completion import note_brief
from octavo.runs.metrics import check_complete
from octavo.runs.provenance import session_facts, text_facts
from octavo.runs.resume import check_same, run_to_resume
from octavo.runs.safetensors_layout import check_shapes
from octavo.system.terminal import counted, duration
from octavo.tokenizer import Tokenizer, load_tokenizer
from octavo.training import (
    Interrupted,
    InterruptedAtOnce,
    Precision,
    TokenCount,
    Training,
    TrainingState,
    stop_signals,
    training_data,
)
from octavo.training.events import CheckpointEvent, Event, SampleEvent, ValidationEvent
from octavo.training.forecast import check_memory
from octavo.training.validation import Validations

_RUNAWAY = "runaway.json"
_METRICS_ROOM = 2**18  # bytes, for the lines of metrics until then, or for small files
_GLIMPSE_TOKENS = 60  # of the one shown now and then while training


def train(
    text: CorpusSource = None,
    *,
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
    """Train a model on a text, score it, and write its curves, samples and report page into a run directory.

    Args:
        text: a path or several, or a :class:`~octavo.Corpus`; None: Tiny Shakespeare. See :func:`octavo.read_corpus`.
        preset: the name of a preset (``octavo presets``) or a TOML file; None: ``pocket``.
        name: the run's name; None: that of the text, with a number if a run has it already.
        minutes, steps, epochs: the budget, one of the three; None: the preset's.
        overrides: settings by dotted name, such as ``{"model.n_layers": 3}``.
        seed: seed of weights, batches and dropout. With a budget in steps or epochs the same seed gives the same
            weights, bit for bit, on the same machine with the same number of threads.
        encoding: of files that have no byte order mark and are not UTF-8.
        documents: ``"file"`` if each file is a document, or ``"separator:TEXT"`` to split files at that text.
        runs: the folder of all runs (default: ``$OCTAVO_RUNS``, else ``./runs``).
        resume: resume the unfinished run `name`, or the newest one, from its last checkpoint.
        progress: show a progress bar, or plain lines where standard error is no terminal.
        notes: show `Corpus.notes` before training; a caller that has shown them passes False.
        brief: only train and score: no baselines, diagnosis, curves, samples or page.

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
    request = Request(preset, overrides, minutes, steps, epochs, seed)
    root = runs_root(runs)
    with make_progress(progress) as shown:
        if resume:
            directory = run_to_resume(root, name)
            check_same(directory, request, None if text is None else as_corpus(text, encoding, documents, root))
        else:
            plan = make_plan(
                text, request, name=name, encoding=encoding, documents=documents, root=root, watch=shown.phase
            )
            for line in [*(plan.corpus.notes() if notes and progress else []), *plan.lines()]:
                shown.note(line)
            directory = _create(root, plan, name)
        try:
            with locked(directory):
                for folder, *_ in os.walk(directory.path):
                    remove_left_over(Path(folder))
                return _go_on(directory, shown, brief)
        except KeyboardInterrupt:
            raise InterruptedAtOnce(directory.name) from None
        except BrokenPipeError:  # of whoever reads what is shown
            raise
        except OSError as error:  # what is saved is whole, and the same call goes on from it
            where = error.filename or directory.path
            fix = "free space" if disk_is_full(error) else "see to that"
            raise OctavoError(
                f"{where}: {reason(error)}; {fix}, then resume {directory.name}", command=directory.resume_command
            ) from error


def _create(root: Path, plan: Plan, name: str | None) -> RunDirectory:
    """The run's folder; of two processes that want the same name at once, the second is refused it, or if nobody
    asked for that name takes the next."""
    wish = plan.name
    needs = plan.corpus.bytes + sum(ids.nbytes for _, ids in plan.prepared.values()) + _METRICS_ROOM
    while True:
        try:
            return create_run(root, wish, lambda folder: _fill(folder, plan), needs)
        except NameTaken:
            if name is not None:
                raise
            wish = free_name(root, plan.corpus.name)


def _go_on(directory: RunDirectory, progress: Progress, brief: bool) -> Run:
    """Whatever a run still lacks, such as the newest of its checkpoints where that is damaged."""
    checkpoints, most = directory.path / "checkpoints", most_bytes(directory.config)
    if directory.ended and not newest_is_damaged(checkpoints, most):
        progress.note(f"{directory.name} is trained already")
    else:
        _train(directory, progress)
    run = Run(directory, must_keep=True)
    progress.note("scoring the held-out part")
    run.evaluate(watch=lambda share: progress.phase("scoring", share))
    if brief:
        note_brief(directory)
    else:
        examine(run, progress)
    run.must_keep = False
    return run


def _fill(folder: Path, plan: Plan) -> None:
    """Everything of a run that is known before its first step."""
    settings = to_toml(plan.config).encode()
    write_atomically(folder / "config.toml", settings)
    plan.tokenizer.save(folder / "tokenizer.json")
    save_splits(folder / "data", plan.prepared)
    provenance = {
        "text": text_facts(plan.corpus),
        "forecast": asdict(plan.forecast) | {"whole_command": asdict(plan.whole)},
        "precision": asdict(plan.forecast.precision),
        "parameters": plan.forecast.parameters,
        "tokenizer": plan.tokenizer.fingerprint,
        "config": hashlib.sha256(settings).hexdigest(),
        "sittings": [],
    }
    RunDirectory(folder).write_json("provenance.json", provenance)


def _train(directory: RunDirectory, progress: Progress) -> None:
    """From the newest checkpoint, or the start, to the end of the budget."""
    config, provenance = directory.config, directory.provenance
    tokenizer = load_tokenizer(directory.path / "tokenizer.json")
    parts = open_splits(directory.path / "data")
    check_ids(parts, tokenizer.vocab_size)
    try:
        precision = from_json(Precision, provenance["precision"])  # a resumed run keeps what it began with
        sittings = provenance["sittings"]
    except (KeyError, ValueError) as error:
        raise OctavoError(f"{directory.path / 'provenance.json'} is damaged ({error}): train the run again") from None
    check_memory(config, tokenizer.vocab_size, precision)
    state, kept_metrics = _begun_state(directory, tokenizer.vocab_size, progress)
    threads = torch.get_num_threads()
    if any(earlier.get("threads") != threads for earlier in sittings):
        progress.note(f"with {counted(threads, 'thread')}, not as before: the weights will differ in their last bits")
    sittings.append(session_facts(state.step, threads=threads))
    directory.write_json("provenance.json", provenance)

    train, validation = (TokenCount(p.ids, p.facts.characters) for p in (parts["train"], parts["validation"]))
    progress.tokens_per_character = {
        "train": train.tokens_per_character,
        "validation": validation.tokens_per_character,
    }
    validations = _validations(provenance, config)
    data = training_data(config, train, validation, tokenizer, validations.windows)
    floors = early_baseline_losses(data, train.ids, tokenizer.vocab_size, tokenizer.bos_id)
    metrics = MetricsLog(directory.path / "metrics.jsonl", kept_metrics, state.step)
    (directory.path / _RUNAWAY).unlink(missing_ok=True)  # of a sitting before
    begun_by = opening(parts["train"].ids, tokenizer)
    training = Training(
        state, data, config, dtype=precision.dtype, watch=progress.phase, validations=validations.times
    )
    try:
        earlier = directory.metrics
        check_complete(earlier, directory.path / "metrics.jsonl")
        early = EarlyDiagnosis(config, floors, earlier)
        with stop_signals() as training.stop:
            for event in training:
                _listen(event, directory, state, tokenizer, metrics, progress, begun_by)
                if isinstance(event, ValidationEvent):
                    share = training.budget.share(event.step, event.seconds)
                    for finding in early.hear(validation_point(asdict(event)), share):
                        progress.note("\n".join(finding.lines()))
                        where = {name: getattr(event, name) for name in ("step", "epoch", "seconds")}
                        with _said_if_unwritten(directory, state):
                            metrics.write({"event": "finding", **where, **finding.to_dict()})
    except Interrupted as stopped:
        stopped.run_name = directory.name
        raise
    except DivergenceError as error:
        step, batch = state.step, ""
        if training.failed_step:
            step, batch = step + 1, _keep_batch(directory, training, tokenizer)
        raise DivergenceError(f"step {step}: {error}{batch} ({directory.name}: {_last_good(directory)})") from None
    finally:
        metrics.close()


def _begun_state(directory: RunDirectory, vocab_size: int, progress: Progress) -> tuple[TrainingState, int]:
    """Return the state of the newest checkpoint, or the first one; and how many bytes of metrics belong to it.

    Only the state is returned: a checkpoint that stays referenced takes the memory of another copy of the weights.
    """
    config, found = directory.config, None
    if directory.newest_checkpoint:
        found = load_newest(directory.path / "checkpoints", most_bytes(config))
        shapes = {name: tuple(w.shape) for name, w in found[1].tensors["weights"].items()}
        check_shapes(shapes, config.model, vocab_size)
    state = TrainingState(Transformer(config.model, vocab_size, config.train.seed), config)
    if not found:
        return state, 0
    place, checkpoint = found
    state.restore(checkpoint)
    prune(
        place, config.train.keep_checkpoints, config.train.checkpoint_every
    )  # a process that died may not have come to it
    if "metrics_bytes" not in checkpoint.state:
        raise OctavoError(f"{place} does not say how many metrics belong to it: train the run again")
    progress.note(f"going on from {place.name}")
    if config.train.minutes:
        progress.note(
            f"{duration(state.seconds)} of {duration(60 * config.train.minutes)} are spent; the end will not be "
            "bit for bit what it would have been: the learning rate follows the clock, which no two runs share"
        )
    return state, checkpoint.state["metrics_bytes"]


def _validations(provenance: dict[str, Any], config: Config) -> Validations:
    """Return what was planned when the run began; runs of before validate as their config says."""
    try:
        return from_json(Validations, provenance["forecast"]["validation"])
    except (LookupError, TypeError, ValueError):
        return Validations(windows=config.train.validation_windows)


def _keep_batch(directory: RunDirectory, training: Training, tokenizer: Tokenizer) -> str:
    """Write what the failed step learned from; where that is, in words."""
    taken, step = training.failed_step, training.state.step
    assert taken is not None
    windows = taken.to_dict(training.state.model, tokenizer, directory.config.data.window_stride)
    value = {"step": step + 1, "epoch": step / training.data.order.steps_per_epoch, "windows": windows}
    with suppress(OSError):
        directory.write_json(_RUNAWAY, value, MOST_LINES)
        return (
            f"; its batch of {counted(len(windows), 'window')}, each with its text, is in {directory.path / _RUNAWAY}"
        )
    return f"; its batch were the windows {', '.join(str(window['window']) for window in windows)}"


def _last_good(directory: RunDirectory) -> str:
    try:
        place, _ = newest_valid(directory.path / "checkpoints", len)
    except OctavoError:
        return "no checkpoint can be read" if directory.newest_checkpoint else "there was no checkpoint yet"
    return f"the last good checkpoint is {place.name}"


def _listen(
    event: Event,
    directory: RunDirectory,
    state: TrainingState,
    tokenizer: Tokenizer,
    metrics: MetricsLog,
    progress: Progress,
    begun_by: Sequence[int],
) -> None:
    """Record an event, show it, and do what it asks for; a sample is begun after the tokens `begun_by`."""
    record: dict[str, Any] = {"event": event.kind, **asdict(event)}
    if isinstance(event, SampleEvent):
        record["text"] = _glimpse(directory, state, tokenizer, begun_by)
        progress.sample(event.step, record["text"])
    progress.event(event)
    with _said_if_unwritten(directory, state):
        metrics.write(record)
        if isinstance(event, CheckpointEvent):
            train, content = directory.config.train, state.checkpoint(metrics_bytes=metrics.sync())
            place = directory.path / "checkpoints"
            save_checkpoint(place, content, train.keep_checkpoints, train.checkpoint_every)


@contextmanager
def _said_if_unwritten(directory: RunDirectory, state: TrainingState) -> Iterator[None]:
    """Turn what the disk refuses while a run trains into a sentence."""
    try:
        yield
    except OSError as error:
        # To train on would be to train unsaved, with holes in the metrics; what is lost by stopping comes back on
        # resuming, bit for bit.
        fix = "see to that"
        if disk_is_full(error):
            needed = bytes_needed(state.checkpoint(metrics_bytes=0))
            fix = f"free {needed + _METRICS_ROOM:,} bytes, which the next checkpoint needs"
        raise OctavoError(
            f"{directory.path} cannot be written to at step {state.step} ({error.strerror}): {fix}, then resume "
            f"{directory.name} ({_last_good(directory)})",
            command=directory.resume_command,
        ) from error


def _glimpse(directory: RunDirectory, state: TrainingState, tokenizer: Tokenizer, begun_by: Sequence[int]) -> str:
    config = directory.config
    model = Transformer(config.model, tokenizer.vocab_size)
    load_weights(model, state.eval_weights)
    prompt = "" if tokenizer.bos_id is not None else tokenizer.decode([tokenizer.vocab_size - 1])
    pieces = generate(
        model,
        tokenizer,
        [prompt],
        context_length=config.data.context_length,
        sampling=SamplingConfig(max_new_tokens=_GLIMPSE_TOKENS, seed=state.step),
        opening=begun_by,
    )
    return prompt + "".join(row[0] for row in pieces)
