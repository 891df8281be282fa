"""A text coloured by how much each character surprised a model."""

from dataclasses import dataclass

from octavo.interpret.direction import text_direction
from octavo.interpret.predictions import one_in
from octavo.interpret.surprise import Surprise, TokenSurprise
from octavo.interpret.tokens import Alignment, visible_label, visible_text
from octavo.reports.html.page import HtmlPart, Page, View, make_page, render

_STEPS = 10  # of colour: one a bit, the last for all beyond


@dataclass(frozen=True, repr=False)
class SurpriseView(View):
    """Surprise that shows itself as a page."""

    surprise: Surprise
    name: str  # of the run

    @property
    def page(self) -> Page:
        """The coloured text, its totals, and what surprised most."""
        description = f"How much each character of a text surprised {self.name}."
        part = surprise_part(self.surprise)
        return make_page(f"Surprise in {self.name}", [part], description=description)


def surprise_part(surprise: Surprise) -> HtmlPart:
    """The beginning of the text with a legend; totals, and a table of what surprised most, of all of it; pointing at
    a token tells its odds."""
    html = render(
        "surprise.html",
        surprise=surprise,
        direction=text_direction(piece.text for piece in surprise.alignments),
        pieces=[_piece(surprise, piece) for piece in surprise.alignments],
        steps=range(_STEPS + 1),
        worst=[(before, token, one_in(token.nats)) for before, token in surprise.worst],
        data=[[_token(t) for t in surprise.tokens[piece.begin : piece.end]] for piece in surprise.alignments],
    )
    return HtmlPart(html, ("odds.js", "surprise.js"), ("odds.css", "surprise.css"))


def _piece(surprise: Surprise, piece: Alignment) -> dict[str, object]:
    """Characters and their colour; none where no token stands for them."""
    step = None if piece.dropped else min(_STEPS, round(surprise.bits_per_character_of(piece)))
    return {"text": visible_text(piece.text, lines=True), "step": step}


def _token(token: TokenSurprise) -> list[object]:
    """What a script tells of a token: its label, nats, rank, and the guesses with their probabilities."""
    guesses = [[visible_label(guess.label), float(f"{guess.probability:.3g}")] for guess in token.predictions]
    return [visible_label(token.label), round(token.nats, 4), token.rank, guesses]
