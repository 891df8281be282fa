"""A run that learns and then unlearns: its validation loss, and below it the length of its weights."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from octavo.plots.lettering import drawable, lettered
from octavo.plots.style import in_own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
    return lettered(figure, [title])
