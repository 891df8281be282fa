"""Format the logit lens for the terminal: a row for each token, a column for each layer, coloured by probability."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from octavo.interpret.lens import Lens, LensCell, LensLayer
from octavo.interpret.tokens import visible_label
from octavo.reports.terminal.colours import PROBABILITY, percentage
from octavo.system.terminal import wrap_lines

LEGEND = PROBABILITY.legend(("below 5%", "5 to 20%", "20 to 50%", "50 to 80%", "80% or more"))
_TOKEN = 7  # columns of a token at most
_CELL = _TOKEN + 10  # columns of a cell: a token, a mark, a probability, and the gaps
_MARGINS = _TOKEN + 19  # columns of the three that belong to no layer


def explanations(lens: Lens, width: int) -> list[str]:
    """Return lines that explain the table."""
    notes = [
        "columns: the token that each layer predicts, its probability, and = where it is the actual token",
        "p: the probability that the model gives the actual token",
    ]
    if left_out := len(lens.layers) - len(_with_room(lens, width)):
        notes.append(f"left out here for lack of room: {left_out} of {len(lens.layers)} layers; the page has all")
    return [line for sentence in [*notes, *lens.caveats()] for line in wrap_lines(sentence)]


def lens_table(lens: Lens, width: int) -> Table:
    """Return a row for each token: the prediction of each layer, the actual next token, and its probability.

    Of many layers, as many are shown as fit into `width` columns.
    """
    layers = _with_room(lens, width)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    table.add_column("after", no_wrap=True, max_width=_TOKEN + 2)
    for layer in layers:
        table.add_column(f" {layer.name}", no_wrap=True)
    table.add_column("actual", no_wrap=True, max_width=_TOKEN)
    table.add_column("p", justify="right", no_wrap=True)
    labels = [visible_label(label) for label in lens.passage.labels]
    for position, (label, target) in enumerate(zip(labels, [*labels[1:], ""], strict=True)):
        probability = lens.layers[-1].cells[position].probability
        cells = [_cell(layer.cells[position]) for layer in layers]
        last = Text("" if probability is None else percentage(probability))
        table.add_row(Text(label), *cells, Text(target), last)
    return table


def layer_loss_lines(lens: Lens) -> list[str]:
    """Return lines with the loss at each layer on the validation split, and its difference to the layer before.

    There are none for a run that was shared without its text.
    """
    if not lens.held_out_bits:
        return []
    characters = f"{lens.held_out_characters:,.0f} characters"
    lines = [f"bits per character on the first {characters} of the validation split, if the model ended there:"]
    # Either all layers have a loss, or none.
    for layer, bits, gain in zip(lens.layers, lens.held_out_bits, lens.gains, strict=False):
        change = "" if gain is None else f"{-gain:+9.3f}"
        lines.append(f"  {layer.name:<12}{bits:8.3f}{change}")
    return lines


def _with_room(lens: Lens, width: int) -> Sequence[LensLayer]:
    """Return as many layers as fit, evenly apart, with the first and the last."""
    last, room = len(lens.layers) - 1, max(2, (width - _MARGINS) // _CELL)
    if last < room:
        return lens.layers
    return [lens.layers[round(i * last / (room - 1))] for i in range(room)]


def _cell(cell: LensCell) -> Text:
    prediction = cell.predictions[0]
    token = Text(visible_label(prediction.label))
    token.truncate(_TOKEN, overflow="ellipsis")
    gap, mark = " " * (_TOKEN - cell_len(token.plain)), "=" if cell.rank == 1 else " "
    return Text(
        f" {token.plain}{gap}{mark}{percentage(prediction.probability)} ", PROBABILITY.style(prediction.probability)
    )
