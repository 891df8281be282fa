"""The word that was probably meant."""

import pytest

from octavo.config import Config
from octavo.config.overrides import Request
from octavo.errors import OctavoError, nearest, suggestion

KINDS = ("muon", "adamw", "adam")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("adamW", "adamw"), ("ADAM", "adam"), ("Muon", "muon"), ("adamww", "adamw"), ("sgd", ""), ("", "")],
)
def test_the_case_of_letters_does_not_count(word: str, meant: str) -> None:
    assert nearest(word, KINDS) == meant


def test_all_are_listed_where_none_is_near() -> None:
    assert suggestion("adamW", KINDS) == "did you mean 'adamw'?"
    assert suggestion("sgd", KINDS) == "choose one of muon, adamw, adam"


def test_a_very_long_word_takes_no_time() -> None:
    assert nearest("adamw" * 100_000, KINDS) == ""


@pytest.mark.parametrize("setting", ["optimizer.kind=adamW", "tokenizer.kind=BPE", "model.position=Rotary"])
def test_a_setting_that_differs_in_capitals_alone_names_the_right_one(setting: str) -> None:
    right = setting.partition("=")[2].lower()
    with pytest.raises(OctavoError, match=f"did you mean '{right}'"):
        Request(overrides=[setting]).applied_to(Config())
