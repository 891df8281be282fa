"""The figures of a reproduction: epochs, the first epoch, perplexities, and the attention of the report's texts."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from octavo.evaluate import perplexity
from octavo.experiments.reproduction import reported
from octavo.experiments.reproduction.epochs import LossPoint, first_epoch_points
from octavo.experiments.reproduction.reported import EpochRow
from octavo.experiments.reproduction.results import Reproduction
from octavo.pipeline.progress import Progress
from octavo.reports.figures.attention import attention_figures
from octavo.reports.figures.files import drawable, make_figure, open_frames, save_figure, with_installed_fonts
from octavo.reports.figures.style import in_own_style
from octavo.reports.html.axis import padded_range

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EPOCHS, FIRST_EPOCH, PERPLEXITIES = "epochs", "first-epoch", "perplexities"  # file names without suffix

_VALIDATION, _TRAIN, _FLOOR, _WEIGHTS = "#c2410c", "#6b7885", "#0f766e", "#1d4ed8"
_BAR_COLOURS = ("#c2410c", "#cbd2d9", "#6b7885")
_BINS = 40
_HERE: dict[str, Any] = {"marker": "o", "lw": 1.8, "ms": 4}
_REPORTED: dict[str, Any] = {"ls": "--", "lw": 1.0}
_FIRST_DRAWN_EPOCH = 0.1  # earlier points, near the uniform baseline, do not set the scale


def draw_all(result: Reproduction, folder: Path, progress: Progress) -> None:
    """Draw every figure into `folder`.

    Raises:
        OSError: the folder cannot be written to.
    """
    title, measured, points = result.run.name, result.perplexities, result.validation_curve
    floor = measured.unigram_validation
    bars = {
        "validation": perplexity(measured.validation.mean),
        "training,\nas the report\ncomputed it": perplexity(measured.training_as_reported),
        "training,\ncorrected": perplexity(measured.sample.mean),
    }
    figures = {
        EPOCHS: epochs_figure(result.epochs, reported.EPOCHS, points, floor=floor, title=title),
        PERPLEXITIES: perplexities_figure(bars, measured.validation.losses, floor=perplexity(floor), title=title),
    }
    if first := first_epoch_points(points):
        figures[FIRST_EPOCH] = unlearning_figure(first, floor=floor, title=f"{title}, epoch 1")
    for name, figure in figures.items():
        save_figure(figure, folder / name, ("png", "svg"))
    for number, text in enumerate(result.attention):
        progress.phase("drawing attention", number / len(result.attention))
        words = " ".join(reported.ATTENTION_TEXTS[text.name].split())
        labels = text.attention.passage.labels
        for layer, figure in enumerate(attention_figures(text.attention.patterns, labels, title=words)):
            save_figure(figure, folder / attention_picture(text.name, layer))


def attention_picture(text: str, layer: int) -> str:
    """Return the file name of a text's attention in a layer, without suffix."""
    return f"attention-{text}-layer-{layer}"


