"""How long a run goes on."""

import pytest

from octavo.config import TrainConfig
from octavo.training.schedule import Budget, make_budget


def test_steps() -> None:
    budget = make_budget(TrainConfig(steps=10), 7.0)
    assert budget == Budget(steps=10)
    assert [budget.spent(step, 1e9) for step in (0, 9, 10, 11)] == [False, False, True, True]
    assert budget.progress(0, 5.0) == 0.05
    assert budget.progress(9, 5.0) == 0.95
    assert [budget.fraction_spent(step, 1e9) for step in (0, 5, 10, 20)] == [0, 0.5, 1, 1]


def test_minutes_are_seconds_on_the_clock() -> None:
    budget = make_budget(TrainConfig(minutes=0.5), 7.0)
    assert budget == Budget(seconds=30)
    assert [budget.spent(10**9, seconds) for seconds in (0.0, 29.9, 30.0, 31.0)] == [False, False, True, True]
    assert budget.progress(123, 15.0) == 0.5
    assert budget.fraction_spent(123, 60.0) == 1


@pytest.mark.parametrize(("epochs", "steps"), [(1.0, 8), (2.0, 15), (0.1, 1), (1e-9, 1)])
def test_epochs_become_steps_rounded_up(epochs: float, steps: int) -> None:
    assert make_budget(TrainConfig(epochs=epochs), 7.5) == Budget(steps=steps)
