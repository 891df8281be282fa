"""Everything about one run, as values: what its page is made of.

The model is looked into; nothing is trained, scored or compared anew, so that a report is quick.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from octavo.config import Config
from octavo.data import TokenPart
from octavo.diagnosis import Finding
from octavo.evaluate import Memorisation
from octavo.evaluate.marked import Marked
from octavo.interpret.removal import REMOVALS
from octavo.options import head_windows
from octavo.pages.attention import ShownAttention
from octavo.pages.heads import ShownHeads
from octavo.pages.lens import ShownLens
from octavo.pages.series import Course
from octavo.pages.surprise import ShownSurprise
from octavo.reports.absent import Absent, attempt
from octavo.reports.costs import Costs, read_costs
from octavo.reports.kept import read_course, read_findings, read_samples, read_scored, read_standing
from octavo.reports.machine_share import forward_flops
from octavo.reports.reproducing import Recipe, recipe
from octavo.reports.section import Scored
from octavo.run import Run
from octavo.tokenizer import Tokenizer

Note = Callable[[str], None]  # hears what is being done

_ATTENTION = 48  # tokens of held-out text
_WEIGHTS = 400_000  # of attention on one page, at most: a byte each
_LENS = 40  # tokens
_SURPRISE = 800  # characters


@dataclass(frozen=True)
class RunReport:
    """One run. What could not be made says why."""

    name: str
    standing: str  # what one must know of a run that did not come to its end, in a sentence; "": nothing
    config: Config | Absent
    provenance: dict[str, Any] | Absent
    parts: dict[str, TokenPart] | Absent
    tokenizer: Tokenizer | Absent
    checkpoint: str | Absent
    parameters: int | Absent
    course: Course | Absent
    scored: Scored | Absent
    findings: list[Finding] | Absent
    attention: ShownAttention | Absent
    heads: ShownHeads | Absent
    surprise: ShownSurprise | Absent
    lens: ShownLens | Absent
    samples: Marked | Absent
    memorisation: Memorisation | Absent | None
    costs: Costs | Absent
    recipe: Recipe | Absent


def unheard(what: str) -> None:
    """Nobody hears of it."""


def unwatched(what: str, share: float) -> None:
    """Show no progress."""


def read_report(run: Run, note: Note = unheard, watch: Callable[[str, float], None] = unwatched) -> RunReport:
    """Collect a run; `note` is told what is being done, and `watch` the share of long work that is done."""
    note("reading the score and the diagnosis")
    scored = attempt(lambda: read_scored(run))
    findings = attempt(lambda: read_findings(run, scored))
    note("reading attention, surprise and layers")
    attention = attempt(lambda: run.attention(max_tokens=_tokens_shown(run.config)))
    surprise = attempt(lambda: run.surprise(run.held_out_beginning(_SURPRISE)))
    lens = attempt(lambda: run.lens(max_tokens=min(_LENS, run.config.data.context_length)))
    note("measuring every head, and what removing it costs")
    heads = attempt(lambda: run.heads(windows=_windows_read(run), watch=partial(watch, "measuring heads")))
    note("looking the samples up in the training text")
    samples = attempt(lambda: read_samples(run))
    note("measuring this machine")
    return RunReport(
        name=run.name,
        standing=read_standing(run),
        config=attempt(lambda: run.config),
        provenance=attempt(lambda: run.directory.provenance),
        parts=attempt(lambda: run.parts),
        tokenizer=attempt(lambda: run.tokenizer),
        checkpoint=attempt(lambda: run.checkpoint),
        parameters=attempt(lambda: run.model.n_parameters()),
        course=attempt(lambda: read_course(run)),
        scored=scored,
        findings=findings,
        attention=attention,
        heads=heads,
        surprise=surprise,
        lens=lens,
        samples=samples,
        memorisation=attempt(lambda: run.memorised),
        costs=attempt(lambda: _costs(run)),
        recipe=attempt(lambda: recipe(run.config, run.directory.provenance, run.path)),
    )


def _tokens_shown(config: Config) -> int:
    """Of attention: a passage that can be read, and fewer tokens of a model of many heads."""
    heads = config.model.n_layers * config.model.n_heads
    return max(2, min(_ATTENTION, config.data.context_length, math.isqrt(2 * _WEIGHTS // heads)))


def _windows_read(run: Run) -> int:
    """With each head removed in each of the ways: as many as usual, and fewer of a large model."""
    model, context = run.model, run.config.data.context_length
    passes = len(REMOVALS) * model.config.n_layers * model.config.n_heads
    return head_windows(passes * context * forward_flops(model, context))


def _costs(run: Run) -> Costs:
    return read_costs(run.metrics, run.directory.provenance, run.model, run.config.data.context_length)
