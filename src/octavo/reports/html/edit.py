"""An edit on a page: what was expected after a text, and what is expected once something in the model is changed."""

from dataclasses import dataclass

from octavo.interpret.edit import Edit, edit_sample, intervention_lines
from octavo.interpret.tokens import visible_label, visible_text
from octavo.reports.html.page import HtmlPart, Page, View, make_page, render
from octavo.system.terminal import counted

_END = 60  # characters of the text's end
_NAMED = 20  # changes that are listed one by one


@dataclass(frozen=True, repr=False)
class EditView(View):
    """An edit that shows itself as a page."""

    edit: Edit
    name: str  # of the run

    def __repr__(self) -> str:
        said = [
            *intervention_lines(self.edit, 1),
            f"{self.edit.cost:+.4f} bits per character",
            edit_sample(self.edit),
        ]
        return f"<{type(self).__name__} of {self.name}: {'; '.join(said)}>"

    @property
    def page(self) -> Page:
        """The tokens before and after, and what the change costs."""
        description = (
            f"What {self.name} makes of a text of {counted(len(self.edit.text), 'character')}, before and after."
        )
        return make_page(f"A change in {self.name}", [edit_part(self.edit)], description=description, height=560)


def edit_part(edit: Edit) -> HtmlPart:
    """A table, coloured by probability."""
    rows = [
        {"label": visible_label(candidate.label), "odds": [_odds(candidate.p_before), _odds(candidate.p_after)]}
        for candidate in edit.notable
    ]
    end = "…" * (len(edit.text) > _END) + visible_text(edit.text[-_END:])
    html = render(
        "edit.html",
        edit=edit,
        changes=intervention_lines(edit, _NAMED),
        measured=edit_sample(edit),
        rows=rows,
        end=end,
    )
    return HtmlPart(html, styles=("edit.css",))


def _odds(probability: float) -> dict[str, object]:
    return {"step": round(10 * probability), "text": f"{100 * probability:.1f} %"}
