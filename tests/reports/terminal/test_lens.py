"""The logit lens as a terminal shows it."""

import io
import math
from typing import Any

import pytest
from rich.console import Console

from octavo.interpret.lens import Lens, LensCell, LensLayer
from octavo.interpret.predictions import Prediction
from octavo.interpret.tokens import Passage
from octavo.reports.terminal.lens import explanations, layer_loss_lines, lens_table


def lens(blocks: int = 2, *, tied: bool = False, residual: bool = True) -> Lens:
    passage = Passage((0, 1, 2), ("⟨BOS⟩", "To", " be\x1b"), has_bos=True)
    cells = (
        LensCell((Prediction("To", 0.6), Prediction("I", 0.1)), 0.5, 1),
        LensCell((Prediction("\n", 0.3),), 2.5, 4),
        LensCell((Prediction("extraordinarily", 0.07),), None, None),
    )
    sites = ["embedding", *(f"blocks.{i}.output" for i in range(blocks))]
    layers = tuple(LensLayer(site, cells, 6.0 - number) for number, site in enumerate(sites))
    return Lens(passage, layers, 4321, 4321 / math.log(2), tied, residual)


def told(lens: Lens, width: int = 80, **settings: Any) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, **settings)
    console.print(lens_table(lens, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_row_a_token_and_a_column_a_layer() -> None:
    head, *rows = told(lens()).splitlines()
    assert head.split() == ["after", "embedding", "block", "0", "block", "1", "actual", "p"]
    assert rows[0].split() == ["⟨BOS⟩", *["To", "=", "60%"] * 3, "To", "61%"]
    assert rows[1].split() == ["To", *["↵", "30%"] * 3, "␣be\\x1b", "8.2%"]
    assert rows[2].split() == ["␣be\\x1b", *["extrao…", "7.0%"] * 3]
    assert max(map(len, rows)) <= 80


@pytest.mark.parametrize(
    ("width", "shown"), [(80, [0, 6, 12]), (60, [0, 12]), (130, [0, 2, 5, 7, 10, 12]), (300, list(range(13)))]
)
def test_of_many_layers_as_many_as_have_room(width: int, shown: list[int]) -> None:
    names = ["embedding", *(f"block {block}" for block in range(12))]
    head = told(lens(12), width).splitlines()[0]
    assert [name for name in names if f" {name} " in head] == [names[layer] for layer in shown]
    said = " ".join(explanations(lens(12), width))
    assert (f"{13 - len(shown)} of 13 layers" in said) == (len(shown) < 13)


def test_what_is_said_of_the_model() -> None:
    assert "the embedding" in " ".join(explanations(lens(tied=True), 80))
    assert "no residual stream" in " ".join(explanations(lens(residual=False), 80))
    plain = " ".join(explanations(lens(), 80))
    assert "the embedding" not in plain
    assert "residual" not in plain
    assert "layers are left out" not in plain


def test_what_each_layer_scores() -> None:
    assert layer_loss_lines(lens())[1:] == [
        "  embedding      6.000",
        "  block 0        5.000   -1.000",
        "  block 1        4.000   -1.000",
    ]
    assert f"the first {4321 / math.log(2):,.0f} characters" in layer_loss_lines(lens())[0]


def test_colour_goes_with_the_probability() -> None:
    out = told(lens(), force_terminal=True, color_system="truecolor", legacy_windows=False)
    assert out.count("48;2;127;184;247") == 3  # 60 %
    assert out.count("48;2;179;212;255") == 3  # 30 %
    assert "\x1b[31m" not in out
