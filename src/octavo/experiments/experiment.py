"""`octavo.experiment`: every variant with every seed, trained, scored and compared."""

import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.config import TrainConfig
from octavo.corpus import Corpus, read_corpus
from octavo.experiments.cell import CellJob, run_name
from octavo.experiments.display import ExperimentDisplay, make_experiment_display
from octavo.experiments.executors import Futures, Pool, check_workers, open_pool, run_jobs
from octavo.experiments.figure import draw_experiment
from octavo.experiments.folder import ExperimentFolder
from octavo.experiments.results import CellResult, VariantSummary, summarise
from octavo.experiments.spec import Spec, read_spec
from octavo.experiments.status import CellStatus, is_running
from octavo.experiments.table import experiment_markdown
from octavo.formats.files import remove_left_over
from octavo.formats.toml_schema import as_mapping, dotted_names
from octavo.runs import RunDirectory, locked, runs_root
from octavo.runs.provenance import machine_facts
from octavo.system.terminal import counted
from octavo.training import choose_precision, stop_signals

_REFRESH_SECONDS = 0.5  # seconds


@dataclass(frozen=True, repr=False)
class Experiment:
    """What an experiment has come to. A row is a variant with a seed; a summary is a variant over its seeds."""

    path: Path
    spec: Spec
    rows: tuple[CellResult, ...]
    summary: tuple[VariantSummary, ...]

    def __repr__(self) -> str:
        return f"Experiment({str(self.path)!r})"

    @property
    def missing(self) -> int:
        """How many cells have not run to their end."""
        return len(self.spec.variants) * len(self.spec.seeds) - len(self.rows)

    @property
    def failed(self) -> int:
        """How many cells have failed."""
        return sum(bool(row.failure) for row in self.rows)

    @property
    def figures(self) -> list[Path]:
        """The picture, as PNG and SVG; none if nothing is scored."""
        return [path for path in (self.path / "figure.png", self.path / "figure.svg") if path.exists()]

    def table(self) -> str:
        """The results as Markdown."""
        return experiment_markdown(self.spec, self.rows, self.summary)

    def __getitem__(self, variant: str) -> VariantSummary:
        """The summary of a variant."""
        return {found.variant: found for found in self.summary}[variant]


class ExperimentStopped(Exception):
    """A signal asked to stop: what is done is written, what was running is saved, or goes on on its cluster."""

    def __init__(self, signal_number: int, experiment: Experiment) -> None:
        super().__init__(f"stopped with {counted(experiment.missing, 'run')} to go")
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
    """Train and score every variant with every seed, and compare the variants.

    The folder `runs`/`name` has the results, ``experiment.json``, ``table.md`` and ``figure.png``, and a run for each
    cell. Finished cells are not run again (docs/experiments.md).

    Args:
        file: a TOML file, or a mapping with the same keys.
        name: the experiment's name; None: that of the file.
        runs: the folder of all runs (default: ``$OCTAVO_RUNS``, else ``./runs``).
        workers: processes on this machine; None: one for each core that has a GiB of memory.
        scheduler: the address of a Dask scheduler whose workers run the cells.
        executor: a `concurrent.futures.Executor` that runs the cells.
        steps: training steps of every variant, instead of the budgets of the file.
        retry: run failed cells again.
        progress: show a table of the cells on standard error.

    Returns:
        The results: ``rows`` has one entry for each variant and seed, ``summary`` one for each variant, and
        ``result[variant]`` its summary with differences from the base variant.

    Raises:
        OctavoError: the file, the text or an argument cannot be used, or it contradicts an experiment of that name.
        ExperimentStopped: a signal asked to stop; the same call resumes.

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
    spec = read_spec(file, steps=steps)
    root = runs_root(runs)
    folder = ExperimentFolder.at(root, name or default_name(file, steps))
    corpus = read_corpus(spec.text, encoding=spec.encoding, documents=spec.documents, runs=root)
    with open_pool(workers, scheduler, executor) as pool, make_experiment_display(progress, spec.title) as board:
        folder.create()
        with locked(RunDirectory(folder.path)):
            remove_left_over(folder.path)
            spec, precision = decide_precision(spec, folder)
            folder.check_same(spec, corpus.sha256)
            facts = {"text": _text_facts(corpus), "precision": precision, "machine": machine_facts()}
            return _Session(spec, folder, corpus, facts, pool, board).go(retry)


def default_name(file: str | Path | Mapping[str, Any], steps: int | None) -> str:
    """The experiment's name: its file's, and the number of steps if those are not the file's."""
    stem = "experiment" if isinstance(file, Mapping) else Path(file).stem
    return stem if steps is None else f"{stem}-{steps}-steps"


