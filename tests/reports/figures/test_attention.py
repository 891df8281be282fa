"""Attention as heatmaps: the right weights under the right labels."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pytest

from octavo.reports.figures.attention import _grid, attention_figures, label_step
from octavo.reports.figures.files import save_figure


def patterns(layers: int, heads: int, positions: int) -> npt.NDArray[np.float64]:
    weights: npt.NDArray[np.float64] = np.tril(np.random.default_rng(0).random((layers, heads, positions, positions)))
    weights /= weights.sum(-1, keepdims=True)
    return weights


def test_a_figure_a_layer_with_a_panel_a_head() -> None:
    given, tokens = patterns(2, 4, 5), ["To", "be", ",", "or", "not"]
    figures = list(attention_figures(given, tokens, title="To be"))
    assert [figure.get_suptitle() for figure in figures] == ["To be, layer 0", "To be, layer 1"]
    for figure, layer in zip(figures, given, strict=True):
        *panels, colours = figure.axes
        assert [axes.get_title() for axes in panels] == [f"head {i}" for i in range(4)]
        for axes, head in zip(panels, layer, strict=True):
            (image,) = axes.images
            assert np.array_equal(np.asarray(image.get_array()), head)
            assert image.get_clim() == (0, 1)
            assert image.origin == "upper", "queries go down"
            assert axes.get_xlabel().startswith("key")
            assert axes.get_ylabel().startswith("query")
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


@pytest.mark.parametrize("heads", [1, 6, 8, 64])
@pytest.mark.parametrize("tokens", [48, 512, 2048])
def test_a_figure_of_many_tokens_has_a_bounded_size_and_names_some(tokens: int, heads: int) -> None:
    labels = [f"{place}" for place in range(tokens)]
    step, (across, down, side) = label_step(tokens, heads), _grid(tokens, heads)
    assert max(across, down) * side <= 20
    assert across * down >= heads
    assert step * side >= 0.13 * tokens, "each label has its room"
    if tokens * heads <= 512:
        (figure,) = attention_figures(np.zeros((1, heads, tokens, tokens)), labels)
        assert max(figure.get_size_inches()) < 24
        shown = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert shown == labels[::step]
        assert figure.axes[0].get_yticks().tolist() == list(range(0, tokens, step))


def test_few_tokens_are_all_named_and_a_long_label_is_cut() -> None:
    assert [label_step(tokens, 4) for tokens in (2, 24, 48, 76)] == [1, 1, 1, 1]
    (figure,) = attention_figures(patterns(1, 2, 3), ["a", "b" * 500, "c"])
    assert figure.axes[0].get_yticklabels()[1].get_text() == "b" * 39 + "…"
    assert max(figure.get_size_inches()) < 20


def test_figures_are_drawn_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(
        "octavo.reports.figures.attention._layer_figure", lambda heads, labels, title: drawn.append(title)
    )
    figures = attention_figures(patterns(3, 1, 2), ["a", "b"])
    assert drawn == []
    next(figures)
    assert drawn == ["layer 0"]


def test_a_figure_that_is_drawn_late_ignores_the_users_settings_too(tmp_path: Path) -> None:
    """Also where they need LaTeX, which need not be installed."""
    files: list[bytes] = []
    both: list[Any] = [{}, {"text.usetex": True, "font.size": 30.0, "axes.facecolor": "black"}]
    for settings in both:
        with mpl.rc_context(settings):
            (figure,) = attention_figures(patterns(1, 1, 2), ["a", "b"])
            (path,) = save_figure(figure, tmp_path / f"{len(files)}")
        files.append(path.read_bytes())
    assert files[0] == files[1]


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
    with pytest.raises(ValueError, match="3 tokens"):
        attention_figures(np.zeros(shape), ["a", "b", "c"])
