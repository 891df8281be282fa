"""An intervention on a page: the next-token probabilities before and after it, and its cost."""

from dataclasses import dataclass

from octavo.interpret.edit import Edit, edit_sample, intervention_lines
from octavo.interpret.tokens import visible_label, visible_text
from octavo.reports.html.page import HtmlPart, Page, View, make_page, render
from octavo.system.terminal import quantity

_END_CHARACTERS = 60  # of the text that are shown
_MAX_CHANGES = 20  # that are listed one by one


@dataclass(frozen=True, repr=False)
class EditView(View):
    """An intervention in a run, as a page."""

    edit: Edit
    name: str  # of the run

    def __repr__(self) -> str:
        facts = [
            *intervention_lines(self.edit, 1),
            f"{self.edit.cost:+.4f} bits per character",
            edit_sample(self.edit),
        ]
        return f"<{type(self).__name__} of {self.name}: {'; '.join(facts)}>"

    @property
    def page(self) -> Page:
        """Return the page of the next tokens before and after the intervention."""
        description = (
            f"The predictions of {self.name} for a text of {quantity(len(self.edit.text), 'character')}, before and "
            "after an intervention."
        )
        return make_page(f"Intervention in {self.name}", [edit_part(self.edit)], description=description, height=560)


def edit_part(edit: Edit) -> HtmlPart:
    """Return a table of next tokens, coloured by probability."""
    rows = [
        {
            "label": visible_label(candidate.label),
            "probabilities": [(round(10 * p), f"{100 * p:.1f} %") for p in (candidate.p_before, candidate.p_after)],
        }
        for candidate in edit.notable
    ]
    end = "…" * (len(edit.text) > _END_CHARACTERS) + visible_text(edit.text[-_END_CHARACTERS:])
    html = render(
        "edit.html",
        edit=edit,
        changes=intervention_lines(edit, _MAX_CHANGES),
        measured=edit_sample(edit),
        rows=rows,
        end=end,
    )
    return HtmlPart(html, styles=("edit.css",))
