"""One cell: which failures are results, and what its row says of a look."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from octavo.corpus import read_corpus
from octavo.errors import OctavoError
from octavo.experiments import cell
from octavo.experiments.cell import CellJob, run_cell
from octavo.experiments.results import CellResult
from octavo.pipeline.run import Run, load
from octavo.runs import RunDirectory, locked
from octavo.runs.completion import is_finished
from octavo.runs.resume import run_to_resume

MakeJob = Callable[..., CellJob]

WILD: dict[str, Any] = {
    "optimizer.kind": "adamw",
    "optimizer.learning_rate": 10.0,
    "optimizer.clip_norm": 0.0,
    "schedule.kind": "constant",
    "train.steps": 200,
}


@pytest.fixture
def make_job(scene_file: Path, tiny: dict[str, Any], tmp_path: Path) -> MakeJob:
    """A cell of six steps, with changes of its settings."""

    def make(changes: dict[str, Any] | None = None) -> CellJob:
        settings = tiny | {"train.validate_every": 3, "train.steps": 6, "train.minutes": 0.0} | (changes or {})
        sha256 = read_corpus([str(scene_file)], encoding="utf-8").sha256
        return CellJob(str(tmp_path), "a", 1, settings, (str(scene_file),), "utf-8", sha256, (), False)

    return make


def row_of(job: CellJob) -> CellResult:
    row = run_cell(job)
    assert row is not None
    return row


def test_a_text_is_split_into_its_documents(make_job: MakeJob, scene_file: Path) -> None:
    unit = r"separator:\n\n"
    sha256 = read_corpus(scene_file, documents=unit).sha256
    row = row_of(replace(make_job(), documents=unit, sha256=sha256))
    assert not row.failure
    assert "text changed" in row_of(replace(make_job(), seed=2, documents=unit)).failure


def test_divergence_is_a_final_result_and_marked(make_job: MakeJob) -> None:
    row = row_of(make_job(WILD))
    assert "the loss" in row.failure
    assert (row.final, row.ran_away) == (True, True)
    assert CellResult.from_json(row.to_dict()) == row


def test_a_cell_works_on_one_thread_and_the_caller_gets_its_own_back(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = torch.get_num_threads()
    within: list[int] = []

    def refused(job: CellJob) -> tuple[bool, Run]:
        within.append(torch.get_num_threads())
        raise OctavoError("no")

    monkeypatch.setattr(cell, "_train_or_load", refused)
    try:
        torch.set_num_threads(3)
        run_cell(make_job())
        assert (within, torch.get_num_threads()) == ([1], 3)
    finally:
        torch.set_num_threads(threads)


def test_a_run_of_that_name_in_the_current_folder_is_not_the_cells(
    make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job()
    other = tmp_path / "other"
    assert not row_of(replace(job, folder=str(other))).failure
    assert not row_of(job).failure
    (tmp_path / job.run / "evaluation.json").unlink()  # so that it goes on
    (other / job.run / "evaluation.json").unlink()
    monkeypatch.chdir(other)
    assert not row_of(job).failure
    assert not (other / job.run / "evaluation.json").exists()


def test_a_refused_setting_is_a_final_result(make_job: MakeJob) -> None:
    row = row_of(make_job({"data.context_length": 9000}))
    assert "9000" in row.failure
    assert (row.final, row.ran_away) == (True, False)


class TestNoResult:
    """A failure that the settings did not cause is tried again."""

    def test_a_disk_that_is_full_before_the_first_step(
        self, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("octavo.pipeline.train.write_atomically", full)
        row = row_of(make_job())
        assert "No space left on device" in row.failure
        assert (row.final, row.ran_away) == (False, False)

    def test_a_disk_that_is_full_later(self, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("octavo.pipeline.session.save_checkpoint", full)
        assert not row_of(make_job()).final

    def test_a_run_that_cannot_be_resumed(self, make_job: MakeJob, tmp_path: Path) -> None:
        job = make_job()
        assert not row_of(job).failure
        (tmp_path / job.run / "evaluation.json").unlink()
        (tmp_path / job.run / "tokenizer.json").write_text("{")
        row = row_of(job)
        assert "tokenizer.json" in row.failure
        assert not row.final

    def test_another_text(self, make_job: MakeJob) -> None:
        row = row_of(replace(make_job(), sha256="other"))
        assert "text changed" in row.failure
        assert not row.final

    @pytest.mark.parametrize("content", [None, b"\xff\xfe\xff"], ids=["missing", "not UTF-8"])
    def test_an_unreadable_text(self, make_job: MakeJob, tmp_path: Path, content: bytes | None) -> None:
        place = tmp_path / "gone.txt"
        if content:
            place.write_bytes(content)
        row = row_of(replace(make_job(), text=(str(place),)))
        assert "gone.txt" in row.failure
        assert not row.final

    @pytest.mark.parametrize("damage", ["config.toml", ".lock", "a link"])
    def test_a_run_that_is_damaged_and_not_locked(
        self, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch, damage: str
    ) -> None:
        job = make_job()
        assert not row_of(job).failure
        place = Path(job.folder, job.run)
        if damage == "a link":
            (place / "link").symlink_to(place.parent)
        else:
            (place / damage).unlink()
            (place / damage).mkdir()
        monkeypatch.setattr("octavo.experiments.cell.time.sleep", _waited)
        row = row_of(job)
        assert str(place) in row.failure
        assert not row.trace
        assert not row.final

    def test_a_lock_that_another_process_takes(self, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
        job = make_job()
        assert not row_of(job).failure
        place = Path(job.folder, job.run)
        (place / "evaluation.json").unlink()
        monkeypatch.setattr(cell, "_wait_for_lock", lambda place: None)
        with locked(load(place).directory):
            row = row_of(job)
        assert "another process" in row.failure
        assert not row.final


def _waited(seconds: float) -> None:
    raise AssertionError("it would wait for ever")


def full(*arguments: Any, **options: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a file")


def test_a_cell_that_is_done_is_finished_and_not_resumed(make_job: MakeJob, tmp_path: Path) -> None:
    job = make_job()
    row_of(job)
    assert is_finished(RunDirectory(tmp_path / job.run))
    with pytest.raises(OctavoError, match="no unfinished run"):
        run_to_resume(tmp_path, None)


@pytest.mark.parametrize(("select_on", "known"), [("validation", True), ("train-slice", False)])
def test_the_validation_loss_is_of_the_held_out_part_or_none(make_job: MakeJob, select_on: str, known: bool) -> None:
    row = row_of(make_job({"train.patience": 5, "train.select_on": select_on}))
    assert row.train_loss is not None
    assert row.weight_norm is not None
    assert (row.validation_loss is not None) is known
