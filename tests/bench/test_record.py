"""What a reader of the figures has to know."""

import json

from octavo.bench.measure import Comparison, Measurement
from octavo.bench.suites import BenchSession, suites_to_dict

MACHINE = {"processor": "a processor", "cores": 4, "packages": {"octavo": "1", "torch": "2"}}


def sitting(load: float | None) -> BenchSession:
    return BenchSession(began="today", machine=MACHINE, threads=3, kernels="avx2", load=load)


def test_a_machine_that_has_other_work_is_told() -> None:
    assert sitting(0.5).words() == ["a processor, 4 cores, torch on 3", "octavo 1, torch 2; kernels: avx2; today"]
    assert sitting(None).words() == sitting(0.5).words()
    assert sitting(2.1).words()[2].startswith("The machine had other work before (load 2.1)")


def test_it_all_goes_into_json() -> None:
    found = {"train": [Comparison("a step", (Measurement("one", "w", 1, "steps", "fp32", (2.0,)),))]}
    values = json.loads(json.dumps(suites_to_dict(sitting(0.5), 1, found)))
    assert values["suites"]["train"][0]["cases"][0]["median"] == 2.0
    assert (values["kernels"], values["rounds"], values["machine"]["cores"]) == ("avx2", 1, 4)


def test_this_machine() -> None:
    now = BenchSession()
    assert now.threads == 1  # as tests have it
    assert now.kernels in ("none", "avx2", "avx512")
    assert len(now.words()) in (2, 3)
