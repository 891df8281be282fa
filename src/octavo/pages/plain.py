"""Plain parts: what a page says in sentences, lists, tables and code, and how its parts are put in sections."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from octavo.diagnosis import Finding
from octavo.pages.part import Part
from octavo.pages.rendering import render

_STYLES = ("plain.css",)


def sentences_part(sentences: Sequence[str]) -> Part:
    """A paragraph each."""
    return Part(render("plain/sentences.html", sentences=sentences), styles=_STYLES)


def facts_part(facts: Mapping[str, str]) -> Part:
    """Names with what they are, side by side."""
    return Part(render("plain/facts.html", facts=facts), styles=_STYLES)


def table_part(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> Part:
    """A table whose first column names the rows."""
    return Part(render("plain/table.html", head=head, rows=rows, caption=caption), styles=_STYLES)


def columns_part(parts: Sequence[Part]) -> Part:
    """Parts side by side, where there is room."""
    return _joined(render("plain/columns.html", parts=[part.html for part in parts]), parts)


def code_part(text: str) -> Part:
    """Text as it is typed."""
    return Part(render("plain/code.html", text=text), styles=_STYLES)


def findings_part(findings: Sequence[Finding]) -> Part:
    """What a run suffers from, each with its mend."""
    return Part(render("plain/findings.html", findings=findings), styles=_STYLES)


def section_part(key: str, title: str, parts: Sequence[Part]) -> Part:
    """Parts below a heading, which a link to `key` leads to."""
    html = render("plain/section.html", key=key, title=title, parts=[part.html for part in parts])
    return _joined(html, parts)


def contents_part(titles: Mapping[str, str]) -> Part:
    """Links to sections: titles by their keys."""
    return Part(render("plain/contents.html", titles=titles), styles=_STYLES)


def _joined(html: Markup, parts: Sequence[Part]) -> Part:
    """HTML that holds that of `parts`, with all they need."""
    scripts = tuple(dict.fromkeys(name for part in parts for name in part.scripts))
    styles = tuple(dict.fromkeys([*_STYLES, *(name for part in parts for name in part.styles)]))
    return Part(html, scripts, styles)
