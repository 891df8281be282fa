"""What each token is: found in texts of plays and of other kinds, whole or in bytes."""

import pytest

from octavo.interpret.token_features import TokenFeatures, line_spans, token_features
from octavo.interpret.tokens import Alignment, align
from octavo.tokenizer import Tokenizer

PLAY = "First Citizen:\nSpeak, speak.\n\nDUKE OF YORK:\r\nThus: no.\nThey say\n\n  All:\nAy"


def of_characters(text: str) -> TokenFeatures:
    """Each character a token."""
    return token_features(text, [Alignment(c, i, i + 1) for i, c in enumerate(text)], len(text))


def speaker(text: str, marks: TokenFeatures, place: int) -> str:
    return text[marks.name_begin[place] : marks.name_end[place]]


def test_a_line_starts_with_its_first_character_and_a_blank_one_has_none() -> None:
    starts = [PLAY[i : i + 5] for i, begun in enumerate(of_characters(PLAY).line_start) if begun]
    assert starts == ["First", "Speak", "DUKE ", "Thus:", "They ", "  All", "Ay"]


def test_lines_are_all_that_is_not_blank() -> None:
    assert [PLAY[begin:end] for begin, end in line_spans(PLAY)] == [line for line in PLAY.split("\n") if line.strip()]
    assert line_spans("") == line_spans("\n \n") == []


def test_the_speaker_is_known_from_the_colon_on() -> None:
    marks = of_characters(PLAY)
    names = {speaker(PLAY, marks, place) for place in range(len(PLAY))}
    assert names == {"", "First Citizen", "DUKE OF YORK", "All"}
    colon = PLAY.index(":")
    assert speaker(PLAY, marks, colon - 1) == ""
    assert speaker(PLAY, marks, colon) == "First Citizen"
    assert speaker(PLAY, marks, PLAY.index("YORK:") + 3) == "First Citizen"
    assert speaker(PLAY, marks, PLAY.index("They")) == "DUKE OF YORK", "not Thus, whose line goes on"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("ROMEO:", "ROMEO"),
        ("Nurse : ", "Nurse"),
        ("Duke of York:", "Duke of York"),
        ("L'AIGLE-D'OR:", "L'AIGLE-D'OR"),
        ("Ärztin:", "Ärztin"),
        ("and then:", ""),
        ("He said to all of them:", ""),
        ("Then said he:", ""),
        ("ROMEO", ""),
        ("12:", ""),
        (":", ""),
        ("# Usage:", ""),
    ],
)
def test_what_is_a_name(line: str, name: str) -> None:
    text = f"x\n{line}\ny"
    assert speaker(text, of_characters(text), len(text) - 1) == name


def test_bytes_of_a_dash_are_punctuation_and_those_of_a_letter_are_not(bpe: Tokenizer) -> None:
    text = "é—?! a"
    ids = bpe.encode(text).tolist()
    marks = token_features(text, align(bpe, text, ids), len(ids))
    sizes = [len(bpe.token_bytes()[i]) for i in ids]
    assert sizes[:5] == [1] * 5, "two bytes of é, three of the dash"
    assert marks.punctuation[:5].tolist() == [False] * 2 + [True] * 3
    assert marks.punctuation[5:].tolist() == [bpe.token_bytes()[i].strip() in (b"?", b"!", b"?!") for i in ids[5:]]


def test_lines_and_names_are_known_though_the_tokenizer_drops_white_space(lossy: Tokenizer) -> None:
    text = "so it is.\n\nFirst Citizen:\nBefore we go on."
    ids = lossy.encode(text).tolist()
    words = [lossy.token_text(i) for i in ids]
    marks = token_features(text, align(lossy, text, ids), len(ids))
    after = "".join(words).index("Before")
    begins = [sum(map(len, words[:i])) for i, begun in enumerate(marks.line_start) if begun]
    assert begins == [0, len("soitis."), after]
    assert "".join(words[marks.name_begin[-1] : marks.name_end[-1]]) == "FirstCitizen"
