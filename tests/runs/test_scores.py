"""evaluation.json: the standard score on top, the newest of each kind below."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from octavo.errors import OctavoError
from octavo.runs import RunDirectory, locked
from octavo.runs.scores import Score, add_score, scores, standard_score


def score(nats: float, **changes: Any) -> Score:
    text = {"text": "validation", "own_text": True, "sha256": "1", "characters": 100}
    way = {"protocol": "sliding", "stride": 16, "window_characters": 0, "context_length": 32}
    return Score(text | way | {"nats_per_token": nats} | changes)


def nats(run: RunDirectory) -> list[float]:
    return [entry["nats_per_token"] for entry in scores(run)]


def test_the_newest_of_each_kind_is_kept(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    assert scores(run) == []
    for entry in (
        score(1.0),
        score(2.0, stride=8),
        score(3.0, text="train"),
        score(4.0, protocol="disjoint", window_characters=256),
        score(5.0, protocol="disjoint", window_characters=64),
        score(6.0, text="other", own_text=False, sha256="2"),
        score(7.0, text="other", own_text=False, sha256="3"),
    ):
        add_score(run, entry)
    assert nats(run) == [1, 2, 3, 4, 5, 6, 7]
    add_score(run, score(1.5))
    assert sorted(nats(run)) == [1.5, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("other", [{"text": "train"}, {"stride": 8}, {"own_text": False}, {"protocol": "disjoint"}])
def test_the_standard_score_stays_on_top(tmp_path: Path, other: dict[str, Any]) -> None:
    run = RunDirectory(tmp_path)
    add_score(run, score(9.0, **other))
    assert run.read_json("evaluation.json").keys() == {"all"}, "no other score is taken for it"
    add_score(run, score(1.0))
    add_score(run, score(8.0, **other))
    assert run.read_json("evaluation.json") == {**score(1.0), "all": [score(1.0), score(8.0, **other)]}


def test_a_score_of_an_older_checkpoint_is_not_on_top(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    (tmp_path / "checkpoints" / "step-00000002").mkdir(parents=True)
    add_score(run, score(1.0, checkpoint="step-00000001"))
    assert run.read_json("evaluation.json").keys() == {"all"}
    add_score(run, score(2.0, checkpoint="step-00000002"))
    assert run.read_json("evaluation.json")["nats_per_token"] == 2.0
    assert nats(run) == [2.0]


def test_a_file_of_an_earlier_version_has_any_score_on_top(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.write_json("evaluation.json", {**score(9.0, text="train"), "all": [score(1.0), score(9.0, text="train")]})
    assert standard_score(run) == score(1.0)
    add_score(run, score(8.0, text="test"))
    assert run.read_json("evaluation.json")["nats_per_token"] == 1.0


@pytest.mark.parametrize("lockable", [True, False])
def test_of_scores_added_at_once_none_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lockable: bool
) -> None:
    if not lockable:
        monkeypatch.setattr("octavo.runs.lock.fcntl", None)
    run = RunDirectory(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda stride: add_score(run, score(stride, stride=stride)), range(1, 33)))
    found = sorted(nats(run))
    assert found == list(range(1, 33)) if lockable else set(found) <= set(range(1, 33))


def test_a_score_is_added_while_another_process_trains_the_run(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    with locked(run):
        add_score(run, score(1.0))
    assert nats(run) == [1.0]


def test_the_standard_one_is_on_the_held_out_part_with_windows_half_a_context_apart(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    assert standard_score(run) is None
    others = (
        score(9, stride=8),
        score(9, text="train"),
        score(9, protocol="disjoint"),
        score(9, context_length=64, sha256="4"),
        score(9, own_text=False),  # another text that happens to be called validation
    )
    for entry in others:
        add_score(run, entry)
    assert standard_score(run) is None
    add_score(run, score(1.0))
    for entry in others:
        add_score(run, entry)
    found = standard_score(run)
    assert found is not None
    assert found["nats_per_token"] == 1.0


def test_of_very_many_the_newest_are_kept_and_the_standard_one(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    add_score(run, score(1.0))
    kept = [score(2.0, text="x" * 200, own_text=False, sha256=f"{number:064}") for number in range(600)]
    run.write_json("evaluation.json", {"all": [score(1.0), *kept]})
    add_score(run, score(3.0, text="last", own_text=False))
    found = scores(run)
    assert len(found) == 500
    assert found == [score(1.0), *kept[-498:], score(3.0, text="last", own_text=False)]
    assert standard_score(run) == score(1.0)


@pytest.mark.parametrize(
    "content",
    [
        *("{}", '{"all": 3}', '{"all": [1]}', "[", "[]", '{"all": [{"tokens": 0}]}'),
        *(
            f'{{"all": [{{"nats_per_character": {number}}}]}}'
            for number in ("NaN", "Infinity", "1e999", '"1"', "null")
        ),
    ],
)
def test_a_damaged_file_is_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "evaluation.json").write_text(content)
    with pytest.raises(OctavoError, match=r"evaluation\.json is damaged"):
        scores(RunDirectory(tmp_path))
