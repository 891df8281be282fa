"""When a run is finished."""

from pathlib import Path
from typing import Any

import pytest

from octavo.errors import OctavoError
from octavo.experiments.folder import EXPERIMENT_FILE as EXPERIMENT
from octavo.runs import RunDirectory
from octavo.runs import completion as module
from octavo.runs.completion import (
    EXAMINATION_FILE,
    failed_parts,
    is_finished,
    missing_stage,
    record_brief,
    record_examination,
)
from octavo.runs.scores import Score, add_score


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    (tmp_path / "run" / "checkpoints" / "step-00000002").mkdir(parents=True)
    run = RunDirectory(tmp_path / "run")
    run.write_json("provenance.json", {"forecast": {"whole_command": {}}})
    return run


def ended(run: RunDirectory) -> None:
    (run.path / "metrics.jsonl").write_text('{"event": "end", "step": 2, "epoch": 1.0, "seconds": 1.0}\n')


def scored(run: RunDirectory, **changes: Any) -> None:
    way = {"protocol": "sliding", "stride": 16, "window_characters": 0, "context_length": 32}
    text = {"text": "validation", "own_text": True, "sha256": "1", "checkpoint": "step-00000002"}
    add_score(run, Score(text | way | changes))


@pytest.fixture
def examined(run: RunDirectory) -> RunDirectory:
    ended(run)
    scored(run)
    (run.path / "samples.txt").touch()
    return run


def test_it_lacks_one_thing_after_the_other(run: RunDirectory) -> None:
    assert missing_stage(run) == "training"
    ended(run)
    scored(run, checkpoint="step-00000001")
    assert missing_stage(run) == "score", "of older weights"
    scored(run, text="train")
    assert missing_stage(run) == "score"
    scored(run)
    assert missing_stage(run) == "examination"
    (run.path / "samples.txt").touch()
    assert is_finished(run)


def test_samples_that_could_not_be_made_are_not_waited_for(run: RunDirectory) -> None:
    ended(run)
    scored(run)
    record_examination(run, {"curves": "There are none."})
    assert not is_finished(run)
    record_examination(run, {"curves": "There are none.", "samples": "There are none."})
    assert is_finished(run)
    assert failed_parts(run) == {"curves": "There are none.", "samples": "There are none."}


def test_of_an_examination_that_made_everything_nothing_is_noted(examined: RunDirectory) -> None:
    record_examination(examined, {"curves": "There are none."})
    record_examination(examined, {})
    assert failed_parts(examined) == {}
    assert not (examined.path / EXAMINATION_FILE).exists()
    assert is_finished(examined)


def test_a_run_that_nobody_asked_to_examine_is_finished_without(run: RunDirectory) -> None:
    ended(run)
    scored(run)
    record_brief(run)
    assert is_finished(run)


def test_a_cell_of_an_earlier_version_is_finished_without(run: RunDirectory) -> None:
    ended(run)
    scored(run)
    assert not is_finished(run)
    (run.path.parent / EXPERIMENT).touch()
    assert is_finished(run)
    assert module._EXPERIMENT_FILE == EXPERIMENT


@pytest.mark.parametrize("provenance", [{}, {"forecast": {"seconds": 3.0}}])
def test_a_scored_run_of_an_earlier_version_is_finished_unless_its_examination_began(
    run: RunDirectory, provenance: dict[str, Any]
) -> None:
    run.write_json("provenance.json", provenance)
    ended(run)
    assert missing_stage(run) == "score"
    scored(run)
    assert is_finished(run)
    for name in ("baselines.json", "diagnosis.json"):
        (run.path / name).touch()
        assert missing_stage(run) == "examination"
        (run.path / name).unlink()
    record_examination(run, {"curves": "There are none."})
    assert missing_stage(run) == "examination", "by this version"


def test_what_was_examined_is_not_called_brief(examined: RunDirectory) -> None:
    record_examination(examined, {"curves": "There are none."})
    record_brief(examined)
    assert failed_parts(examined) == {"curves": "There are none."}


def test_a_damaged_note_is_a_sentence(run: RunDirectory) -> None:
    ended(run)
    scored(run)
    (run.path / EXAMINATION_FILE).write_text('{"failed": 3}')
    with pytest.raises(OctavoError, match=r"examination\.json is damaged"):
        is_finished(run)
    (run.path / EXAMINATION_FILE).unlink()
    run.write_json("provenance.json", {"forecast": 3})
    with pytest.raises(OctavoError, match=r"provenance\.json is damaged: its forecast"):
        is_finished(run)
