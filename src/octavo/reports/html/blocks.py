"""The blocks of a report as parts of a page, and the page of its sections."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from markupsafe import Markup

from octavo.reports import blocks
from octavo.reports.blocks import Block, Section
from octavo.reports.html.attention import AttentionView, attention_part
from octavo.reports.html.curves import curves_part
from octavo.reports.html.heads import HeadsView, heads_part
from octavo.reports.html.lens import LensView, lens_part
from octavo.reports.html.page import HtmlPart, Page, make_page, render
from octavo.reports.html.scores import scores_part
from octavo.reports.html.surprise import SurpriseView, surprise_part
from octavo.system.progress import MessageCallback, no_message
from octavo.system.terminal import escape_controls

_STYLES = ("plain.css",)

T = TypeVar("T")


@dataclass(frozen=True)
class LastSection:
    """A section made after all others, from the bytes of their page; it stands before that of key `before`."""

    key: str
    title: str
    make: Callable[[int], HtmlPart]
    before: str


def sections_page(
    title: str,
    lead: str,
    opening: Sequence[str],
    sections: Sequence[Section],
    note: MessageCallback = no_message,
    last: LastSection | None = None,
) -> Page:
    """Return the page of sections: title, `lead`, the paragraphs `opening`, links to the sections, the sections."""
    made = {one.key: section_part(one.key, one.title, one.question, one.render(block_part, note)) for one in sections}
    titles = {one.key: one.title for one in sections}

    def page() -> Page:
        first = [block_part(blocks.Sentences(opening))] if opening else []
        return make_page(title, [*first, contents_part(titles), *made.values()], description=lead, height=900)

    if last is not None:
        part = last.make(len(page().html.encode()))
        made = _inserted(made, last.before, last.key, part)
        titles = _inserted(titles, last.before, last.key, last.title)
    return page()


def _inserted(values: Mapping[str, T], before: str, key: str, value: T) -> dict[str, T]:
    """Return the values with another one before that of key `before`, or at the end."""
    keys = [*values, key]
    place = keys.index(before) if before in values else len(values)
    keys.insert(place, keys.pop())
    return {name: value if name == key else values[name] for name in keys}


def block_part(block: Block) -> HtmlPart:
    """Render a block as a part of a page."""
    match block:
        case blocks.Sentences() | blocks.Facts() | blocks.Table() | blocks.Code() | blocks.Findings():
            template = f"plain/{type(block).__name__.lower()}.html"
            return HtmlPart(render(template, block=block), styles=_STYLES)
        case blocks.Tables():
            parts = [block_part(table) for table in block.tables]
            return _joined(render("plain/columns.html", parts=[part.html for part in parts]), parts)
        case blocks.ScoreDots():
            return scores_part(block)
        case blocks.Curves():
            return curves_part(block.curves)
        case blocks.Samples():
            return _samples_part(block)
        case AttentionView():
            return attention_part(block.attention)
        case HeadsView():
            return heads_part(block.table)
        case SurpriseView():
            return surprise_part(block.surprise)
        case LensView():
            return lens_part(block.lens)


def _samples_part(samples: blocks.Samples) -> HtmlPart:
    """Return the texts with their verbatim copies of the training split marked, below the notes."""
    copies = samples.copies
    texts = [
        (escape_controls(title), _spans(text, spans))
        for title, text, spans in zip(samples.titles, copies.texts, copies.spans, strict=True)
    ]
    return HtmlPart(render("samples.html", texts=texts, notes=samples.notes), styles=("samples.css",))


def _spans(text: str, copied: tuple[tuple[int, int], ...]) -> list[tuple[bool, str]]:
    """Split a text into spans, each copied or not; control characters are escaped."""
    # A border within a line end of two characters would make two line ends of it.
    borders = [0, *(at + (text[at - 1 : at + 1] == "\r\n") for span in copied for at in span), len(text)]
    spans = [text[start:end] for start, end in pairwise(borders)]
    return [(bool(i % 2), escape_controls(span)) for i, span in enumerate(spans) if span]


def section_part(key: str, title: str, question: str, parts: Sequence[HtmlPart]) -> HtmlPart:
    """Return parts below a heading with a subtitle, if there is a `question`; `key` is the anchor of links."""
    html = render("plain/section.html", key=key, title=title, question=question, parts=[part.html for part in parts])
    return _joined(html, parts)


def subsection_part(key: str, title: str, about: str, parts: Sequence[HtmlPart]) -> HtmlPart:
    """Return parts below a smaller heading with a sentence `about` them."""
    html = render("plain/subsection.html", key=key, title=title, about=about, parts=[part.html for part in parts])
    return _joined(html, parts)


def contents_part(titles: Mapping[str, str]) -> HtmlPart:
    """Return links to sections, given as titles by key."""
    return HtmlPart(render("plain/contents.html", titles=titles), styles=_STYLES)


def _joined(html: Markup, parts: Sequence[HtmlPart]) -> HtmlPart:
    """Return HTML that contains `parts`, with the scripts and styles of all parts."""
    scripts = tuple(dict.fromkeys(name for part in parts for name in part.scripts))
    styles = tuple(dict.fromkeys([*_STYLES, *(name for part in parts for name in part.styles)]))
    return HtmlPart(html, scripts, styles)
