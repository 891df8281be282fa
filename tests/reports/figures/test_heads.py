"""The picture of the table of heads has its figures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from octavo.interpret.head_labels import TITLES
from octavo.interpret.head_table import HeadTable
from octavo.reports.figures.files import save_figure
from octavo.reports.figures.heads import heads_figure

MakeTable = Callable[..., HeadTable]


def ends(line: Any) -> list[float]:
    """Where a line or dot lies across."""
    return [float(x) for x in line.get_xdata()]


def test_a_row_for_each_head_and_one_for_uniform_attention(make_table: MakeTable) -> None:
    table = make_table([{"previous": 0.8}, {"cost": 0.25}], [{"line": 0.5}, {"distance": 3.0}])
    shares, distance, removal = heads_figure(table, "my $run$").axes
    rows = [label.get_text() for label in shares.get_yticklabels()]
    assert rows == [*(f"{TITLES[head.name]}   {head.label}" for head in table.heads), "uniform attention"]
    image = shares.images[0].get_array()
    assert image is not None
    assert image.shape == (5, 9)
    assert [round(float(value), 2) for value in image[:, 0]] == [0.8, 0.06, 0.06, 0.06, 0.05]
    texts = {text.get_text() for text in shares.texts}
    assert {"80", "79 … 81", "50", "49 … 51", "6", "5 … 7", "0 … 2", "5"} <= texts
    assert len(shares.patches) == 2, "the shares that gave a name are framed"
    assert 3.0 in [ends(line)[0] for line in distance.lines]
    assert [0.24, 0.26] in [[round(end, 2) for end in ends(line)] for line in removal.lines]


def test_what_the_text_has_not_is_left_blank(make_table: MakeTable) -> None:
    shares = heads_figure(make_table([{}], without=["speaker"])).axes[0]
    assert [text.get_text() for text in shares.texts].count("–") == 2


def test_a_long_name_and_many_heads_make_a_file(make_table: MakeTable, tmp_path: Path) -> None:
    figure = heads_figure(make_table(*[[{}] * 4] * 4), "日本 \x1b[31m" * 5)
    for path in save_figure(figure, tmp_path / "heads", ("png", "svg")):
        assert path.stat().st_size > 20_000
