"""The suites measure every case, and the session records the circumstances."""

import json
from pathlib import Path

import pytest

from octavo.bench.generator import TextGenerator
from octavo.bench.kernels import with_and_without_kernels
from octavo.bench.measure import BenchCase, BenchComparison, Measurement
from octavo.bench.request import PEERS, SUITE_NAMES, BenchRequest
from octavo.bench.suites import SUITES, BenchSession, run_suites, suites_to_dict
from octavo.config import Config

CASES = [case.name for case in with_and_without_kernels(BenchCase("", "work", 1, "times", lambda: None))]
MACHINE = {"processor": "a processor", "cores": 4, "packages": {"octavo": "1", "torch": "2"}}


def session(load: float | None) -> BenchSession:
    return BenchSession(began="today", machine=MACHINE, threads=3, kernels="avx2", load_before=load)


def no_page(generator: TextGenerator, config: Config) -> str:
    raise AssertionError("no page is measured")


def test_every_suite_has_its_name() -> None:
    assert (*SUITES, "page") == SUITE_NAMES


@pytest.mark.usefixtures("little")
def test_all_suites_of_a_request(tmp_path: Path) -> None:
    peers = {name: tmp_path / name for name in PEERS}  # empty folders: each peer is a note
    progress: list[tuple[str, float]] = []
    request = BenchRequest(("train", "generate", "evaluate"), 1, peers)
    results = run_suites(request, lambda *call: progress.append(call), no_page)
    names = {suite: [[case.name for case in one.measurements] for one in each] for suite, each in results.items()}
    assert names == {
        "train": [["a plain loop", *CASES, "octavo in bf16"], ["matmul", *CASES], []],
        "generate": [CASES, CASES, CASES, CASES, CASES, []],
        "evaluate": [CASES],
    }
    for note, name, missing in (
        (results["train"][2].notes[0], "nanoGPT", "model.py"),
        (results["generate"][5].notes[0], "llama2.c", "run.c"),
    ):
        assert note.startswith(name)
        assert f"no {missing} in {tmp_path / name}" in note
    fractions = [fraction for _, fraction in progress]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] < 1
    for each in results.values():
        for one in each:
            assert all(rate > 0 for case in one.measurements for rate in case.rates)
            processes = any(case.unit == "processes" for case in one.measurements)
            assert processes or all(", 1 thread" in case.note for case in one.measurements)


def test_a_busy_machine_is_reported() -> None:
    assert session(0.5).lines() == ["a processor, 4 cores, torch on 3", "octavo 1, torch 2; kernels: avx2; today"]
    assert session(None).lines() == session(0.5).lines()
    assert "load 2.1" in session(2.1).lines()[2]


def test_the_json_has_the_circumstances_and_every_case() -> None:
    results = {"train": [BenchComparison("a step", (Measurement("one", "w", 1, "steps", "fp32", (2.0,)),))]}
    values = json.loads(json.dumps(suites_to_dict(session(0.5), 1, results)))
    assert values["suites"]["train"][0]["cases"][0]["median"] == 2.0
    assert (values["kernels"], values["rounds"], values["machine"]["cores"]) == ("avx2", 1, 4)


def test_this_machine() -> None:
    now = BenchSession()
    assert now.threads == 1  # in tests
    assert now.kernels in ("none", "avx2", "avx512")
    assert len(now.lines()) in (2, 3)
