"""A report as a page: one file with everything in it.

One page that shows a whole run.
"""

from collections.abc import Sequence
from pathlib import Path

from octavo.formats.output_paths import folder_place, page_place
from octavo.reports.blocks import (
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
    Unavailable,
    try_compute,
)
from octavo.reports.collect import RunReport, read_report
from octavo.reports.html import HtmlPart, Page, make_page
from octavo.reports.html.attention import AttentionView, attention_part
from octavo.reports.html.blocks import (
    code_part,
    columns_part,
    contents_part,
    facts_part,
    findings_part,
    samples_part,
    section_part,
    sentences_part,
    table_part,
)
from octavo.reports.html.curves import curves_part
from octavo.reports.html.heads import HeadsView, heads_part
from octavo.reports.html.lens import LensView, lens_part
from octavo.reports.html.scores import dots_part, scores_part
from octavo.reports.html.surprise import SurpriseView, surprise_part
from octavo.reports.markdown import save_markdown
from octavo.reports.sections import lead, sections
from octavo.runs.saved_run import SavedRun, open_saved_run
from octavo.system.progress import MessageCallback, PhaseCallback, no_message, no_phase_progress


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


def _safe_part(block: Block) -> HtmlPart:
    """The part of a block, or why it cannot be made."""
    part = try_compute(lambda: block_part(block))
    return sentences_part([part.why]) if isinstance(part, Unavailable) else part


def block_part(block: Block) -> HtmlPart:
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
            return curves_part(block.curves)
        case Samples():
            return samples_part(block.marked, block.memorisation)
        case AttentionView():
            return attention_part(block.attention)
        case HeadsView():
            return heads_part(block.table)
        case SurpriseView():
            return surprise_part(block.surprise)
        case LensView():
            return lens_part(block.lens)


def report(run: SavedRun | str | Path, *, runs: str | Path | None = None, note: MessageCallback = no_message) -> Page:
    """Return the report page of a run. Nothing is trained or scored; a part that fails states its reason.

    Args:
        run: a run, the path of its folder, or its name.
        runs: the folder in which a name is looked for (default: ``$OCTAVO_RUNS``, else ``./runs``).
        note: is called with a sentence for each analysis that begins.

    Returns:
        The page: it shows itself in a notebook, and ``page.save(path)`` writes an HTML file.

    Raises:
        OctavoError: there is no such run.

    Example:
        >>> octavo.report("hamlet").save("hamlet.html").name
        'hamlet.html'
    """
    return _page(read_report(open_saved_run(run, runs=runs), note))


def save_report(
    run: SavedRun,
    output: Path | None = None,
    *,
    markdown: bool = False,
    note: MessageCallback = no_message,
    watch: PhaseCallback = no_phase_progress,
) -> Path:
    """Write the page to the file `output`, or as Markdown into that folder; None: into the run's own folder, as
    ``report.html`` or ``report``. Returns the path of the page. `watch` is told the share of long work that is done.

    Raises:
        OctavoError: it cannot be written there.
        OSError: the disk is full.
    """
    place = output or run.path / ("report" if markdown else "report.html")
    (folder_place if markdown else page_place)(place)  # before anything is measured
    read = read_report(run, note, watch)
    if markdown:
        return save_markdown(place, _title(read), lead(read), read.standing, sections(read))[0]
    return _page(read).save(place)


def _page(read: RunReport) -> Page:
    return sections_page(_title(read), lead(read), read.standing, sections(read))


def _title(read: RunReport) -> str:
    return f"The run {read.name}"
