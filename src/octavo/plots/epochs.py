"""Loss and perplexity over the epochs, beside those that somebody else reports."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from octavo.evaluate import perplexity
from octavo.plots.lettering import drawable, lettered
from octavo.plots.style import in_own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TRAIN, _VALIDATION, _FLOOR = "#6b7885", "#c2410c", "#0f766e"
_HERE: dict[str, Any] = {"marker": "o", "lw": 1.8, "ms": 4}
_REPORTED: dict[str, Any] = {"ls": "--", "lw": 1.0}


class EpochPoint(NamedTuple):
    """Losses in nats per token at the end of an epoch."""

    epoch: float
    train_loss: float
    validation_loss: float


class LookPoint(NamedTuple):
    """The validation loss somewhere within an epoch."""

    epoch: float
    loss: float


@in_own_style
def epochs_figure(
    here: Sequence[EpochPoint],
    reported: Sequence[EpochPoint],
    looks: Sequence[LookPoint] = (),
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
    return lettered(figure, [title])


def _values(here: Sequence[EpochPoint], reported: Sequence[EpochPoint], looks: Sequence[LookPoint]) -> list[float]:
    """What the panels must show; the first looks, from chance down, would press all the rest flat."""
    later = [look.loss for look in looks if look.epoch >= 0.1]
    return [loss for point in (*here, *reported) for loss in point[1:]] + later


def _limits(values: Sequence[float]) -> tuple[float, float] | None:
    if not values:
        return None
    margin = 0.06 * (max(values) - min(values)) or 0.05 * abs(values[0]) or 1.0
    return min(values) - margin, max(values) + margin
