"""The forecast of what comes after training, and of the memory of the whole command."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from octavo.config import Config
from octavo.config.overrides import Request
from octavo.pipeline.plan import CommandForecast, Plan, as_corpus, forecast_command, make_plan


@pytest.fixture(scope="module")
def plan(play_file: Path, tiny: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return make_plan(as_corpus(play_file), Request(overrides=tiny, steps=3), root=tmp_path_factory.mktemp("runs"))


def of(plan: Plan, characters: int = 40_000, config: Config | None = None, **changes: Any) -> CommandForecast:
    return forecast_command(config or plan.config, replace(plan.forecast, **changes), characters, characters)


def test_the_plan_says_it(plan: Plan) -> None:
    assert plan.command_forecast == of(plan)
    assert plan.command_forecast.lines()[0] in plan.lines()
    assert plan.command_forecast.memory_bytes > plan.forecast.memory_bytes


def test_the_score_takes_as_long_as_its_windows(plan: Plan) -> None:
    """Windows of 32 tokens, 16 apart."""
    more = of(plan, validation_tokens=plan.forecast.validation_tokens + 16_000, seconds_per_window=0.5)
    assert more.seconds_after - of(plan, seconds_per_window=0.5).seconds_after == pytest.approx(500, abs=1)


def test_what_is_learned_from_and_searched_is_bounded(plan: Plan) -> None:
    short, long, longer = (of(plan, characters) for characters in (10**6, 10**8, 10**9))
    assert short.memory_bytes < long.memory_bytes == longer.memory_bytes
    assert long.memory_bytes < 2**31


def test_a_training_step_that_needs_more_is_the_most(plan: Plan) -> None:
    assert of(plan, memory_bytes=2**40).memory_bytes == 2**40


def test_a_large_vocabulary_and_a_long_context_need_no_more_than_a_bounded_amount(plan: Plan) -> None:
    wide = replace(plan.config, data=replace(plan.config.data, context_length=1024))
    assert of(plan, config=wide, vocab_size=8192).memory_bytes < of(plan).memory_bytes + 2**29
