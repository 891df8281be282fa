"""Several runs on one page: what compares stands on one scale, and what does not says why."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import octavo
from octavo.errors import OctavoError
from octavo.pipeline.run import Run, load
from octavo.pipeline.train import train
from octavo.reports.compare import ComparableRuns, ScoredRun, compare, group_comparable, read_scored_run

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

Change = Callable[..., ScoredRun]


@pytest.fixture(scope="module")
def wider(trained: Run, play_file: Path, tiny: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Another run on the same text."""
    overrides = tiny | {"model.d_ff": 80, "train.steps": 40, "train.minutes": 0}
    root = tmp_path_factory.mktemp("wider")
    return train(play_file, name="wider", overrides=overrides, runs=root, progress=False, brief=True)


@pytest.fixture
def change(trained: Run) -> Change:
    """The trained run with another number, and a score with changes."""

    def make(number: int, **changes: Any) -> ScoredRun:
        run = read_scored_run(f"{number} play", trained)
        fields = {name: changes.pop(name) for name in ("tokenizer", "trained_on") if name in changes}
        return replace(run, score=replace(run.score, evaluation=replace(run.score.evaluation, **changes)), **fields)

    return make


def named(groups: list[ComparableRuns]) -> list[list[str]]:
    return [[run.name for run in group.runs] for group in groups]


class TestWhatCompares:
    def test_one_text_and_tokenizers_that_lose_nothing(self, change: Change) -> None:
        groups, left = group_comparable([change(1), change(2, tokenizer="other"), change(3)])
        assert named(groups) == [["1 play", "2 play", "3 play"]]
        assert left == {}
        assert {b.kind for b in groups[0].baselines} == {"kneser-ney", "compressor"}, "tokens are not the same"
        assert len(groups[0].notes) > 1, "on the standard errors"

    def test_of_the_same_tokens_their_baselines_too(self, change: Change) -> None:
        (group,), _ = group_comparable([change(1), change(2)])
        assert {b.kind for b in group.baselines} == {"uniform", "unigram", "bigram", "kneser-ney", "compressor"}

    def test_other_texts_and_lossy_tokenizers_are_left_out(self, change: Change) -> None:
        runs = [change(1), change(2), change(3, sha256="other"), change(4, lossless_tokenizer=False)]
        groups, left = group_comparable(runs)
        assert named(groups) == [["1 play", "2 play"]]
        assert list(left) == ["3 play", "4 play"]
        assert "another text, of 4,000 characters" in left["3 play"]
        assert "Its tokenizer is lossy" in left["4 play"]

    def test_what_one_tokenizer_loses_compares_with_itself(self, change: Change) -> None:
        lossy = [change(n, tokenizer="t", lossless_tokenizer=False) for n in (1, 2)]
        groups, left = group_comparable(
            [*lossy, change(3, tokenizer="u", lossless_tokenizer=False), change(4), change(5)]
        )
        assert named(groups) == [["1 play", "2 play"], ["4 play", "5 play"]]
        assert "lossy" in groups[0].notes[0]
        assert {b.kind for b in groups[0].baselines} == {"uniform", "unigram", "bigram"}
        assert len(left) == 1

    def test_one_that_loses_nothing_is_alone_among_those_that_do(self, change: Change) -> None:
        lossy = [change(n, tokenizer="t", lossless_tokenizer=False) for n in (1, 2)]
        groups, left = group_comparable([*lossy, change(3)])
        assert named(groups) == [["1 play", "2 play"]]
        assert list(left) == ["3 play"]
        assert "tokenizers of the other runs" in left["3 play"]
        groups, left = group_comparable([lossy[0], change(2), change(3, sha256="other", lossless_tokenizer=False)])
        assert groups == []
        reasons = ("Its tokenizer is lossy", "tokenizers of the other runs", "another text")
        assert all(reason in why for reason, why in zip(reasons, left.values(), strict=True))

    def test_a_run_that_was_selected_on_the_text(self, change: Change) -> None:
        (group,), _ = group_comparable([change(2, selected_on_this_text=True), change(3)])
        assert [note.partition(":")[0] for note in group.notes if "early stopping" in note] == ["2 play"]

    def test_no_baselines_of_different_training_texts(self, change: Change) -> None:
        (group,), _ = group_comparable([change(1), change(2, trained_on="other")])
        assert group.baselines == []
        assert any("not all trained on the same text" in note for note in group.notes)

    def test_nothing_compares(self, change: Change) -> None:
        groups, left = group_comparable([change(1), change(2, sha256="other")])
        assert (groups, len(left)) == ([], 2)


