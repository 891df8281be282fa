"""The texts of the experiments on own texts have no character that scores are reported on, and the table is made."""

import re
from pathlib import Path

import pytest
from scripts.own_texts import table, write_blocks

from octavo.experiments.spec import read_spec

SPECS = sorted((Path(__file__).parents[1] / "experiments" / "own-texts").glob("*.toml"))


def test_blocks_are_whole_lines_of_the_beginning(shakespeare: str, tmp_path: Path) -> None:
    source = tmp_path / "plays.txt"
    source.write_text(shakespeare[:200_000], encoding="utf-8")
    written = write_blocks(source, tmp_path / "texts", "plays")
    assert [path.name for path in written] == ["plays-30k.txt", "plays-100k.txt"]
    lines = set(shakespeare[:180_000].splitlines())
    for path in written:
        text = path.read_text(encoding="utf-8")
        assert set(text.splitlines()) <= lines
        assert text not in shakespeare, "shuffled"


def test_a_row_has_the_mean_of_the_seeds_for_each_budget(play_file: Path, tmp_path: Path) -> None:
    head, _, row = table([str(play_file)], [0.01, 0.02], [1, 2], tmp_path, "pocket")
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == len(head.strip("|").split("|"))
    assert cells[:2] == ["play", "40,000"]
    for cell in cells[2:4]:
        mean, low, high = map(float, re.findall(r"[\d.]+", cell))
        assert 1 < low <= mean <= high < 12
        assert mean == pytest.approx((low + high) / 2, abs=0.002)
    assert all(1 < float(cell) < 12 for cell in cells[4:])


def test_the_specs_are_valid() -> None:
    for path in SPECS:
        spec = read_spec(path)
        assert spec.base in {variant.name for variant in spec.variants}
    assert len(SPECS) >= 2
