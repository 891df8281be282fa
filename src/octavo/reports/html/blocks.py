"""Samples: what a model wrote, with what stands in its training text marked.

Plain parts: what a page says in sentences, lists, tables and code, and how its parts are put in sections.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from markupsafe import Markup

from octavo.evaluate import Memorisation
from octavo.evaluate.diagnosis import Finding, memorisation_figures
from octavo.evaluate.overlap import HighlightedCopies
from octavo.reports.html.page import HtmlPart, render
from octavo.system.terminal import counted, shown


def samples_part(marked: HighlightedCopies, memorisation: Memorisation | None = None) -> HtmlPart:
    """The texts, underlined where they are copied, and in words how much that is."""
    said = sample_notes(marked, memorisation, "Underlined, between ‹ and ›,")
    texts = [_pieces(text, places) for text, places in zip(marked.texts, marked.spans, strict=True)]
    return HtmlPart(render("samples.html", texts=texts, said=said), styles=("samples.css",))


def sample_notes(marked: HighlightedCopies, memorisation: Memorisation | None, how: str) -> list[str]:
    """What is marked, `how`, and how much is copied."""
    said = [
        f"{how} is what stands word for word in the training text in stretches of {marked.min_length} characters or "
        f"more: {marked.fraction:.1%} of these samples, and {marked.baseline:.1%} of held-out text, which the model "
        "has not seen."
    ]
    if memorisation:
        said.append(
            f"Copied in {counted(memorisation.generated.texts, 'text')} of up to "
            f"{counted(memorisation.tokens, 'token')}, written at temperature {memorisation.temperature:g}: "
            f"{memorisation_figures(memorisation)}."
        )
    return said


def _pieces(text: str, places: tuple[tuple[int, int], ...]) -> list[tuple[bool, str]]:
    """The text in pieces, each copied or not; control characters are written out."""
    # A border within a line end of two characters would make two of it.
    borders = [0, *(place + (text[place - 1 : place + 1] == "\r\n") for pair in places for place in pair), len(text)]
    pieces = [text[start:end] for start, end in pairwise(borders)]
    return [(bool(i % 2), shown(piece)) for i, piece in enumerate(pieces) if piece]


_STYLES = ("plain.css",)


def sentences_part(sentences: Sequence[str]) -> HtmlPart:
    """A paragraph each."""
    return HtmlPart(render("plain/sentences.html", sentences=sentences), styles=_STYLES)


def facts_part(facts: Mapping[str, str]) -> HtmlPart:
    """Names with what they are, side by side."""
    return HtmlPart(render("plain/facts.html", facts=facts), styles=_STYLES)


def table_part(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> HtmlPart:
    """A table whose first column names the rows."""
    return HtmlPart(render("plain/table.html", head=head, rows=rows, caption=caption), styles=_STYLES)


def columns_part(parts: Sequence[HtmlPart]) -> HtmlPart:
    """Parts side by side, where there is room."""
    return _joined(render("plain/columns.html", parts=[part.html for part in parts]), parts)


def code_part(text: str) -> HtmlPart:
    """Text as it is typed."""
    return HtmlPart(render("plain/code.html", text=text), styles=_STYLES)


def findings_part(findings: Sequence[Finding]) -> HtmlPart:
    """Show findings, each with its fix."""
    return HtmlPart(render("plain/findings.html", findings=findings), styles=_STYLES)


def section_part(key: str, title: str, parts: Sequence[HtmlPart]) -> HtmlPart:
    """Parts below a heading, which a link to `key` leads to."""
    html = render("plain/section.html", key=key, title=title, parts=[part.html for part in parts])
    return _joined(html, parts)


def contents_part(titles: Mapping[str, str]) -> HtmlPart:
    """Links to sections: titles by their keys."""
    return HtmlPart(render("plain/contents.html", titles=titles), styles=_STYLES)


def _joined(html: Markup, parts: Sequence[HtmlPart]) -> HtmlPart:
    """HTML that holds that of `parts`, with all they need."""
    scripts = tuple(dict.fromkeys(name for part in parts for name in part.scripts))
    styles = tuple(dict.fromkeys([*_STYLES, *(name for part in parts for name in part.styles)]))
    return HtmlPart(html, scripts, styles)
