"""Views of the analyses of a saved run, which show themselves in a notebook and as a page."""

from typing import Any

from octavo.config.inference import check_head
from octavo.errors import OctavoError
from octavo.interpret.run_analyses import (
    analyse_attention,
    analyse_edit,
    analyse_heads,
    analyse_lens,
    analyse_surprise,
)
from octavo.reports.html.attention import AttentionView
from octavo.reports.html.curves import CurvesView
from octavo.reports.html.edit import EditView
from octavo.reports.html.heads import HeadsView
from octavo.reports.html.lens import LensView
from octavo.reports.html.surprise import SurpriseView
from octavo.reports.series import TrainingCurve
from octavo.runs.metrics import check_complete
from octavo.runs.saved_run import SavedRun
from octavo.training.data import bpe_dropout_until, early_stopping_tokens

__all__ = [
    "AttentionView",
    "CurvesView",
    "EditView",
    "HeadsView",
    "LensView",
    "SurpriseView",
    "attention_view",
    "curves_view",
    "edit_view",
    "heads_view",
    "lens_view",
    "surprise_view",
]


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
    """
    check_head(layer, head, run.config.model)
    attention, scope = analyse_attention(run, text, max_tokens=max_tokens)
    return AttentionView(attention, run.name, scope.description, layer, head, complete=scope.complete)


def surprise_view(run: SavedRun, text: str | None = None, **options: Any) -> SurpriseView:
    """Return the view of :func:`~octavo.interpret.run_analyses.analyse_surprise`."""
    return SurpriseView(analyse_surprise(run, text, **options), run.name)


def lens_view(run: SavedRun, text: str | None = None, *, max_tokens: int | None = None) -> LensView:
    """Return the view of :func:`~octavo.interpret.run_analyses.analyse_lens`."""
    lens, scope = analyse_lens(run, text, max_tokens=max_tokens)
    return LensView(lens, run.name, scope.description, complete=scope.complete)


def edit_view(run: SavedRun, text: str | None = None, **options: Any) -> EditView:
    """Return the view of :func:`~octavo.interpret.run_analyses.analyse_edit`."""
    return EditView(analyse_edit(run, text, **options), run.name)


def heads_view(run: SavedRun, text: str | None = None, **options: Any) -> HeadsView:
    """Return the view of :func:`~octavo.interpret.run_analyses.analyse_heads`."""
    return HeadsView(analyse_heads(run, text, **options), run.name)


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
    until = bpe_dropout_until(run.config, facts.tokens - early_stopping_tokens(run.config, facts.tokens))
    return CurvesView(TrainingCurve(run.name, metrics, facts.tokens / facts.characters, until))
