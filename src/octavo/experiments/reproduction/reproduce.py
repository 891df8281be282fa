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
    """Train the preset ``reference``, measure it as the report does and rightly, and set both beside the report.

    A run of that `name` goes on from its newest checkpoint; one that is finished is not trained again. The pages
    and pictures are in its folder ``reproduction/``, written anew. `text` is another text than Tiny Shakespeare.

    Raises:
        OctavoError: whatever cannot work, in one sentence with the fix.
        Interrupted: a signal asked to stop; the run is saved, and the same call goes on.
    """
    request = Request(PRESET, overrides, epochs=epochs, seed=seed)
    root = runs_root(runs)
    corpus = None if text is None else as_corpus(text, encoding, root=root)
    standing = existing_run(root, name, request, corpus)
    if standing is not None and is_finished(standing):
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
