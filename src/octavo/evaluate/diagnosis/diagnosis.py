"""Diagnose a run: apply all rules to a finished run, and the cheap ones while a run trains."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from octavo.config import Config
from octavo.data.token_files import Ids, id_chunks
from octavo.evaluate.baselines import unigram_probabilities
from octavo.evaluate.diagnosis import rules
from octavo.evaluate.diagnosis.advice import reconcile
from octavo.evaluate.diagnosis.case import Case, Finding, ValidationPoint, split_label, validation_points
from octavo.runs import Record
from octavo.training.data import TrainingData

_EARLY_FRACTION = 0.25  # of the budget: before, a model may not have learned anything yet
_LOSSY_FINDING = Finding(
    "not comparable",
    "note",
    "the tokenizer is lossy (it drops white space), so no loss of this run, per token or per character, is "
    "comparable with a run of another tokenizer",
    "use tokenizer.kind=bpe or tokenizer.kind=characters for comparable figures",
)


def diagnose(case: Case) -> list[Finding]:
    """Return the findings of a finished run, the gravest first; empty if there are none."""
    shift = rules.shift_finding(case)
    found = [
        rules.compare_with_baselines(case),
        rules.collapse(case),
        rules.overlap_finding(case),
        shift,
        None if shift else rules.overfitting(case),  # the loss on text of another kind rises for that reason
        rules.memorisation_finding(case),
        rules.underfitting(case),
        None if case.lossless else _LOSSY_FINDING,
    ]
    return reconcile([finding for finding in found if finding], case.commands)


def diagnose_early(case: Case, progress: float) -> list[Finding]:
    """Return the findings of a run that still trains: a collapse, overfitting, or a model that learns nothing.

    Args:
        case: the run so far; only the uniform and the unigram baseline are used.
        progress: the fraction of the budget that is spent.
    """
    collapsed, overfitted, stuck = rules.collapse(case), rules.overfitting(case), None
    if progress >= _EARLY_FRACTION and not collapsed:
        known = {name: case.baseline_losses[name] for name in ("uniform", "unigram") if name in case.baseline_losses}
        stuck = rules.compare_with_baselines(replace(case, baseline_losses=known))
    return reconcile([finding for finding in (collapsed, stuck, overfitted) if finding])


class EarlyDiagnosis:
    """Diagnose a run at each of its validation points; each kind of finding is reported once."""

    def __init__(
        self,
        config: Config,
        baseline_losses: Mapping[str, float],
        metrics: Iterable[Record] = (),
        *,
        tokens_per_character: float = 1.0,
    ) -> None:
        """Begin with the records of a resumed run, whose findings are not reported again.

        Args:
            config: the run's settings.
            baseline_losses: in nats per token on the windows of a validation pass.
            metrics: the records that the run has written so far.
            tokens_per_character: of the text of a validation pass, to report losses in bits per character.
        """
        earlier = list(metrics)
        self._points = list(validation_points(earlier))
        self._reported = {record["kind"] for record in earlier if record["event"] == "finding"}
        label = split_label(config)
        self._case = Case(config, (), math.inf, baseline_losses, tokens_per_character, ended=False, split_label=label)

    def update(self, point: ValidationPoint, progress: float) -> list[Finding]:
        """Add a validation point; return the findings of kinds that were not reported before.

        Args:
            point: the newest validation point.
            progress: the fraction of the budget that is spent.
        """
        self._points.append(point)
        findings = diagnose_early(replace(self._case, points=tuple(self._points), loss=point.loss), progress)
        new = [finding for finding in findings if finding.kind not in self._reported]
        self._reported |= {finding.kind for finding in new}
        return new


def early_baseline_losses(data: TrainingData, learned: Ids, vocab_size: int, bos_id: int | None) -> dict[str, float]:
    """Return the loss of the uniform and the unigram baseline on the windows of a validation pass.

    Args:
        data: the windows of a run.
        learned: the token ids whose frequencies make the unigram model.
        vocab_size: number of tokens of the vocabulary.
        bos_id: id of the BOS token, which is not scored; None: the tokenizer has none, or ends of documents are
            scored.

    Returns:
        The losses in nats per token, under "uniform" and "unigram".
    """
    targets = data.validation.gather(data.validation_indices)[1].numpy().ravel()
    counts = np.zeros(vocab_size, np.int64)
    for block in id_chunks(learned):
        counts += np.bincount(block, minlength=vocab_size)
    probabilities = unigram_probabilities(counts, bos_id)
    scored = targets if bos_id is None else targets[targets != bos_id]
    return {"uniform": math.log(vocab_size), "unigram": float(-np.log(probabilities[scored]).mean())}
