"""A text coloured by the surprisal of its characters."""

from dataclasses import dataclass

from octavo.interpret.predictions import one_in
from octavo.interpret.surprise import Surprise, TokenSurprise
from octavo.interpret.tokens import Alignment, text_direction, visible_label, visible_text
from octavo.reports.html.page import HtmlPart, Page, View, make_page, render

_STEPS = 10  # of the colour scale: one for each bit, the last for all above


@dataclass(frozen=True, repr=False)
class SurpriseView(View):
    """The surprisal of a text, as a page."""

    surprise: Surprise
    name: str  # of the run

    @property
    def page(self) -> Page:
        """Return the page of the text, its total, and the most surprising tokens."""
        description = f"The bits that {self.name} needs for each character of a text."
        part = surprise_part(self.surprise)
        return make_page(f"Surprisal in {self.name}", [part], description=description)


def surprise_part(surprise: Surprise) -> HtmlPart:
    """Return the beginning of the text, and of the complete text the total and the most surprising tokens.

    Pointing at a token shows its predictions.
    """
    html = render(
        "surprise.html",
        surprise=surprise,
        direction=text_direction(span.text for span in surprise.alignments),
        spans=[_span(surprise, span) for span in surprise.alignments],
        steps=range(_STEPS + 1),
        worst=[(before, token, one_in(token.nats)) for before, token in surprise.worst],
        data=[[_token(t) for t in surprise.tokens[span.begin : span.end]] for span in surprise.alignments],
    )
    return HtmlPart(html, ("predictions.js", "surprise.js"), ("predictions.css", "surprise.css"))


def _span(surprise: Surprise, span: Alignment) -> dict[str, object]:
    """Return characters with the step of their colour; None: no token has them."""
    step = None if span.dropped else min(_STEPS, round(surprise.bits_per_character_of(span)))
    return {"text": visible_text(span.text, lines=True), "step": step}


def _token(token: TokenSurprise) -> list[object]:
    """Return label, nats and rank of a token, and the predictions with their probabilities."""
    predictions = [[visible_label(one.label), float(f"{one.probability:.3g}")] for one in token.predictions]
    return [visible_label(token.label), round(token.nats, 4), token.rank, predictions]
