"""One training session of a run: from its newest checkpoint, or the start, until the budget is spent.

:class:`octavo.training.Training` yields events. A session records them in the run's folder, shows them, saves the
checkpoints that they ask for and says in one sentence why it had to stop.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

import torch

from octavo.config import Config
from octavo.config.inference import SamplingConfig
from octavo.errors import DivergenceError, OctavoError
from octavo.evaluate.diagnosis.case import validation_point
from octavo.evaluate.diagnosis.diagnosis import EarlyDiagnosis, early_baseline_losses
from octavo.formats.files import disk_is_full, remove
from octavo.formats.json_schema import from_json
from octavo.formats.untrusted import MAX_LOG_BYTES
from octavo.generate.generate import decoder_of
from octavo.generate.prompts import opening_of_split
from octavo.generate.text import continue_prompts
from octavo.model import Transformer
from octavo.model.weights import load_weights
from octavo.pipeline.progress import Progress
from octavo.runs import MetricsLog, RunDirectory
from octavo.runs.checkpoint import bytes_needed, load_newest, prune, save_before_decay, save_checkpoint
from octavo.runs.checkpoint_files import BEFORE_DECAY, max_file_bytes, newest_valid
from octavo.runs.events import CheckpointEvent, DecayEvent, Event, SampleEvent, ValidationEvent
from octavo.runs.metrics import check_complete
from octavo.runs.parent import parent_weights
from octavo.runs.provenance import session_facts
from octavo.runs.safetensors_layout import check_shapes
from octavo.runs.saved_run import SavedRun
from octavo.system.terminal import duration, quantity
from octavo.tokenizer import Tokenizer, load_tokenizer
from octavo.training.data import TokenCount, training_data
from octavo.training.forecast import check_memory
from octavo.training.loop import Training
from octavo.training.precision import Precision
from octavo.training.signals import Interrupted, stop_signals
from octavo.training.state import TrainingState
from octavo.training.validation import ValidationPlan

SMALL_FILES_BYTES = 2**18  # room for metrics and other small files next to the tokens or a checkpoint
_FAILED_BATCH = "runaway.json"
_SAMPLE_TOKENS = 60  # of the sample that is shown now and then


def run_session(directory: RunDirectory, progress: Progress) -> None:
    """Train a run until its budget is spent or early stopping ends it.

    Raises:
        Interrupted: a signal asked to stop; the state is saved.
        DivergenceError: training diverged; the message names the last good checkpoint.
        OctavoError: a file of the run is damaged, or the run's folder cannot be written to.
    """
    # 1. Read the settings and data that the run was begun with: config, tokenizer, token ids, precision.
    config, provenance = directory.config, directory.provenance
    tokenizer = load_tokenizer(directory.path / "tokenizer.json")
    splits = SavedRun(directory).splits
    try:
        precision = from_json(Precision, provenance["precision"])  # a resumed run keeps its precision
        sessions = provenance["sittings"]
    except (KeyError, ValueError) as error:
        raise OctavoError(f"{directory.path / 'provenance.json'} is damaged ({error}): train the run again") from None
    check_memory(config, tokenizer.vocab_size, precision)

    # 2. The training state, and a note in provenance.json that this session began.
    state, metrics_bytes = _initial_state(directory, tokenizer.vocab_size, progress)
    threads = torch.get_num_threads()
    if any(session.get("threads") != threads for session in sessions):
        progress.note(
            f"training with {quantity(threads, 'thread')}, unlike an earlier session: the weights will differ in "
            "their last bits"
        )
    sessions.append(session_facts(state.step, threads=threads))
    directory.write_json("provenance.json", provenance)

    # 3. The windows to train and validate on.
    train, validation = (
        TokenCount(s.ids, s.facts.characters_and_ends) for s in (splits["train"], splits["validation"])
    )
    progress.tokens_per_character = {
        "train": train.tokens_per_character,
        "validation": validation.tokens_per_character,
    }
    validations = _validations(provenance, config)
    data = training_data(config, train, validation, tokenizer, validations.windows)
    not_scored = None if splits["train"].facts.ends else tokenizer.bos_id
    baselines = early_baseline_losses(data, train.ids, tokenizer.vocab_size, not_scored)
    training = Training(
        state, data, config, dtype=precision.dtype, watch=progress.phase, validations=validations.times
    )

    # 4. Train, and record every event.
    metrics = MetricsLog(directory.path / "metrics.jsonl", metrics_bytes, state.step)
    (directory.path / _FAILED_BATCH).unlink(missing_ok=True)  # of an earlier session
    recorder = EventRecorder(
        directory, state, tokenizer, metrics, progress, opening_of_split(splits["train"], tokenizer)
    )
    try:
        earlier_records = directory.metrics
        check_complete(earlier_records, directory.path / "metrics.jsonl")
        diagnosis = EarlyDiagnosis(
            config, baselines, earlier_records, tokens_per_character=data.validation_tokens_per_character
        )
        with stop_signals() as stop:
            training.stop = stop
            for event in training:
                recorder.record(event)
                if isinstance(event, ValidationEvent):
                    spent = training.budget.fraction_spent(event.step, event.seconds)
                    for finding in diagnosis.update(validation_point(asdict(event)), spent):
                        progress.note("\n".join(finding.lines()))
                        recorder.write("finding", event, asdict(finding))
    except Interrupted as interrupted:
        interrupted.run_name = directory.name
        raise
    except DivergenceError as error:
        step, batch = state.step, ""
        if training.failed_step:
            step, batch = step + 1, _save_failed_batch(directory, training, tokenizer)
        raise DivergenceError(
            f"step {step}: {error}{batch} ({directory.name}: {_last_good_checkpoint(directory)})"
        ) from None
    finally:
        metrics.close()


def _initial_state(directory: RunDirectory, vocab_size: int, progress: Progress) -> tuple[TrainingState, int]:
    """Return the state of the newest checkpoint, or of step 0; and how many bytes of metrics belong to it.

    Only the state is returned: a checkpoint that stays referenced takes the memory of another copy of the weights.
    """
    config, newest = directory.config, None
    if directory.newest_checkpoint:
        newest = load_newest(directory.path / "checkpoints", max_file_bytes(config))
        shapes = {name: tuple(w.shape) for name, w in newest[1].tensors["weights"].items()}
        check_shapes(shapes, config.model, vocab_size)
    state = TrainingState(Transformer(config.model, vocab_size, config.train.seed), config)
    if newest:
        state.restore(newest[1])
    kept = directory.path / "checkpoints" / BEFORE_DECAY
    if state.decay_from is None and kept.exists():  # of steps that are trained again
        remove(kept)
    if not newest:
        if "parent" in directory.provenance:
            load_weights(state.model, parent_weights(directory))
            state.restart_average()
        return state, 0
    path, checkpoint = newest
    prune(path, config.train.keep_checkpoints, config.train.checkpoint_every)  # a killed process may not have done so
    if "metrics_bytes" not in checkpoint.state:
        raise OctavoError(f"{path} does not say how many metrics belong to it: train the run again")
    progress.note(f"resuming from {path.name}")
    if config.train.minutes:
        progress.note(
            f"{duration(state.seconds)} of {duration(60 * config.train.minutes)} are spent; the result will not be "
            "bit for bit that of an uninterrupted run: the learning rate follows the clock"
        )
    return state, checkpoint.state["metrics_bytes"]


def _validations(provenance: dict[str, Any], config: Config) -> ValidationPlan:
    """Return the validations planned when the run began; without a plan (earlier versions) those of the config."""
    try:
        return from_json(ValidationPlan, provenance["forecast"]["validation"])
    except (LookupError, TypeError, ValueError):
        return ValidationPlan(windows=config.train.validation_windows)


@dataclass(frozen=True)
class EventRecorder:
    """Record the events of a session in the run's folder, show them, and save checkpoints."""

    directory: RunDirectory
    state: TrainingState
    tokenizer: Tokenizer
    metrics: MetricsLog
    progress: Progress
    opening_tokens: Sequence[int]

    def record(self, event: Event) -> None:
        """Show an event, append it to the metrics, and do what it asks for.

        Raises:
            OctavoError: the run's folder cannot be written to.
        """
        values = asdict(event)
        if isinstance(event, SampleEvent):
            values["text"] = self._sample()
            self.progress.sample(event.step, values["text"])
        if isinstance(event, DecayEvent):  # before its line, which a longer budget does not share
            with self._write_errors():
                content = self.state.checkpoint(metrics_bytes=self.metrics.sync())
                save_before_decay(self.directory.path / "checkpoints", content)
        self.progress.event(event)
        self.write(event.kind, event, values)
        if isinstance(event, CheckpointEvent):
            with self._write_errors():
                content = self.state.checkpoint(metrics_bytes=self.metrics.sync())
                train, folder = self.directory.config.train, self.directory.path / "checkpoints"
                save_checkpoint(folder, content, train.keep_checkpoints, train.checkpoint_every)

    def write(self, kind: str, event: Event, values: dict[str, Any]) -> None:
        """Append a line of `kind` to the metrics: where training is at `event`, and `values`.

        Raises:
            OctavoError: the run's folder cannot be written to.
        """
        position = {name: getattr(event, name) for name in ("step", "epoch", "seconds")}
        with self._write_errors():
            self.metrics.write({"event": kind, **position, **values})

    def _sample(self) -> str:
        """Generate a short text with the weights as they are now."""
        config, tokenizer = self.directory.config, self.tokenizer
        model = Transformer(config.model, tokenizer.vocab_size)
        load_weights(model, self.state.eval_weights)
        prompt = "" if tokenizer.bos_id is not None else tokenizer.decode([tokenizer.vocab_size - 1])
        chunks = continue_prompts(
            decoder_of(model),
            tokenizer,
            [prompt],
            context_length=config.data.context_length,
            sampling=SamplingConfig(max_new_tokens=_SAMPLE_TOKENS, seed=self.state.step),
            opening=self.opening_tokens,
        )
        return prompt + "".join(texts[0] for texts in chunks)

    @contextmanager
    def _write_errors(self) -> Iterator[None]:
        """Stop with a sentence where the disk refuses a write.

        Continuing would leave gaps in the metrics. The steps lost by stopping are recomputed bit for bit when the run
        is resumed.
        """
        try:
            yield
        except OSError as error:
            directory, fix = self.directory, "fix that"
            if disk_is_full(error):
                needed = bytes_needed(self.state.checkpoint(metrics_bytes=0)) + SMALL_FILES_BYTES
                fix = f"free {needed:,} bytes, which the next checkpoint needs"
            raise OctavoError(
                f"{directory.path} cannot be written to at step {self.state.step} ({error.strerror}): {fix}, then "
                f"resume {directory.name} ({_last_good_checkpoint(directory)})",
                command=directory.resume_command,
            ) from error


def _save_failed_batch(directory: RunDirectory, training: Training, tokenizer: Tokenizer) -> str:
    """Write the batch of the step that diverged; return a clause that says where it is."""
    failed, step = training.failed_step, training.state.step
    assert failed is not None
    windows = failed.to_dict(training.state.model, tokenizer, directory.config.data.window_stride)
    value = {"step": step + 1, "epoch": step / training.data.order.steps_per_epoch, "windows": windows}
    path = directory.path / _FAILED_BATCH
    with suppress(OSError):
        directory.write_json(_FAILED_BATCH, value, MAX_LOG_BYTES)
        return f"; its batch of {quantity(len(windows), 'window')} with their texts is in {path}"
    return f"; its batch consists of the windows {', '.join(str(window['window']) for window in windows)}"


def _last_good_checkpoint(directory: RunDirectory) -> str:
    """Return a clause that names the newest valid checkpoint."""
    try:
        path, _ = newest_valid(directory.path / "checkpoints", len)
    except OctavoError:
        return "no checkpoint can be read" if directory.newest_checkpoint else "there was no checkpoint yet"
    return f"the last good checkpoint is {path.name}"
