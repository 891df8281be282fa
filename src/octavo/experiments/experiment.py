"""`octavo.experiment`: train, score and compare every variant with every seed."""

import sys
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from octavo.config import TrainConfig
from octavo.corpus import Corpus, read_corpus
from octavo.experiments.cell import CellJob, run_name
from octavo.experiments.display import ExperimentDisplay
from octavo.experiments.executors import Futures, Pool, check_workers, open_pool, run_jobs
from octavo.experiments.figure import draw_experiment
from octavo.experiments.folder import ExperimentFolder
from octavo.experiments.results import CellResult, VariantSummary, summarise
from octavo.experiments.spec import Spec, read_spec, settings_by_name
from octavo.experiments.status import CellStatus
from octavo.experiments.table import experiment_markdown
from octavo.formats.files import remove_stale_files
from octavo.runs import RunDirectory, locked, runs_root
from octavo.runs.provenance import machine_facts
from octavo.system.terminal import quantity
from octavo.training.precision import choose_precision
from octavo.training.signals import stop_signals

_REFRESH_SECONDS = 0.5


@dataclass(frozen=True, repr=False)
class Experiment:
    """The results of an experiment, finished or not.

    Attributes:
        path: the folder with the runs, ``experiment.json``, ``table.md`` and ``figure.png``.
        spec: variants, seeds and text.
        rows: the result of each cell (a variant with a seed) that has run.
        summary: for each variant means over its seeds, and differences to the base.
    """

    path: Path
    spec: Spec
    rows: tuple[CellResult, ...]
    summary: tuple[VariantSummary, ...]

    def __repr__(self) -> str:
        return f"Experiment({str(self.path)!r})"

    @property
    def missing(self) -> int:
        """Return the number of cells without a result."""
        return len(self.spec.variants) * len(self.spec.seeds) - len(self.rows)

    @property
    def failed(self) -> int:
        """Return the number of cells that failed."""
        return sum(bool(row.failure) for row in self.rows)

    @property
    def figures(self) -> list[Path]:
        """Return the paths of the figure, as PNG and SVG; none if nothing is scored."""
        return [path for path in (self.path / "figure.png", self.path / "figure.svg") if path.exists()]

    def table(self) -> str:
        """Return the results as Markdown."""
        return experiment_markdown(self.spec, self.rows, self.summary)

    def __getitem__(self, variant: str) -> VariantSummary:
        """Return the summary of a variant.

        Raises:
            KeyError: there is no such variant.
        """
        return {one.variant: one for one in self.summary}[variant]


class ExperimentStopped(Exception):
    """A signal stopped the experiment: results are written; running cells are saved, or continue on their cluster."""

    def __init__(self, signal_number: int, experiment: Experiment) -> None:
        super().__init__(f"stopped with {quantity(experiment.missing, 'run')} to go")
        self.signal_number, self.experiment = signal_number, experiment


def experiment(
    file: str | Path | Mapping[str, Any],
    *,
    name: str | None = None,
    runs: str | Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    executor: Executor | None = None,
    steps: int | None = None,
    retry: bool = False,
    progress: bool = True,
) -> Experiment:
    """Train and score every variant with every seed, and compare the variants with the base.

    Each cell is an ordinary run in the experiment's folder. Cells that are done are not run again, so the same call
    resumes an experiment that was stopped, and a file with further variants or seeds runs only those.

    Args:
        file: path of a TOML file (docs/experiments.md), or a mapping with the same keys.
        name: name of the experiment's folder; by default the file's name, with the number of `steps` if given.
        runs: folder that holds runs; by default that of :func:`octavo.train`.
        workers: number of processes of this machine; by default one for each core.
        scheduler: address of a Dask scheduler, to run on a cluster that sees the same files.
        executor: any executor of :mod:`concurrent.futures`, instead of workers or a scheduler.
        steps: training steps of every cell, instead of the budgets in the file: to try an experiment out.
        retry: run cells again whose settings made them fail.
        progress: show progress on standard error.

    Returns:
        The results; they are also in ``experiment.json``, ``table.md``, ``figure.png`` and ``figure.svg`` of the
        folder.

    Raises:
        OctavoError: a file, name or setting is invalid, the folder holds another experiment, or it cannot be written.
        ExperimentStopped: a signal asked to stop; the same call resumes the experiment.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> plan = {"text": "hamlet.txt", "seeds": [1], "steps": 2}
        >>> plan["overrides"] = {"model.d_model": 32, "model.d_ff": 64, "train.precision": "fp32"}
        >>> plan["variants"] = {"one-layer": {"model.n_layers": 1}, "two-layers": {"model.n_layers": 2}}
        >>> result = octavo.experiment(plan, name="depth", executor=ThreadPoolExecutor(1), progress=False)
        >>> [row.run for row in result.rows]
        ['one-layer-seed1', 'two-layers-seed1']
    """
    check_workers(workers)
    spec, folder, corpus = open_experiment(file, name, runs, steps)
    screen = sys.stderr if progress else None
    with open_pool(workers, scheduler, executor) as pool, ExperimentDisplay(screen, spec.title) as display:
        folder.create()
        with locked(RunDirectory(folder.path)):
            remove_stale_files(folder.path)
            spec, precision = decide_precision(spec, folder)
            folder.check_same(spec, corpus.sha256)
            text = {"name": corpus.name, "characters": corpus.characters, "sha256": corpus.sha256}
            facts = {"text": text, "precision": precision, "machine": machine_facts()}
            return _Session(spec, folder, corpus, facts, pool, display).run(retry)


