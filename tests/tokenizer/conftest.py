"""Tokenizers that several files of tests share, trained once."""

import pytest
from tests.tokenizer.earlier import bpe_of_earlier_versions

from octavo.tokenizer.kinds import ByteBPE, Characters, WhitespaceBPE


@pytest.fixture(scope="session")
def older_bpe(shakespeare: str) -> ByteBPE:
    """A tokenizer of an earlier version."""
    return bpe_of_earlier_versions(shakespeare[:100_000], 400)


@pytest.fixture(scope="session")
def bpe(shakespeare: str) -> ByteBPE:
    return ByteBPE.train(shakespeare, 512)


@pytest.fixture(scope="session")
def characters(shakespeare: str) -> Characters:
    return Characters.train(shakespeare, 512)


@pytest.fixture(scope="session")
def reference(shakespeare: str) -> WhitespaceBPE:
    """The tokenizer of the reference experiment: trained on the whole text."""
    return WhitespaceBPE.train(shakespeare, 500)


@pytest.fixture(scope="session")
def odd() -> list[str]:
    """Pieces of text that a tokenizer could trip over."""
    return [
        *(
            "<|endoftext|>",
            "[PAD]",
            "<0x41>",
            "<0xff>",
            "\0",
            "\r\n",
            "\n",
            "\n\n",
            "\n\n\n",
            " ",
            "  ",
            "\t",
            "\u3000",
        ),
        *(
            "🙂",
            "👩\u200d👩\u200d👧",
            "e\u0301",
            "é",
            "שלום",
            "مرحبا",
            "你好",
            "\ue000",
            "\uffff",
            "\U0010ffff",
            "Ġ",
            "Ċ",
        ),
        *(
            "to be",
            " or",
            "don't",
            "I'll",
            "123",
            "4.5",
            "a_b",
            "!?",
            "\ufeff",
            "\x1b[31m",
            "\x85",
            "\u2028",
            "x" * 50,
        ),
    ]


@pytest.fixture(scope="session")
def odd_tokenizers(odd: list[str]) -> list[ByteBPE | Characters | WhitespaceBPE]:
    """One of each kind, and an older one, with merges of white space and of odd pieces."""
    text = "".join((piece + " ") * 3 + piece + "\n" + piece + "\n\n" for piece in odd) * 20
    return [
        ByteBPE.train(text, 600),
        bpe_of_earlier_versions(text, 600),
        Characters.train(text, 280),
        WhitespaceBPE.train(text, 300),
    ]
