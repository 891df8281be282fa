"""Parts that cannot be made."""

from octavo.errors import OctavoError
from octavo.reports.absent import Absent, attempt


def test_what_can_be_made_is_made() -> None:
    assert attempt(lambda: 7) == 7


def test_what_cannot_says_why_in_one_sentence() -> None:
    def refused() -> int:
        raise OctavoError("it has no score yet: make one")

    def damaged() -> int:
        return {"a": 1}["b"]

    assert attempt(refused) == Absent("It has no score yet: make one.")
    found = attempt(damaged)
    assert isinstance(found, Absent)
    assert found.why == "This part cannot be made from what lies in the run (KeyError: 'b')."
