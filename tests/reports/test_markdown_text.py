"""Text of a person in Markdown."""

import pytest

from octavo.reports.markdown_text import fenced, inline_code, markdown_table, plain


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("see http://evil.example/a_b now", "see `http://evil.example/a_b` now"),
        ("(WWW.evil.example)", "`(WWW.evil.example)`"),
        ("a@b.example, mailto:a@b.example", "`a@b.example,` `mailto:a@b.example`"),
        ("<http://evil.example>", "\\<`http://evil.example`\\>"),
        ("`http://a`b@c.example|d", "\\``http://a`\\``b@c.example`\\|d"),
        ("a://b\\", "`a://b`\\\\"),
        ("*a* [b](c)\nd", "\\*a\\* \\[b\\](c) d"),
        ("a\r\nb\rc", "a b c"),
        ("To be: 3 % of it", "To be: 3 % of it"),
    ],
)
def test_nothing_is_markup_or_becomes_a_link(text: str, written: str) -> None:
    assert plain(text) == written


def test_cells_are_plain() -> None:
    assert markdown_table(("a|b",), [("www.evil.example|",)]) == "| a\\|b |\n| --- |\n| `www.evil.example`\\| |"


def test_an_aligned_table_can_be_read_as_text() -> None:
    lines = markdown_table(("name", "loss"), [("a_b", "12.5"), ("c", "3")], escape=str, aligned=True).splitlines()
    assert len(set(map(len, lines))) == 1, "the columns have one width"
    assert lines[1].split("|")[2].strip() == "---:"
    assert [line.split("|")[2] for line in lines[2:]] == [" 12.5 ", "    3 "]


def test_a_fence_is_longer_than_any_within() -> None:
    assert fenced("a\n````\nb") == "`````\na\n````\nb\n`````"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("octavo train a_b.txt --minutes 2", "`octavo train a_b.txt --minutes 2`"),
        ("octavo train 'a`b.txt'", "``octavo train 'a`b.txt'``"),
        ("`a`", "`` `a` ``"),
        ("a\x1b[31m", "`a\\x1b[31m`"),
    ],
)
def test_a_command_in_a_line_can_be_copied(command: str, code: str) -> None:
    assert inline_code(command) == code
