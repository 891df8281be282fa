"""Format an intervention for the terminal: the predictions before and after it, and its cost."""

from rich.table import Table
from rich.text import Text

from octavo.interpret.edit import Edit, edit_sample, intervention_lines
from octavo.interpret.tokens import visible_label, visible_text
from octavo.reports.terminal.colours import PROBABILITY, percentage
from octavo.system.terminal import wrap_lines

_CHARACTERS = 40  # shown of the text's end
_MAX_CHANGES = 6  # listed one by one


def edit_head(edit: Edit) -> list[str]:
    """Return lines that name the changed activations and the end of the text."""
    end = visible_text(edit.text[-_CHARACTERS:])
    return [
        *intervention_lines(edit, _MAX_CHANGES),
        "",
        f"next token after {'…' * (len(edit.text) > _CHARACTERS)}{end}",
    ]


def prediction_table(edit: Edit) -> Table:
    """Return the probabilities of the next tokens before and after the intervention."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    table.add_column("token", no_wrap=True, max_width=20)
    for name in (" before", "  after"):
        table.add_column(name, no_wrap=True)
    for candidate in edit.notable:
        probabilities = (candidate.p_before, candidate.p_after)
        cells = (Text(f"  {percentage(p)} ", PROBABILITY.style(p)) for p in probabilities)
        table.add_row(Text(visible_label(candidate.label)), *cells)
    return table


def edit_costs(edit: Edit) -> list[str]:
    """Return lines with the change of the predictions and of the score, in bits."""
    before, after = edit.bits_per_character_before, edit.bits_per_character_after
    lines = [
        f"next token  {edit.divergence_bits:.4f} bits: KL divergence of the distributions before and after",
        f"the text    {before:.4f} -> {after:.4f} bits per character ({edit.cost:+.4f})",
        f"            {edit_sample(edit)}",
    ]
    return [*lines, *(line for caveat in edit.caveats() for line in wrap_lines(caveat))]
