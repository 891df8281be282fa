"""The suites measure what they say, in every way that there is."""

from pathlib import Path

import pytest

from octavo.bench.kernels import with_and_without_kernels
from octavo.bench.request import PEERS, SUITE_NAMES, BenchRequest, Peers
from octavo.bench.suites import SUITES, run_suites

WAYS = list(with_and_without_kernels(lambda: None))


def test_every_suite_has_its_name() -> None:
    assert tuple(SUITES) == SUITE_NAMES


@pytest.mark.usefixtures("little")
def test_all_of_them_in_one_go(tmp_path: Path) -> None:
    peers = Peers(tuple((name, tmp_path / name) for name in PEERS))  # empty: each is a line that says why
    told: list[tuple[str, float]] = []
    found = run_suites(BenchRequest(("train", "generate", "evaluate"), 1, peers), lambda *share: told.append(share))
    names = {suite: [[case.name for case in one.measured] for one in made] for suite, made in found.items()}
    assert names == {
        "train": [["a plain loop", *WAYS, "octavo in bf16"], ["matrix product", *WAYS], []],
        "generate": [WAYS, WAYS, WAYS, WAYS, WAYS, []],
        "evaluate": [WAYS],
    }
    assert found["train"][2].notes[0].startswith("nanoGPT was left out: there is no model.py")
    assert found["generate"][5].notes[0].startswith("llama2.c was left out: there is no run.c")
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] < 1
    for made in found.values():
        for one in made:
            assert all(rate > 0 for case in one.measured for rate in case.rates)
            assert all(", 1 thread" in case.note for case in one.measured) or one.title == "A process that writes"
