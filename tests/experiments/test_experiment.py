"""A whole experiment: its folder, resuming it, failures, and that seeds are paired."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from octavo.errors import OctavoError
from octavo.experiments import cell, read_spec
from octavo.experiments.executors import _MAX_TRIES
from octavo.experiments.experiment import Experiment, experiment
from octavo.experiments.results import CellResult
from octavo.model import Transformer
from octavo.pipeline.run import load
from octavo.runs import RunDirectory, list_runs, locked

Values = dict[str, Any]


@pytest.fixture(scope="module")
def inline() -> Iterator[Executor]:
    """Cells one after the other in this process, which is quick here."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture(scope="module")
def done(
    play: str, tiny: Values, tmp_path_factory: pytest.TempPathFactory, inline: Executor
) -> tuple[Experiment, Values]:
    """Two variants and two seeds, finished, and what was asked for; for reading only."""
    folder = tmp_path_factory.mktemp("experiment")
    (folder / "scene.txt").write_bytes(play[:8_000].encode())
    values = {
        "title": "Does AdamW help?",
        "text": str(folder / "scene.txt"),
        "seeds": [1, 2],
        "steps": 6,
        "overrides": tiny | {"train.validate_every": 3, "train.log_every": 1},
        "variants": {"muon": {}, "adamw": {"optimizer.kind": "adamw"}},
        "score": {"contexts": [32, 16, 64]},
    }
    return experiment(values, name="optimizers", runs=folder, executor=inline, progress=False), values


@pytest.fixture
def again(done: tuple[Experiment, Values], tmp_path: Path, inline: Executor) -> Callable[..., Experiment]:
    """Start a copy of that experiment again, with changes."""
    result, values = done
    shutil.copytree(result.path, tmp_path / "optimizers")

    def start(changes: Values | None = None, **options: Any) -> Experiment:
        given: Values = {"name": "optimizers", "runs": tmp_path, "executor": inline, "progress": False} | options
        return experiment(values | (changes or {}), **given)

    return start


def first_losses(result: Experiment) -> dict[str, float]:
    return {row.run: float(load(result.path / row.run).metrics[0]["loss"]) for row in result.rows}


class TestResults:
    def test_every_cell_is_a_run_with_its_score(self, done: tuple[Experiment, Values]) -> None:
        result, _ = done
        assert [(row.variant, row.seed) for row in result.rows] == [
            ("muon", 1),
            ("adamw", 1),
            ("muon", 2),
            ("adamw", 2),
        ]
        for row in result.rows:
            run = load(result.path / row.run)
            assert run.config.train.seed == row.seed
            assert run.config.optimizer.kind == row.variant
            assert row.nats_per_character == run.evaluation.nats_per_character
            assert run.generate("KING", max_new_tokens=3)
            last = [e for e in run.metrics if e["event"] == "validation"][-1]
            assert (row.train_loss, row.validation_loss) == (last["train_loss"], last["loss"])
            assert row.weight_norm == last["weight_norm"]
            assert (row.steps, row.ended, row.sessions) == (6, "budget", 1)
            assert row.parameters == run.model.n_parameters()
            assert row.tokens_per_second is not None
            assert row.peak_memory_bytes is None, "it shares its process with others"
        assert (result.missing, result.failed) == (0, 0)

    def test_scores_in_windows_of_other_lengths(self, done: tuple[Experiment, Values]) -> None:
        row = done[0].rows[0]
        assert list(row.at_context) == ["16", "32", "64"]
        assert row.at_context["32"] == row.nats_per_character, "its own length"
        assert len(set(row.at_context.values())) == 3
        kept = load(done[0].path / row.run).directory.read_json("evaluation.json")["all"]
        assert [score["context_length"] for score in kept] == [32], "the run is listed by its own score"

    def test_files(self, done: tuple[Experiment, Values]) -> None:
        result, _ = done
        assert (result.path / "table.md").read_text() == result.table()
        assert [path.name for path in result.figures] == ["figure.png", "figure.svg"]
        kept = json.loads((result.path / "experiment.json").read_text())
        assert kept["title"] == "Does AdamW help?"
        assert [CellResult.from_json(row) for row in kept["rows"]] == list(result.rows)
        assert kept["variants"]["adamw"]["differs_from_base"] == {"optimizer.kind": "adamw"}
        found = kept["summary"][1]
        assert found["variant"] == "adamw"
        rows = {(row["variant"], row["seed"]): row["nats_per_character"] for row in kept["rows"]}
        difference = np.mean([rows["adamw", s] - rows["muon", s] for s in (1, 2)])
        assert found["differences"]["nats_per_character"]["mean"] == pytest.approx(difference)
        assert result["adamw"].differences["nats_per_character"].mean == pytest.approx(difference)

    def test_octavo_lists_the_runs_and_skips_the_experiment(self, done: tuple[Experiment, Values]) -> None:
        result, _ = done
        assert list_runs(result.path.parent) == []
        assert len(list_runs(result.path)) == 4


