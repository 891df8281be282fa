"""A run whose model is looked into: what it makes of a text, layer by layer, and what comes of changing it."""

from collections.abc import Sequence

from octavo.data import Ids, documents
from octavo.errors import OctavoError
from octavo.interpret.changes import Changes
from octavo.interpret.edit import make_edit
from octavo.interpret.lens import read_lens
from octavo.interpret.passage import read_passage
from octavo.interpret.surprise import read_surprise
from octavo.opened import OpenedRun
from octavo.pages.edit import ShownEdit
from octavo.pages.lens import ShownLens
from octavo.pages.surprise import ShownSurprise

_HELD_OUT = 8192  # tokens of held-out text that means are over
_CHARACTERS = 2000  # of held-out text that are looked at where no text is given


class InsideRun(OpenedRun):
    """What a run's model has inside. Each result shows itself in a notebook, and its ``page`` can be saved."""

    def surprise(self, text: str | None = None) -> ShownSurprise:
        """How much each token of `text`, or of the beginning of the held-out text, surprises the model.

        Raises:
            OctavoError: the tokenizer has no token for anything in the text.
        """
        read = self.held_out_beginning(_CHARACTERS) if text is None else text
        context = self.config.data.context_length
        return ShownSurprise(read_surprise(self.model, self.tokenizer, read, context_length=context), self.name)

    def lens(self, text: str | None = None, *, max_tokens: int | None = None) -> ShownLens:
        """What each layer would already predict after each token of `text`, or of the beginning of the held-out text:
        of the first `max_tokens`, a whole context at most. On held-out text each layer is scored.

        Raises:
            OctavoError: `max_tokens` is out of range, or the tokenizer has no token for anything in the text.
        """
        read = self.held_out_beginning(_CHARACTERS) if text is None else text
        context = self.config.data.context_length
        most = context if max_tokens is None else max_tokens
        if not 2 <= most <= context:
            raise OctavoError(f"{most} tokens are out of range: 2 to {context}, what this run sees at once")
        passage = read_passage(self.tokenizer, read, most)
        held_out = self._held_out()
        return ShownLens(read_lens(self.model, self.tokenizer, passage, held_out, context_length=context), self.name)

    def edit(
        self,
        text: str,
        *,
        zero: str | Sequence[str] = (),
        mean: str | Sequence[str] = (),
        patch: str | Sequence[str] = (),
        other: str = "",
        position: int | None = None,
    ) -> ShownEdit:
        """What becomes of `text` and of what is expected after it when something is changed inside the model.

        Places are named as in :mod:`octavo.interpret.interventions`, or by a pattern, ``blocks.*.attention.head.0``:
        `zero` lets nothing flow by, `mean` the mean over held-out text, `patch` what the text `other` had there;
        `position` says at which token alone.

        Raises:
            OctavoError: there is nothing to change, no such place or position, or `other` is missing or too short.
        """
        edit = make_edit(
            self.model,
            self.tokenizer,
            text,
            Changes(_several(zero), _several(mean), _several(patch), position),
            other=other,
            held_out=self._held_out() if mean else (),
            context_length=self.config.data.context_length,
        )
        return ShownEdit(edit, self.name)

    def _held_out(self) -> list[Ids]:
        """The documents at the beginning of the held-out part: enough for a mean, and quickly read."""
        return documents(self.parts["validation"].ids[:_HELD_OUT], self.tokenizer.start_id)


def _several(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names
