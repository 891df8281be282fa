"""The head table on a page: what each head attends to, how far and how sharply, and what its ablation costs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from octavo.interpret.head_labels import MEANINGS, TITLES, table_caveats, table_sample
from octavo.interpret.head_table import UNCLASSIFIED, HeadTable
from octavo.reports.figures.heads import heads_figure
from octavo.reports.head_columns import head_columns
from octavo.reports.html.page import HtmlPart, Page, View, make_page, render

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class HeadsView(View):
    """The head table of the run `name`, as a page and as a figure."""

    table: HeadTable
    name: str

    @property
    def page(self) -> Page:
        """Return the page of the table."""
        description = (
            "What each head attends to compared with uniform attention, how far and how sharply, and what its "
            "ablation costs."
        )
        return make_page(f"Head table of {self.name}", [heads_part(self.table)], description=description, height=900)

    def figure(self) -> "Figure":
        """Return the table as a Matplotlib figure."""
        return heads_figure(self.table, self.name)


def heads_part(table: HeadTable) -> HtmlPart:
    """Return the table, which can be sorted by any column, with the meaning of columns and labels."""
    groups = head_columns(table)
    columns = [column for group in groups.values() for column in group]
    html = render(
        "heads.html",
        measured=table_sample(table),
        caveats=table_caveats(table),
        groups={group: len(of_group) for group, of_group in groups.items()},
        columns=columns,
        rows=[(head, TITLES[head.name], [c.cells[row] for c in columns]) for row, head in enumerate(table.heads)],
        unclassified=UNCLASSIFIED,
        labels={TITLES[head.name]: MEANINGS[head.name] for head in table.heads},
    )
    return HtmlPart(html, ("heads.js",), ("heads.css",))
