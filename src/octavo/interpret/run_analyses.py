"""Look into the model of a saved run: attention, surprisal, logit lens, head table, interventions.

Each function takes a :class:`~octavo.runs.saved_run.SavedRun` and returns plain values.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from octavo.config.inference import (
    HEAD_WINDOWS,
    check_passage,
    check_windows,
    max_attention_tokens,
    max_lens_tokens,
)
from octavo.corpus import Corpus
from octavo.data import Ids, documents
from octavo.errors import OctavoError
from octavo.evaluate.documents import documents_of
from octavo.interpret.attention import Attention, measure_attention
from octavo.interpret.edit import Edit, measure_edit
from octavo.interpret.head_table import HeadTable
from octavo.interpret.heads import measure_heads
from octavo.interpret.interventions import InterventionSpec
from octavo.interpret.lens import Lens, apply_lens
from octavo.interpret.surprise import MAX_CHARACTERS, Surprise, measure_surprise
from octavo.interpret.tokens import Passage, read_passage
from octavo.runs.saved_run import SavedRun
from octavo.system.progress import ProgressCallback, no_progress

_MEAN_TOKENS = 8192  # tokens of validation text that means are over
_OWN_TOKENS = 48  # of validation text that attention is shown of: a heatmap's labels can be read
_GIVEN_TOKENS = 128  # of a given text: a page that is quickly drawn
_CHARACTERS = 2000  # of validation text that are read where no text is given
_HEAD_CHARACTERS = 2_000_000  # that the windows of heads are spread over
_EDIT_CHARACTERS = 300  # of validation text for an intervention, which is about what comes after the text


@dataclass(frozen=True)
class Scope:
    """The part of a text that was read. `of`: "the first 48 tokens of its held-out text"."""

    description: str
    complete: bool  # False: the text goes on


def analyse_attention(
    run: SavedRun, text: str | None = None, *, max_tokens: int | None = None
) -> tuple[Attention, Scope]:
    """Measure the attention of every head over `text`, or over the beginning of the validation split.

    Args:
        run: the run.
        text: the text; None: the beginning of the validation split.
        max_tokens: tokens that are read, at most a context; None: 128, of the validation split 48.

    Raises:
        OctavoError: `max_tokens` is out of range, or the tokenizer has no token for anything in the text.
    """
    most = max_attention_tokens(run.config)
    usual = _OWN_TOKENS if text is None else _GIVEN_TOKENS
    passage, scope = _passage(run, text, max_tokens, most, usual=usual)
    return measure_attention(run.model, passage), scope


def analyse_surprise(
    run: SavedRun,
    text: str | None = None,
    *,
    max_characters: int = MAX_CHARACTERS,
    watch: ProgressCallback = no_progress,
) -> Surprise:
    """Measure the surprisal of each token of `text`, or of the beginning of the validation split.

    All of the text counts in the totals; the first `max_characters` characters are kept token by token. `watch` is
    called with the fraction that is done.

    Raises:
        OctavoError: `max_characters` is below 1, or the tokenizer has no token for anything in the text.
    """
    if max_characters < 1:
        raise OctavoError(f"{max_characters} characters cannot be shown: give 1 or more")
    return measure_surprise(
        run.model,
        run.tokenizer,
        run.validation_beginning(_CHARACTERS) if text is None else text,
        context_length=run.config.data.context_length,
        characters=max_characters,
        watch=watch,
    )


def analyse_lens(run: SavedRun, text: str | None = None, *, max_tokens: int | None = None) -> tuple[Lens, Scope]:
    """Read each layer's prediction (logit lens) after each token of `text`, or of the validation split's beginning.

    The first `max_tokens` tokens (128) are read, at most a context. Each layer is scored on the validation split.

    Raises:
        OctavoError: `max_tokens` is out of range, or the tokenizer has no token for anything in the text.
    """
    passage, scope = _passage(run, text, max_tokens, max_lens_tokens(run.config), usual=_GIVEN_TOKENS)
    held_out = _held_out(run)
    lens = apply_lens(
        run.model,
        run.tokenizer,
        passage,
        held_out,
        held_out_characters=_characters_of(run, held_out),
        context_length=run.config.data.context_length,
    )
    return lens, scope


def analyse_edit(
    run: SavedRun,
    text: str | None = None,
    *,
    zero: str | Sequence[str] = (),
    mean: str | Sequence[str] = (),
    patch: str | Sequence[str] = (),
    other: str = "",
    position: int | None = None,
    watch: ProgressCallback = no_progress,
) -> Edit:
    """Measure how interventions change the predictions for `text`, or for the validation split's beginning.

    Sites are named as in :mod:`octavo.interpret.interventions`, or by a pattern, ``blocks.*.attention.head.0``.

    Args:
        run: the run.
        text: the text; None: the beginning of the validation split.
        zero: sites whose activations become zero.
        mean: sites whose activations become their mean over the first 8192 tokens of the validation split.
        patch: sites whose activations are taken from the text `other`.
        other: the text of `patch`.
        position: the only token that is changed; None: all.
        watch: is called with the fraction that is done.

    Raises:
        OctavoError: there is nothing to change, no such site or position, or `other` is missing or too short.
    """
    return measure_edit(
        run.model,
        run.tokenizer,
        run.validation_beginning(_EDIT_CHARACTERS) if text is None else text,
        InterventionSpec(_several(zero), _several(mean), _several(patch), position),
        other=other,
        held_out=_held_out(run) if mean else (),
        context_length=run.config.data.context_length,
        of="the beginning of the held-out text" if text is None else "the given text",
        watch=watch,
    )


def analyse_heads(
    run: SavedRun, text: str | None = None, *, windows: int = HEAD_WINDOWS, watch: ProgressCallback = no_progress
) -> HeadTable:
    """Measure what each head attends to, its distance and entropy, and the cost of its ablation.

    `windows` windows are spread evenly over `text`, or over the validation split; of more than two million characters
    the first ones are used. `watch` is called with the fraction that is done.

    Raises:
        OctavoError: `windows` is out of range, or the text has hardly a token.
    """
    check_windows(windows)
    name = "the held-out text" if text is None else "the given text"
    length = run.splits["validation"].facts.characters if text is None else len(text)
    if length > _HEAD_CHARACTERS:
        text = run.validation_beginning(_HEAD_CHARACTERS) if text is None else text[:_HEAD_CHARACTERS]
        name = f"the first {_HEAD_CHARACTERS:,} characters of {name}"
    source = run.splits["validation"] if text is None else Corpus.from_text(text)
    return measure_heads(
        run.model,
        run.tokenizer,
        documents_of(source, run.tokenizer),
        text=name,
        context_length=run.config.data.context_length,
        windows=windows,
        watch=watch,
    )


def _passage(
    run: SavedRun, text: str | None, max_tokens: int | None, most: int, *, usual: int
) -> tuple[Passage, Scope]:
    """Return the first `max_tokens` tokens of a text, or of the validation split.

    None: as many as are `usual`, if there can be so many.
    """
    tokens = min(usual, most) if max_tokens is None else max_tokens
    check_passage(tokens, most, run.config)
    if text is None:
        passage = read_passage(run.tokenizer, run.validation_beginning(_CHARACTERS), tokens)
        return passage, Scope(f"the first {len(passage.ids)} tokens of its held-out text", complete=False)
    passage = read_passage(run.tokenizer, text, tokens)
    read = run.tokenizer.characters_before(text, len(passage.text_ids))
    if read == len(text):
        return passage, Scope(f"all {len(passage.ids)} tokens of a text", complete=True)
    of = f"the first {len(passage.ids)} tokens of a text ({read:,} of {len(text):,} characters)"
    return passage, Scope(of, complete=False)


def _held_out(run: SavedRun) -> list[Ids]:
    """Return the documents at the beginning of the validation split: enough for a mean, and quickly read."""
    return documents(run.splits["validation"].ids[:_MEAN_TOKENS], run.tokenizer.bos_id)


def _characters_of(run: SavedRun, held_out: Sequence[Ids]) -> float:
    """Return how many characters these tokens of the validation split stand for; about, if the tokenizer is lossy."""
    if run.tokenizer.lossless:
        return sum(len(run.tokenizer.decode(ids)) for ids in held_out)
    facts = run.splits["validation"].facts
    return facts.characters * sum(map(len, held_out)) / facts.tokens


def _several(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names
