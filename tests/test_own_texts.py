"""The texts of the experiments on own texts have no character that scores are reported on, and the table is made."""

from pathlib import Path

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


def test_a_row_has_the_scores_of_the_settings_that_fit_and_of_two_presets(play_file: Path, tmp_path: Path) -> None:
    head, _, row = table([str(play_file)], minutes=0.01, seed=1, runs=tmp_path)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == len(head.strip("|").split("|"))
    assert cells[:2] == ["play", "40,000"]
    assert all(1 < float(cell) < 12 for cell in cells[2:])


def test_the_specs_are_valid() -> None:
    for path in SPECS:
        spec = read_spec(path)
        assert spec.base in {variant.name for variant in spec.variants}
    assert len(SPECS) >= 2