class TestPairing:
    def test_variants_of_a_seed_begin_alike_and_see_the_same(self, done: tuple[Experiment, Values]) -> None:
        """The first loss is of the first weights on the first batch through the first dropout masks."""
        losses = first_losses(done[0])
        assert losses["muon-seed1"] == losses["adamw-seed1"]
        assert losses["muon-seed2"] == losses["adamw-seed2"]
        assert losses["muon-seed1"] != losses["muon-seed2"]

    def test_their_tokens_are_the_same(self, done: tuple[Experiment, Values]) -> None:
        for part in ("train", "validation"):
            ids = [load(done[0].path / row.run).splits[part].ids for row in done[0].rows]
            assert all((other == ids[0]).all() for other in ids)

    def test_weights_are_equal_wherever_shapes_are(self, values: Values) -> None:
        narrow, wide = read_spec(values).variants
        first, second = (
            dict(Transformer(v.config.model, 300, v.with_seed(1).train.seed).named_parameters())
            for v in (narrow, wide)
        )
        alike = [name for name in first if first[name].shape == second[name].shape]
        assert "blocks.0.attention.q.weight" in alike
        assert "blocks.0.feedforward.up.weight" not in alike
        assert all(torch.equal(first[name], second[name]) for name in alike)


def trained_at(result: Experiment) -> dict[str, int]:
    return {row.run: (result.path / row.run / "metrics.jsonl").stat().st_mtime_ns for row in result.rows}


