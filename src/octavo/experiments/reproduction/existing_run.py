"""Whether a run of that name stands already and may be gone on with. Importing this takes no torch."""

from pathlib import Path

from octavo.config.overrides import Request, first_difference
from octavo.corpus import Corpus
from octavo.errors import OctavoError
from octavo.runs import RunDirectory, check_name


def existing_run(root: Path, name: str, request: Request, corpus: Corpus | None) -> RunDirectory | None:
    """The run `name` under `root`, begun with what is asked for; None if it is yet to begin.

    Raises:
        OctavoError: it was begun with other settings or another text, or what is asked for cannot be.
    """
    config = request.applied_to(None)
    check_name(name)
    place = root / name
    if not place.exists():
        return None
    if not (place / "config.toml").is_file():
        raise OctavoError(f"{place} exists but is not a run: choose another name")
    run = RunDirectory(place)
    other = first_difference(run.config, config)
    if not other and corpus is not None and corpus.sha256 != run.provenance["text"]["sha256"]:
        other = "text"
    if other:
        raise OctavoError(f"{place} was begun with another {other}: give the same again, or choose another name")
    return run
