"""Whether heads and layers specialise, claim 2 of the report: from tables of heads to a verdict for each model."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripts.report_examined.claims import claims
from scripts.report_examined.heads import GROUPS, HeadGroup, collect_heads, head_figures, head_groups
from scripts.report_examined.results import FOLDER, Results, load

from octavo.interpret.head_table import HeadTable
from octavo.pipeline.run import Run

MakeTable = Callable[..., HeadTable]
Figures = Mapping[str, float]
EVEN = {"from_even": 0.0}
ALIKE: list[list[Figures]] = [[{"previous": 0.8}, {"previous": 0.8}], [{"previous": 0.8}, {}]]
DIFFERENT: list[list[Figures]] = [[{"previous": 0.8}, {}], [{"line": 0.8}, {}]]
FARTHER: list[list[Figures]] = [[{"distance": 3.0}, {}], [{"distance": 9.0}, {}]]


@pytest.fixture
def group(make_table: MakeTable) -> Callable[..., HeadGroup]:
    def make(*layers: list[list[Figures]], seeds: int = 5) -> HeadGroup:
        return HeadGroup("a model", [head_figures(make_table(*one)) for one in (layers * seeds)[:seeds]])

    return make


@pytest.mark.parametrize(
    ("layers", "verdict"),
    [
        ([[EVEN, EVEN], [EVEN, EVEN]], "does not hold"),
        ([[{}, {}], [{}, {}]], "does not hold"),
        (ALIKE, "does not hold"),
        (DIFFERENT, "holds in part"),
        (FARTHER, "holds in part"),
        ([[{"previous": 0.8, "relative_entropy": 0.2}, {}], [{"line": 0.8}, {}]], "holds"),
        ([[{"previous": 0.8, "distance": 12.5}, {}, {}], [{"line": 0.8}, {}, {}]], "does not hold"),
    ],
    ids=["even", "no-name", "all-the-same", "different", "layers", "both", "a-third-is-named"],
)
def test_the_verdict_of_a_model(group: Callable[..., HeadGroup], layers: list[list[Figures]], verdict: str) -> None:
    assert group(layers).verdict == verdict


def test_most_runs_decide_and_not_one(group: Callable[..., HeadGroup]) -> None:
    assert group(DIFFERENT, DIFFERENT, DIFFERENT, ALIKE, ALIKE).heads_specialise
    assert not group(DIFFERENT, ALIKE, ALIKE, ALIKE, DIFFERENT).heads_specialise


def test_layers_that_differ_in_some_runs_alone_may_not_differ(group: Callable[..., HeadGroup]) -> None:
    same: list[list[Figures]] = [[{}], [{}]]
    assert group(FARTHER).layers_differ
    assert not group(FARTHER, same, same, same, same).layers_differ


def test_the_figures_behind_it(group: Callable[..., HeadGroup]) -> None:
    title, named, even, unused, far, distance, entropy, verdict = group(DIFFERENT, ALIKE, seeds=4).row
    assert (title, even, unused, verdict) == ("a model, 4 seeds", "0", "0", "**does not hold**")
    assert named == "10 of 16: previous token 8, line starts 2"
    assert far.startswith("0.600 (0.600")
    assert distance.startswith("+0.0 (")
    assert entropy.startswith("+0.000 (")


@pytest.fixture
def results() -> Results:
    return load(Path(__file__).parents[1] / FOLDER)


def test_claim_two_tells_every_model(results: Results, make_table: MakeTable) -> None:
    heads = {
        "coupled": [head_figures(make_table([EVEN, EVEN], [EVEN, EVEN]))] * 5,
        "decoupled": [head_figures(make_table(*ALIKE))] * 5,
        "pocket": [head_figures(make_table(*DIFFERENT))] * 5,
    }
    claim = claims(replace(results, heads=heads))[1]
    assert claim.verdict == "does not hold"
    for (title, _), verdict in zip(GROUPS.values(), ("does not hold", "does not hold", "holds in part"), strict=True):
        assert any(line.startswith(f"| {title}, 5 seeds |") and f"**{verdict}**" in line for line in lines(claim))
    assert "waits" not in claim.reason


def test_the_reports_model_decides_the_claim(results: Results, make_table: MakeTable) -> None:
    reference = dict(results.reference, attention=[{"distance_from_even": [[0.5]]}])
    learned = replace(results, reference=reference)
    both = [[{"previous": 0.8, "relative_entropy": 0.2}, {}], [{"line": 0.8}, {}]]
    for layers, verdict in ((both, "holds"), (ALIKE, "does not hold"), (DIFFERENT, "undecided")):
        heads = {"coupled": [head_figures(make_table(*layers))] * 5}
        assert claims(replace(learned, heads=heads))[1].verdict == verdict
    assert claims(replace(learned, heads=None))[1].verdict == "undecided"


def test_one_run_is_no_group(make_table: MakeTable) -> None:
    assert head_groups({"pocket": [head_figures(make_table([{}]))]}) == {}
    assert list(head_groups({"pocket": [head_figures(make_table([{}]))] * 2})) == ["pocket"]


def test_runs_are_measured_where_all_of_a_group_are_finished(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("decay/coupled-seed1", "decay/coupled-seed2", "pocket/pocket-seed1"):
        shutil.copytree(trained.path, tmp_path / name)
    metrics = tmp_path / "pocket" / "pocket-seed1" / "metrics.jsonl"
    metrics.write_text("".join(metrics.read_text().splitlines(keepends=True)[:-1]))
    found: dict[str, Any] = json.loads(json.dumps(collect_heads(tmp_path)))
    assert {name: len(runs) for name, runs in found.items()} == {"coupled": 2}
    assert "pocket: a run is not finished" in capsys.readouterr().out
    table = trained.heads().table
    assert [head["name"] for head in found["coupled"][0]] == [head.name for head in table.heads]
    assert found["coupled"][1][2]["distance"] == pytest.approx(table.heads[2].distance.mean, rel=1e-3)
    assert len(head_groups(found)["coupled"].row) == 8


def lines(claim: Any) -> list[str]:
    return str(claim.reason).splitlines()
