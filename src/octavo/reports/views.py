"""Views of the analyses of a saved run, which show themselves in a notebook and as a page."""

from collections.abc import Sequence

from octavo.config.inference import HEAD_WINDOWS, check_head
from octavo.errors import OctavoError
from octavo.interpret import run_analyses
from octavo.interpret.surprise import MAX_CHARACTERS
from octavo.reports.html.attention import AttentionView
from octavo.reports.html.curves import CurvesView
from octavo.reports.html.edit import EditView
from octavo.reports.html.heads import HeadsView
from octavo.reports.html.lens import LensView
from octavo.reports.html.surprise import SurpriseView
from octavo.reports.series import TrainingCurve
from octavo.runs.metrics import check_complete
from octavo.runs.saved_run import SavedRun
from octavo.system.progress import ProgressCallback, no_progress
from octavo.training.data import bpe_dropout_until, held_out_tokens


def attention_view(
    run: SavedRun,
    text: str | None = None,
    *,
    max_tokens: int | None = None,
    layer: int | None = None,
    head: int | None = None,
) -> AttentionView:
    """Return the view of :func:`~octavo.interpret.run_analyses.analyse_attention`.

    Args:
        run: the run.
        text: the text; None: the beginning of the validation split.
        max_tokens: tokens that are read, at most a context; None: 128, of the validation split 48.
        layer: the only layer in the figures, and the first one on the page; None: all layers.
        head: the only head in the figures, and the first one on the page; None: all heads.

    Raises:
        OctavoError: there is no such layer or head, `max_tokens` is out of range, or the tokenizer has no token for
            anything in the text.

    Example:
        >>> run.attention("To be, or not to be", max_tokens=8).attention.patterns.shape
        (1, 4, 8, 8)
    """
    check_head(layer, head, run.config.model)
    attention, scope = run_analyses.analyse_attention(run, text, max_tokens=max_tokens)
    return AttentionView(attention, run.name, scope.description, layer, head, complete=scope.complete)


def surprise_view(
    run: SavedRun,
    text: str | None = None,
    *,
    max_characters: int = MAX_CHARACTERS,
    watch: ProgressCallback = no_progress,
) -> SurpriseView:
    """Compute the surprisal of each token of a text: minus the logarithm of its probability, in bits.

    Args:
        run: the run.
        text: the text itself; None: the beginning of the validation split.
        max_characters: characters that are shown token by token; all count in the totals.

    Returns:
        A view; ``surprise.tokens`` has the ``bits`` of each token.

    Example:
        >>> all(token.bits >= 0 for token in run.surprise("Words, words, words.").surprise.tokens)
        True
    """
    surprise = run_analyses.analyse_surprise(run, text, max_characters=max_characters, watch=watch)
    return SurpriseView(surprise, run.name)


def lens_view(run: SavedRun, text: str | None = None, *, max_tokens: int | None = None) -> LensView:
    """Compute what the embedding and each layer would predict after each token of a text (logit lens).

    Args:
        run: the run.
        text: the text itself; None: the beginning of the validation split.
        max_tokens: tokens that are read, a context at most; None: 128.

    Returns:
        A view; ``lens.layers`` has the predictions of each layer and its score on the validation split.

    Example:
        >>> len(run.lens("Words, words, words.").lens.layers)
        2
    """
    lens, scope = run_analyses.analyse_lens(run, text, max_tokens=max_tokens)
    return LensView(lens, run.name, scope.description, complete=scope.complete)


def edit_view(
    run: SavedRun,
    text: str | None = None,
    *,
    zero: str | Sequence[str] = (),
    mean: str | Sequence[str] = (),
    patch: str | Sequence[str] = (),
    other: str = "",
    position: int | None = None,
    watch: ProgressCallback = no_progress,
) -> EditView:
    """Measure the effect of an intervention at sites such as ``blocks.0.attention.head.2``.

    Args:
        run: the run.
        text: the text itself; None: the beginning of the validation split.
        zero: sites to zero-ablate; ``*`` stands for any layer or head.
        mean: sites to mean-ablate (mean over the first 8,192 validation tokens).
        patch: sites whose activations are copied from another text, `other`.
        position: index of the one token whose activations change; None: all.

    Returns:
        A view; ``edit.cost`` is the change in bits per character of the text, above 0 if it got worse.

    Example:
        >>> run.edit("To be, or not to be", zero="blocks.0.attention.head.*").edit.cost != 0
        True
    """
    edit = run_analyses.analyse_edit(
        run, text, zero=zero, mean=mean, patch=patch, other=other, position=position, watch=watch
    )
    return EditView(edit, run.name)


def heads_view(
    run: SavedRun, text: str | None = None, *, windows: int = HEAD_WINDOWS, watch: ProgressCallback = no_progress
) -> HeadsView:
    """Measure what each head attends to, its distance and entropy, and the cost of its ablation (docs/heads.md).

    Args:
        run: the run.
        text: the text itself; None: the validation split.
        windows: windows that are read, spread evenly over the text, 1 to 1,000.

    Returns:
        A view; ``table.heads`` has the heads with a 95 % interval for each number.

    Example:
        >>> [head.label for head in run.heads(windows=8).table.heads]
        ['0.0', '0.1', '0.2', '0.3']
    """
    return HeadsView(run_analyses.analyse_heads(run, text, windows=windows, watch=watch), run.name)


def curves_view(run: SavedRun) -> CurvesView:
    """Return the training curves of a run.

    Raises:
        OctavoError: there is no line of metrics.
    """
    metrics = run.metrics
    check_complete(metrics, run.path / "metrics.jsonl")
    if not any(event["event"] == "step" for event in metrics):
        ended = bool(metrics) and metrics[-1]["event"] == "end"
        why = "ended before" if ended else "has not reached"
        raise OctavoError(f"there are no curves of {run.name}: its training {why} the first line of metrics")
    try:
        facts = run.split("train").facts
    except OctavoError:
        return CurvesView(TrainingCurve(run.name, metrics))  # the text is damaged, the curves are intact
    until = bpe_dropout_until(run.config, facts.tokens - held_out_tokens(run.config, facts.tokens))
    return CurvesView(TrainingCurve(run.name, metrics, facts.tokens / facts.characters_and_ends, until))
