"""evaluation.json: the latest score on top, the newest of each kind below."""

from pathlib import Path
from typing import Any

import pytest

from octavo.errors import OctavoError
from octavo.runs import RunDirectory
from octavo.runs.scores import Score, add_score, scores, standard_score


def score(nats: float, **changes: Any) -> Score:
    text = {"text": "validation", "own_text": True, "sha256": "1", "characters": 100}
    way = {"protocol": "sliding", "stride": 16, "window_characters": 0, "context_length": 32}
    return Score(text | way | {"nats_per_token": nats} | changes)


def nats(run: RunDirectory) -> list[float]:
    return [entry["nats_per_token"] for entry in scores(run)]


def test_the_latest_is_on_top_and_one_of_each_kind_is_kept(tmp_path: Path) -> None:
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
    top = run.read_json("evaluation.json")
    assert (top["nats_per_token"], top["stride"]) == (1.5, 16)


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
