"""Colour where it can be seen, and figures that keep their width."""

import pytest

from octavo.reports.terminal.colours import PROBABILITY, SURPRISAL, in_colour, make_console, percentage


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (0.0, " 0.0%"),
        (0.0004, "<0.1%"),
        (0.003, " 0.3%"),
        (0.0994, " 9.9%"),
        (0.0996, "  10%"),
        (0.87, "  87%"),
        (0.9949, "  99%"),
        (0.999, "99.9%"),
        (0.9996, " 100%"),
        (1.0, " 100%"),
    ],
)
def test_percentage(probability: float, text: str) -> None:
    assert percentage(probability) == text


def test_a_step_begins_at_its_bound() -> None:
    assert SURPRISAL.style(1.99) == ""
    assert [SURPRISAL.style(bits)[-7:] for bits in (2, 3.9, 4, 6, 9, 30)] == [
        SURPRISAL.colours[step] for step in (0, 0, 1, 2, 3, 3)
    ]


@pytest.mark.parametrize("scale", [SURPRISAL, PROBABILITY])
def test_black_can_be_read_on_every_colour(scale: object) -> None:
    assert isinstance(scale, type(SURPRISAL))
    for colour in scale.colours:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        luminance = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
        assert (luminance + 0.05) / 0.05 >= 7  # WCAG AAA


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_there_is_colour_where_it_is_wanted(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], expected: bool
) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert in_colour(make_console()) == expected
