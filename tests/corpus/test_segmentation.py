"""A text is split into documents where it says that one ends."""

from pathlib import Path

import pytest

from octavo.config import DataConfig, TokenizerConfig
from octavo.corpus import Corpus, Document, read_corpus, split, with_documents
from octavo.corpus.lazy_text import LazyText, open_lazy
from octavo.corpus.records import Field
from octavo.corpus.segmentation import Lines, Separator, parse_document_unit, split_documents
from octavo.data.prepare import prepare
from octavo.errors import OctavoError
from octavo.pipeline.plan import as_corpus

END = "<|endoftext|>"


def texts(corpus: Corpus) -> list[str]:
    return [str(document.text) for document in corpus.documents]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (f"separator:{END}", END),
        (r"separator:\n\n", "\n\n"),
        (r"separator:\t\\n\r", "\t\\n\r"),
        ("separator::", ":"),
        ("separator: ", " "),
        (r"separator:\d", r"\d"),
    ],
)
def test_a_separator_is_read_with_its_escapes(given: str, text: str) -> None:
    assert parse_document_unit(given) == Separator(text)


@pytest.mark.parametrize(
    ("given", "unit"),
    [
        ("file", None),
        ("files", None),
        ("lines", Lines()),
        ("paragraphs", Lines(grouped=True)),
        ("jsonl:text", Field("jsonl", "text")),
        ("csv:a: b", Field("csv", "a: b")),
    ],
)
def test_the_other_units(given: str, unit: object) -> None:
    assert parse_document_unit(given) == unit


@pytest.mark.parametrize(
    "given",
    [
        "",
        "separator",
        "separator:",
        "files:",
        "line",
        "lines:",
        "paragraphs:2",
        "jsonl",
        "csv:",
        "json:a",
        END,
        3,
        None,
    ],
)
def test_what_is_no_unit_is_refused(given: object) -> None:
    with pytest.raises(OctavoError, match="separator:TEXT"):
        parse_document_unit(given)  # type: ignore[arg-type]


def test_separators_go_and_so_do_blank_documents() -> None:
    document = Document("stories.txt", f"{END}One.\n{END}{END} \n {END}\nTwo.{END}\n", "cp1252")
    assert split_documents(document, Separator(END)) == [
        Document("stories.txt #1", "One.\n", "cp1252"),
        Document("stories.txt #2", "\nTwo.", "cp1252"),
    ]


def test_a_line_end_is_that_of_windows_too() -> None:
    document = Document("t", "a\r\n\r\nb\n\nc\r\nd\r\re")
    for separator in ("\n\n", "\r\n\r\n", "\r\r"):
        assert [each.text for each in split_documents(document, Separator(separator))] == ["a", "b", "c\r\nd", "e"]


def test_the_characters_of_a_pattern_are_just_characters() -> None:
    document = Document("t", "a.*b.c|d")
    assert [each.text for each in split_documents(document, Separator(".*"))] == ["a", "b.c|d"]


def test_lines_and_paragraphs() -> None:
    document = Document("t", "\n  a b \r\nc\rd\n \t\r\n\n  e\n\nf\n\n")
    lines = [each.text for each in split_documents(document, Lines())]
    assert lines == ["  a b ", "c", "d", "  e", "f"]
    paragraphs = [each.text for each in split_documents(document, Lines(grouped=True))]
    assert paragraphs == ["  a b \r\nc\rd", "  e", "f"]


