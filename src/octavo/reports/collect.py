"""Everything about one run, as values: what its page is made of.

The model is looked into; nothing is trained, scored or compared anew, so that a report is quick.

What a run's folder knows already. What it does not know is refused, with the command that makes it.
"""

import math
import re
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from octavo.config import Config
from octavo.config.inference import head_windows
from octavo.data import TokenSplit
from octavo.errors import OctavoError, reason
from octavo.evaluate import Memorisation
from octavo.evaluate.baseline_cache import cached_baselines, learning_source
from octavo.evaluate.diagnosis import Finding
from octavo.evaluate.documents import decoded
from octavo.evaluate.overlap import SEARCHED, HighlightedCopies, mark_copies
from octavo.evaluate.run_scores import (
    kept_diagnosis,
    kept_memorisation,
    run_findings,
    run_overlap,
    standard_evaluation,
)
from octavo.formats.untrusted import MOST_TEXT, read_plain
from octavo.interpret.head_ablation import ABLATIONS
from octavo.reports.blocks import Scored, Unavailable, try_compute
from octavo.reports.costs import Costs, read_costs
from octavo.reports.html.attention import AttentionView
from octavo.reports.html.heads import HeadsView
from octavo.reports.html.lens import LensView
from octavo.reports.html.series import TrainingCurve
from octavo.reports.html.surprise import SurpriseView
from octavo.reports.recipe import Recipe, recipe
from octavo.reports.views import attention_view, curves_view, heads_view, lens_view, surprise_view
from octavo.runs.completion import missing_stage
from octavo.runs.saved_run import SavedRun
from octavo.system.progress import MessageCallback, PhaseCallback, no_message, no_phase_progress
from octavo.tokenizer import Tokenizer
from octavo.training.flops import forward_flops

_ATTENTION = 48  # tokens of held-out text
_WEIGHTS = 400_000  # of attention on one page, at most: a byte each
_LENS = 40  # tokens
_SURPRISE = 800  # characters


@dataclass(frozen=True)
class RunReport:
    """One run. What could not be made says why."""

    name: str
    standing: str  # what one must know of a run that did not come to its end, in a sentence; "": nothing
    config: Config | Unavailable
    provenance: dict[str, Any] | Unavailable
    splits: dict[str, TokenSplit] | Unavailable
    tokenizer: Tokenizer | Unavailable
    checkpoint: str | Unavailable
    parameters: int | Unavailable
    course: TrainingCurve | Unavailable
    scored: Scored | Unavailable
    findings: list[Finding] | Unavailable
    attention: AttentionView | Unavailable
    heads: HeadsView | Unavailable
    surprise: SurpriseView | Unavailable
    lens: LensView | Unavailable
    samples: HighlightedCopies | Unavailable
    memorisation: Memorisation | Unavailable | None
    costs: Costs | Unavailable
    recipe: Recipe | Unavailable


def read_report(
    run: SavedRun, note: MessageCallback = no_message, watch: PhaseCallback = no_phase_progress
) -> RunReport:
    """Collect a run; `note` is told what is being done, and `watch` the share of long work that is done."""
    note("reading the score and the diagnosis")
    scored = try_compute(lambda: read_scored(run))
    findings = try_compute(lambda: read_findings(run, scored))
    note("reading attention, surprise and layers")
    attention = try_compute(lambda: attention_view(run, max_tokens=_tokens_shown(run.config)))
    surprise = try_compute(lambda: surprise_view(run, run.validation_beginning(_SURPRISE)))
    lens = try_compute(lambda: lens_view(run, max_tokens=min(_LENS, run.config.data.context_length)))
    note("measuring every head, and what removing it costs")
    heads = try_compute(lambda: heads_view(run, windows=_windows_read(run), watch=partial(watch, "measuring heads")))
    note("looking the samples up in the training text")
    samples = try_compute(lambda: read_samples(run))
    note("measuring this machine")
    return RunReport(
        name=run.name,
        standing=read_standing(run),
        config=try_compute(lambda: run.config),
        provenance=try_compute(lambda: run.directory.provenance),
        splits=try_compute(lambda: run.splits),
        tokenizer=try_compute(lambda: run.tokenizer),
        checkpoint=try_compute(lambda: run.checkpoint),
        parameters=try_compute(lambda: run.model.n_parameters()),
        course=try_compute(lambda: read_course(run)),
        scored=scored,
        findings=findings,
        attention=attention,
        heads=heads,
        surprise=surprise,
        lens=lens,
        samples=samples,
        memorisation=try_compute(lambda: kept_memorisation(run)),
        costs=try_compute(lambda: _costs(run)),
        recipe=try_compute(lambda: recipe(run.config, run.directory.provenance, run.path)),
    )


