"""A text as it surprised a model, on a terminal."""

import io
import math
from dataclasses import replace

import pytest
from rich.console import Console
from rich.text import Text

from octavo.interpret.predictions import Prediction
from octavo.interpret.surprise import Surprise, TokenSurprise
from octavo.interpret.tokens import Alignment
from octavo.reports.terminal.surprise import coloured, marked, surprise_totals, worst_tokens


def surprise(*pieces: tuple[str, float | None]) -> Surprise:
    """One token a piece that costs so many bits; None: none."""
    tokens: list[TokenSurprise] = []
    found = []
    for text, bits in pieces:
        found.append(Alignment(text, len(tokens), len(tokens) + (bits is not None)))
        if bits is not None:
            tokens.append(
                TokenSurprise(text, bits * math.log(2), 2, (Prediction("\n", 0.5), Prediction(text, 2.0**-bits)))
            )
    return Surprise("".join(text for text, _ in pieces), tuple(tokens), tuple(found), 128, lossless_tokenizer=True)


def plain(lines: list[Text]) -> list[str]:
    return [line.plain for line in lines]


def test_without_colour_the_bits_of_each_character_are_below_it() -> None:
    found = surprise(("To", 7.0), (" be", 3.0), ("\n", 12.0), ("x", 1.9), ("\x1b", 9.9), ("日", 5.0), ("!", 2.0))
    assert plain(marked(found, 80))[1:] == ["| To be↵", "  33   +", "| x\\x1b日!", "   9   5 2"]


def test_lines_are_broken_at_spaces() -> None:
    found = surprise(("Words, words, words", 38.0), (".", 0.0), ("\n", 0.0), ("unbreakable", 0.0))
    assert plain(coloured(found, 10))[1:] == ["Words, ", "words, ", "words.↵", "unbreakabl", "e"]
    assert plain(marked(found, 9))[1:7] == [
        "| Words, ",
        "  2222222",
        "| words, ",
        "  2222222",
        "| words.↵",
        "  22222",
    ]


def test_a_line_end_of_windows_or_of_an_old_mac_is_one() -> None:
    found = surprise(("To", 3.0), ("\r\n", 6.0), ("\r\n", None), ("be", 3.0), ("\r", 5.0), ("x", 0.0))
    assert plain(coloured(found, 80))[1:] == ["To↵", "↵", "be↵", "x"]
    assert plain(marked(found, 80))[1:] == ["| To↵", "    3", "| ↵", "| be↵", "    5", "| x"]


def test_words_stay_whole() -> None:
    text = "می\u200cخواهم\xa0👩\u200d👧\u3000日"
    assert plain(coloured(surprise(*((character, 1.0) for character in text)), 80))[1:] == [text]


def test_each_character_has_the_colour_of_its_bits() -> None:
    line = coloured(surprise(("ab", 10.0), (" ", None), ("c", 1.0), ("d", 20.0)), 80)[1]
    assert line.plain == "ab cd"
    styles = {line.plain[span.start]: str(span.style) for span in line.spans}
    assert styles == {"a": "#000000 on #ffc46b", "b": "#000000 on #ffc46b", " ": "dim", "d": "#000000 on #f7747a"}


def test_the_worst_come_first_with_what_was_likelier() -> None:
    found = surprise(("Good morrow,", 1.0), (" ne", 11.0), *((str(i), 2.0) for i in range(10)), (" K", 14.0))
    console = Console(file=io.StringIO(), width=80)
    console.print(worst_tokens(found))
    assert isinstance(console.file, io.StringIO)
    _, first, second, *others = console.file.getvalue().splitlines()
    assert first.split() == ["14.0", "1", "in", "16,000", "2", ",␣ne0123456789", "␣K", "↵", "50%"]
    assert second.split() == ["11.0", "1", "in", "2,000", "2", "Good␣morrow,", "␣ne", "↵", "50%"]
    assert len(others) == 6


def test_however_small_a_chance_the_table_keeps_its_width() -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(worst_tokens(surprise(("a", 60.0), ("b", 300.0), ("c", 2000.0))))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert [line.split()[1:4] for line in lines[1:]] == [["1", "in", f"10^{n}"] for n in (602, 90, 18)]
    assert lines[0].rstrip().endswith("more probable")


def test_totals() -> None:
    said = surprise_totals(surprise(("To", 3.0), (" be", 2.0)))
    assert said[0] == (f"1.0000 bits per character ({math.log(2):.4f} nats), {2.5 * math.log(2):.4f} nats per token")
    assert said[1].startswith("5 characters, 2 tokens")
    assert "lossy" not in " ".join(said)


def test_what_totals_leave_out() -> None:
    found = surprise((" ", None), ("To", 3.0), (" \n", None), ("be", 3.0))
    first = TokenSurprise("To", math.log(50), None, ())
    lines = surprise_totals(replace(found, tokens=(first, *found.tokens[1:]), lossless_tokenizer=False))
    said = " ".join(" ".join(lines).split())
    assert "3 characters" in said
    assert "not comparable" in said
    assert "uniform baseline" in said


@pytest.mark.parametrize("show", [coloured, marked])
def test_nothing_that_controls_a_terminal_gets_through(show: object) -> None:
    assert callable(show)
    found = surprise(*((character, 3.0) for character in "a\x1b]0;x\x07\x9b\u202e\u200b\x7f\r\t\n"))
    assert not set("".join(plain(show(found, 40)))) & set("\x1b\x07\x9b\u202e\u200b\x7f\r\t\n")
