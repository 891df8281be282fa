"""One cell, a variant with a seed: trained or gone on with, scored, and turned into a row.

It is called in a process of the machine or of a cluster, gets plain values and gives plain values back. All who take
part see the same files. Whoever dies or is stopped leaves an ordinary unfinished run that the next call goes on with.
"""

import statistics
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.corpus import Corpus, read_corpus
from octavo.data import documents
from octavo.errors import DivergenceError, OctavoError, reason
from octavo.evaluate import ScoredText, evaluate
from octavo.experiments.results import CellResult
from octavo.pipeline.run import Run, load
from octavo.pipeline.train import train
from octavo.runs import Locked, RunDirectory, locked
from octavo.runs.completion import is_finished
from octavo.system.threads import one_thread
from octavo.training import Interrupted

_LOOK_AGAIN = 0.5  # seconds


@dataclass(frozen=True)
class CellJob:
    """What it takes to train and score one cell, wherever that happens."""

    folder: str  # the experiment's, absolute
    variant: str
    seed: int
    settings: Mapping[str, Any]  # all of them, by dotted name
    text: tuple[str, ...]
    encoding: str
    sha256: str  # of the text
    contexts: tuple[int, ...]  # window lengths to score with as well
    own_process: bool  # whether nothing else happens in the process
    documents: str = "file"  # what a document of the text is

    @property
    def run(self) -> str:
        """The name of the cell's run."""
        return run_name(self.variant, self.seed)


def run_name(variant: str, seed: int) -> str:
    """The name of a cell's run."""
    return f"{variant}-seed{seed}"


def run_cell(job: CellJob) -> CellResult | None:
    """Train and score one cell; what cannot be trained is a row that says so. None: it was stopped, and is saved."""
    try:
        with one_thread():  # the cores are for other cells
            trained_here, run = _trained(job)
            return _row(job, run, memory_known=trained_here and job.own_process)
    except Interrupted:
        return None
    except DivergenceError as error:
        return failed(job, str(error), final=True, ran_away=True)
    except OctavoError as error:
        return failed(job, str(error), final=_settings_refused(job, error))
    except Exception as error:  # one cell's bad luck is not the experiment's
        return failed(job, f"{type(error).__name__}: {reason(error, named=True)}", trace=traceback.format_exc())


def failed(
    job: CellJob, sentence: str, *, final: bool = False, ran_away: bool = False, trace: str = ""
) -> CellResult:
    """The row of a cell that has no result; a final one is not tried again."""
    sentence = " ".join(sentence.split())
    return CellResult(job.variant, job.seed, job.run, failure=sentence, final=final, ran_away=ran_away, trace=trace)


class _NoText(OctavoError):
    """The text cannot be read, or is another one."""


def _settings_refused(job: CellJob, error: OctavoError) -> bool:
    """Whether the cell failed before there was a run, by no fault of its text or of the system (a full disk)."""
    of_the_system = isinstance(error.__context__, OSError)
    return not (of_the_system or isinstance(error, _NoText) or Path(job.folder, job.run).exists())


def _trained(job: CellJob) -> tuple[bool, Run]:
    """The cell's run, trained and scored; and whether it was this call that trained it."""
    place = Path(job.folder) / job.run
    begun = place.exists()
    if begun:
        _wait_for_others(place)
        run = load(place)
        if is_finished(run.directory):
            return False, run
    ended = begun and load(place).directory.ended
    run = train(
        _corpus(job),
        name=str(place) if begun else job.run,  # a bare name may be that of a run in the current folder
        runs=job.folder,
        overrides=dict(job.settings),
        resume=begun,
        progress=False,
        brief=True,
    )
    return not ended, run


def _corpus(job: CellJob) -> Corpus:
    try:
        corpus = read_corpus(job.text, encoding=job.encoding, documents=job.documents, runs=Path(job.folder).parent)
    except OctavoError as error:
        raise _NoText(str(error)) from None
    if corpus.sha256 != job.sha256:
        raise _NoText("the text is not what it was when the experiment began: put it back, or use another name")
    return corpus


def _wait_for_others(place: Path) -> None:
    """Wait until no process works on the run: one that was left behind on a cluster goes on to its end there.

    Raises:
        OctavoError: the run cannot be locked.
    """
    while True:
        try:
            with locked(RunDirectory(place)):
                return
        except Locked:
            time.sleep(_LOOK_AGAIN)


def _row(job: CellJob, run: Run, *, memory_known: bool) -> CellResult:
    score, provenance, events = run.evaluation, run.directory.provenance, run.metrics
    speeds = [event["tokens_per_second"] for event in events if event["event"] == "step"]
    look = next((event for event in reversed(events) if event["event"] == "validation"), {})
    end = next(event for event in reversed(events) if event["event"] == "end")
    return CellResult(
        variant=job.variant,
        seed=job.seed,
        run=job.run,
        nats_per_character=score.nats_per_character,
        bits_per_character=score.bits_per_character,
        nats_per_token=score.nats_per_token,
        standard_error_nats_per_character=score.standard_error_nats_per_character,
        at_context=_at_contexts(run, job.contexts),
        train_loss=look.get("train_loss"),
        validation_loss=look.get("loss") if look.get("part") == "validation" else None,
        weight_norm=look.get("weight_norm"),
        steps=end["step"],
        epochs=end["epoch"],
        seconds=end["seconds"],
        tokens_per_second=statistics.harmonic_mean(speeds) if speeds else None,
        parameters=provenance["parameters"],
        peak_memory_bytes=(end.get("peak_memory_bytes") or None) if memory_known else None,
        ended=end["reason"],
        sittings=len(provenance["sittings"]),
        characters=score.characters,
        text_sha256=score.sha256,
        tokenizer=provenance["tokenizer"],
        lossless_tokenizer=score.lossless_tokenizer,
        selected_on_this_text=score.selected_on_this_text,
    )


def _at_contexts(run: Run, contexts: Sequence[int]) -> dict[str, float | None]:
    """Nats per character of the held-out part in sliding windows of other lengths, half a window apart."""
    part, config = run.splits["validation"], run.config
    ids = documents(part.ids, run.tokenizer.bos_id)
    text = ScoredText(part.name, part.facts.sha256, ids, part.facts.characters, part.facts.bytes, own=True)
    found: dict[str, float | None] = {}
    for context in contexts:
        if context == config.data.context_length:
            found[str(context)] = run.evaluation.nats_per_character
        elif config.model.position in ("sinusoidal", "learned") and context > config.model.max_positions:
            found[str(context)] = None
        else:
            score = evaluate(run.model, run.tokenizer, text, context_length=context)
            found[str(context)] = score.nats_per_character
    return found
