"""Attention as heatmaps: the right weights under the right labels."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from octavo.plots.attention import attention_figures
from octavo.plots.saving import save_figure


def patterns(layers: int, heads: int, positions: int) -> npt.NDArray[np.float64]:
    weights: npt.NDArray[np.float64] = np.tril(np.random.default_rng(0).random((layers, heads, positions, positions)))
    weights /= weights.sum(-1, keepdims=True)
    return weights


def test_a_figure_a_layer_with_a_panel_a_head() -> None:
    given, tokens = patterns(2, 4, 5), ["To", "be", ",", "or", "not"]
    figures = attention_figures(given, tokens, title="To be")
    assert [figure.get_suptitle() for figure in figures] == ["To be, layer 0", "To be, layer 1"]
    for figure, layer in zip(figures, given, strict=True):
        *panels, colours = figure.axes
        assert [axes.get_title() for axes in panels] == [f"head {i}" for i in range(4)]
        for axes, head in zip(panels, layer, strict=True):
            (image,) = axes.images
            assert np.array_equal(np.asarray(image.get_array()), head)
            assert image.get_clim() == (0, 1)
            assert image.origin == "upper", "queries go down"
            assert axes.get_xlabel() == "key: the token looked at"
            assert axes.get_ylabel() == "query: the token that is read"
            for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
                assert [label.get_text() for label in labels] == tokens
            assert axes.get_xticks().tolist() == axes.get_yticks().tolist() == [0, 1, 2, 3, 4]
        assert colours.get_ylim() == (0, 1)


@pytest.mark.parametrize(("heads", "rows"), [(1, 1), (4, 1), (6, 2)])
def test_heads_beyond_four_go_into_further_rows(heads: int, rows: int) -> None:
    (figure,) = attention_figures(patterns(1, heads, 3), ["a", "b", "c"])
    panels = figure.axes[:-1]
    assert sum(bool(axes.images) for axes in panels) == heads
    assert all(not axes.axison for axes in panels if not axes.images)
    grid = panels[0].get_gridspec()
    assert grid is not None
    assert (grid.nrows, grid.ncols) == (rows, min(heads, 4))


def test_a_layer_and_a_head_alone_keep_their_numbers() -> None:
    given = patterns(3, 4, 3)
    (figure,) = attention_figures(given, ["a", "b", "c"], layers=[2], heads=[1])
    panel, _ = figure.axes
    assert (figure.get_suptitle(), panel.get_title()) == ("layer 2", "head 1")
    assert np.array_equal(np.asarray(panel.images[0].get_array()), given[2, 1])


def test_any_token_can_be_drawn(tmp_path: Path) -> None:
    tokens = ["$x$", "日本", " a\nb", "\x1b", "Ġlight", "_{", "a" * 30, "\\frac", "🙂"]
    shown = ["$x$", "��", "␣a↵b", "\\x1b", "Ġlight", "_{", "a" * 30, "\\frac", "�"]
    (figure,) = attention_figures(patterns(1, 2, len(tokens)), tokens, title="$ 日")
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == shown
    assert figure.get_suptitle() == "$ �, layer 0"
    (path,) = save_figure(figure, tmp_path / "a")  # a letter that the font lacks would be a warning, and so an error
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("shape", [(1, 2, 3, 4), (2, 3, 3), (1, 2, 4, 4)], ids=str)
def test_shapes_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not fit 3 tokens"):
        attention_figures(np.zeros(shape), ["a", "b", "c"])
