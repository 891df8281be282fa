"""The report of a run, as a page in one file or as Markdown."""

from functools import partial
from pathlib import Path

from octavo.formats.output_paths import prepare_folder, prepare_page_path
from octavo.reports.blocks import Section, Unavailable, try_compute
from octavo.reports.collect import read_score, unfinished_note
from octavo.reports.html import Page
from octavo.reports.html.blocks import LastSection, sections_page
from octavo.reports.html.page import HtmlPart
from octavo.reports.markdown import save_markdown
from octavo.reports.playground import SECTION, TITLE, playground_section
from octavo.reports.sections import lead, sections
from octavo.reports.verdict import verdict
from octavo.runs.saved_run import SavedRun, open_saved_run
from octavo.system.progress import MessageCallback, PhaseCallback, no_message, no_phase_progress


def report(
    run: SavedRun | str | Path,
    *,
    runs: str | Path | None = None,
    model: bool = True,
    note: MessageCallback = no_message,
) -> Page:
    """Show a run on one page: score, diagnosis, training curves, attention, head table, samples, cost and settings.

    The page is one HTML file without references to others. It contains the model itself, which writes and reads in
    it. Nothing is trained, and the run is not changed; the model is run on the beginning of the validation split, and
    its copy with rounded weights is scored on all of it. A section that cannot be built says why.

    Args:
        run: a run, its path or its name.
        runs: the folder in which a name is looked up; None: ``$OCTAVO_RUNS``, or else ``./runs``.
        model: put the model into the page. One whose page would exceed 16 MB is left out, with a sentence.
        note: is called with a message when long work begins.

    Returns:
        The page. It shows itself in a notebook; ``page.save(path)`` writes it.

    Raises:
        OctavoError: there is no such run.

    Example:
        >>> octavo.report("hamlet").save("hamlet.html").name
        'hamlet.html'
    """
    return _page(open_saved_run(run, runs=runs), model, note, no_phase_progress)


def save_report(
    run: SavedRun,
    output: Path | None = None,
    *,
    markdown: bool = False,
    model: bool = True,
    note: MessageCallback = no_message,
    watch: PhaseCallback = no_phase_progress,
) -> Path:
    """Write the report of a run, as a page or as a folder of Markdown; return the path of the file.

    Args:
        run: the run.
        output: the file of the page, or the folder for Markdown; None: ``report.html`` or ``report`` in the run.
        markdown: write Markdown with PNG figures.
        model: put the model into the page; Markdown never contains it.
        note: is called with a message when long work begins.
        watch: is called with the fraction of long work that is done.

    Raises:
        OctavoError: it cannot be written there.
        OSError: the disk is full.
    """
    run.directory.check_has_text()
    path = output or run.path / ("report" if markdown else "report.html")
    (prepare_folder if markdown else prepare_page_path)(path)  # before anything is measured
    if markdown:
        return save_markdown(path, *_parts(run, watch), note=note)[0]
    return _page(run, model, note, watch).save(path)


def _page(run: SavedRun, model: bool, note: MessageCallback, watch: PhaseCallback) -> Page:
    """Return the page of a report, with the model or without."""

    def make(other_bytes: int) -> HtmlPart:
        note("scoring the page's copy of the model")
        return playground_section(run, other_bytes, partial(watch, "scoring the page's copy"))

    last = LastSection(SECTION, TITLE, make, before="curves") if model else None
    return sections_page(*_parts(run, watch), note=note, last=last)


def _parts(run: SavedRun, watch: PhaseCallback) -> tuple[str, str, list[str], list[Section]]:
    """Return the title of a report, its lead, its verdict and a warning, and its sections.

    Raises:
        OctavoError: the run was shared without its text.
    """
    run.directory.check_has_text()
    words = try_compute(lambda: verdict(read_score(run)))
    opening = ["" if isinstance(words, Unavailable) else words, unfinished_note(run)]
    return f"Run {run.name}", lead(run), list(filter(None, opening)), sections(run, watch)
