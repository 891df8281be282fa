"""An edit for a terminal: what was expected before, what is expected after, and what it cost."""

from rich.table import Table
from rich.text import Text

from octavo.interpret.edit import Edit, edit_sample, intervention_lines
from octavo.interpret.tokens import visible_label, visible_text
from octavo.reports.terminal.colours import PROBABILITY, per_cent
from octavo.system.terminal import wrapped

_END = 40  # characters of the text's end
_NAMED = 6  # changes that are listed one by one


def edit_head(edit: Edit) -> list[str]:
    """What was done where, and with what."""
    end = visible_text(edit.text[-_END:])
    return [*intervention_lines(edit, _NAMED), "", f"next token after {'…' * (len(edit.text) > _END)}{end}"]


def candidates(edit: Edit) -> Table:
    """The next tokens, before and after."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    table.add_column("token", no_wrap=True, max_width=20)
    for name in (" before", "  after"):
        table.add_column(name, no_wrap=True)
    for candidate in edit.notable:
        odds = (candidate.p_before, candidate.p_after)
        table.add_row(
            Text(visible_label(candidate.label)), *(Text(f"  {per_cent(p)} ", PROBABILITY.style(p)) for p in odds)
        )
    return table


def edit_costs(edit: Edit) -> list[str]:
    """What changed, in bits."""
    before, after = edit.bits_per_character_before, edit.bits_per_character_after
    lines = [
        f"next token  {edit.divergence_bits:.4f} bits: divergence of the odds after from those before",
        f"the text    {before:.4f} -> {after:.4f} bits per character ({edit.cost:+.4f})",
        f"            {edit_sample(edit)}",
    ]
    return [*lines, *(line for caveat in edit.caveats() for line in wrapped(caveat))]
