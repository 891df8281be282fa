"""How long a run goes on: a number of steps, or a number of seconds on the clock."""

import math
from dataclasses import dataclass

from octavo.config import TrainConfig


@dataclass(frozen=True)
class Budget:
    """One of `steps` and `seconds` is set, the other zero."""

    steps: int = 0
    seconds: float = 0.0

    def progress(self, step: int, seconds: float) -> float:
        """The share spent, 0 … 1, that decides the learning rate of the step after `step` steps and `seconds`.

        Of a budget of steps it is the middle of that step, so that neither the first nor the last one of a
        short run is wasted on a rate of zero; on the clock nobody knows how long the step will be.
        """
        return (step + 0.5) / self.steps if self.steps else seconds / self.seconds

    def share(self, step: int, seconds: float) -> float:
        """The share that `step` steps and `seconds` have spent, 0 … 1."""
        return min(1.0, step / self.steps if self.steps else seconds / self.seconds)

    def spent(self, step: int, seconds: float) -> bool:
        """Whether nothing is left."""
        return self.share(step, seconds) >= 1.0


def make_budget(config: TrainConfig, steps_per_epoch: float) -> Budget:
    """The budget of a config: epochs become steps, minutes seconds."""
    if config.minutes:
        return Budget(seconds=config.minutes * 60)
    return Budget(steps=config.steps or math.ceil(config.epochs * steps_per_epoch))
