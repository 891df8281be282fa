"""Read the documents of JSON Lines and CSV files: the strings of one field or column, which are kept in memory."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from octavo.corpus.lazy_text import LazyText, iter_text, memory_limit
from octavo.errors import OctavoError, suggestion

_MAX_FIELD_CHARACTERS = 2**31 - 1  # what the csv module accepts on every system
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Field:
    """The field `name` of JSON Lines (`kind` "jsonl") or of CSV (`kind` "csv") whose strings are documents."""

    kind: str
    name: str


def read_field(source: str, text: str | LazyText, field: Field) -> tuple[list[str], int]:
    """Return the strings of a field in all records of a text, and how many more are blank.

    Args:
        source: the name of the text, for errors.
        text: the content of a file.
        field: the field, and the format of the text.

    Raises:
        OctavoError: a record cannot be read, lacks the field or has something else than a string there, or the
            strings exceed the memory that texts may use. The message names the line.

    Example:
        >>> read_field("a.jsonl", '{"text": "To be"}\\n{"text": " "}\\n', Field("jsonl", "text"))
        (['To be'], 1)
    """
    found: list[str] = []
    blank, left = 0, memory_limit()
    for value in (_json_values if field.kind == "jsonl" else _csv_values)(source, text, field.name):
        if not value or value.isspace():
            blank += 1
            continue
        found.append(value)
        left -= len(value)
        if left < 0:
            raise OctavoError(
                f"{source} has more than {memory_limit() / 2**30:.1f} GiB of text in {field.name}, which would be "
                "kept in memory: give a part of it, or a text file with documents=separator:TEXT"
            )
    return found, blank


def _lines(text: str | LazyText) -> Iterator[str]:
    """Yield the lines, each with its line feed."""
    held = ""
    for chunk in iter_text(text):
        *lines, held = (held + chunk).split("\n")
        for line in lines:
            yield line + "\n"
    if held:
        yield held


def _json_values(source: str, text: str | LazyText, name: str) -> Iterator[str]:
    for number, line in enumerate(_lines(text), 1):
        if line.isspace():
            continue
        where = f"{source}, line {number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            raise OctavoError(f"{where} is not a JSON object: correct the line, or give documents=lines")
        if name not in record:
            raise OctavoError(f"{where} has no field {name!r}: {suggestion(name, list(record))}")
        if not isinstance(record[name], str):
            raise OctavoError(f"{where} has no string in the field {name!r}: correct the line or give another field")
        yield record[name]


def _csv_values(source: str, text: str | LazyText, name: str) -> Iterator[str]:
    lines = _lines(text)
    header = next(lines, "")
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(chain([header], lines), delimiter=delimiter, strict=True)
    limit = csv.field_size_limit(_MAX_FIELD_CHARACTERS)
    try:
        columns = next(reader, [])
        if name not in columns:
            raise OctavoError(f"{source} has no column {name!r}: {suggestion(name, columns)}")
        column = columns.index(name)
        for row in reader:
            if row and len(row) <= column:
                raise OctavoError(f"{source}, line {reader.line_num} has no column {name!r}: correct the line")
            if row:
                yield row[column]
    except csv.Error as error:
        raise OctavoError(f"{source}, line {reader.line_num} is not CSV ({error}): correct the line") from None
    finally:
        csv.field_size_limit(limit)