class TestResuming:
    def test_when_all_is_done_nothing_runs(
        self, again: Callable[..., Experiment], done: tuple[Experiment, Values]
    ) -> None:
        before = trained_at(done[0])
        result = again(executor=Broken())
        assert result.rows == done[0].rows
        assert result.summary == done[0].summary
        assert {run: result.path / run for run in before}.keys() == trained_at(result).keys()

    def test_only_what_is_missing_runs(
        self, again: Callable[..., Experiment], done: tuple[Experiment, Values], tmp_path: Path
    ) -> None:
        shutil.rmtree(tmp_path / "optimizers" / "adamw-seed2")
        before = trained_at(Experiment(tmp_path / "optimizers", done[0].spec, done[0].rows[:3], ()))
        result = again()
        after = trained_at(result)
        assert {run: after[run] for run in before} == before
        assert result.rows[:3] == done[0].rows[:3]
        assert result.rows[3].nats_per_character == done[0].rows[3].nats_per_character, (
            "the same seed, the same score"
        )

    def test_a_seed_and_a_variant_may_be_added_and_the_base_changed(
        self, again: Callable[..., Experiment], done: tuple[Experiment, Values]
    ) -> None:
        before = trained_at(done[0])
        variants = done[1]["variants"] | {"adam": {"optimizer.kind": "adam"}}
        result = again({"seeds": [1, 2, 3], "variants": variants, "base": "adam", "title": "Another"})
        assert len(result.rows) == 9
        assert result.failed == 0
        assert "minus adam" in result.table()
        after = trained_at(result)
        assert {run: after[run] for run in before} == before, "what was there did not run again"

    def test_what_is_there_may_not_be_left_out(self, again: Callable[..., Experiment]) -> None:
        with pytest.raises(OctavoError, match="seed 2"):
            again({"seeds": [1]})
        with pytest.raises(OctavoError, match="variant adamw"):
            again({"variants": {"muon": {}}})

    @pytest.mark.parametrize(
        "damage",
        [
            *("{", "[]", '{"rows": 3}', '{"rows": [], "variants": [], "seeds": []}'),
            '{"rows": [], "variants": {"v": 1}, "seeds": []}',
            '{"rows": [], "variants": {}, "seeds": [], "precision": ["fp32"]}',
        ],
    )
    def test_damaged_results_are_told(self, again: Callable[..., Experiment], tmp_path: Path, damage: str) -> None:
        (tmp_path / "optimizers" / "experiment.json").write_text(damage)
        with pytest.raises(OctavoError, match=r"experiment\.json is damaged"):
            again()

    def test_other_windows_are_scored_without_training(
        self, again: Callable[..., Experiment], done: tuple[Experiment, Values]
    ) -> None:
        result = again({"score": {"contexts": [16, 24]}})
        assert [list(row.at_context) for row in result.rows] == [["16", "24"]] * 4
        assert [row.sessions for row in result.rows] == [1] * 4

    def test_lost_results_are_read_from_the_runs(
        self, again: Callable[..., Experiment], done: tuple[Experiment, Values], tmp_path: Path
    ) -> None:
        place = tmp_path / "optimizers" / "experiment.json"
        kept = json.loads(place.read_text())
        place.write_text(json.dumps(kept | {"rows": [{"of_another": "version"}]}))
        assert again().rows == done[0].rows

    def test_a_row_that_names_the_run_of_another_cell_counts_for_nothing(
        self, again: Callable[..., Experiment], done: tuple[Experiment, Values], tmp_path: Path
    ) -> None:
        place = tmp_path / "optimizers" / "experiment.json"
        kept = json.loads(place.read_text())
        kept["rows"][1]["run"] = kept["rows"][0]["run"]
        place.write_text(json.dumps(kept))
        assert again().rows == done[0].rows

    def test_a_run_that_does_not_say_its_text_is_refused(
        self, again: Callable[..., Experiment], tmp_path: Path
    ) -> None:
        place = tmp_path / "optimizers" / "muon-seed1" / "provenance.json"
        place.write_text(json.dumps({**json.loads(place.read_text()), "text": {}}))
        with pytest.raises(OctavoError, match="another text"):
            again()

    def test_another_setting_is_refused(self, again: Callable[..., Experiment], tmp_path: Path) -> None:
        before = (tmp_path / "optimizers" / "experiment.json").read_bytes()
        with pytest.raises(OctavoError, match=r"variant muon .*train\.steps"):
            again({"steps": 7})
        variants = {"muon": {}, "adamw": {"optimizer.kind": "adam"}}
        with pytest.raises(OctavoError, match=r"variant adamw .*optimizer\.kind"):
            again({"variants": variants})
        assert (tmp_path / "optimizers" / "experiment.json").read_bytes() == before

    def test_another_text_is_refused(self, again: Callable[..., Experiment], tmp_path: Path) -> None:
        (tmp_path / "other.txt").write_text("another text " * 900)
        with pytest.raises(OctavoError, match="another text"):
            again({"text": str(tmp_path / "other.txt")})

    def test_a_folder_of_something_else_is_refused(self, again: Callable[..., Experiment], tmp_path: Path) -> None:
        (tmp_path / "notes").mkdir()
        (tmp_path / "notes" / "a.txt").write_text("mine")
        with pytest.raises(OctavoError, match="notes exists"):
            again(name="notes")
        with pytest.raises(OctavoError, match="adamw-seed1 exists"):
            again(name="adamw-seed1", runs=tmp_path / "optimizers")
        with pytest.raises(OctavoError, match=r"\.\./up"):
            again(name="../up")

    def test_two_at_a_time_are_refused(self, again: Callable[..., Experiment], tmp_path: Path) -> None:
        with (
            locked(RunDirectory(tmp_path / "optimizers")),
            pytest.raises(OctavoError, match=r"another process .*optimizers"),
        ):
            again()

    def test_a_run_that_another_process_trains_is_waited_for(
        self,
        again: Callable[..., Experiment],
        done: tuple[Experiment, Values],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """So a cell that was left behind on a cluster is taken up when it is done, and not begun twice."""
        monkeypatch.setattr(cell, "_LOCK_POLL_SECONDS", 0.01)
        place = tmp_path / "optimizers"
        kept = json.loads((place / "experiment.json").read_text())
        (place / "experiment.json").write_text(json.dumps(kept | {"rows": kept["rows"][1:]}))
        found: list[Experiment] = []
        waiting = threading.Thread(target=lambda: found.append(again()))
        with locked(RunDirectory(place / "muon-seed1")):
            waiting.start()
            waiting.join(0.3)
            assert waiting.is_alive()
        waiting.join(30)
        assert found[0].rows == done[0].rows


class Broken(Executor):
    """Takes no work."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        raise BrokenExecutor("it is broken")


class Crashing(ThreadPoolExecutor):
    """Its worker dies with the first calls of some runs."""

    def __init__(self, deaths: dict[str, int]) -> None:
        super().__init__(1)
        self.deaths = deaths

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        if self.deaths.get(args[0].run, 0):
            self.deaths[args[0].run] -= 1
            return super().submit(_die)
        return super().submit(function, *args, **kwargs)


def _die() -> None:
    raise ChildProcessError("its process died")


class TestFailures:
    WILD: ClassVar[Values] = {
        "optimizer.kind": "adamw",
        "optimizer.learning_rate": 10.0,
        "optimizer.clip_norm": 0.0,
        "schedule.kind": "constant",
        "steps": 200,
    }

    def test_a_variant_that_diverges_is_a_row_and_the_rest_continues(
        self, values: Values, tmp_path: Path, inline: Executor
    ) -> None:
        values |= {"seeds": [1], "variants": {"wild": self.WILD, "tame": {}}}
        result = experiment(values, name="wild", runs=tmp_path, executor=inline, progress=False)
        wild, tame = result.rows
        assert "the loss" in wild.failure
        assert wild.final
        assert wild.nats_per_character is None
        assert tame.nats_per_character is not None
        assert (result.failed, result.missing) == (1, 0)
        assert f"- wild, seed 1, failed: {wild.failure}" in (tmp_path / "wild" / "table.md").read_text()
        again = experiment(values, name="wild", runs=tmp_path, executor=Broken(), progress=False)
        assert again.rows == result.rows, "divergence is final"
        with pytest.raises(OctavoError, match="no more work"):
            experiment(values, name="wild", runs=tmp_path, executor=Broken(), retry=True, progress=False)

    def test_a_text_too_short_for_one_variant(self, values: Values, tmp_path: Path, inline: Executor) -> None:
        values |= {"seeds": [1], "variants": {"tame": {}, "long": {"data.context_length": 9000}}}
        result = experiment(values, name="a", runs=tmp_path, executor=inline, progress=False)
        assert "8,000 characters" in result.rows[1].failure

    def test_a_cell_whose_process_dies_is_tried_twice(self, values: Values, tmp_path: Path) -> None:
        values["seeds"] = [1]
        with Crashing({"narrow-seed1": 1, "wide-seed1": _MAX_TRIES}) as executor:
            result = experiment(values, name="a", runs=tmp_path, executor=executor, progress=False)
            narrow, wide = result.rows
            assert narrow.nats_per_character is not None
            assert wide.failure == "its process died, 2 times"
            retried = experiment(values, name="a", runs=tmp_path, executor=executor, progress=False)
        assert retried.failed == 0, "the next start tries it again"
        assert retried.rows[0] == narrow

    def test_an_unexpected_error_is_kept_with_its_traceback(
        self, values: Values, tmp_path: Path, inline: Executor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def explode(*args: Any, **options: Any) -> None:
            raise RuntimeError("not enough memory")

        monkeypatch.setattr(cell, "train", explode)
        values["seeds"] = [1]
        result = experiment(values, name="a", runs=tmp_path, executor=inline, progress=False)
        assert [row.failure for row in result.rows] == ["RuntimeError: not enough memory"] * 2
        assert "in explode" in result.rows[0].trace
        assert result.figures == []
        assert (tmp_path / "a" / "table.md").exists()

    def test_a_text_that_changes_during_the_experiment_is_a_failure(self, values: Values, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("one text " * 900)

        class Late(ThreadPoolExecutor):
            def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
                (tmp_path / "a.txt").write_text("another text " * 900)
                return super().submit(function, *args, **kwargs)

        values |= {"text": str(tmp_path / "a.txt"), "seeds": [1], "variants": {"a": {}}}
        with Late(1) as executor:
            result = experiment(values, name="a", runs=tmp_path, executor=executor, progress=False)
        assert "text changed" in result.rows[0].failure


def test_precision_is_decided_once_for_all(
    values: Values, tmp_path: Path, inline: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    values["overrides"]["train.precision"] = "auto"
    values |= {"seeds": [1], "variants": {"a": {}}}
    first = experiment(values, name="a", runs=tmp_path, executor=inline, progress=False)
    precision = json.loads((first.path / "experiment.json").read_text())["precision"]
    assert load(first.path / "a-seed1").config.train.precision == precision
    other = {"fp32": "bf16", "bf16": "fp32"}[precision]
    monkeypatch.setattr("octavo.training.precision._MIN_SPEEDUP", {"bf16": 0.0, "fp32": 1e9}[other])
    more = experiment(values | {"seeds": [1, 2]}, name="a", runs=tmp_path, executor=inline, progress=False)
    assert load(more.path / "a-seed2").config.train.precision == precision, "and stays what it was"
    assert more.rows[0] == first.rows[0]


def test_a_table_of_positions_is_scored_as_far_as_it_goes(values: Values, tmp_path: Path, inline: Executor) -> None:
    table = {"model.position": "learned", "model.max_positions": 32}
    values |= {"seeds": [1], "variants": {"rotary": {}, "table": table}, "score": {"contexts": [32, 48]}}
    rotary, learned = experiment(values, name="a", runs=tmp_path, executor=inline, progress=False).rows
    assert learned.at_context == {"32": learned.nats_per_character, "48": None}
    assert rotary.at_context["48"] is not None
