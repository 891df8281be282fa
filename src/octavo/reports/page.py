"""A report as a page: one file with everything in it."""

from collections.abc import Sequence

from octavo.pages import Page, Part, make_page
from octavo.pages.attention import ShownAttention, attention_part
from octavo.pages.curves import curves_part
from octavo.pages.heads import ShownHeads, heads_part
from octavo.pages.lens import ShownLens, lens_part
from octavo.pages.plain import (
    code_part,
    columns_part,
    contents_part,
    facts_part,
    findings_part,
    section_part,
    sentences_part,
    table_part,
)
from octavo.pages.samples import samples_part
from octavo.pages.scores import dots_part, scores_part
from octavo.pages.surprise import ShownSurprise, surprise_part
from octavo.reports.absent import Absent, attempt
from octavo.reports.section import (
    Block,
    Code,
    Curves,
    Dots,
    Facts,
    Findings,
    Samples,
    Scored,
    Section,
    Sentences,
    Table,
    Tables,
)


def sections_page(title: str, lead: str, first: str, sections: Sequence[Section]) -> Page:
    """The page of sections: below its title the `lead`, what is to be known `first`, and links to the sections."""
    return make_page(
        title,
        [
            *([sentences_part([first])] if first else []),
            contents_part({section.key: section.title for section in sections}),
            *(section_part(one.key, one.title, list(map(_safe_part, one.blocks))) for one in sections),
        ],
        description=lead,
        height=900,
    )


def _safe_part(block: Block) -> Part:
    """The part of a block, or why it cannot be made."""
    part = attempt(lambda: block_part(block))
    return sentences_part([part.why]) if isinstance(part, Absent) else part


def block_part(block: Block) -> Part:
    """A block as a part of a page."""
    match block:
        case Sentences():
            return sentences_part(block.texts)
        case Facts():
            return facts_part(block.by_name)
        case Table():
            return table_part(block.head, block.rows, block.caption)
        case Tables():
            return columns_part([block_part(table) for table in block.tables])
        case Code():
            return code_part(block.text)
        case Findings():
            return findings_part(block.findings)
        case Scored():
            return scores_part(
                block.evaluation, block.baselines, block.overlap, training_seconds=block.training_seconds
            )
        case Dots():
            return dots_part(block.dots, block.figures, block.notes)
        case Curves():
            return curves_part(block.courses)
        case Samples():
            return samples_part(block.marked, block.memorisation)
        case ShownAttention():
            return attention_part(block.attention)
        case ShownHeads():
            return heads_part(block.table)
        case ShownSurprise():
            return surprise_part(block.surprise)
        case ShownLens():
            return lens_part(block.lens)
