"""A run with mutated files has the same meaning as before, or is refused in one sentence."""

from tests.fuzz.mutants import read_mutants

from octavo.pipeline.run import Run

COUNT = 60


def test_mutants_of_a_run_are_refused_or_change_nothing(trained: Run) -> None:
    figures = read_mutants(trained.path, count=COUNT, seed=7)
    assert not figures.faults, "\n".join(figures.lines())
    assert figures.mutants == COUNT
    assert len(figures.by_file) > 20, "of every file"
    assert figures.refused > COUNT // 8
    assert figures.unchanged >= COUNT // 12
    assert figures.growth < 2 * 2**30
