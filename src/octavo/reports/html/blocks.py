"""The plain parts of a page: samples, sentences, facts, tables, code, findings, and the sections around parts."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from markupsafe import Markup

from octavo.evaluate.diagnosis.case import Finding
from octavo.evaluate.overlap import HighlightedCopies
from octavo.reports.html.page import HtmlPart, render
from octavo.system.terminal import escape_controls

_STYLES = ("plain.css",)


def samples_part(copies: HighlightedCopies, notes: Sequence[str]) -> HtmlPart:
    """Return the texts with their verbatim copies of the training split marked, below the notes."""
    texts = [_spans(text, spans) for text, spans in zip(copies.texts, copies.spans, strict=True)]
    return HtmlPart(render("samples.html", texts=texts, notes=notes), styles=("samples.css",))


def _spans(text: str, copied: tuple[tuple[int, int], ...]) -> list[tuple[bool, str]]:
    """Split a text into spans, each copied or not; control characters are escaped."""
    # A border within a line end of two characters would make two line ends of it.
    borders = [0, *(at + (text[at - 1 : at + 1] == "\r\n") for span in copied for at in span), len(text)]
    spans = [text[start:end] for start, end in pairwise(borders)]
    return [(bool(i % 2), escape_controls(span)) for i, span in enumerate(spans) if span]


def sentences_part(sentences: Sequence[str]) -> HtmlPart:
    """Return a paragraph for each sentence."""
    return HtmlPart(render("plain/sentences.html", sentences=sentences), styles=_STYLES)


def facts_part(facts: Mapping[str, str]) -> HtmlPart:
    """Return names and values, side by side."""
    return HtmlPart(render("plain/facts.html", facts=facts), styles=_STYLES)


def table_part(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> HtmlPart:
    """Return a table whose first column names the rows."""
    return HtmlPart(render("plain/table.html", head=head, rows=rows, caption=caption), styles=_STYLES)


def columns_part(parts: Sequence[HtmlPart]) -> HtmlPart:
    """Return parts side by side, where there is room."""
    return _joined(render("plain/columns.html", parts=[part.html for part in parts]), parts)


def code_part(text: str) -> HtmlPart:
    """Return text in a fixed-width font."""
    return HtmlPart(render("plain/code.html", text=text), styles=_STYLES)


def findings_part(findings: Sequence[Finding]) -> HtmlPart:
    """Return findings, each with its fix."""
    return HtmlPart(render("plain/findings.html", findings=findings), styles=_STYLES)


def section_part(key: str, title: str, question: str, parts: Sequence[HtmlPart]) -> HtmlPart:
    """Return parts below a heading with a subtitle, if there is a `question`; `key` is the anchor of links."""
    html = render("plain/section.html", key=key, title=title, question=question, parts=[part.html for part in parts])
    return _joined(html, parts)


def contents_part(titles: Mapping[str, str]) -> HtmlPart:
    """Return links to sections, given as titles by key."""
    return HtmlPart(render("plain/contents.html", titles=titles), styles=_STYLES)


def _joined(html: Markup, parts: Sequence[HtmlPart]) -> HtmlPart:
    """Return HTML that contains `parts`, with the scripts and styles of all parts."""
    scripts = tuple(dict.fromkeys(name for part in parts for name in part.scripts))
    styles = tuple(dict.fromkeys([*_STYLES, *(name for part in parts for name in part.styles)]))
    return HtmlPart(html, scripts, styles)
