"""The report of a run, as a page in one file or as Markdown."""

from collections.abc import Sequence
from pathlib import Path

from octavo.formats.output_paths import prepare_folder, prepare_page_path
from octavo.reports.blocks import (
    Block,
    Code,
    Curves,
    Facts,
    Findings,
    Samples,
    Score,
    ScoreDots,
    Section,
    Sentences,
    Table,
    Tables,
)
from octavo.reports.collect import unfinished_note
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


def report(run: SavedRun | str | Path, *, runs: str | Path | None = None, note: MessageCallback = no_message) -> Page:
    """Show a run on one page: score, diagnosis, training curves, attention, head table, samples, cost and settings.

    The page is one HTML file without references to others. Nothing is trained or scored, and the run is not changed;
    the model is run on the beginning of the validation split. A section that cannot be built says why.

    Args:
        run: a run, its path or its name.
        runs: the folder in which a name is looked up; None: ``$OCTAVO_RUNS``, or else ``./runs``.
        note: is called with a message when long work begins.

    Returns:
        The page. It shows itself in a notebook; ``page.save(path)`` writes it.

    Raises:
        OctavoError: there is no such run.

    Example:
        >>> octavo.report("hamlet").save("hamlet.html").name
        'hamlet.html'
    """
    return _page(open_saved_run(run, runs=runs), note, no_phase_progress)


def save_report(
    run: SavedRun,
    output: Path | None = None,
    *,
    markdown: bool = False,
    note: MessageCallback = no_message,
    watch: PhaseCallback = no_phase_progress,
) -> Path:
    """Write the report of a run, as a page or as a folder of Markdown; return the path of the file.

    Args:
        run: the run.
        output: the file of the page, or the folder for Markdown; None: ``report.html`` or ``report`` in the run.
        markdown: write Markdown with PNG figures.
        note: is called with a message when long work begins.
        watch: is called with the fraction of long work that is done.

    Raises:
        OctavoError: it cannot be written there.
        OSError: the disk is full.
    """
    path = output or run.path / ("report" if markdown else "report.html")
    (prepare_folder if markdown else prepare_page_path)(path)  # before anything is measured
    if markdown:
        parts = (_title(run), lead(run), unfinished_note(run), sections(run, watch))
        return save_markdown(path, *parts, note=note)[0]
    return _page(run, note, watch).save(path)


def _page(run: SavedRun, note: MessageCallback, watch: PhaseCallback) -> Page:
    return sections_page(_title(run), lead(run), unfinished_note(run), sections(run, watch), note)


def _title(run: SavedRun) -> str:
    return f"Run {run.name}"


def sections_page(
    title: str, lead: str, warning: str, sections: Sequence[Section], note: MessageCallback = no_message
) -> Page:
    """Return the page of sections: title, `lead`, `warning` unless it is "", links to the sections, the sections."""
    parts = [
        section_part(section.key, section.title, section.question, section.render(block_part, note))
        for section in sections
    ]
    return make_page(
        title,
        [
            *([sentences_part([warning])] if warning else []),
            contents_part({section.key: section.title for section in sections}),
            *parts,
        ],
        description=lead,
        height=900,
    )


def block_part(block: Block) -> HtmlPart:
    """Render a block as a part of a page."""
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
        case Score():
            return scores_part(
                block.evaluation, block.baselines, block.overlap, training_seconds=block.training_seconds
            )
        case ScoreDots():
            return dots_part(block.dots, block.table, block.notes)
        case Curves():
            return curves_part(block.curves)
        case Samples():
            return samples_part(block.copies, block.notes)
        case AttentionView():
            return attention_part(block.attention)
        case HeadsView():
            return heads_part(block.table)
        case SurpriseView():
            return surprise_part(block.surprise)
        case LensView():
            return lens_part(block.lens)
