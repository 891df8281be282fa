"""The tokenizers in JavaScript give the ids that those in Python give, for any text."""

import random
import unicodedata
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest
from tests.tokenizer.earlier import bpe_of_earlier_versions

from octavo.reports.html.packed_model import pack_tokenizer
from octavo.tokenizer import Tokenizer
from octavo.tokenizer.kinds import ByteBPE, Characters, WhitespaceBPE

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

ODD = [
    *("<|endoftext|>", "<0x41>", "[PAD]", "\0", "\x1b[31m", "\r\n", "\n\n", "\r", " ", "   ", "\t", "\x85", "\u2028"),
    *("🙂", "👍🏽", "👩\u200d👩\u200d👧", "e\u0301", "न\u093f", "שלום", "\ue000", "\uffff", "\ufeff", "\u00a0", "Ġ"),
    *("'s", "'S", "'ſxſx", "'Ll", "'t", "\u0378", "\u088f", "\U00010940", "\U000323b0", "don't", "a_1", "12345", "½"),
]
WORDS = ["ROMEO:", "the", "and", "What", "light", "through", "yonder", "breaks", "is", "thee", "!", ",", "?\n"]
MAKERS: dict[str, Callable[[str], Tokenizer]] = {
    "bpe": lambda text: ByteBPE.train(text, 700),
    "bpe of earlier versions": lambda text: bpe_of_earlier_versions(text, 400),
    "characters": lambda text: Characters.train(text, 320),
    "whitespace-bpe": lambda text: WhitespaceBPE.train(text, 600),
}


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """2,000 texts of words, odd pieces, and characters of all scripts, among them lone surrogates."""
    draw = random.Random(0)
    assigned = [c for c in map(chr, range(0x32000)) if unicodedata.category(c) not in ("Cn", "Co", "Cs")]
    rare = [c for c in assigned if unicodedata.category(c)[0] in "MNZC"] + [chr(0xD800), chr(0xDBFF), chr(0xDC00)] * 9
    pools: list[Callable[[], str]] = [
        lambda: draw.choice(WORDS) + draw.choice(["", " "]),
        lambda: draw.choice(ODD),
        lambda: draw.choice(assigned),
        lambda: draw.choice(rare),
        lambda: chr(draw.randrange(0x20, 0x250)) * draw.choice([1, 1, 2]),
        lambda: chr(draw.randrange(0x110000)),
    ]
    return ["".join(draw.choice(pools)() for _ in range(draw.randrange(1, 25))) for _ in range(2000)]


@pytest.fixture(scope="module")
def tokenizers(shakespeare: str) -> Mapping[str, Tokenizer]:
    text = shakespeare[:40_000] + "héllo 😀👍🏽 日本語 עברית हिन्दी 'S'll\u0301 12 345 ſxſx \ufffd\r\n" * 30
    return {name: make(text) for name, make in MAKERS.items()}


ENCODE = """([packed, texts]) => {
  const tokenizer = new octavo.engine.Tokenizer(packed);
  return texts.map((text) => {
    const ids = tokenizer.encode(text);
    return [ids, tokenizer.decode(ids)];
  });
}"""


def without_lone_surrogates(text: str) -> str:
    """Return the text as any file of it would be: surrogate pairs are characters, halves of them U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@pytest.mark.parametrize("name", MAKERS)
def test_ids_are_those_of_python(
    tab: "Tab", tokenizers: Mapping[str, Tokenizer], texts: list[str], name: str
) -> None:
    tokenizer = tokenizers[name]
    found = tab.evaluate(ENCODE, [pack_tokenizer(tokenizer), texts])
    for text, (ids, decoded) in zip(texts, found, strict=True):
        expected = tokenizer.encode(without_lone_surrogates(text)).tolist()
        assert ids == expected, ascii(text)
        assert decoded == tokenizer.decode(expected)


def test_the_texts_have_what_they_should(tab: "Tab", texts: list[str]) -> None:
    together = "".join(texts)
    assert tab.evaluate("text => /\\p{Surrogate}/u.test(text)", together)  # they reach the page as they are
    assert {unicodedata.category(c) for c in together} >= {"Lo", "Mn", "Mc", "Nd", "No", "Cc", "Cf", "Cs", "So", "Zs"}
    assert len({unicodedata.name(c, "?").split()[0] for c in together}) > 200  # most begin with their script


@pytest.mark.parametrize("name", ["bpe", "characters", "whitespace-bpe"])
def test_decoding_any_ids_is_that_of_python_token_by_token_too(
    tab: "Tab", tokenizers: Mapping[str, Tokenizer], name: str
) -> None:
    draw = random.Random(1)
    tokenizer = tokenizers[name]
    lists = [[draw.randrange(tokenizer.vocab_size) for _ in range(draw.randrange(12))] for _ in range(300)]
    script = """([packed, lists]) => {
      const tokenizer = new octavo.engine.Tokenizer(packed);
      return lists.map((ids) => {
        const stream = new octavo.engine.Detokenizer(tokenizer);
        const parts = ids.map((id) => stream.push([id]));
        return [tokenizer.decode(ids), parts.join("") + stream.end(), parts];
      });
    }"""
    for ids, (at_once, streamed, parts) in zip(
        lists, tab.evaluate(script, [pack_tokenizer(tokenizer), lists]), strict=True
    ):
        assert at_once == tokenizer.decode(ids)
        assert streamed == (at_once if tokenizer.lossless or not ids else f" {at_once}")
        assert len(parts) == len(ids)


def test_a_character_of_several_tokens_comes_complete(tab: "Tab", tokenizers: Mapping[str, Tokenizer]) -> None:
    tokenizer = tokenizers["characters"]
    script = """([packed, ids]) => {
      const stream = new octavo.engine.Detokenizer(new octavo.engine.Tokenizer(packed));
      return ids.map((id) => stream.push([id]));
    }"""
    ids = tokenizer.encode("a🦜\ufeffb").tolist()
    assert len(ids) == 1 + 4 + 3 + 1
    parts = tab.evaluate(script, [pack_tokenizer(tokenizer), ids])
    assert parts == ["a", "", "", "", "🦜", "", "", "\ufeff", "b"]


def test_a_very_long_word_takes_no_quadratic_time(tab: "Tab", tokenizers: Mapping[str, Tokenizer]) -> None:
    tokenizer = tokenizers["bpe"]
    text = "thee" * 25_000
    ((ids, decoded),) = tab.evaluate(ENCODE, [pack_tokenizer(tokenizer), [text]])
    assert ids == tokenizer.encode(text).tolist()
    assert decoded == text
