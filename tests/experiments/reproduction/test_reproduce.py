"""The reproduction of a run with other settings names them, and has the run's own figures."""

import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from octavo.errors import OctavoError
from octavo.evaluate.diagnosis.case import Finding
from octavo.experiments.reproduction import commentary
from octavo.experiments.reproduction.epochs import LossPoint
from octavo.experiments.reproduction.losses import BatchLosses, Perplexities
from octavo.experiments.reproduction.page import reproduction_page
from octavo.experiments.reproduction.patterns import TextAttention
from octavo.experiments.reproduction.reported import EpochRow
from octavo.experiments.reproduction.reproduce import reproduce, write_reproduction
from octavo.experiments.reproduction.results import Reproduction
from octavo.pipeline.progress import Progress
from octavo.pipeline.run import Run, load


@pytest.fixture(scope="module")
def found(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Reproduction:
    """Of a run of `pocket`'s kind: byte-level BPE, one layer, a start token."""
    place = tmp_path_factory.mktemp("runs") / "play"
    shutil.copytree(trained.path, place)
    return write_reproduction(load(place), Progress())


def test_a_run_of_another_kind(found: Reproduction) -> None:
    folder = found.run.path / "reproduction"
    text = (folder / "report.md").read_text()
    assert text == reproduction_page(found)
    assert "bits per character are comparable" in text
    assert "`tokenizer.kind`: whitespace-bpe → bpe" in text
    assert "a bug in Octavo" not in text
    assert len(list(folder.glob("attention-*-layer-0.png"))) == len(list(folder.glob("attention-*"))) == 3
    assert [point.step for point in found.validation_curve] == [20, 40, 60, 80]


def test_the_keys_on_disk_are_those_of_earlier_versions(found: Reproduction) -> None:
    values = found.to_dict()
    assert " ".join(values) == (
        "run checkpoint changed_settings facts epochs looks perplexity evaluation diagnosis runtime attention "
        "largest_query_or_key_weight generations"
    )
    assert " ".join(values["facts"][0]) == "name expected seen because equal"
    assert " ".join(values["looks"][0]) == "step epoch validation_loss train_loss weight_norm"
    assert " ".join(values["attention"][0]) == "text tokens distance_from_even"


def test_the_table_of_epochs_has_the_reports_columns(found: Reproduction) -> None:
    epochs = (
        EpochRow(1, 5.2663, 5.5497, 257.15),
        EpochRow(10, 5.5169, 5.5277, 251.57),
        EpochRow(11, 5.5, 5.5, 244.69),
    )
    lines = reproduction_page(replace(found, epochs=epochs)).splitlines()
    assert "| 1 | 5.2663 | 5.2713 | -0.0050 | 5.5497 | 5.5793 | -0.0296 | 257.15 | 264.89 | -7.74 |" in lines
    assert "| 10 | 5.5169 | 5.5169 | +0.0000 | 5.5277 | 5.5277 | +0.0000 | 251.57 | 251.58 | -0.01 |" in lines
    assert "| 11 | 5.5000 |  |  | 5.5000 |  |  | 244.69 |  |  |" in lines
    rows = replace(found, epochs=epochs).to_dict()["epochs"]
    assert [row["here"] for row in rows] == [asdict(epoch) for epoch in epochs]
    assert rows[0]["report"] == {
        "epoch": 1,
        "train_loss": 5.2713,
        "validation_loss": 5.5793,
        "validation_perplexity": 264.89,
    }
    assert rows[2]["report"] is None
    both = replace(found, epochs=epochs).to_dict()["epochs"]
    assert both[0]["report"] == {
        "epoch": 1,
        "train_loss": 5.2713,
        "validation_loss": 5.5793,
        "validation_perplexity": 264.89,
    }
    assert both[2]["report"] is None


def test_the_diagnosis_is_on_the_page_and_among_the_figures(found: Reproduction) -> None:
    finding = Finding("collapse", "error", "held-out loss rose back", "decouple it", {"lowest_step": 3800})
    changed = replace(found, findings=(finding,))
    assert "- **collapse**: held-out loss rose back. To fix: decouple it." in reproduction_page(changed)
    assert changed.to_dict()["diagnosis"] == [asdict(finding)]
    assert "No findings" in reproduction_page(replace(found, findings=()))
    assert list(found.findings) == found.run.diagnose()


def measured(validation: float, training: float) -> Perplexities:
    losses = (BatchLosses((loss,) * 157, (64,) * 156 + (16,)) for loss in (validation, training))
    return Perplexities(next(losses), 30.0, next(losses), 358_453, 5.5144, 5.5305)


class TestCommentary:
    @pytest.mark.parametrize(
        ("loss", "says"),
        [(5.5277, "5.5277: 0.0028 better"), (5.5497, "0.0192 worse"), (4.5, "1.0305 better")],
    )
    def test_against_token_frequencies(self, loss: float, says: str) -> None:
        assert says in commentary.about_unigram_baseline(measured(loss, loss))

    def test_the_reports_training_figure_is_worked_out(self) -> None:
        said = commentary.about_training_loss(measured(5.5277, 5.5172))
        assert "5.5172 × 10,000 / 358,453 = 0.1539" in said
        assert '"perplexity" 1.17' in said
        assert "nothing was memorised" in said
        assert "1.2000 nats per token better" in commentary.about_training_loss(measured(4.7, 3.5))

    POINTS = (
        LossPoint(200, 0.04, 5.39, 5.38, 241.5),
        LossPoint(3800, 0.68, 5.033, 5.0, 85.0),
        LossPoint(5600, 1.0, 5.56, 5.56, 43.4),
    )

    def test_unlearning(self) -> None:
        said = commentary.about_first_epoch(self.POINTS)
        assert "step 3,800 (68% of the first epoch)" in said
        assert "5.0330" in said
        assert "from 242 to 43" in said

    def test_a_healthy_epoch(self) -> None:
        assert "did not rise" in commentary.about_first_epoch(self.POINTS[:2])
        assert "no validation points" in commentary.about_first_epoch(())

    def test_heads_with_uniform_attention(self, found: Reproduction) -> None:
        even = [_with_pattern(read, _uniform) for read in found.attention]
        assert "Every head attends uniformly" in commentary.about_attention(replace(found, attention=tuple(even)))
        alone = [_with_pattern(read, _alone) for read in found.attention]
        said = commentary.about_attention(replace(found, attention=tuple(alone)))
        assert "layer 0: 1.000, 1.000, 1.000, 1.000." in said
        assert "uniformly" not in said


def _with_pattern(read: TextAttention, pattern: Callable[[int], Any]) -> TextAttention:
    """The same text, where every head has this pattern."""
    patterns = np.zeros_like(read.attention.patterns) + pattern(len(read.attention.passage.labels))
    return replace(read, attention=replace(read.attention, patterns=patterns))


def _uniform(tokens: int) -> Any:
    return (np.tril(np.ones((tokens, tokens))) / np.arange(1, tokens + 1)[:, None]).astype(np.float32)


def _alone(tokens: int) -> Any:
    return np.eye(tokens, dtype=np.float32)


def test_a_folder_that_cannot_be_written_to_is_said(
    found: Reproduction, copied: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "octavo.experiments.reproduction.reproduce.measure_run", lambda run, progress: replace(found, run=run)
    )
    (copied.path / "reproduction").write_text("in the way")
    with pytest.raises(OctavoError, match="reproduction "):
        write_reproduction(copied, Progress())


def test_another_text_than_the_runs_is_refused(copied: Run) -> None:
    with pytest.raises(OctavoError, match="started with another"):
        reproduce(name=copied.name, runs=copied.path.parent, progress=False)