def _tokens_shown(config: Config) -> int:
    """Of attention: a passage that can be read, and fewer tokens of a model of many heads."""
    heads = config.model.n_layers * config.model.n_heads
    return max(2, min(_ATTENTION, config.data.context_length, math.isqrt(2 * _WEIGHTS // heads)))


def _windows_read(run: SavedRun) -> int:
    """With each head removed in each of the ways: as many as usual, and fewer of a large model."""
    model, context = run.model, run.config.data.context_length
    passes = len(ABLATIONS) * model.config.n_layers * model.config.n_heads
    return head_windows(passes * context * forward_flops(model, context))


def _costs(run: SavedRun) -> Costs:
    return read_costs(run.metrics, run.directory.provenance, run.model, run.config.data.context_length)


_SAMPLE = re.compile(r"(?:\A|\n\n)--- sample (\d+) ---\n")


def read_standing(run: SavedRun) -> str:
    """Return how far a run is that is not finished, in a sentence; "" for one that is."""
    try:
        lacks, metrics = missing_stage(run.directory), run.metrics
    except OctavoError:
        return ""  # the parts that need what is damaged say so
    if lacks is None:
        return ""
    if lacks != "training":
        what = "scored" if lacks == "score" else "examined to the end"
        return f"This run is trained but not {what}: resuming it goes on with that."
    step = metrics[-1].get("step", 0) if metrics else 0
    share = next((record["progress"] for record in reversed(metrics) if "progress" in record), 0.0)
    return (
        f"This run has not come to the end of its training: it stands at step {step:,}, {100 * share:.0f} % of its "
        "budget. What follows is of its newest checkpoint."
    )


def read_scored(run: SavedRun) -> Scored:
    """The standard score, and what stands beside it.

    Raises:
        OctavoError: there is none.
    """
    score = standard_evaluation(run)
    train, validation = run.splits["train"], run.splits["validation"]
    known = cached_baselines(run.directory, learning_source(run.tokenizer, train), validation.facts.sha256)
    last = run.directory.last_record or {"seconds": 0.0}
    return Scored(score, known or [], run_overlap(run), last["seconds"])


def read_findings(run: SavedRun, scored: Scored | Unavailable) -> list[Finding]:
    """The diagnosis of the checkpoint in use; of a run without a score what was told while it trained. The run stays
    as it is.

    Raises:
        OctavoError: there is none, or not enough to make it from.
    """
    if isinstance(scored, Unavailable):
        return _told(run)
    if (found := kept_diagnosis(run)) is not None:
        return found
    if scored.baselines:
        return run_findings(run, scored.evaluation, scored.baselines)
    raise OctavoError("there is no diagnosis yet: evaluate the run to make one")


def _told(run: SavedRun) -> list[Finding]:
    found = [record for record in run.metrics if record["event"] == "finding"]
    if not found:
        raise OctavoError("there is no diagnosis before a run is scored; while it trained nothing wrong was plain")
    named = [field.name for field in fields(Finding)]
    return [Finding(**{name: record[name] for name in named}) for record in found]


def read_course(run: SavedRun) -> TrainingCurve:
    """How it went.

    Raises:
        OctavoError: it has no line of metrics yet, or one is damaged.
    """
    return curves_view(run).course


def read_samples(run: SavedRun) -> HighlightedCopies:
    """``samples.txt``, looked up in the training text.

    Raises:
        OctavoError: it is not there.
    """
    place = run.path / "samples.txt"
    if not place.is_file():
        raise OctavoError("there are no samples yet: resume the run to write them")
    try:
        text = read_plain(place, MOST_TEXT, run.path).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OctavoError(f"{place} cannot be read ({reason(error)}): resume the run to write it anew") from None
    _, *pieces = _SAMPLE.split(text)
    texts = [text.removesuffix("\n") for text in pieces[1::2]]
    training, held_out = (decoded(run.splits[part], run.tokenizer, SEARCHED) for part in ("train", "validation"))
    return mark_copies(texts, held_out, training)