def decide_precision(spec: Spec, folder: ExperimentFolder) -> tuple[Spec, str | None]:
    """Where a variant leaves the precision to a probe, decide once for all cells, and stay with it."""
    if not spec.has_auto_precision:
        return spec, folder.kept.get("precision")
    name = folder.kept.get("precision") or choose_precision(TrainConfig(steps=1, precision="auto")).name
    return spec.with_precision(name), name


class _Session:
    """One go at an experiment: what is missing runs, and the results are written as they come."""

    def __init__(
        self,
        spec: Spec,
        folder: ExperimentFolder,
        corpus: Corpus,
        facts: dict[str, Any],
        pool: Pool,
        board: ExperimentDisplay,
    ) -> None:
        self.spec, self.folder, self.corpus, self.facts = spec, folder, corpus, facts
        self.pool, self.board = pool, board
        self.rows: dict[str, CellResult] = {}
        self.cells: dict[str, CellStatus] = {}
        self.looked = 0.0

    def go(self, retry: bool) -> Experiment:
        self.rows = {row.run: row for row in self.folder.rows(self.spec, retry=retry)}
        self.cells = {
            run: CellStatus(variant.name, seed, variant.config.train, path / "metrics.jsonl", self.rows.get(run))
            for variant, seed in self.spec.cells()
            for run in [run_name(variant.name, seed)]
            for path in [self.folder.path / run]
        }
        jobs = [job for job in self._jobs() if job.run not in self.rows]
        self._tell(len(jobs))
        self._write()
        with stop_signals() as stop:

            def stopping() -> int:
                if number := stop():
                    self.board.note(self.pool.parting)
                return number

            signalled = run_jobs(jobs, self.pool, finished=self._finished, look=self._look, stop=stopping)
        result = self._write()
        draw_experiment(self.spec, result.rows, result.summary, self.folder.path)
        if signalled:
            raise ExperimentStopped(signalled, result)
        return result

    def _jobs(self) -> list[CellJob]:
        def settings(config: Any) -> dict[str, Any]:
            values = as_mapping(config)
            return {name: values[s][k] for name in dotted_names(values) for s, k in [name.split(".")]}

        return [
            CellJob(
                folder=str(self.folder.path.resolve()),
                variant=variant.name,
                seed=seed,
                settings=settings(variant.with_seed(seed)),
                text=self.spec.text,
                encoding=self.spec.encoding,
                documents=self.spec.documents,
                sha256=self.corpus.sha256,
                contexts=self.spec.contexts,
                own_process=self.pool.own_process,
            )
            for variant, seed in self.spec.cells()
        ]

    def _tell(self, missing: int) -> None:
        done = len(self.cells) - missing
        self.board.note(f"{self.folder.path}: {self.spec.size}" + (f", {done} of them done" if done else ""))
        for line in self.corpus.notes():
            self.board.note(line)
        if missing:
            self.board.note(self.pool.note)

    def _finished(self, row: CellResult) -> None:
        self.rows[row.run] = row
        cell = self.cells[row.run]
        cell.finish(row)
        self.board.cell_ended(cell)
        self._write()

    def _look(self, futures: Futures) -> None:
        if time.monotonic() - self.looked < _REFRESH_SECONDS:  # a look reads the metrics of every cell
            return
        self.looked = time.monotonic()
        working = {job.run for future, job in futures.items() if self.pool.reports_running and is_running(future)}
        for run, cell in self.cells.items():
            cell.look(run in working)
        self.board.update(list(self.cells.values()), self.pool.count)

    def _write(self) -> Experiment:
        rows = [self.rows[run] for run in self.cells if run in self.rows]
        summary = summarise(self.spec, rows)
        self.folder.write(self.spec, self.facts, rows, summary)
        return Experiment(self.folder.path, self.spec, tuple(rows), tuple(summary))


def _text_facts(corpus: Corpus) -> dict[str, Any]:
    return {"name": corpus.name, "characters": corpus.characters, "sha256": corpus.sha256}
