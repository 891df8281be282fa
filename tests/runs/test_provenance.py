"""What a run tells about where it comes from."""

from datetime import datetime

from octavo.runs.provenance import PACKAGES, machine_facts, session_facts


def test_versions_and_machine_are_named() -> None:
    facts = machine_facts()
    assert set(facts["packages"]) == set(PACKAGES)
    assert "not installed" not in facts["packages"].values()
    assert facts["cores"] >= 1
    assert facts["processor"]


def test_a_sitting_says_when_it_began_and_from_which_step() -> None:
    told = session_facts(12, threads=2)
    assert (told["first_step"], told["threads"]) == (12, 2)
    assert datetime.fromisoformat(told["began"]).utcoffset() is not None
