"""`octavo.reproduce`: train the course report's experiment, or resume it, and compare the results with the report."""

import json
from pathlib import Path

from octavo.config.overrides import Overrides, Request
from octavo.errors import OctavoError
from octavo.experiments.reproduction.existing_run import existing_run
from octavo.experiments.reproduction.figures import draw_all
from octavo.experiments.reproduction.page import reproduction_page
from octavo.experiments.reproduction.reported import PRESET
from octavo.experiments.reproduction.results import Reproduction, measure_run
from octavo.formats.files import write_atomically
from octavo.pipeline.plan import CorpusSource, as_corpus
from octavo.pipeline.progress import Progress, make_progress
from octavo.pipeline.run import Run
from octavo.pipeline.train import train
from octavo.runs import locked, runs_root
from octavo.runs.completion import is_finished

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
    """Train the preset ``reference``, measure it as the course report does and correctly, and compare both.

    An existing run with this name is resumed; a finished one is not trained again. The page ``report.md``,
    ``report.json`` and the pictures in the run's folder ``reproduction`` are written again.

    Args:
        text: paths or a Corpus; by default Tiny Shakespeare, the report's text.
        name: name of the run.
        epochs: passes over the training split; by default the report's 10.
        seed: seed of initial weights, batches, dropout and generations; by default the preset's.
        overrides: further settings by dotted name, such as ``{"optimizer.kind": "adamw"}``.
        encoding: encoding of files that have no byte order mark and are not UTF-8.
        runs: folder that holds runs; by default that of :func:`octavo.train`.
        progress: show progress on standard error.

    Returns:
        All figures, each next to the report's; :meth:`Reproduction.to_dict` returns plain values.

    Raises:
        OctavoError: a text, name or setting is invalid, the run was started with other settings, or its folder cannot
            be written to.
        Interrupted: a signal asked to stop; the run is saved, and the same call resumes it.

    Example:
        >>> result = octavo.reproduce(epochs=1)  # doctest: +SKIP
        >>> result.perplexities.validation.mean, result.perplexities.unigram_validation  # doctest: +SKIP
        (5.549, 5.530)
    """
    request = Request(PRESET, overrides, epochs=epochs, seed=seed)
    root = runs_root(runs)
    corpus = None if text is None else as_corpus(text, encoding, root=root)
    existing = existing_run(root, name, request, corpus)
    if existing is not None and is_finished(existing):
        run = Run(existing)
    else:
        run = train(
            corpus,
            preset=PRESET,
            name=name if existing is None else str(existing.path),
            epochs=epochs,
            overrides=overrides,
            seed=seed,
            runs=root,
            resume=existing is not None,
            progress=progress,
        )
    with make_progress(progress) as display, locked(run.directory):
        return write_reproduction(run, display)


def write_reproduction(run: Run, progress: Progress) -> Reproduction:
    """Measure a finished run; write ``report.md``, ``report.json`` and the pictures into its folder ``reproduction``.

    Raises:
        OctavoError: the run has no score, a file of it is damaged, or its folder cannot be written to.
    """
    result = measure_run(run, progress)
    folder = run.path / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        draw_all(result, folder, progress)
        values = json.dumps(result.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        write_atomically(folder / "report.json", values.encode())
        write_atomically(folder / "report.md", reproduction_page(result).encode())
    except OSError as error:
        raise OctavoError(
            f"{folder} cannot be written to ({error.strerror}): free space, then give the same command again"
        ) from None
    return result
