"""The diagnosis: every illness is looked for, the gravest first.

The diagnosis while a run trains: cheap, and each finding told once.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from octavo.config import Config
from octavo.data import Ids, id_chunks
from octavo.evaluate.baselines import unigram_probabilities
from octavo.evaluate.diagnosis.advice import reconcile
from octavo.evaluate.diagnosis.case import Case, Finding, ValidationPoint, validation_points, validation_split
from octavo.evaluate.diagnosis.rules import (
    collapse,
    compare_with_baselines,
    memorisation_finding,
    overfitting,
    overlap_finding,
    shift_finding,
    underfitting,
)
from octavo.runs import Record
from octavo.training import TrainingData

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
        compare_with_baselines(case),
        collapse(case),
        overlap_finding(case),
        shift_finding(case),
        overfitting(case),
        memorisation_finding(case),
        underfitting(case),
        None if case.lossless else _LOSSY,
    ]
    return reconcile([finding for finding in found if finding])


def diagnose_early(case: Case, progress: float) -> list[Finding]:
    """What is plain while the run still trains, at a share of `progress` of its budget: it has lost what it knew,
    memorises, or learns nothing."""
    fallen, memorising = collapse(case), overfitting(case)
    late = progress >= _EARLY
    known = {name: case.floors[name] for name in ("uniform", "unigram") if name in case.floors}
    stuck = compare_with_baselines(replace(case, floors=known)) if late and not fallen else None
    return reconcile([finding for finding in (fallen, stuck, memorising) if finding])


class EarlyDiagnosis:
    """Takes in a run's looks one by one."""

    def __init__(self, config: Config, floors: Mapping[str, float], metrics: Iterable[Record] = ()) -> None:
        """`metrics` is what a resumed run has seen, and told, before."""
        earlier = list(metrics)
        self._config, self._floors = config, floors
        self._part = validation_split(config)
        self._looks = list(validation_points(earlier))
        self._told = {record["kind"] for record in earlier if record["event"] == "finding"}

    def hear(self, look: ValidationPoint, progress: float) -> list[Finding]:
        """What is plain now and was not told yet; `progress` is the share of the budget that is spent."""
        self._looks.append(look)
        case = Case(self._config, tuple(self._looks), look.loss, self._floors, part=self._part)
        fresh = [finding for finding in diagnose_early(case, progress) if finding.kind not in self._told]
        self._told |= {finding.kind for finding in fresh}
        return fresh


def early_baseline_losses(data: TrainingData, learned: Ids, vocab_size: int, bos_id: int | None) -> dict[str, float]:
    """Nats per token that chance and the frequencies of `learned` score on the windows that a run looks at."""
    seen = data.validation.gather(data.validation_indices)[1].numpy().ravel()
    counts = np.zeros(vocab_size, np.int64)
    for block in id_chunks(learned):
        counts += np.bincount(block, minlength=vocab_size)
    probabilities = unigram_probabilities(counts, bos_id)
    scored = seen if bos_id is None else seen[seen != bos_id]
    return {"uniform": math.log(vocab_size), "unigram": float(-np.log(probabilities[scored]).mean())}