def open_experiment(
    file: str | Path | Mapping[str, Any], name: str | None, runs: str | Path | None, steps: int | None
) -> tuple[Spec, ExperimentFolder, Corpus]:
    """Read an experiment and its text, and locate its folder, which need not exist yet.

    Args:
        file: as in :func:`experiment`.
        name: the name of the folder; None: the file's, with the number of steps where it replaces the file's budgets.
        runs: as in :func:`experiment`.
        steps: as in :func:`experiment`.

    Raises:
        OctavoError: a file, name or setting is invalid, or the folder holds something else.
    """
    spec, root = read_spec(file, steps=steps), runs_root(runs)
    stem = "experiment" if isinstance(file, Mapping) else Path(file).stem
    folder = ExperimentFolder.at(root, name or (stem if steps is None else f"{stem}-{steps}-steps"))
    return spec, folder, read_corpus(spec.text, encoding=spec.encoding, documents=spec.documents, runs=root)


def decide_precision(spec: Spec, folder: ExperimentFolder) -> tuple[Spec, str | None]:
    """Replace ``train.precision=auto`` by one choice for all cells: the saved one, else the result of a probe."""
    saved = folder.saved.get("precision")
    if not spec.has_auto_precision:
        return spec, saved
    name = saved or choose_precision(TrainConfig(steps=1, precision="auto")).name
    return spec.with_precision(name), name


@dataclass
class _Session:
    """One session of an experiment: run the missing cells, and write the results whenever one is known."""

    spec: Spec
    folder: ExperimentFolder
    corpus: Corpus
    facts: dict[str, Any]
    pool: Pool
    display: ExperimentDisplay
    rows: dict[str, CellResult] = field(default_factory=dict)  # by run
    cells: dict[str, CellStatus] = field(default_factory=dict)  # by run
    refreshed_at: float = 0.0

    def run(self, retry: bool) -> Experiment:
        self.rows = {row.run: row for row in self.folder.settled_rows(self.spec, retry=retry)}
        self.cells = {
            run: CellStatus(variant.name, seed, variant.config.train, path / "metrics.jsonl", self.rows.get(run))
            for variant, seed in self.spec.cells()
            for run in [run_name(variant.name, seed)]
            for path in [self.folder.path / run]
        }
        jobs = [job for job in self._jobs() if job.run not in self.rows]
        self._announce(len(jobs))
        self._write()
        with stop_signals() as signal_number:

            def stop_signal() -> int:
                if number := signal_number():
                    self.display.note(self.pool.stop_message)
                return number

            signalled = run_jobs(
                jobs, self.pool, on_result=self._record, on_poll=self._refresh, stop_signal=stop_signal
            )
        result = self._write()
        draw_experiment(self.spec, result.rows, result.summary, self.folder.path)
        if signalled:
            raise ExperimentStopped(signalled, result)
        return result

    def _jobs(self) -> list[CellJob]:
        return [
            CellJob(
                folder=str(self.folder.path.resolve()),
                variant=variant.name,
                seed=seed,
                settings=settings_by_name(variant.with_seed(seed)),
                text=self.spec.text,
                encoding=self.spec.encoding,
                documents=self.spec.documents,
                sha256=self.corpus.sha256,
                contexts=self.spec.contexts,
                own_process=self.pool.own_process,
            )
            for variant, seed in self.spec.cells()
        ]

    def _announce(self, missing: int) -> None:
        done = len(self.cells) - missing
        self.display.note(f"{self.folder.path}: {self.spec.size}" + (f", {done} of them done" if done else ""))
        for line in self.corpus.notes():
            self.display.note(line)
        if missing:
            self.display.note(self.pool.start_message)

    def _record(self, row: CellResult) -> None:
        self.rows[row.run] = row
        cell = self.cells[row.run]
        cell.finish(row)
        self.display.cell_ended(cell)
        self._write()

    def _refresh(self, futures: Futures) -> None:
        if time.monotonic() - self.refreshed_at < _REFRESH_SECONDS:  # it reads the metrics of every cell
            return
        self.refreshed_at = time.monotonic()
        running = {job.run for future, job in futures.items() if not self.pool.remote and future.running()}
        for run, cell in self.cells.items():
            cell.refresh(run in running)
        self.display.update(list(self.cells.values()), self.pool.slots)

    def _write(self) -> Experiment:
        rows = [self.rows[run] for run in self.cells if run in self.rows]
        summary = summarise(self.spec, rows)
        self.folder.write(self.spec, self.facts, rows, summary)
        return Experiment(self.folder.path, self.spec, tuple(rows), tuple(summary))
