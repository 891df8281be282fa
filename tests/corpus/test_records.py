"""The strings of one field of JSON Lines or CSV become documents, and a damaged record is named by its line."""

import json
from pathlib import Path

import pytest

from octavo.corpus import read_corpus
from octavo.corpus.lazy_text import open_lazy
from octavo.corpus.records import Field, read_field
from octavo.errors import OctavoError

RECORDS = ["One.\n\nStill one.", " \n", "Zwei \u2028 \N{PILE OF POO}", ""]
JSONL = "".join(json.dumps({"id": n, "text": text}) + "\r\n" for n, text in enumerate(RECORDS)) + "\n \n"
CSV = 'id;text;"more"\r\n1;"One.\n\nStill ""one"".";x\r\n2; ;x\r\n\r\n3;Zwei, drei;\r\n'


def test_json_lines() -> None:
    assert read_field("a", JSONL, Field("jsonl", "text")) == ([RECORDS[0], RECORDS[2]], 2)


def test_csv_with_quoted_line_breaks() -> None:
    expected = (['One.\n\nStill "one".', "Zwei, drei"], 1)
    assert read_field("a", CSV, Field("csv", "text")) == expected
    for delimiter in ",\t":
        other = CSV.replace(",", "!").replace(";", delimiter)
        texts, blank = read_field("a", other, Field("csv", "text"))
        assert ([text.replace("!", ",") for text in texts], blank) == expected
    long = "x" * 200_000  # the csv module refuses fields of that length unless it is told otherwise
    assert read_field("a", f"text\n{long}\n", Field("csv", "text")) == ([long], 0)


@pytest.mark.parametrize(("content", "unit"), [(JSONL, "jsonl:text"), (CSV, "csv:text")])
def test_a_long_file_is_read_in_chunks(
    content: str, unit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_bytes(content.encode())
    expected = read_field("a", content, Field(*unit.split(":")))
    monkeypatch.setattr("octavo.corpus.lazy_text._CHUNK_BYTES", 3)
    assert read_field("a", open_lazy(tmp_path / "a.txt", "utf-8"), Field(*unit.split(":"))) == expected
    corpus = read_corpus(tmp_path / "a.txt", documents=unit)
    assert [document.text for document in corpus.documents] == expected[0]
    assert corpus.blank_documents == expected[1]
    assert f"{expected[1]} blank one" in corpus.notes()[0]


@pytest.mark.parametrize(
    ("unit", "content", "said"),
    [
        ("jsonl:text", '{"text": "a"}\nnot JSON\n', "a.txt, line 2 is not a JSON object"),
        ("jsonl:text", '{"text": "a"}\n["text"]\n', "a.txt, line 2 is not a JSON object"),
        ("jsonl:text", '\n{"txt": "a"}\n', "a.txt, line 2 has no field 'text': did you mean 'txt'"),
        ("jsonl:text", '{"text": 3}', "a.txt, line 1 has no string in the field 'text'"),
        ("jsonl:text", "[" * 100_000, "a.txt, line 1 is not a JSON object"),
        ("csv:text", "id,Texts\n1,a\n", "a.txt has no column 'text': did you mean 'Texts'"),
        ("csv:text", 'id,text\n1,"a\nb"\n2\n', "a.txt, line 4 has no column 'text'"),
        ("csv:text", 'text\n"a\nb', "a.txt, line 3 is not CSV"),
        ("csv:text", "text\n \n", "only blank documents"),
    ],
)
def test_a_record_that_cannot_be_read_is_named(unit: str, content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(content.encode())
    with pytest.raises(OctavoError) as caught:
        read_corpus(tmp_path / "a.txt", documents=unit)
    assert said in str(caught.value)


def test_more_text_than_memory_allows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octavo.corpus.records.memory_limit", lambda: 20)
    with pytest.raises(OctavoError, match="kept in memory"):
        read_field("a", JSONL, Field("jsonl", "text"))
