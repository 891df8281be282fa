"""Samples: what a model wrote, with what stands in its training text marked."""

from itertools import pairwise

from octavo.diagnosis import memorisation_figures
from octavo.evaluate import Memorisation
from octavo.evaluate.marked import Marked
from octavo.pages.part import Part
from octavo.pages.rendering import render
from octavo.terminal import counted, shown


def samples_part(marked: Marked, memorisation: Memorisation | None = None) -> Part:
    """The texts, underlined where they are copied, and in words how much that is."""
    said = sample_notes(marked, memorisation, "Underlined, between ‹ and ›,")
    texts = [_pieces(text, places) for text, places in zip(marked.texts, marked.stretches, strict=True)]
    return Part(render("samples.html", texts=texts, said=said), styles=("samples.css",))


def sample_notes(marked: Marked, memorisation: Memorisation | None, how: str) -> list[str]:
    """What is marked, `how`, and how much is copied."""
    said = [
        f"{how} is what stands word for word in the training text in stretches of {marked.least} characters or more: "
        f"{marked.share:.1%} of these samples, and {marked.usual:.1%} of held-out text, which the model has not seen."
    ]
    if memorisation:
        said.append(
            f"Copied in {counted(memorisation.generated.texts, 'text')} of up to "
            f"{counted(memorisation.tokens, 'token')}, written at temperature {memorisation.temperature:g}: "
            f"{memorisation_figures(memorisation)}."
        )
    return said


def _pieces(text: str, places: tuple[tuple[int, int], ...]) -> list[tuple[bool, str]]:
    """The text in pieces, each copied or not; control characters are written out."""
    # A border within a line end of two characters would make two of it.
    borders = [0, *(place + (text[place - 1 : place + 1] == "\r\n") for pair in places for place in pair), len(text)]
    pieces = [text[start:end] for start, end in pairwise(borders)]
    return [(bool(i % 2), shown(piece)) for i, piece in enumerate(pieces) if piece]
