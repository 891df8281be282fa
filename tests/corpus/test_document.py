"""A corpus counts and fingerprints its texts, and no impossible text gets in."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.corpus import Corpus, Document, read_corpus
from octavo.corpus.byte_patterns import _SIGNATURES
from octavo.corpus.document import SAME_FILE, Skipped, _skipped_lines, safe_name
from octavo.corpus.folder import LINK_TO_FOLDER
from octavo.corpus.outputs import IS_EXPERIMENT, IS_OUTPUT, IS_RUN, IS_RUNS_ROOT
from octavo.errors import OctavoError

# hypothesis's default alphabet has no surrogates: everything UTF-8 can express
TEXTS = st.lists(st.text(min_size=1), min_size=1, max_size=5)


def corpus_of(*texts: str) -> Corpus:
    return Corpus("c", tuple(Document(f"{i}.txt", text) for i, text in enumerate(texts)))


def test_lengths_are_code_points_and_utf8_bytes() -> None:
    corpus = corpus_of("naïve", "🙂\r\n")
    assert corpus.characters == 5 + 3
    assert corpus.bytes == 6 + 6


def test_sha256_is_over_lengths_and_texts() -> None:
    raw = b"\x03" + bytes(7) + "né".encode() + b"\x01" + bytes(7) + b"x"
    assert corpus_of("né", "x").sha256 == hashlib.sha256(raw).hexdigest()


def test_sha256_knows_borders_and_order_but_no_names() -> None:
    assert corpus_of("ab", "c").sha256 != corpus_of("a", "bc").sha256
    assert corpus_of("a", "b").sha256 != corpus_of("b", "a").sha256
    assert Corpus.from_text("a", "x").sha256 == Corpus.from_text("a", "y").sha256


@given(TEXTS, TEXTS)
def test_sha256_is_equal_for_equal_texts_only(left: list[str], right: list[str]) -> None:
    assert (corpus_of(*left).sha256 == corpus_of(*right).sha256) == (left == right)


def test_from_text_keeps_the_text() -> None:
    corpus = Corpus.from_text("\ufeffa\r\nb\x00\n")
    assert corpus.name == "text"
    assert corpus.documents == (Document("text", "\ufeffa\r\nb\x00\n"),)


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(OctavoError, match=r"notes: character 2 is a lone surrogate \(U\+D83D\)"):
        Corpus.from_text("ab\ud83d", "notes")


def test_no_text_is_refused() -> None:
    with pytest.raises(OctavoError, match="notes is empty"):
        Corpus.from_text("", "notes")
    with pytest.raises(OctavoError, match="corpus notes holds no document"):
        Corpus("notes", ())


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("hamlet", "hamlet"),
        ("my notes (2)", "my-notes-2"),
        ("../../etc", "etc"),
        (".hidden", "hidden"),
        ("Война и мир", "Война-и-мир"),
        ("v1.2_a-b", "v1.2_a-b"),
        ("aux", "text-aux"),
        ("Con.v2", "text-Con.v2"),
        ("...", "corpus"),
        ("", "corpus"),
        ("\udce9\n", "corpus"),
    ],
)
def test_safe_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe
    assert Corpus.from_text("x", name).name == safe


@given(st.text(alphabet=st.characters()))
def test_every_safe_name_is_fit_for_a_directory(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert all(character.isalnum() or character in "-_." for character in safe)
    assert not safe.startswith(".")
    assert not safe.endswith(".")
    assert len(safe.encode("utf-8")) <= 255
    assert safe_name(safe) == safe


def test_skipped_files_are_counted_by_their_reason(tmp_path: Path) -> None:
    contents = {
        "a.gz": b"\x1f\x8b\x08" + b"x" * 9,
        "b.gz": b"\x1f\x8b\x08" + b"y" * 9,
        "c.7z": b"7z\xbc\xaf\x27\x1c",
        "d.png": b"\x89PNG\r\n\x1a\n",
        "d.jpg": b"\xff\xd8\xff",
        "e.txt": b"",
        "f.bin": b"\0" * 9,
        "g.pdf": b"%PDF-1.4\n",
        "text.txt": b"To be",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "h.txt").symlink_to("text.txt")
    corpus = read_corpus(tmp_path)
    assert len(corpus.skipped) == 9
    (line,) = corpus.notes()
    head, _, counted = line.partition(": ")
    assert head == "skipped 9 files"
    assert counted.startswith("3 compressed, 2 images, ")
    assert set(counted.split(", ")[2:]) == {"1 empty", "1 binary", "1 PDF", "1 read under another name"}


def test_each_reason_has_a_word() -> None:
    reasons = [IS_RUN, IS_EXPERIMENT, IS_RUNS_ROOT, IS_OUTPUT, LINK_TO_FOLDER, f"{SAME_FILE} a", "not a regular file"]
    reasons += [f"{what}: {how}" for _, what, how in _SIGNATURES]
    (line,) = _skipped_lines([Skipped(str(number), reason) for number, reason in enumerate(reasons)])
    assert line.startswith(f"skipped {len(reasons)} files: ")
    assert "binary" not in line