@in_own_style
def epochs_figure(
    here: Sequence[EpochRow],
    report: Sequence[EpochRow],
    points: Sequence[LossPoint] = (),
    *,
    floor: float | None = None,
    title: str = "",
) -> "Figure":
    """Draw two panels over the epochs, loss and perplexity.

    Args:
        here: the run's epochs.
        report: the course report's epochs, dashed.
        points: validation points within the epochs, a thin line.
        floor: loss of the unigram baseline in nats per token, a dotted line.
        title: above the panels.
    """
    figure = make_figure(11, 4, drawable(title))
    panels: dict[str, Callable[[float], float]] = {"loss, nats per token": float, "perplexity per token": perplexity}
    for axes, (name, value) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        if points:
            axes.plot(
                [point.epoch for point in points],
                [value(point.validation_loss) for point in points],
                color=_VALIDATION,
                lw=0.7,
                alpha=0.55,
                label="validation split, within the epochs",
            )
        for rows, whose, style in ((here, "here", _HERE), (report, "the report", _REPORTED)):
            for attribute, label, colour in (
                ("train_loss", "training loss (with dropout)", _TRAIN),
                ("validation_loss", "validation split", _VALIDATION),
            ):
                if rows:
                    losses = [value(getattr(row, attribute)) for row in rows]
                    axes.plot([row.epoch for row in rows], losses, color=colour, label=f"{label}, {whose}", **style)
        if floor is not None:
            axes.axhline(value(floor), color=_FLOOR, lw=1, ls=":", label="unigram baseline")
        losses = [loss for row in (*here, *report) for loss in (row.train_loss, row.validation_loss)]
        losses += [point.validation_loss for point in points if point.epoch >= _FIRST_DRAWN_EPOCH]
        limits = padded_range(value(min(losses)), value(max(losses))) if losses else None
        axes.set(xlabel="epoch", ylabel=name, ylim=limits)
        axes.grid(alpha=0.25)
        open_frames(axes)
    axes.legend(frameon=False, fontsize=8)
    return with_installed_fonts(figure, [title])


@in_own_style
def unlearning_figure(points: Sequence[LossPoint], *, floor: float, title: str = "") -> "Figure":
    """Draw losses, with the unigram baseline `floor` in nats per token, and below them the weight norm."""
    figure = make_figure(9, 6, drawable(title))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    steps = [point.step for point in points]
    validation, train = ([getattr(p, name) for p in points] for name in ("validation_loss", "train_loss"))
    above.plot(steps, validation, "o-", color=_VALIDATION, ms=3, label="validation split")
    above.plot(steps, train, color=_TRAIN, lw=1, label="training split (without dropout)")
    above.axhline(floor, color=_FLOOR, lw=1.2, ls=":", label=f"unigram baseline: {floor:.4f}")
    above.set(ylabel="loss, nats per token")
    above.legend(frameon=False, fontsize=9)
    below.plot(steps, [point.weight_norm for point in points], "o-", color=_WEIGHTS, ms=3)
    below.set(xlabel="step", ylabel="weight norm", ylim=(0, 1.1 * max(point.weight_norm for point in points)))
    for axes in (above, below):
        axes.grid(alpha=0.25)
    open_frames(above, below)
    return with_installed_fonts(figure, [title])


@in_own_style
def perplexities_figure(
    bars: Mapping[str, float], batch_losses: Sequence[float], *, floor: float | None = None, title: str = ""
) -> "Figure":
    """Draw two panels: perplexities as bars, and a histogram of batch losses with its mean.

    Args:
        bars: perplexity per token by name.
        batch_losses: nats per token.
        floor: perplexity of the unigram baseline, a line across the bars.
        title: above the panels.
    """
    figure = make_figure(11, 4, drawable(title))
    left, right = figure.subplots(1, 2)
    colours = [_BAR_COLOURS[i % len(_BAR_COLOURS)] for i in range(len(bars))]
    drawn = left.bar(list(bars), list(bars.values()), color=colours, width=0.6)
    left.bar_label(drawn, labels=[f"{value:,.2f}" for value in bars.values()], padding=5)
    if floor is not None:
        left.axhline(floor, color=_FLOOR, lw=1, ls=":", label=f"unigram baseline: {floor:,.2f}")
        left.legend(frameon=False, fontsize=8, loc="upper right")
    left.set(ylabel="perplexity per token", ylim=(0, 1.2 * max([*bars.values(), floor or 0.0])))
    mean = float(np.mean(batch_losses))
    right.hist(batch_losses, bins=_BINS, color="#e0a58a")
    right.axvline(mean, color=_VALIDATION, lw=1.8, label=f"mean {mean:.4f}")
    right.set(xlabel="loss of a validation batch, nats per token", ylabel="batches")
    right.legend(frameon=False, fontsize=9)
    open_frames(left, right)
    return with_installed_fonts(figure, [title])
