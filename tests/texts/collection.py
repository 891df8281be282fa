"""Strange texts: each is made anew, the same every time, and small enough to train on in a moment."""

import base64
import random
from collections.abc import Callable, Mapping
from types import MappingProxyType

# What a terminal takes for an order: colour, title, link, clipboard, erasing, reset, back to the line's start,
# backspace, bell, the same in single bytes, writing turned round, and what takes no room.
ORDERS = (
    *("\x1b[31m", "\x1b]0;owned\x07", "\x1b]8;;http://a.b\x1b\\x", "\x1b]52;c;AAAA\x07", "\x1b[2J", "\x1bc", "\r"),
    *("\b", "\x07", "\x9b2J", "\x9d0;x\x9c", "\x90q", "\u202e", "\u2066", "\u061c", "\u200b", "\u2060", "\u2028"),
    "\ufeff",
)
_WORDS = ("the", "of", "and", "to", "in", "that", "it", "is", "was", "he", "for", "as", "with", "his", "be", "on")


def prose(seed: int, words: int = 1200) -> str:
    """Words, commas and lines."""
    drawn = random.Random(seed)
    return " ".join(drawn.choice(_WORDS) + drawn.choice(["", "", "", ",", ".\n"]) for _ in range(words))


def _drawn(seed: int, letters: str, length: int) -> str:
    return "".join(random.Random(seed).choices(letters, k=length))


def _csv() -> str:
    drawn = random.Random(5)
    rows = [f'{i},"{drawn.choice(_WORDS)}, ""quoted""",{drawn.random():.6f},,\r\n' for i in range(250)]
    return "number,words,value,none,\r\n" + "".join(rows)


def _source_code() -> str:
    return "".join(
        f"def f{i}(x: int) -> int:\n\tif x < {i}:\n\t\treturn '\\x{i % 128:02x}'  # {{% raw %}} ${{HOME}}\n\n"
        for i in range(120)
    )


def _combining() -> str:
    marks = [chr(code) for code in range(0x0300, 0x0340)]
    drawn = random.Random(7)
    return "".join(letter + "".join(drawn.choices(marks, k=drawn.randrange(9))) for letter in prose(8, 400))


def _unassigned() -> str:
    """Code points that mean nothing yet, that are for private use, and that never will be characters."""
    spans = [(0x0378, 0x037A), (0xE000, 0xE080), (0xFDD0, 0xFDF0), (0xFFFE, 0x10000), (0x10FFF0, 0x110000)]
    letters = "".join(chr(code) for low, high in spans for code in range(low, high))
    return _drawn(9, letters, 3000)


def _controls() -> str:
    return " ".join(
        random.Random(10).choices([*ORDERS, *map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), *_WORDS], k=1500)
    )


def _markup() -> str:
    """Everything a page, a Markdown file or a console could take for markup."""
    pieces = ["<script>alert(1)</script>", "</script>", "<!--", "-->", "]]>", "<img src=x onerror=alert(1)>", "&lt;"]
    pieces += [
        "\"'><blink>",
        "' onclick='x",
        "<svg/onload=x>",
        "[red]bold[/red]",
        "[link=x]",
        ":warning:",
        "{{ 7 * 7 }}",
    ]
    pieces += [
        "| a | b |",
        "```",
        "](javascript:x)",
        "$\\frac{1}{2}$",
        "\\u003c",
        "</title>",
        "</textarea>",
        "`<blink>`",
    ]
    return " ".join(random.Random(11).choices([*pieces, *_WORDS], k=1200))


def _hebrew_and_arabic() -> str:
    return (
        " ".join(random.Random(12).choices(["שלום", "עולם", "בראשית", "مرحبا", "بالعالم", "כִּי־טוֹב", "٣٤"], k=1500))
        + "\n"
    )


def _emoji() -> str:
    pieces = ["👩\u200d👩\u200d👧\u200d👦", "👍🏽", "🏳️\u200d🌈", "🇩🇪", "1️⃣", "🙂", "e\u0301", " "]
    return "".join(random.Random(13).choices(pieces, k=2500))


STRANGE: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "empty": lambda: "",
        "one character": lambda: "x",
        "two characters": lambda: "é🙂",
        "one long line": lambda: prose(1, 3000).replace("\n", " "),
        "equal characters": lambda: "a" * 250_000,
        "equal emoji": lambda: "🙂" * 20_000,
        "only newlines": lambda: "\n" * 20_000,
        "only spaces": lambda: " " * 20_000,
        "CRLF": lambda: prose(2).replace("\n", "\r\n"),
        "CR": lambda: prose(3).replace("\n", "\r"),
        "NUL bytes": lambda: "\0".join(prose(4).split(" ")),
        "only NUL bytes": lambda: "\0" * 20_000,
        "byte order marks": lambda: "x\ufeff" + "\ufeff".join(prose(14).split("\n")),
        "emoji": _emoji,
        "combining sequences": _combining,
        "right to left": _hebrew_and_arabic,
        "Chinese without spaces": lambda: _drawn(15, "天地玄黃宇宙洪荒日月盈昃辰宿列張寒來暑往秋收冬藏", 6000),
        "ten thousand different characters": lambda: "".join(chr(0x4E00 + i) for i in range(10_000)),
        "source code": _source_code,
        "base64": lambda: base64.encodebytes(random.Random(16).randbytes(6000)).decode(),
        "base64 in one line": lambda: base64.b64encode(random.Random(17).randbytes(6000)).decode(),
        "DNA": lambda: _drawn(18, "ACGT", 20_000),
        "CSV": _csv,
        "start tokens": lambda: "<|endoftext|>".join(prose(19).split(" ")) + "[PAD]<0x41>" * 50,
        "unassigned": _unassigned,
        "control characters": _controls,
        "markup": _markup,
        "any characters": lambda: "".join(
            chr(c) for c in random.Random(20).choices([*range(0xD800), *range(0xE000, 0x110000)], k=6000)
        ),
    }
)
