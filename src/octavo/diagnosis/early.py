"""The diagnosis while a run trains: cheap, and each finding told once."""

import math
from collections.abc import Iterable, Mapping

import numpy as np

from octavo.config import Config
from octavo.data import Ids, blocks
from octavo.diagnosis.case import Case, Look, looks_of, part_of_looks
from octavo.diagnosis.diagnosis import diagnose_early
from octavo.diagnosis.finding import Finding
from octavo.evaluate.baselines import unigram_probabilities
from octavo.runs import Record
from octavo.training import TrainingData


class EarlyDiagnosis:
    """Takes in a run's looks one by one."""

    def __init__(self, config: Config, floors: Mapping[str, float], metrics: Iterable[Record] = ()) -> None:
        """`metrics` is what a resumed run has seen, and told, before."""
        earlier = list(metrics)
        self._config, self._floors = config, floors
        self._part = part_of_looks(config)
        self._looks = list(looks_of(earlier))
        self._told = {record["kind"] for record in earlier if record["event"] == "finding"}

    def hear(self, look: Look, progress: float) -> list[Finding]:
        """What is plain now and was not told yet; `progress` is the share of the budget that is spent."""
        self._looks.append(look)
        case = Case(self._config, tuple(self._looks), look.loss, self._floors, part=self._part)
        fresh = [finding for finding in diagnose_early(case, progress) if finding.kind not in self._told]
        self._told |= {finding.kind for finding in fresh}
        return fresh


def floors_of_looks(data: TrainingData, learned: Ids, vocab_size: int, start_id: int | None) -> dict[str, float]:
    """Nats per token that chance and the frequencies of `learned` score on the windows that a run looks at."""
    seen = data.validation.gather(data.validation_indices)[1].numpy().ravel()
    counts = np.zeros(vocab_size, np.int64)
    for block in blocks(learned):
        counts += np.bincount(block, minlength=vocab_size)
    probabilities = unigram_probabilities(counts, start_id)
    scored = seen if start_id is None else seen[seen != start_id]
    return {"uniform": math.log(vocab_size), "unigram": float(-np.log(probabilities[scored]).mean())}
