"""A run whose model is looked into: what it makes of a text, layer by layer, and what comes of changing it."""

from collections.abc import Sequence

from octavo.config.inference import (
    WINDOWS,
    check_head,
    check_passage,
    check_windows,
    most_tokens_of_attention,
    most_tokens_of_lens,
)
from octavo.corpus import Corpus
from octavo.data import Ids, documents
from octavo.errors import OctavoError
from octavo.evaluate import Watch, unwatched
from octavo.evaluate.documents import documents_of
from octavo.interpret.attention import read_attention
from octavo.interpret.edit import make_edit
from octavo.interpret.heads import read_heads
from octavo.interpret.interventions import Changes
from octavo.interpret.lens import read_lens
from octavo.interpret.surprise import read_surprise
from octavo.interpret.tokens import Passage, read_passage
from octavo.reports.html.attention import ShownAttention
from octavo.reports.html.edit import ShownEdit
from octavo.reports.html.heads import ShownHeads
from octavo.reports.html.lens import ShownLens
from octavo.reports.html.surprise import MAX_CHARACTERS, ShownSurprise
from octavo.runs.saved_run import OpenedRun

_HELD_OUT = 8192  # tokens of held-out text that means are over
_TOKENS = 48  # of held-out text that attention is shown of: a heatmap's labels can be read
_GIVEN_TOKENS = 128  # of a given text: a page that is quickly drawn
_CHARACTERS = 2000  # of held-out text that are looked at where no text is given
_HEADS = 2_000_000  # characters that the windows of heads are spread over
_EDITED = 300  # the same of an edit, which is about what comes after the text


