"""What the figures' font can draw."""

from pathlib import Path

import pytest

from octavo.plots.epochs import EpochPoint, epochs_figure
from octavo.plots.lettering import drawable
from octavo.plots.perplexities import perplexities_figure
from octavo.plots.saving import save_figure
from octavo.plots.unlearning import WeightPoint, unlearning_figure


@pytest.mark.parametrize(
    ("text", "drawn"), [("größe Ġ", "größe Ġ"), ("日本", "��"), ("a\nb\x1b", "a�b�"), ("🙂", "�"), ("", "")]
)
def test_what_has_no_letter_becomes_a_sign_for_it(text: str, drawn: str) -> None:
    assert drawable(text) == drawn


def test_any_title(tmp_path: Path) -> None:
    title = "日本 $x_{"
    for figure in (
        epochs_figure([EpochPoint(1, 2.0, 2.0)], [], title=title),
        perplexities_figure({"a": 1.0}, [1.0], title=title),
        unlearning_figure([WeightPoint(1, 2.0, 2.0, 3.0)], floor=2.0, title=title),
    ):
        save_figure(figure, tmp_path / "a")  # a letter that the font lacks would be a warning, and so an error
        assert figure.get_suptitle() == "�� $x_{"
