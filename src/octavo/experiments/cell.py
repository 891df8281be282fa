"""Train and score one cell, a variant with a seed, and return its row of the results.

It is called in a process of this machine or of a cluster, and takes and returns plain values. All processes see the
same files. A process that dies or is stopped leaves an ordinary unfinished run, which the next call resumes.
"""

import statistics
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.corpus import Corpus, read_corpus
from octavo.errors import DivergenceError, OctavoError, reason
from octavo.evaluate import evaluate
from octavo.evaluate.documents import scored_text
from octavo.experiments.results import CellResult
from octavo.experiments.spec import supports_context
from octavo.pipeline.run import Run, load
from octavo.pipeline.train import train
from octavo.runs import Locked, RunDirectory, locked
from octavo.runs.completion import is_finished
from octavo.system.threads import one_thread
from octavo.training.signals import Interrupted

_LOCK_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class CellJob:
    """Everything that is needed to train and score one cell in any process."""

    folder: str  # the experiment's, absolute
    variant: str
    seed: int
    settings: Mapping[str, Any]  # the whole config, by dotted name
    text: tuple[str, ...]  # paths
    encoding: str
    sha256: str  # of the text
    contexts: tuple[int, ...]  # further window lengths to score with
    own_process: bool  # the process does nothing else
    documents: str = "file"  # the unit of a document

    @property
    def run(self) -> str:
        """Return the name of the cell's run."""
        return run_name(self.variant, self.seed)


def run_name(variant: str, seed: int) -> str:
    """Return the name of a cell's run."""
    return f"{variant}-seed{seed}"


def run_cell(job: CellJob) -> CellResult | None:
    """Train and score one cell.

    Returns:
        The cell's row; a failure is a row with its reason. None: the cell was stopped, and its run is saved.
    """
    try:
        with one_thread():  # the other cores are for other cells
            trained_here, run = _train_or_load(job)
            return _result(job, run, memory_known=trained_here and job.own_process)
    except Interrupted:
        return None
    except DivergenceError as error:
        return failed_result(job, str(error), final=True, diverged=True)
    except OctavoError as error:
        return failed_result(job, str(error), final=_settings_refused(job, error))
    except Exception as error:  # must not end the experiment
        message = f"{type(error).__name__}: {reason(error, named=True)}"
        return failed_result(job, message, trace=traceback.format_exc())


def failed_result(
    job: CellJob, message: str, *, final: bool = False, diverged: bool = False, trace: str = ""
) -> CellResult:
    """Return the row of a cell without a score; a final failure is not tried again."""
    message = " ".join(message.split())
    return CellResult(job.variant, job.seed, job.run, failure=message, final=final, ran_away=diverged, trace=trace)


class _TextError(OctavoError):
    """The text cannot be read, or has changed."""


def _settings_refused(job: CellJob, error: OctavoError) -> bool:
    """Return whether the settings caused the failure: no run exists yet, and no text or system error."""
    system_error = isinstance(error.__context__, OSError)
    return not (system_error or isinstance(error, _TextError) or Path(job.folder, job.run).exists())


def _train_or_load(job: CellJob) -> tuple[bool, Run]:
    """Return the trained and scored run, and whether this call trained it."""
    path = Path(job.folder) / job.run
    exists, ended = path.exists(), False
    if exists:
        _wait_for_lock(path)
        run = load(path)
        if is_finished(run.directory):
            return False, run
        ended = run.directory.ended
    run = train(
        _corpus(job),
        name=str(path) if exists else job.run,  # a bare name could also match a run in the current folder
        runs=job.folder,
        overrides=dict(job.settings),
        resume=exists,
        progress=False,
        brief=True,
    )
    return not ended, run


def _corpus(job: CellJob) -> Corpus:
    try:
        corpus = read_corpus(job.text, encoding=job.encoding, documents=job.documents, runs=Path(job.folder).parent)
    except OctavoError as error:
        raise _TextError(str(error)) from None
    if corpus.sha256 != job.sha256:
        raise _TextError("the text changed during the experiment: restore it, or use another name")
    return corpus


def _wait_for_lock(path: Path) -> None:
    """Wait until no process trains the run: a cell that was left running on a cluster continues to its end there.

    Raises:
        OctavoError: the run cannot be locked.
    """
    while True:
        try:
            with locked(RunDirectory(path)):
                return
        except Locked:
            time.sleep(_LOCK_POLL_SECONDS)


def _result(job: CellJob, run: Run, *, memory_known: bool) -> CellResult:
    """Return the row of a finished run."""
    score, provenance, events = run.evaluation, run.directory.provenance, run.metrics
    speeds = [event["tokens_per_second"] for event in events if event["event"] == "step"]
    validation = next((event for event in reversed(events) if event["event"] == "validation"), {})
    end = next(event for event in reversed(events) if event["event"] == "end")
    return CellResult(
        variant=job.variant,
        seed=job.seed,
        run=job.run,
        nats_per_character=score.nats_per_character,
        bits_per_character=score.bits_per_character,
        nats_per_token=score.nats_per_token,
        standard_error_nats_per_character=score.standard_error_nats_per_character,
        at_context=_scores_at_contexts(run, job.contexts),
        train_loss=validation.get("train_loss"),
        validation_loss=validation.get("loss") if validation.get("part") == "validation" else None,
        weight_norm=validation.get("weight_norm"),
        steps=end["step"],
        epochs=end["epoch"],
        seconds=end["seconds"],
        tokens_per_second=statistics.harmonic_mean(speeds) if speeds else None,
        parameters=provenance["parameters"],
        peak_memory_bytes=(end.get("peak_memory_bytes") or None) if memory_known else None,
        ended=end["reason"],
        sessions=len(provenance["sittings"]),
        characters=score.characters,
        text_sha256=score.sha256,
        tokenizer=provenance["tokenizer"],
        lossless_tokenizer=score.lossless_tokenizer,
        selected_on_this_text=score.selected_on_this_text,
    )


def _scores_at_contexts(run: Run, contexts: Sequence[int]) -> dict[str, float | None]:
    """Score the validation split in sliding windows of other lengths, with a stride of half a window.

    Returns:
        Nats per character by window length; None where the model has not enough positions.
    """
    text, config = scored_text(run.splits["validation"], run.tokenizer), run.config
    scores: dict[str, float | None] = {}
    for context in contexts:
        if context == config.data.context_length:
            scores[str(context)] = run.evaluation.nats_per_character
        elif not supports_context(config.model, context):
            scores[str(context)] = None
        else:
            score = evaluate(run.model, run.tokenizer, text, context_length=context)
            scores[str(context)] = score.nats_per_character
    return scores