class InsideRun(OpenedRun):
    """What a run's model has inside. Each result shows itself in a notebook, and its ``page`` can be saved."""

    def attention(
        self,
        text: str | None = None,
        *,
        max_tokens: int | None = None,
        layer: int | None = None,
        head: int | None = None,
    ) -> ShownAttention:
        """Where every head looks while the model reads `text`, or the beginning of the held-out text: the first
        `max_tokens` tokens (128, of the held-out text 48), at most a context or what a page has room for.

        `layer` and `head` say what its figures show alone, and its page first.

        Raises:
            OctavoError: there is no such layer or head, `max_tokens` is out of range, or the tokenizer has no token
                for anything in the text.
        """
        check_head(layer, head, self.config.model)
        most = most_tokens_of_attention(self.config)
        passage, of, whole = self._passage(text, max_tokens, most, usual=_TOKENS if text is None else _GIVEN_TOKENS)
        return ShownAttention(read_attention(self.model, passage), self.name, of, layer, head, whole=whole)

    def surprise(
        self, text: str | None = None, *, max_characters: int = MAX_CHARACTERS, watch: Watch = unwatched
    ) -> ShownSurprise:
        """How much each token of `text`, or of the beginning of the held-out text, surprises the model.

        All of it is read and counts in the totals; the first `max_characters` characters of it are kept and shown
        token by token.
        `watch` is told the share that is done.

        Raises:
            OctavoError: `max_characters` is below 1, or the tokenizer has no token for anything in the text.
        """
        if max_characters < 1:
            raise OctavoError(f"{max_characters} characters cannot be shown: give 1 or more")
        read = self.held_out_beginning(_CHARACTERS) if text is None else text
        context = self.config.data.context_length
        surprise = read_surprise(
            self.model, self.tokenizer, read, context_length=context, characters=max_characters, watch=watch
        )
        return ShownSurprise(surprise, self.name)

    def lens(self, text: str | None = None, *, max_tokens: int | None = None) -> ShownLens:
        """What each layer would already predict after each token of `text`, or of the beginning of the held-out text:
        of the first `max_tokens` (128), at most a context or what a page has room for. On held-out text each layer is
        scored.

        Raises:
            OctavoError: `max_tokens` is out of range, or the tokenizer has no token for anything in the text.
        """
        most = most_tokens_of_lens(self.config)
        passage, of, whole = self._passage(text, max_tokens, most, usual=_GIVEN_TOKENS)
        held_out = self._held_out()
        lens = read_lens(
            self.model,
            self.tokenizer,
            passage,
            held_out,
            held_out_characters=self._characters_of(held_out),
            context_length=self.config.data.context_length,
        )
        return ShownLens(lens, self.name, of, whole=whole)

    def edit(
        self,
        text: str | None = None,
        *,
        zero: str | Sequence[str] = (),
        mean: str | Sequence[str] = (),
        patch: str | Sequence[str] = (),
        other: str = "",
        position: int | None = None,
        watch: Watch = unwatched,
    ) -> ShownEdit:
        """What becomes of `text`, or of the beginning of the held-out text, and of what is expected after it when
        something is changed inside the model.

        Places are named as in :mod:`octavo.interpret.interventions`, or by a pattern, ``blocks.*.attention.head.0``:
        `zero` lets nothing flow by, `mean` the mean over the beginning of the held-out text (8192 tokens), `patch`
        what the text `other` had there; `position` says at which token alone. `watch` is told the share that is
        done.

        Raises:
            OctavoError: there is nothing to change, no such place or position, or `other` is missing or too short.
        """
        edit = make_edit(
            self.model,
            self.tokenizer,
            self.held_out_beginning(_EDITED) if text is None else text,
            Changes(_several(zero), _several(mean), _several(patch), position),
            other=other,
            held_out=self._held_out() if mean else (),
            context_length=self.config.data.context_length,
            of="the beginning of the held-out text" if text is None else "the given text",
            watch=watch,
        )
        return ShownEdit(edit, self.name)

    def heads(self, text: str | None = None, *, windows: int = WINDOWS, watch: Watch = unwatched) -> ShownHeads:
        """What each head looks at, how far and how sharply, and what it is worth, over `windows` windows spread
        evenly over `text`, or over the held-out text; of a text of more than two million characters, over these first
        ones. `watch` is told the share that is done.

        Raises:
            OctavoError: `windows` is out of range, or the text has hardly a token.
        """
        check_windows(windows)
        name = "the held-out text" if text is None else "the given text"
        length = self.parts["validation"].facts.characters if text is None else len(text)
        if length > _HEADS:
            text = self.held_out_beginning(_HEADS) if text is None else text[:_HEADS]
            name = f"the first {_HEADS:,} characters of {name}"
        source = self.parts["validation"] if text is None else Corpus.from_text(text)
        table = read_heads(
            self.model,
            self.tokenizer,
            documents_of(source, self.tokenizer),
            text=name,
            context_length=self.config.data.context_length,
            windows=windows,
            watch=watch,
        )
        return ShownHeads(table, self.name)

    def _passage(
        self, text: str | None, max_tokens: int | None, most: int, *, usual: int
    ) -> tuple[Passage, str, bool]:
        """Return the first `max_tokens` tokens of a text, or of the held-out text, what they are of, and whether they
        are all of a given text.

        None: as many as are `usual`, if there can be so many.
        """
        tokens = min(usual, most) if max_tokens is None else max_tokens
        check_passage(tokens, most, self.config)
        if text is None:
            passage = read_passage(self.tokenizer, self.held_out_beginning(_CHARACTERS), tokens)
            return passage, f"the first {len(passage.ids)} tokens of its held-out text", False
        passage = read_passage(self.tokenizer, text, tokens)
        read = self.tokenizer.characters_before(text, len(passage.text_ids))
        if read == len(text):
            return passage, f"all {len(passage.ids)} tokens of a text", True
        of = f"the first {len(passage.ids)} tokens of a text ({read:,} of {len(text):,} characters)"
        return passage, of, False

    def _held_out(self) -> list[Ids]:
        """The documents at the beginning of the held-out part: enough for a mean, and quickly read."""
        return documents(self.parts["validation"].ids[:_HELD_OUT], self.tokenizer.start_id)

    def _characters_of(self, held_out: Sequence[Ids]) -> float:
        """How many characters of the held-out part these tokens stand for; if the tokenizer loses text, about."""
        if self.tokenizer.lossless:
            return sum(len(self.tokenizer.decode(ids)) for ids in held_out)
        facts = self.parts["validation"].facts
        return facts.characters * sum(map(len, held_out)) / facts.tokens


def _several(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names