@pytest.mark.parametrize("unit", [Lines(), Lines(grouped=True), Separator("\n\n")])
def test_a_file_on_disk_is_split_as_one_in_memory(
    unit: Lines | Separator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunks of a few bytes end within line ends, characters and separators."""
    text = "\n\r\néa\r\n\r\n" + "long line 日本 " * 30 + "\n\n \n\rz\r\r\n" + "ö\n" * 9 + "\n\nend\r"
    (tmp_path / "t.txt").write_bytes(text.encode())
    lazy = open_lazy(tmp_path / "t.txt", "utf-8")
    expected = [each.text for each in split_documents(Document("t", text), unit)]
    for size in (1, 2, 3, 7, 64, 4096):
        monkeypatch.setattr("octavo.corpus.segmentation._CHUNK_BYTES", size)
        found = split_documents(Document("t", lazy), unit)
        assert [str(each.text) for each in found] == expected
    kinds = {type(each.text) for each in found}  # short pieces are read, long ones stay in the file
    assert kinds == ({LazyText} if unit == Lines(grouped=True) else {str, LazyText})


def test_files_of_a_folder_are_split_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Zoë\nAnn".encode("utf-16"))
    (tmp_path / "b.txt").write_bytes(b"Bob\r\n\r\nCy\r\n")
    corpus = read_corpus(tmp_path, documents="lines")
    assert [(each.name.rpartition("/")[2], each.text) for each in corpus.documents] == [
        ("a.txt #1", "Zoë"),
        ("a.txt #2", "Ann"),
        ("b.txt #1", "Bob"),
        ("b.txt #2", "Cy"),
    ]
    assert corpus.notes() == ["4 documents, each a line"]
    assert read_corpus(tmp_path, documents="files").document_unit == "file"
    assert texts(read_corpus(tmp_path, documents="paragraphs")) == ["Zoë\nAnn", "Bob", "Cy"]


def test_a_text_of_blank_documents_is_refused() -> None:
    with pytest.raises(OctavoError, match="only blank documents"):
        with_documents(Corpus.from_text(" \n\t\n"), "lines")


def test_a_list_of_names_is_said_with_the_option(shakespeare: str) -> None:
    names = [f"{first}{last}" for first in ("an", "bo", "cy") * 5 for last in map(chr, range(200, 220))]
    listed = "\n".join(f"{name}{number}" for number, name in enumerate(names))
    (note,) = Corpus.from_text(listed, "names").notes()
    assert "300 short lines" in note
    assert "give documents=lines" in note
    for text in (
        shakespeare,
        listed.replace("\n", "\n\n"),  # blank lines
        listed.replace("\n", "\n  "),  # indentation
        listed.replace("\n", " is a longer line than a name, a sentence\n"),
        "\n".join(names),  # most occur several times
        listed[: listed.index("150")],
    ):
        assert Corpus.from_text(text).notes() == []
    assert with_documents(Corpus.from_text(listed), "lines").notes() == ["300 documents, each a line"]


def test_a_corpus_of_stories(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes(b"Three.")
    (tmp_path / "a.txt").write_bytes(f"One.{END}Two.".encode())
    corpus = read_corpus([tmp_path], documents=f"separator:{END}")
    assert texts(corpus) == ["One.", "Two.", "Three."]
    assert corpus.document_unit == f"separator:{END}"
    assert corpus.sha256 == Corpus("c", tuple(map(Document, "abc", texts(corpus)))).sha256
    assert texts(read_corpus([tmp_path])) == [f"One.{END}Two.", "Three."]


def test_a_corpus_in_memory_is_split_alike() -> None:
    corpus = Corpus.from_text(f"One.{END}Two.", "stories")
    found = with_documents(corpus, f"separator:{END}")
    assert (texts(found), found.document_unit, found.name) == (["One.", "Two."], f"separator:{END}", "stories")
    assert as_corpus(corpus, documents=f"separator:{END}") == found
    assert with_documents(found, f"separator:{END}") is found
    assert with_documents(corpus, "file") is corpus


def test_a_separator_that_is_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"One. Two.")
    with pytest.raises(OctavoError, match=r"separator '<\|end\|>' does not occur"):
        read_corpus([tmp_path / "a.txt"], documents="separator:<|end|>")
    (tmp_path / "b.txt").write_bytes(b"Three.<|end|>")  # one document, which is ended
    assert texts(read_corpus([tmp_path], documents="separator:<|end|>")) == ["One. Two.", "Three."]


def test_every_document_begins_with_the_start_token_and_keeps_to_itself(tmp_path: Path) -> None:
    stories = [f"Story {number:02} of the cat that sat on the mat. " * 9 for number in range(20)]
    (tmp_path / "stories.txt").write_bytes(END.join(stories).encode())
    corpus = read_corpus([tmp_path / "stories.txt"], documents=f"separator:{END}")
    assert split(corpus).validation.segments[-1] == stories[-1]
    tokenizer, prepared = prepare(corpus, DataConfig(held_out="end"), TokenizerConfig(vocab_size=300))
    ids = [i for _, part_ids in prepared.values() for i in part_ids.tolist()]
    assert ids.count(tokenizer.bos_id) == 20  # the border of the parts lies between two stories
    assert tokenizer.decode(ids) == "".join(stories)


def test_a_marker_in_a_text_that_was_not_split_stays_text(tmp_path: Path) -> None:
    corpus = Corpus.from_text(f"A story.{END}" * 99)
    tokenizer, prepared = prepare(corpus, DataConfig(), TokenizerConfig(vocab_size=300))
    for part, ids in prepared.values():
        assert ids.tolist().count(tokenizer.bos_id) == 1
        assert tokenizer.decode(ids) == part.text


@pytest.mark.parametrize("marker", [END, "<|end_of_text|>", "<|im_end|>", "</s>", "<EOS>", "<|eot|>"])
def test_a_marker_that_ends_documents_is_said_with_the_option(tmp_path: Path, marker: str) -> None:
    (tmp_path / "stories.txt").write_bytes(marker.join(["A story."] * 9).encode())
    (note,) = read_corpus([tmp_path / "stories.txt"]).notes()
    assert " 8 " in note
    assert f"documents='separator:{marker}'" in note
    split_there = read_corpus([tmp_path / "stories.txt"], documents=f"separator:{marker}")
    assert not any("documents=" in note for note in split_there.notes())
    otherwise = read_corpus([tmp_path / "stories.txt"], documents="separator:A")
    assert f"documents='separator:{marker}'" in otherwise.notes()[-1]
    assert Corpus.from_text(f"It is written {marker}, as in the paper.").notes() == []
    records = "".join(f'{{"text": "Story {number}.{marker}"}}\n' for number in range(9))
    of_records = with_documents(Corpus.from_text(records), "jsonl:text").notes()
    assert " 9 " in of_records[-1]
    assert not any("separator:" in note for note in of_records), "it would split the JSON"
