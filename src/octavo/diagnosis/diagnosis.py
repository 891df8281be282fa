"""The diagnosis: every illness is looked for, the gravest first."""

from dataclasses import replace

from octavo.diagnosis.advice import reconciled
from octavo.diagnosis.case import Case
from octavo.diagnosis.collapse import collapse
from octavo.diagnosis.finding import Finding
from octavo.diagnosis.floors import against_floors
from octavo.diagnosis.held_out import overlap, shift
from octavo.diagnosis.memorised import memorised
from octavo.diagnosis.overfitting import overfitting
from octavo.diagnosis.underfitting import underfitting

_EARLY = 0.25  # share of the budget before which a model may well know nothing yet
_LOSSY = Finding(
    "not comparable",
    "note",
    "the tokenizer loses text (white space), so the text cannot be restored from its tokens: no loss of this run, "
    "per token or per character, compares with a run of another tokenizer",
    "use tokenizer.kind=bpe or characters for figures that compare",
)


def diagnose(case: Case) -> list[Finding]:
    """What a finished run suffers from; nothing if it is well."""
    found = [
        against_floors(case),
        collapse(case),
        overlap(case),
        shift(case),
        overfitting(case),
        memorised(case),
        underfitting(case),
        None if case.lossless else _LOSSY,
    ]
    return reconciled([finding for finding in found if finding])


def diagnose_early(case: Case, progress: float) -> list[Finding]:
    """What is plain while the run still trains, at a share of `progress` of its budget: it has lost what it knew,
    memorises, or learns nothing."""
    fallen, memorising = collapse(case), overfitting(case)
    late = progress >= _EARLY
    known = {name: case.floors[name] for name in ("uniform", "unigram") if name in case.floors}
    stuck = against_floors(replace(case, floors=known)) if late and not fallen else None
    return reconciled([finding for finding in (fallen, stuck, memorising) if finding])
