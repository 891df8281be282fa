"""The page on the course report: it follows from its figures, and the verdicts change with them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from scripts.report_examined.claims import claims
from scripts.report_examined.page import PAGE, page
from scripts.report_examined.results import EXPERIMENTS, FOLDER, Experiment, Results, load

from octavo.experiments.results import CellResult
from octavo.system.statistics import estimate

ROOT = Path(__file__).parents[1]
SEEDS = (1, 2, 3, 4, 5)
FIGURES = ("nats_per_token", "bits_per_character", "nats_per_character", "train_loss", "parameters", "steps")
CONTEXTS = (50, 100, 200, 400)
NORMS = [f"{r}-{o}-{n}" for r in ("residual", "without") for o in ("post", "pre") for n in ("rms", "layer")]
VARIANTS: dict[str, Sequence[str]] = {
    "decay": ("coupled", "decoupled", "none", "coupled-layernorm"),
    "positions": ("sinusoidal-500", "sinusoidal-10000", "rotary", "learned", "none"),
    "norms": (*NORMS, "residual-no-norm", "without-no-norm"),
    "activation": ("relu", "gelu"),
    "tokens": ("bpe-500", "characters", "characters-same-text", "bpe-1000"),
    "size": ("report", "4-layers", "width-256", "1-layer", "width-64"),
    "learning-rate": ("lr-0.0003", "lr-0.003"),
    "context": ("context-50", "context-100"),
    "improvements": ("corrected", "dropout-0.2"),
    "pocket": ("pocket",),
}


def experiment(name: str, means: Mapping[str, float], failures: Sequence[str] = (), later: float = 0.0) -> Experiment:
    """An experiment whose variants score `means` (4 otherwise), give or take 0.01 by seed; `later`: a longer window
    costs that much more."""
    variants = VARIANTS[name]
    rows = []
    for variant in variants:
        for seed in SEEDS:
            value = means.get(variant, 4.0) + 0.005 * (seed - 3)
            at: dict[str, float | None] = {str(context): value + later * (context > 50) for context in CONTEXTS}
            figures: dict[str, Any] = dict.fromkeys(FIGURES, value) | {"parameters": 4, "steps": 4}
            row = CellResult(variant, seed, f"{variant}-seed{seed}", at_context=at, **figures)
            failed = variant in failures and seed == 1
            away = replace(CellResult(variant, seed, row.run), failure="the loss exploded", ran_away=True)
            rows.append(away if failed else row)
    scored = {(row.variant, row.seed): row for row in rows if row.scored}
    names = [*FIGURES, *(f"nats_per_character@{context}" for context in CONTEXTS)]

    def entry(variant: str) -> dict[str, Any]:
        own = [scored[variant, seed] for seed in SEEDS if (variant, seed) in scored]
        pairs = [(row, scored[variants[0], row.seed]) for row in own if (variants[0], row.seed) in scored]
        figures = {n: asdict(e) for n in names if (e := estimate([row.figure(n) or 0.0 for row in own]))}
        differences = {
            n: asdict(e)
            for n in names
            if (e := estimate([(a.figure(n) or 0) - (b.figure(n) or 0) for a, b in pairs]))
        }
        return {"variant": variant, "figures": figures, "differences": differences if variant != variants[0] else {}}

    values = {
        "title": name,
        "seeds": list(SEEDS),
        "base": variants[0],
        "rows": [row.to_dict() for row in rows],
        "summary": [entry(variant) for variant in variants],
    }
    return Experiment(name, values)


@cache
def unchanged(name: str) -> Experiment:
    """An experiment whose variants all score alike; made once, since every test needs all of them."""
    return experiment(name, {})


def results(
    reference: dict[str, Any], changed: Mapping[str, Experiment] | None = None, share: float = 0.1
) -> Results:
    rows = [{"length": n, "share_of_time": share, "share_of_memory": share} for n in (50, 256, 1024)]
    experiments = {name: unchanged(name) for name in EXPERIMENTS} | dict(changed or {})
    return Results(reference, None, {"rows": rows}, experiments)


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return load(ROOT / FOLDER).reference


def test_the_page_is_what_its_figures_say() -> None:
    assert (ROOT / PAGE).read_text(encoding="utf-8") == page(load(ROOT / FOLDER))


def test_its_pictures_are_there_and_small() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    pictures = [part.split(")")[0] for part in text.split("](")[1:] if part.split(")")[0].endswith(".png")]
    assert len(pictures) >= 9
    for picture in pictures:
        assert 5_000 < (ROOT / "docs" / picture).stat().st_size < 200_000
    assert sum(path.stat().st_size for path in (ROOT / FOLDER).rglob("*")) < 4_000_000


def test_every_claim_has_an_experiment_in_the_repository() -> None:
    files = {path.stem for path in (ROOT / "experiments" / "reference-claims").glob("*.toml")}
    assert files == set(EXPERIMENTS)


TURNS: list[tuple[int, str, dict[str, Experiment], str, dict[str, Experiment]]] = [
    (
        3,
        "does not hold",
        {"positions": experiment("positions", {"none": 4.5})},
        "holds",
        {"positions": experiment("positions", {"none": 5.53})},
    ),
    (4, "does not hold", {}, "holds", {"norms": experiment("norms", {}, failures=["without-post-rms"])}),
    (5, "does not hold", {}, "holds", {"decay": experiment("decay", {"coupled-layernorm": 8.6})}),
    (5, "does not hold", {}, "holds", {"norms": experiment("norms", {}, failures=["residual-pre-layer"])}),
    (6, "undecided", {}, "holds", {"norms": experiment("norms", {}, failures=["residual-post-layer"])}),
    (
        6,
        "undecided",
        {},
        "does not hold",
        {"norms": experiment("norms", {}, failures=["residual-post-rms"])},
    ),
    (7, "holds", {}, "does not hold", {"positions": experiment("positions", {}, later=0.1)}),
    (
        8,
        "holds",
        {"tokens": experiment("tokens", {"characters-same-text": 3.9})},
        "does not hold",
        {"tokens": experiment("tokens", {"characters-same-text": 4.1})},
    ),
    (
        9,
        "holds",
        {"size": experiment("size", {"4-layers": 3.9})},
        "does not hold",
        {"size": experiment("size", {"4-layers": 4.1, "width-256": 4.1})},
    ),
    (
        11,
        "does not hold",
        {"learning-rate": experiment("learning-rate", {"lr-0.003": 3.5})},
        "holds",
        {"learning-rate": experiment("learning-rate", {"lr-0.003": 4.5})},
    ),
]


@pytest.mark.parametrize(
    ("number", "one", "given", "other", "instead"), TURNS, ids=[f"{turn[0]}-{turn[3]}" for turn in TURNS]
)
def test_a_verdict_turns_with_its_figures(
    reference: dict[str, Any],
    number: int,
    one: str,
    given: dict[str, Experiment],
    other: str,
    instead: dict[str, Experiment],
) -> None:
    assert claims(results(reference, given))[number - 1].verdict == one
    assert claims(results(reference, instead))[number - 1].verdict == other


def test_noise_decides_nothing(reference: dict[str, Any]) -> None:
    """Where the variants differ by less than anybody would notice, the choices stand and nothing is better."""
    made = claims(results(reference, {"size": experiment("size", {"4-layers": 3.99, "width-256": 4.0})}))
    assert made[10].verdict == "holds"
    wide = experiment("learning-rate", {"lr-0.003": 3.9})
    assert "lr-0.003 -0.100" in claims(results(reference, {"learning-rate": wide}))[10].reason


def test_an_unfinished_experiment_is_ignored(tmp_path: Path, reference: dict[str, Any]) -> None:
    whole = experiment("decay", {})
    (tmp_path / "experiments").mkdir()
    (tmp_path / "reference.json").write_text(json.dumps(reference))
    for rows, there in ((whole.values["rows"], True), (whole.values["rows"][:-1], False)):
        (tmp_path / "experiments" / "decay.json").write_text(json.dumps(whole.values | {"rows": rows}))
        assert ("decay" in load(tmp_path).experiments) == there


def test_a_variant_without_a_score_is_in_the_table(reference: dict[str, Any]) -> None:
    failing = experiment("learning-rate", {})
    rows = [
        row | {"failure": "the loss exploded", "ran_away": True} if row["variant"] == "lr-0.003" else row
        for row in failing.values["rows"]
    ]
    summary = [
        entry | {"figures": {}, "differences": {}} if entry["variant"] == "lr-0.003" else entry
        for entry in failing.values["summary"]
    ]
    failed = Experiment("learning-rate", failing.values | {"rows": rows, "summary": summary})
    text = page(results(reference, {"learning-rate": failed}))
    assert "| lr-0.003 | 5 of 5 diverged |" in text
    assert claims(results(reference, {"learning-rate": failed}))[10].verdict == "holds"


def test_the_cost_of_attention_decides_its_claim(reference: dict[str, Any]) -> None:
    assert claims(results(reference, share=0.1))[9].verdict == "does not hold"
    assert claims(results(reference, share=0.7))[9].verdict == "holds"


def test_the_reproduction_decides_the_first_two(reference: dict[str, Any]) -> None:
    first, second, *_ = claims(results(reference))
    assert (first.verdict, second.verdict) == ("does not hold", "does not hold")
    assert "(perplexity 248.9)" in first.reason
    other = dict(reference)
    sample = dict(reference["perplexity"]["training_sample"], loss=4.0)
    other["perplexity"] = dict(reference["perplexity"], training_sample=sample)
    assert claims(results(other))[0].verdict == "holds"


def test_what_has_not_been_run_is_said_so(reference: dict[str, Any]) -> None:
    made = claims(Results(reference, None, None, {}))
    assert [claim.number for claim in made if claim.verdict != "undecided"] == [1, 2]
    assert "the experiment decay has not been run yet" in made[4].reason
    text = page(Results(reference, None, None, {}))
    assert "Not run yet: decay, " in text
