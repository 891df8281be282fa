"""Perplexities as bars, beside how the loss varies from batch to batch.

Loss and perplexity over the epochs, beside those that somebody else reports.

A run that learns and then unlearns: its validation loss, and below it the length of its weights.

Every picture of a reproduction, as files.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from octavo.reports.figures.files import drawable, with_installed_fonts
from octavo.reports.figures.style import in_own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from octavo.evaluate import perplexity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

from pathlib import Path

from octavo.experiments.reproduction import reported
from octavo.experiments.reproduction.epochs import first_epoch_points
from octavo.experiments.reproduction.results import Reproduction
from octavo.pipeline.progress import Progress
from octavo.reports.figures.attention import attention_figures
from octavo.reports.figures.files import save_figure

_COLOURS = ("#c2410c", "#cbd2d9", "#6b7885")
_BINS = 40


@in_own_style
def perplexities_figure(
    bars: Mapping[str, float], batch_losses: Sequence[float], *, floor: float | None = None, title: str = ""
) -> "Figure":
    """Two panels: `bars`, perplexities by name with their values; a histogram of `batch_losses`, nats per token,
    with its mean marked. `floor` is the perplexity of token frequencies alone, a line across the bars."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    figure.suptitle(drawable(title), fontsize=11, parse_math=False)
    left, right = figure.subplots(1, 2)
    drawn = left.bar(list(bars), list(bars.values()), color=[_COLOURS[i % 3] for i in range(len(bars))], width=0.6)
    left.bar_label(drawn, labels=[f"{value:,.2f}" for value in bars.values()], padding=5)
    if floor is not None:
        left.axhline(floor, color="#0f766e", lw=1, ls=":", label=f"token frequencies alone: {floor:,.2f}")
        left.legend(frameon=False, fontsize=8, loc="upper right")
    left.set(ylabel="perplexity per token", ylim=(0, 1.2 * max([*bars.values(), floor or 0.0])))
    mean = float(np.mean(batch_losses))
    right.hist(batch_losses, bins=_BINS, color="#e0a58a")
    right.axvline(mean, color="#c2410c", lw=1.8, label=f"mean {mean:.4f}")
    right.set(xlabel="loss of a validation batch, nats per token", ylabel="batches")
    right.legend(frameon=False, fontsize=9)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return with_installed_fonts(figure, [title])


_TRAIN, _VALIDATION, _FLOOR = "#6b7885", "#c2410c", "#0f766e"
_HERE: dict[str, Any] = {"marker": "o", "lw": 1.8, "ms": 4}
_REPORTED: dict[str, Any] = {"ls": "--", "lw": 1.0}


class EpochPoint(NamedTuple):
    """Losses in nats per token at the end of an epoch."""

    epoch: float
    train_loss: float
    validation_loss: float


class CurvePoint(NamedTuple):
    """The validation loss somewhere within an epoch."""

    epoch: float
    loss: float