class TestPage:
    def test_scores_curves_and_settings_are_side_by_side(self, trained: Run, wider: Run) -> None:
        html = octavo.compare([trained, wider]).html
        for run in (trained, wider):
            assert f"{run.evaluation.bits_per_character:.3f}" in html
        table = html.split('id="settings"')[1]
        rows = dict(re.findall(r'<tr><th scope="row">([\w.]+)</th><td>(.*?)</td></tr>', table))
        assert rows["model.d_ff"] == "64</td><td>80"
        assert rows["train.steps"] == "80</td><td>40"
        assert "model.d_model" not in rows, "it is the same"
        assert html.count("octavo train") >= 2

    def test_scores_that_do_not_compare_are_shown_and_said_not_to(self, trained: Run, wider: Run, evil: Run) -> None:
        for runs, others in ((trained, evil), "another"), ((trained, wider, evil), "the others"):
            html = octavo.compare(runs).html
            assert f"not comparable with {others}" in html
            table = html.split("scores are not comparable")[1].split("</table>")[0]
            rows = dict(re.findall(r'<tr><th scope="row">\d (.*?)</th>(.*?)</tr>', table))
            alone = runs if len(runs) == 2 else [evil]
            assert list(rows) == [escape(run.name) for run in alone]
            for run in alone:
                assert f"{run.evaluation.bits_per_character:.4f}" in rows[escape(run.name)]
                best = min(run.baselines(), key=lambda baseline: baseline.bits_per_character)
                assert f"{best.bits_per_character:.4f} bits, {best.name}" in rows[escape(run.name)]
                assert "It was scored on another text" in rows[escape(run.name)]

    def test_a_damaged_run_keeps_its_number(self, trained: Run, wider: Run, tmp_path: Path) -> None:
        shutil.copytree(trained.path, tmp_path / "broken")
        for name in ("evaluation.json", "metrics.jsonl", "config.toml"):
            (tmp_path / "broken" / name).write_text("no")
        (tmp_path / "broken" / "config.toml").write_text("[model]\nn_layers = 1\n[train]\nsteps = 1\n")
        html = compare([trained, tmp_path / "broken", wider]).html
        data = json.loads(re.findall(r'<script type="application/json">(.*?)</script>', html)[0])
        assert data["runs"] == ["play", "broken", "wider"]
        assert {series["run"] for series in data["series"]} == {0, 2}
        assert "2 broken: " in html

    def test_runs_are_looked_for_by_name(self, trained: Run) -> None:
        with pytest.raises(OctavoError, match="there is no run nothing"):
            compare(["play", "nothing"], root=trained.path.parent)

    @pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1440, "dark")])
    def test_it_opens(self, opened: Any, trained: Run, wider: Run, evil: Run, width: int, scheme: str) -> None:
        tab: Tab = opened(compare([trained, wider, evil]), width=width, scheme=scheme)
        assert tab.locator("section[id] > h2").count() == 6
        assert tab.locator(".scores .model").count() == 2, "the other was scored on another text"
        assert tab.locator(".panel.loss > svg .label").all_text_contents() != []
        assert tab.locator("img").count() == 0
        assert load(trained.path).name in tab.inner_text("#settings")
