"""A text coloured by how much each character surprised a model."""

from dataclasses import dataclass

from octavo.interpret.chance import chance
from octavo.interpret.pieces import Piece
from octavo.interpret.surprise import Surprise, TokenSurprise
from octavo.interpret.visible import visible
from octavo.pages.page import Page, make_page
from octavo.pages.part import Part
from octavo.pages.rendering import render
from octavo.pages.shown import Shown

_STEPS = 10  # of colour: one a bit, the last for all beyond
_WORST = 8  # tokens in the table


@dataclass(frozen=True, repr=False)
class ShownSurprise(Shown):
    """Surprise that shows itself as a page."""

    surprise: Surprise
    name: str  # of the run

    @property
    def page(self) -> Page:
        """The coloured text, its totals, and what surprised most."""
        description = f"How much each character of a text surprised {self.name}."
        return make_page(f"Surprise in {self.name}", [surprise_part(self.surprise)], description=description)


def surprise_part(surprise: Surprise) -> Part:
    """The text with a legend, totals, and a table of what surprised most; pointing at a token tells its odds."""
    html = render(
        "surprise.html",
        surprise=surprise,
        pieces=[_piece(surprise, piece) for piece in surprise.pieces],
        steps=range(_STEPS + 1),
        dropped=sum(len(piece.text) for piece in surprise.pieces if piece.dropped),
        worst=[(before, token, chance(token.nats)) for before, token in surprise.worst(_WORST)],
        data=[[_token(t) for t in surprise.tokens[piece.begin : piece.end]] for piece in surprise.pieces],
    )
    return Part(html, ("odds.js", "surprise.js"), ("odds.css", "surprise.css"))


def _piece(surprise: Surprise, piece: Piece) -> dict[str, object]:
    """Characters and their colour; none where no token stands for them."""
    step = None if piece.dropped else min(_STEPS, round(surprise.bits_per_character_of(piece)))
    return {"text": visible(piece.text, kept=" \n"), "step": step}


def _token(token: TokenSurprise) -> list[object]:
    """What a script tells of a token: its label, nats, rank, and the guesses with their probabilities."""
    guesses = [[visible(guess.label), float(f"{guess.probability:.3g}")] for guess in token.guesses]
    return [visible(token.label), round(token.nats, 4), token.rank, guesses]
