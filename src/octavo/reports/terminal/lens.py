"""The logit lens for a terminal: a row a token, a column a layer, coloured by probability."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from octavo.interpret.lens import Lens, LensCell, LensLayer
from octavo.interpret.tokens import visible_label
from octavo.reports.terminal.colours import PROBABILITY, per_cent
from octavo.system.terminal import wrapped

LEGEND = PROBABILITY.legend(("below 5%", "5 to 20%", "20 to 50%", "50 to 80%", "80% or more"))
_GUESS = 7  # columns of a token at most
_CELL = _GUESS + 10  # of a cell: a token, a mark, a probability, and the gaps
_SIDES = _GUESS + 19  # of the three columns that are no layer's


def explanations(lens: Lens, width: int) -> list[str]:
    """How the table is read."""
    said = [
        "what each layer would expect after each token, how likely, and = where it came",
        "chance: how likely what came was to the model",
    ]
    if left_out := len(lens.layers) - len(_with_room(lens, width)):
        said.append(f"{left_out} of {len(lens.layers)} layers have no room here: the page has them all")
    return [line for sentence in [*said, *lens.caveats()] for line in wrapped(sentence)]


def lens_table(lens: Lens, width: int) -> Table:
    """After each token, what each layer would expect, and what the model made of what came; of many layers as many as
    there is room for."""
    layers = _with_room(lens, width)
    rows = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    rows.add_column("after", no_wrap=True, max_width=_GUESS + 2)
    for layer in layers:
        rows.add_column(f" {layer.name}", no_wrap=True)
    rows.add_column("came", no_wrap=True, max_width=_GUESS)
    rows.add_column("chance", justify="right", no_wrap=True)
    labels = [visible_label(label) for label in lens.passage.labels]
    for place, (label, came) in enumerate(zip(labels, [*labels[1:], ""], strict=True)):
        chance = lens.layers[-1].cells[place].probability
        cells = [_cell(layer.cells[place]) for layer in layers]
        rows.add_row(Text(label), *cells, Text(came), Text("" if chance is None else per_cent(chance)))
    return rows


def losses(lens: Lens) -> list[str]:
    """What each layer would score on held-out text, and by how much that differs from the layer before."""
    characters = f"{lens.held_out_characters:,.0f} characters"
    lines = [f"bits per character on the first {characters} of held-out text, if the model ended there:"]
    for layer, bits, gain in zip(lens.layers, lens.held_out_bits, lens.gains, strict=False):  # none, or all
        change = "" if gain is None else f"{-gain:+9.3f}"
        lines.append(f"  {layer.name:<12}{bits:8.3f}{change}")
    return lines


def _with_room(lens: Lens, width: int) -> Sequence[LensLayer]:
    """Layers evenly apart, the first and the last among them."""
    last, room = len(lens.layers) - 1, max(2, (width - _SIDES) // _CELL)
    if last < room:
        return lens.layers
    return [lens.layers[round(i * last / (room - 1))] for i in range(room)]


def _cell(cell: LensCell) -> Text:
    guess = cell.predictions[0]
    token = Text(visible_label(guess.label))
    token.truncate(_GUESS, overflow="ellipsis")
    gap, mark = " " * (_GUESS - cell_len(token.plain)), "=" if cell.rank == 1 else " "
    return Text(f" {token.plain}{gap}{mark}{per_cent(guess.probability)} ", PROBABILITY.style(guess.probability))