@in_own_style
def epochs_figure(
    here: Sequence[EpochPoint],
    reported: Sequence[EpochPoint],
    looks: Sequence[CurvePoint] = (),
    *,
    floor: float | None = None,
    title: str = "",
) -> "Figure":
    """Two panels, loss and perplexity; `reported` in thin dashes.

    `looks` are smaller looks on the way, a thin line; `floor` is the loss of token frequencies alone.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    figure.suptitle(drawable(title), fontsize=11, parse_math=False)
    panels: dict[str, Callable[[float], float]] = {"loss, nats per token": float, "perplexity per token": perplexity}
    for axes, (name, value) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        if looks:
            axes.plot(
                [look.epoch for look in looks],
                [value(look.loss) for look in looks],
                color=_VALIDATION,
                lw=0.7,
                alpha=0.55,
                label="validation, small looks on the way",
            )
        for points, whose, style in ((here, "here", _HERE), (reported, "the report", _REPORTED)):
            for part, colour in (("train_loss", _TRAIN), ("validation_loss", _VALIDATION)):
                label = f"{'training' if part == 'train_loss' else 'validation'}, {whose}"
                x, y = [p.epoch for p in points], [value(getattr(p, part)) for p in points]
                if points:
                    axes.plot(x, y, color=colour, label=label, **style)
        if floor is not None:
            axes.axhline(value(floor), color=_FLOOR, lw=1, ls=":", label="token frequencies alone")
        axes.set(xlabel="epoch", ylabel=name, ylim=_limits([value(y) for y in _values(here, reported, looks)]))
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    return with_installed_fonts(figure, [title])


def _values(here: Sequence[EpochPoint], reported: Sequence[EpochPoint], looks: Sequence[CurvePoint]) -> list[float]:
    """What the panels must show; the first looks, from chance down, would press all the rest flat."""
    later = [look.loss for look in looks if look.epoch >= 0.1]
    return [loss for point in (*here, *reported) for loss in point[1:]] + later


def _limits(values: Sequence[float]) -> tuple[float, float] | None:
    if not values:
        return None
    margin = 0.06 * (max(values) - min(values)) or 0.05 * abs(values[0]) or 1.0
    return min(values) - margin, max(values) + margin


_VALIDATION, _TRAIN, _FLOOR, _WEIGHTS = "#c2410c", "#6b7885", "#0f766e", "#1d4ed8"


class WeightPoint(NamedTuple):
    """A look within training: losses in nats per token, and the length of all matrices as one vector."""

    step: int
    validation_loss: float
    train_loss: float
    weight_norm: float


@in_own_style
def unlearning_figure(looks: Sequence[WeightPoint], *, floor: float, title: str = "") -> "Figure":
    """Two panels over the same steps: losses with `floor`, that of token frequencies alone, as a line; and the
    weight norm."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    figure.suptitle(drawable(title), fontsize=11, parse_math=False)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    steps = [look.step for look in looks]
    above.plot(steps, [look.validation_loss for look in looks], "o-", color=_VALIDATION, ms=3, label="validation")
    above.plot(
        steps, [look.train_loss for look in looks], color=_TRAIN, lw=1, label="training, measured in the same way"
    )
    above.axhline(floor, color=_FLOOR, lw=1.2, ls=":", label=f"token frequencies alone: {floor:.4f}")
    above.set(ylabel="loss, nats per token")
    above.legend(frameon=False, fontsize=9)
    below.plot(steps, [look.weight_norm for look in looks], "o-", color=_WEIGHTS, ms=3)
    below.set(xlabel="step", ylabel="weight norm", ylim=(0, 1.1 * max(look.weight_norm for look in looks)))
    for axes in (above, below):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    return with_installed_fonts(figure, [title])


EPOCHS, FIRST_EPOCH, PERPLEXITIES = "epochs", "first-epoch", "perplexities"


def draw_all(found: Reproduction, folder: Path, progress: Progress) -> None:
    """Draw every picture into `folder`.

    Raises:
        OSError: the folder cannot be written to.
    """
    floor, both = found.perplexities.unigram_validation, ("png", "svg")
    here, theirs = (
        [EpochPoint(row.epoch, row.train_loss, row.validation_loss) for row in rows]
        for rows in (found.epochs, reported.EPOCHS)
    )
    looks = [CurvePoint(look.epoch, look.validation_loss) for look in found.looks]
    title = found.run.name
    save_figure(epochs_figure(here, theirs, looks, floor=floor, title=title), folder / EPOCHS, both)
    if first := first_epoch_points(found.looks):
        points = [WeightPoint(look.step, look.validation_loss, look.train_loss, look.weight_norm) for look in first]
        save_figure(unlearning_figure(points, floor=floor, title=f"{title}, epoch 1"), folder / FIRST_EPOCH, both)
    measured = found.perplexities
    bars = {
        "validation": perplexity(measured.validation.mean),
        "training,\nas the report\ncomputed it": perplexity(measured.training_as_reported),
        "training,\ndone right": perplexity(measured.sample.mean),
    }
    figure = perplexities_figure(bars, measured.validation.losses, floor=perplexity(floor), title=title)
    save_figure(figure, folder / PERPLEXITIES, both)
    for number, read in enumerate(found.attention):
        progress.phase("drawing attention", number / len(found.attention))
        words = " ".join(reported.ATTENTION_TEXTS[read.name].split())
        labels = read.attention.passage.labels
        for layer, figure in enumerate(attention_figures(read.attention.patterns, labels, title=words)):
            save_figure(figure, folder / attention_picture(read.name, layer))


def attention_picture(text: str, layer: int) -> str:
    """What the file of a text's layer is called, without its ending."""
    return f"attention-{text}-layer-{layer}"
