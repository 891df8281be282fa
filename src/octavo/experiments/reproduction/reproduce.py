"""From nothing, or from where it stands, to the reproduction of the report's experiment in the run's folder."""

import json
from pathlib import Path

from octavo.config.overrides import Overrides, Request
from octavo.errors import OctavoError
from octavo.experiments.reproduction.existing_run import existing_run
from octavo.experiments.reproduction.figures import draw_all
from octavo.experiments.reproduction.page import page
from octavo.experiments.reproduction.reported import PRESET
from octavo.experiments.reproduction.results import Reproduction, measure_run
from octavo.formats.files import write_atomically
from octavo.pipeline.plan import CorpusSource, as_corpus
from octavo.pipeline.progress import Progress, make_progress
from octavo.pipeline.run import Run
from octavo.pipeline.train import train
from octavo.runs import locked, runs_root
from octavo.runs.completion import finished

FOLDER = "reproduction"


def reproduce(
    text: CorpusSource = None,
    *,
    name: str = PRESET,
    epochs: float | None = None,
    seed: int | None = None,
    overrides: Overrides = (),
    encoding: str = "utf-8",
    runs: str | Path | None = None,
    progress: bool = True,
) -> Reproduction:
    """Run the course report's experiment again, and compare the results with the report's.

    A run of that name is resumed; a finished one is not trained again. Pages and figures are written to
    ``reproduction/`` in its folder.

    Args:
        text: another text than Tiny Shakespeare, as for :func:`octavo.train`.
        name: the run's name.
        epochs: epochs of training; None: the report's 10, which take hours on one core.
        seed: seed of weights, batches and dropout.
        overrides: settings of the preset ``reference`` to change, by dotted name.
        encoding: of files that have no byte order mark and are not UTF-8.
        runs: the folder of all runs (default: ``$OCTAVO_RUNS``, else ``./runs``).
        progress: show a progress bar, or plain lines where standard error is no terminal.

    Returns:
        Losses (as the report computes them, and as means over all windows), runtime, attention and generated texts.

    Raises:
        OctavoError: an argument or the text cannot be used, or the run contradicts an argument.
        Interrupted: a signal asked to stop; the run is saved, and the same call resumes it.

    Example:
        >>> result = octavo.reproduce(epochs=1)  # doctest: +SKIP
    """
    request = Request(PRESET, overrides, epochs=epochs, seed=seed)
    root = runs_root(runs)
    corpus = None if text is None else as_corpus(text, encoding, root=root)
    standing = existing_run(root, name, request, corpus)
    if standing is not None and finished(standing):
        run = Run(standing)
    else:
        run = train(
            corpus,
            preset=PRESET,
            name=name if standing is None else str(standing.path),
            epochs=epochs,
            overrides=overrides,
            seed=seed,
            runs=root,
            resume=standing is not None,
            progress=progress,
        )
    with make_progress(progress) as shown, locked(run.directory):
        return write_reproduction(run, shown)


def write_reproduction(run: Run, progress: Progress) -> Reproduction:
    """Measure a finished run and write its ``reproduction/``: report.md, report.json and the pictures.

    Raises:
        OctavoError: the run has no score, a file of it is damaged, or its folder cannot be written to.
    """
    found = measure_run(run, progress)
    folder = run.path / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        draw_all(found, folder, progress)
        figures = json.dumps(found.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        write_atomically(folder / "report.json", figures.encode())
        write_atomically(folder / "report.md", page(found).encode())
    except OSError as error:
        raise OctavoError(
            f"{folder} cannot be written to ({error.strerror}): free space, then give the same command again"
        ) from None
    return found
