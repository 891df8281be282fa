"""Experiments are read from TOML or mappings; an invalid one is refused with the variant's name."""

from pathlib import Path
from typing import Any

import pytest

from octavo.config import load_preset
from octavo.errors import OctavoError
from octavo.experiments import Spec, read_spec
from octavo.experiments.spec import supports_context

FILE = """# Is decoupled decay better?
preset = "reference"
text = ["my.txt"]
seeds = [3, 1]
steps = 1000
base = "decoupled"

[overrides]
"train.precision" = "bf16"
train.log_every = 5

[variants.coupled]
[variants.decoupled]
"optimizer.kind" = "adamw"
steps = 2000
[variants.small]
preset = "mine.toml"
epochs = 2

[score]
contexts = [200, 50]
"""


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    (tmp_path / "decay.toml").write_text(FILE)
    (tmp_path / "mine.toml").write_text("[model]\nd_model = 64\n")
    return read_spec(tmp_path / "decay.toml")


class TestReading:
    def test_a_file(self, spec: Spec, tmp_path: Path) -> None:
        assert spec.title == "Is decoupled decay better?"
        assert spec.text == (str(tmp_path / "my.txt"),), "relative to the file"
        assert (spec.seeds, spec.base, spec.contexts) == ((3, 1), "decoupled", (50, 200))
        assert [variant.name for variant in spec.variants] == ["coupled", "decoupled", "small"]

    def test_documents_and_paths_of_a_text(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        values: dict[str, Any] = {"seeds": [1], "steps": 1, "variants": {"a": {}}, "text": ["~/a.txt", "b.txt"]}
        assert read_spec(values).documents == "file"
        found = read_spec(values | {"documents": "separator:|"})
        assert found.documents == "separator:|"
        assert found.text == (str((tmp_path / "home" / "a.txt").resolve()), str(Path("b.txt").resolve()))
        with pytest.raises(OctavoError, match="separator:TEXT"):
            read_spec(values | {"documents": "stanzas"})

    def test_every_variant_is_a_whole_config(self, spec: Spec) -> None:
        coupled, decoupled, small = (variant.config for variant in spec.variants)
        assert coupled.optimizer == load_preset("reference").optimizer
        assert (decoupled.optimizer.kind, coupled.optimizer.kind) == ("adamw", "adam")
        assert (coupled.train.steps, decoupled.train.steps) == (1000, 2000)
        assert (small.train.steps, small.train.epochs, small.train.minutes) == (0, 2.0, 0)
        assert (small.model.d_model, small.tokenizer.kind) == (64, "bpe")
        for config in (coupled, decoupled, small):
            assert (config.train.precision, config.train.log_every) == ("bf16", 5)
            assert (config.train.keep_checkpoints, config.train.sample_every) == (1, 0)

    def test_the_file_may_keep_more(self) -> None:
        keep = {"train.keep_checkpoints": 0, "train.sample_every": 9}
        spec = read_spec({"seeds": [1], "variants": {"a": {}}, "overrides": keep})
        assert spec.variants[0].config.train.keep_checkpoints == 0
        assert spec.variants[0].config.train.sample_every == 9

    def test_without_a_budget_it_is_the_presets(self) -> None:
        (variant,) = read_spec({"preset": "reference", "seeds": [1], "variants": {"a": {}}}).variants
        assert variant.config.train.epochs == 10.0

    def test_another_budget_for_all(self, tmp_path: Path, spec: Spec) -> None:
        tried = read_spec(tmp_path / "decay.toml", steps=7)
        assert [(v.config.train.steps, v.config.train.epochs) for v in tried.variants] == [(7, 0.0)] * 3

    def test_cells_are_seed_by_seed(self, spec: Spec) -> None:
        assert [(variant.name, seed) for variant, seed in spec.cells()][:4] == [
            ("coupled", 3),
            ("decoupled", 3),
            ("small", 3),
            ("coupled", 1),
        ]
        assert spec.variants[0].with_seed(9).train.seed == 9

    def test_defaults(self) -> None:
        spec = read_spec({"seeds": [1], "variants": {"a": {}, "b": {}}})
        assert (spec.title, spec.text, spec.base, spec.contexts) == ("", (), "a", ())

    def test_an_undecided_precision_is_decided_for_all_who_leave_it_open(self) -> None:
        values = {"seeds": [1], "variants": {"a": {}, "b": {"train.precision": "fp32"}}}
        spec = read_spec(values)
        assert spec.has_auto_precision
        decided = spec.with_precision("bf16")
        assert [v.config.train.precision for v in decided.variants] == ["bf16", "fp32"]
        assert not decided.has_auto_precision

    def test_a_table_of_positions_ends(self) -> None:
        table = {"model.position": "learned", "model.max_positions": 128}
        spec = read_spec({"seeds": [1], "variants": {"a": {}, "b": table}, "score": {"contexts": [128, 129]}})
        assert [[supports_context(v.config.model, c) for c in spec.contexts] for v in spec.variants] == [
            [True, True],
            [True, False],
        ]


ONE: dict[str, Any] = {"seeds": [1], "variants": {"a": {}}}
REFUSED: list[tuple[dict[str, Any], str]] = [
    (ONE | {"preste": "pocket"}, "no setting preste: did you mean preset"),
    (ONE | {"score": {"context": [1]}}, r"no setting score\.context: did you mean score\.contexts"),
    (ONE | {"overrides": {"model.n_layer": 2}}, r"\[overrides\]: there is no setting model\.n_layer: did you mean"),
    (ONE | {"overrides": {"model": {"n_layer": 2}}}, r"\[overrides\]: there is no setting model\.n_layer"),
    (ONE | {"overrides": {"train.seed": 2}}, r"\[overrides\]: train\.seed .* seeds ="),
    (ONE | {"overrides": {"train.steps": 2}}, r"train\.steps .* steps ="),
    (ONE | {"variants": {"a": {"step": 2}}}, "variant a: there is no setting step: did you mean steps"),
    (ONE | {"variants": {"a": {"model.n_heads": 3}}}, r"variant a: model\.d_model=128 does not divide"),
    (ONE | {"variants": {"a": {}, "b": {"optimizer.kind": "adamm"}}}, "variant b: .* did you mean 'adam"),
    (ONE | {"variants": {"a": {"preset": "huge"}}}, "variant a: there is no preset 'huge'"),
    (ONE | {"variants": {"a": {"preset": "huge.toml"}}}, "variant a: the preset .*huge.toml cannot be read"),
    (ONE | {"variants": {"a": {"steps": 0}}}, "variant a: .*0 steps|variant a: .*steps.* 0"),
    (ONE | {"steps": 1, "minutes": 2}, "variant a: .*budget"),
    (ONE | {"steps": "many"}, "variant a: .*train.steps"),
    (ONE | {"variants": {"a": {"steps": 5, "epochs": 1}}}, "variant a: .*budget"),
    (ONE | {"variants": {}}, "needs a variant"),
    ({"seeds": [1]}, "needs a variant"),
    (ONE | {"variants": {"a": 3}}, r"variants\.a .*section"),
    (ONE | {"variants": [1]}, "^variants .*section"),
    (ONE | {"variants": {"a/b": {}}}, "'a/b' .*name of a variant"),
    (ONE | {"variants": {"größe": {}}}, "name of a variant"),
    (ONE | {"variants": {"x" * 61: {}}}, "name of a variant"),
    (ONE | {"variants": {"A": {}, "a": {}}}, "names that differ only in"),
    (ONE | {"base": "b"}, "base is 'b'.*: choose one of a"),
    ({"variants": {"a": {}}}, r"^seeds .*\[1, 2, 3, 4, 5\]$"),
    (ONE | {"seeds": []}, r"^seeds .*, not \[\]$"),
    (ONE | {"seeds": [1, 1]}, "^seeds "),
    (ONE | {"seeds": [True]}, "^seeds "),
    (ONE | {"seeds": [1, -1]}, r"variant a: train\.seed=-1 is out of range"),
    (ONE | {"title": 3}, "^title .*3"),
    (ONE | {"text": 3}, "^text .*3"),
    (ONE | {"text": "-"}, "^text .*standard input"),
    (ONE | {"score": {"contexts": [1]}}, r"score\.contexts=1 is out of range"),
    (ONE | {"score": {"contexts": 3}}, r"^score\.contexts "),
    (
        {"seeds": [1], "variants": {"a": {"model.position": "learned"}}, "score": {"contexts": [513]}},
        r"^score\.contexts .*513.*model\.max_positions",
    ),
]


class TestRefusals:
    @pytest.mark.parametrize(("values", "says"), REFUSED, ids=[says[:40] for _, says in REFUSED])
    def test_what_cannot_be(self, values: dict[str, Any], says: str) -> None:
        with pytest.raises(OctavoError, match=says):
            read_spec(values)

    def test_files_that_cannot_be_read(self, tmp_path: Path) -> None:
        with pytest.raises(OctavoError, match=r"none\.toml cannot be read \(No such file or directory\)"):
            read_spec(tmp_path / "none.toml")
        (tmp_path / "latin.toml").write_bytes(b"# caf\xe9\n")
        with pytest.raises(OctavoError, match="it is not UTF-8"):
            read_spec(tmp_path / "latin.toml")
        (tmp_path / "broken.toml").write_text("seeds = [1\n")
        with pytest.raises(OctavoError, match=r"broken\.toml is not valid TOML"):
            read_spec(tmp_path / "broken.toml")
