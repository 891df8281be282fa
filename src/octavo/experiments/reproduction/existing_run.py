"""Find a run that a reproduction can resume, before anything heavy is loaded. Importing this loads no torch."""

from pathlib import Path

from octavo.config.overrides import Request, first_difference
from octavo.corpus import Corpus
from octavo.errors import OctavoError
from octavo.runs import RunDirectory, check_name


def existing_run(root: Path, name: str, request: Request, corpus: Corpus | None) -> RunDirectory | None:
    """Return the run `name` under `root` if it was started with the same request, None if there is no such run.

    Raises:
        OctavoError: the run was started with other settings or another text, or the request or the name is invalid.
    """
    config = request.applied_to(None)
    check_name(name)
    path = root / name
    if not path.exists():
        return None
    if not (path / "config.toml").is_file():
        raise OctavoError(f"{path} exists but is not a run: choose another name")
    run = RunDirectory(path)
    difference = first_difference(run.config, config)
    if not difference and corpus is not None and corpus.sha256 != run.provenance["text"]["sha256"]:
        difference = "text"
    if difference:
        raise OctavoError(f"{path} was started with another {difference}: restore it, or choose another name")
    return run
