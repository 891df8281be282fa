"""An existing run is resumed if it was started with the same request."""

from pathlib import Path

import pytest

from octavo.config import load_preset
from octavo.config.overrides import Request
from octavo.corpus import Corpus
from octavo.errors import OctavoError
from octavo.experiments.reproduction.existing_run import existing_run
from octavo.formats.toml_schema import to_toml, with_overrides
from octavo.runs import RunDirectory

TEXT = Corpus.from_text("To be, or not to be")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a run of one epoch, started with TEXT."""
    run = tmp_path / "reference"
    run.mkdir()
    (run / "config.toml").write_text(to_toml(with_overrides(load_preset("reference"), [("train.epochs", 1.0)])))
    RunDirectory(run).write_json("provenance.json", {"text": {"sha256": TEXT.sha256}})
    return tmp_path


def test_a_run_with_the_same_request_is_returned(root: Path) -> None:
    request = Request("reference", epochs=1.0)
    for corpus in (None, TEXT):
        found = existing_run(root, "reference", request, corpus)
        assert found is not None
        assert found.path == root / "reference"
    assert existing_run(root, "other", request, TEXT) is None
    assert existing_run(root / "nowhere", "reference", request, TEXT) is None


@pytest.mark.parametrize(
    ("request_", "corpus", "says"),
    [
        (Request("reference"), None, r"another train\.epochs: .* another name"),
        (Request("reference", ["optimizer.kind=adamw"], epochs=1.0), TEXT, r"another optimizer\.kind"),
        (Request("reference", epochs=1.0, seed=1), None, r"another train\.seed"),
        (Request("reference", epochs=1.0), Corpus.from_text("that is the question"), "another text"),
    ],
    ids=["epochs", "optimizer", "seed", "text"],
)
def test_a_run_with_another_request_is_refused(
    root: Path, request_: Request, corpus: Corpus | None, says: str
) -> None:
    with pytest.raises(OctavoError, match=f"reference was started with {says}"):
        existing_run(root, "reference", request_, corpus)


def test_a_folder_that_is_no_run_and_a_name_that_cannot_be(root: Path) -> None:
    (root / "notes").mkdir()
    with pytest.raises(OctavoError, match="notes exists"):
        existing_run(root, "notes", Request("reference"), None)
    with pytest.raises(OctavoError, match=r"\.\./x"):
        existing_run(root, "../x", Request("reference"), None)
