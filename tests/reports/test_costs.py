"""The costs of a run."""

from typing import Any

import pytest

from octavo.errors import OctavoError
from octavo.pipeline.run import Run
from octavo.reports import costs
from octavo.reports.blocks import Unavailable
from octavo.reports.costs import Costs, read_costs


def read(run: Run, **changes: Any) -> Costs:
    provenance = run.directory.provenance
    provenance["sittings"][-1] |= changes
    return read_costs(run.metrics, provenance, run.model, run.config.data.context_length)


def test_costs_are_those_of_the_metrics(trained: Run) -> None:
    found, end = read(trained), trained.metrics[-1]
    assert (found.steps, found.seconds, found.epochs) == (80, end["seconds"], end["epoch"])
    assert found.tokens == 80 * trained.config.data.batch_size * trained.config.data.context_length
    assert found.peak_memory_bytes == end["peak_memory_bytes"]
    rates = [record["steps_per_second"] for record in trained.metrics if record["event"] == "step"]
    assert min(rates) <= found.steps_per_second <= max(rates)
    assert found.tokens_per_second == pytest.approx(found.steps_per_second * found.tokens / 80)
    assert found.step_fraction == pytest.approx(80 / found.steps_per_second / found.seconds)
    assert not isinstance(found.utilisation, Unavailable)
    assert found.utilisation.flops_per_second == pytest.approx(
        found.utilisation.flops_per_token * found.tokens_per_second
    )


def test_another_machine_cannot_be_measured_here(trained: Run) -> None:
    found = read(trained, processor="an abacus").utilisation
    assert isinstance(found, Unavailable)
    assert "another machine" in found.why


def test_a_run_that_has_hardly_begun_or_not_ended(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    provenance = trained.directory.provenance
    with pytest.raises(OctavoError, match="no line of metrics"):
        read_costs([], provenance, trained.model, 32)
    monkeypatch.setattr(costs, "_utilisation", lambda *_: Unavailable("Not measured."))
    assert read_costs(trained.metrics[:-1], provenance, trained.model, 32).peak_memory_bytes == 0
