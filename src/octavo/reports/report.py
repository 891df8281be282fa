"""One page that shows a whole run."""

from collections.abc import Callable
from pathlib import Path

from octavo.pages import Page
from octavo.reports.markdown import save_markdown
from octavo.reports.page import sections_page
from octavo.reports.place import folder_place, page_place
from octavo.reports.run_report import Note, RunReport, read_report, unheard, unwatched
from octavo.reports.sections import lead, sections
from octavo.run import Run, load


def report(run: Run | str | Path, *, runs: str | Path | None = None, note: Note = unheard) -> Page:
    """The page of a run (or of its name or folder), which shows itself in a notebook; ``page.save(path)`` writes it.

    What is in the run is shown, and the model is looked into; nothing is trained or scored. A part that cannot be
    made says why in its place. `note` is told what is being done.

    Raises:
        OctavoError: there is no such run.
    """
    return _page(read_report(run if isinstance(run, Run) else load(run, runs=runs), note))


def save_report(
    run: Run,
    output: Path | None = None,
    *,
    markdown: bool = False,
    note: Note = unheard,
    watch: Callable[[str, float], None] = unwatched,
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
