"""Which run goes on, and whether it may with what is given again. Importing this takes no torch."""

from pathlib import Path

from octavo.corpus import Corpus
from octavo.errors import OctavoError
from octavo.request import Request, first_difference
from octavo.runs import RunDirectory, list_runs, open_run
from octavo.runs.scores import standard_score


def run_to_resume(root: Path, name: str | None) -> RunDirectory:
    """The run of that name, or the newest under `root` that is not trained, scored and examined.

    Raises:
        OctavoError: there is none.
    """
    if name is not None:
        return open_run(name, root)
    waiting = [run for run in list_runs(root) if not complete(run)]
    if not waiting:
        raise OctavoError(f"{root} holds no unfinished run to resume: octavo runs lists what there is")
    return open_run(waiting[-1].path, root)


def complete(run: RunDirectory) -> bool:
    """Whether it is trained, scored, and examined to the end, which its samples are."""
    return run.finished and standard_score(run) is not None and (run.path / "samples.txt").is_file()


def check_same(run: RunDirectory, request: Request, corpus: Corpus | None) -> None:
    """A resumed run keeps its config and text: what is given again must be what it was.

    Raises:
        OctavoError: it is not.
    """
    config = run.config
    if other := first_difference(config, request.applied_to(config)):
        raise OctavoError(f"{run.name} was begun with another {other}: resume it without that, or begin a new run")
    if corpus is not None and corpus.sha256 != run.provenance.get("text", {}).get("sha256"):
        raise OctavoError(f"{run.name} was begun with another text: resume it without one, or begin a new run")
