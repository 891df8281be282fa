"""Forecast an experiment before it runs: the number of runs, their size and their time."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.data.prepare import prepare
from octavo.errors import OctavoError
from octavo.experiments.executors import check_workers, default_workers
from octavo.experiments.experiment import decide_precision, open_experiment
from octavo.experiments.spec import Spec
from octavo.system.terminal import duration, quantity
from octavo.system.threads import one_thread
from octavo.training.forecast import TrainingForecast, forecast_training
from octavo.training.precision import choose_precision

_OVERHEAD_SECONDS = 8.0  # of a cell besides training: start, text, probe, score, curves (measured)


@dataclass(frozen=True)
class ExperimentForecast:
    """The forecast of one run of each variant, and the number of runs that are missing."""

    path: Path
    spec: Spec
    runs: dict[str, TrainingForecast]
    missing: dict[str, int]
    workers: int
    notes: tuple[str, ...] = ()  # about the text

    @property
    def seconds(self) -> float:
        """Return the seconds of all missing runs."""
        each = {name: run.seconds + _OVERHEAD_SECONDS for name, run in self.runs.items()}
        longest = max((each[name] for name, count in self.missing.items() if count), default=0.0)
        return max(longest, sum(each[name] * count for name, count in self.missing.items()) / self.workers)

    def lines(self) -> list[str]:
        """Return the forecast as lines of text."""
        missing, total = sum(self.missing.values()), len(self.spec.variants) * len(self.spec.seeds)
        width = max(map(len, self.runs))
        return [
            *self.notes,
            self.spec.size
            + (f", {total - missing} of them done" if missing < total else "")
            + f"; compared with {self.spec.base}",
            *(
                f"  {name:<{width}}  {quantity(run.parameters, 'parameter')}, about {quantity(run.steps, 'step')} "
                f"({run.epochs:.1f} epochs), {duration(run.seconds)}, {run.tokens_per_second:,.0f} tokens/s, "
                f"{run.precision.name}"
                for name, run in self.runs.items()
            ),
            f"about {duration(self.seconds)} in total with {self.workers} at a time, one thread and one core each",
            f"results would be written to {self.path}",
        ]


def forecast_experiment(
    file: str | Path | Mapping[str, Any],
    *,
    name: str | None = None,
    runs: str | Path | None = None,
    workers: int | None = None,
    steps: int | None = None,
    retry: bool = False,
) -> ExperimentForecast:
    """Time a few steps of every variant on this machine; nothing is written.

    The arguments are those of :func:`octavo.experiment`.

    Raises:
        OctavoError: the experiment itself would be refused.
    """
    check_workers(workers)
    spec, folder, corpus = open_experiment(file, name, runs, steps)
    spec, _ = decide_precision(spec, folder)
    folder.check_same(spec, corpus.sha256)
    forecasts: dict[str, TrainingForecast] = {}
    with one_thread():
        for variant in spec.variants:
            config = variant.config
            try:
                tokenizer, prepared = prepare(corpus, config.data, config.tokenizer, seed=config.train.seed)
                forecasts[variant.name] = forecast_training(
                    corpus.name, config, tokenizer, prepared, choose_precision(config.train)
                )
            except OctavoError as error:
                raise OctavoError(f"variant {variant.name}: {error}") from None
    done = {(row.variant, row.seed) for row in folder.settled_rows(spec, retry=retry)}
    missing = {v.name: sum((v.name, seed) not in done for seed in spec.seeds) for v in spec.variants}
    return ExperimentForecast(
        folder.path,
        spec,
        forecasts,
        missing,
        min(workers or default_workers(), max(1, sum(missing.values()))),
        tuple(corpus.notes()),
    )
