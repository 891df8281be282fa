"""Interpret the model of a saved run: attention, surprisal, logit lens, interventions and head table.

Each function takes a :class:`~octavo.runs.saved_run.SavedRun` and returns plain values. They are the bodies of the
methods of :class:`octavo.pipeline.run.Run`, which show the values as pages.
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
from octavo.data.token_files import Ids, documents
from octavo.errors import OctavoError
from octavo.evaluate.documents import documents_of
from octavo.evaluate.scoring import Scorer
from octavo.interpret.activations import ActivationCache, mean_activations
from octavo.interpret.attention import AttentionPatterns, measure_attention
from octavo.interpret.edit import Edit, measure_edit
from octavo.interpret.head_table import HeadTable
from octavo.interpret.heads import measure_heads
from octavo.interpret.interventions import InterventionSpec
from octavo.interpret.lens import Lens, apply_lens
from octavo.interpret.surprise import MAX_CHARACTERS, Surprise, measure_surprise
from octavo.interpret.tokens import Passage, read_passage
from octavo.runs.saved_run import SavedRun
from octavo.system.progress import ProgressCallback, no_progress
from octavo.system.terminal import quantity

_MEAN_TOKENS = 8192  # of validation text that means are taken over
_OWN_TOKENS = 48  # of validation text for attention: the labels of a heatmap stay legible
_GIVEN_TOKENS = 128  # of a given text: the page is drawn quickly
_CHARACTERS = 2000  # of validation text where no text is given
_HEAD_CHARACTERS = 2_000_000  # that the windows of the head table are spread over
_EDIT_CHARACTERS = 300  # of validation text for an intervention, which shows the token after the text


@dataclass(frozen=True)
class Scope:
    """The part of a text that was read, such as "the first 48 tokens of its validation split"."""

    description: str
    complete: bool  # False: the text continues


def analyse_attention(
    run: SavedRun, text: str | None = None, *, max_tokens: int | None = None
) -> tuple[AttentionPatterns, Scope]:
    """Measure the attention of every head over a text.

    Args:
        run: the run.
        text: the text; None: the beginning of the validation split.
        max_tokens: tokens to read, at most the context length; None: 128, of the validation split 48.

    Returns:
        The patterns (layers, heads, T query, T key), whose rows sum to one, and the part of the text that was read.

    Raises:
        OctavoError: `max_tokens` is out of range, or the tokenizer has no token for any character of the text.
    """
    limit = max_attention_tokens(run.config)
    default = _OWN_TOKENS if text is None else _GIVEN_TOKENS
    passage, scope = _passage(run, text, max_tokens, limit, default=default)
    return measure_attention(run.model, passage), scope


def analyse_surprise(
    run: SavedRun,
    text: str | None = None,
    *,
    max_characters: int = MAX_CHARACTERS,
    watch: ProgressCallback = no_progress,
) -> Surprise:
    """Measure the surprisal of each token of a text.

    Args:
        run: the run.
        text: the text; None: the first 2000 characters of the validation split.
        max_characters: the first characters, which are kept token by token; the totals are of all of the text.
        watch: is called with the fraction that is done.

    Returns:
        The surprisal of the text in nats and bits, and of its beginning token by token.

    Raises:
        OctavoError: `max_characters` is below 1, or the tokenizer has no token for any character of the text.
    """
    if max_characters < 1:
        raise OctavoError(f"max_characters={max_characters} is out of range: give 1 or more")
    return measure_surprise(
        run.model,
        run.tokenizer,
        run.validation_beginning(_CHARACTERS) if text is None else text,
        context_length=run.config.data.context_length,
        characters=max_characters,
        watch=watch,
    )


def analyse_lens(run: SavedRun, text: str | None = None, *, max_tokens: int | None = None) -> tuple[Lens, Scope]:
    """Read the prediction of each layer (logit lens) after each token of a text.

    Args:
        run: the run.
        text: the text; None: the beginning of the validation split.
        max_tokens: tokens to read, at most the context length; None: 128.

    Returns:
        The predictions of each layer, its score on the first 8192 tokens of the validation split (none if the run was
        shared without its text), and the part of the text that was read.

    Raises:
        OctavoError: `max_tokens` is out of range, or the tokenizer has no token for any character of the text.
    """
    passage, scope = _passage(run, text, max_tokens, max_lens_tokens(run.config), default=_GIVEN_TOKENS)
    held_out = [] if run.directory.shared else _held_out(run)
    lens = apply_lens(
        run.model,
        run.tokenizer,
        passage,
        held_out,
        held_out_characters=_characters_of(run, held_out) if held_out else 0.0,
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
    """Measure how interventions change the score of a text and the prediction of the token after it.

    Sites, heads and units are named as in :mod:`octavo.interpret.interventions`, or by a pattern such as
    ``blocks.*.attention.head.0``. That module also explains the three interventions.

    Args:
        run: the run.
        text: the text; None: the first 300 characters of the validation split.
        zero: sites to ablate by zero.
        mean: sites to ablate by their mean over the first 8192 tokens of the validation split.
        patch: sites to patch with their activations on the text `other`.
        other: the text of `patch`, with at least as many tokens as `text`.
        position: the token to change, counted from 0, or from -1 at the end; None: all tokens.
        watch: is called with the fraction that is done.

    Returns:
        The next-token probabilities and the bits per character before and after.

    Raises:
        OctavoError: no site is given, there is no such site or position, or `other` is missing or too short.

    Example:
        >>> run = octavo.load("shakespeare")  # doctest: +SKIP
        >>> analyse_edit(run, "To be, or not to", zero="blocks.0.attention.head.2").cost  # doctest: +SKIP
        0.012
    """
    return measure_edit(
        run.model,
        run.tokenizer,
        run.validation_beginning(_EDIT_CHARACTERS) if text is None else text,
        InterventionSpec(_as_sequence(zero), _as_sequence(mean), _as_sequence(patch), position),
        other=other,
        held_out=_held_out(run) if mean else (),
        context_length=run.config.data.context_length,
        source="the beginning of the validation split" if text is None else "the given text",
        watch=watch,
    )


def analyse_heads(
    run: SavedRun, text: str | None = None, *, windows: int = HEAD_WINDOWS, watch: ProgressCallback = no_progress
) -> HeadTable:
    """Measure the attention of each head by target kind, its distance and entropy, and the cost of its ablation.

    Args:
        run: the run.
        text: the text; None: the validation split. At most its first two million characters are used.
        windows: number of windows of a context length, spread evenly over the text.
        watch: is called with the fraction that is done.

    Returns:
        The table of all heads, with 95 % intervals over windows.

    Raises:
        OctavoError: `windows` is out of range, or the text has fewer than three tokens.
    """
    check_windows(windows)
    name = "the validation split" if text is None else "the given text"
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


def held_out_means(run: SavedRun, *sites: str) -> ActivationCache:
    """Return the mean activation at each site over the first 8192 tokens of the validation split, as mean ablation
    uses it.

    Args:
        run: the run.
        sites: names of sites.

    Raises:
        OctavoError: the shape of a site depends on the length of the text, or the validation split is too short.
    """
    scorer = Scorer(run.model, run.tokenizer.bos_id, run.config.data.context_length)
    return mean_activations(scorer, _held_out(run), *sites)


def _passage(
    run: SavedRun, text: str | None, max_tokens: int | None, limit: int, *, default: int
) -> tuple[Passage, Scope]:
    """Return the first `max_tokens` tokens of a text, or of the validation split; None: `default`, up to `limit`."""
    tokens = min(default, limit) if max_tokens is None else max_tokens
    check_passage(tokens, limit, run.config)
    if text is None:
        passage = read_passage(run.tokenizer, run.validation_beginning(_CHARACTERS), tokens)
        return passage, Scope(
            f"the first {quantity(len(passage.ids), 'token')} of its validation split", complete=False
        )
    passage = read_passage(run.tokenizer, text, tokens)
    read = run.tokenizer.characters_before(text, len(passage.text_ids))
    if read == len(text):
        return passage, Scope(f"all {quantity(len(passage.ids), 'token')} of a text", complete=True)
    of = f"the first {quantity(len(passage.ids), 'token')} of a text ({read:,} of {quantity(len(text), 'character')})"
    return passage, Scope(of, complete=False)


def _held_out(run: SavedRun) -> list[Ids]:
    """Return the documents in the first tokens of the validation split: enough for a mean."""
    return documents(run.splits["validation"].ids[:_MEAN_TOKENS], run.tokenizer.bos_id)


def _characters_of(run: SavedRun, held_out: Sequence[Ids]) -> float:
    """Return the characters of tokens of the validation split; approximate if the tokenizer is lossy."""
    if run.tokenizer.lossless:
        return sum(len(run.tokenizer.decode(ids)) for ids in held_out)
    facts = run.splits["validation"].facts
    return facts.characters * sum(map(len, held_out)) / facts.tokens


def _as_sequence(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names
