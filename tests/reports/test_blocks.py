"""Parts that cannot be made: a sentence for the reader, a traceback for who looks for a fault."""

import errno
import logging
import os

import pytest

from octavo.errors import OctavoError
from octavo.reports.blocks import Unavailable, try_compute


def failing(error: Exception) -> Unavailable:
    def make() -> None:
        raise error

    made = try_compute(make)
    assert isinstance(made, Unavailable)
    return made


def test_a_value_is_returned() -> None:
    assert try_compute(lambda: 3) == 3


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OctavoError("there is no score yet: make one"), "There is no score yet: make one."),
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES), "a/b"), "Permission denied: a/b."),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device."),
        (OSError("nothing else is known"), "Nothing else is known."),
        (KeyError("x"), "This cannot be computed from the files of the run (KeyError: 'x')."),
        (ValueError("two\nlines"), "This cannot be computed from the files of the run (ValueError: two lines)."),
    ],
)
def test_the_reason_is_one_sentence(error: Exception, sentence: str) -> None:
    assert failing(error).why == sentence


@pytest.mark.parametrize(("asked", "level"), [("", logging.DEBUG), ("0", logging.DEBUG), ("1", logging.ERROR)])
def test_a_fault_of_octavo_leaves_its_traceback_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, asked: str, level: int
) -> None:
    monkeypatch.setenv("OCTAVO_DEBUG", asked)
    with caplog.at_level(logging.DEBUG, "octavo"):
        failing(ZeroDivisionError("division by zero"))
        failing(OctavoError("a fault of the input"))
    (record,) = caplog.records
    assert record.levelno == level
    assert "in make" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_who_stops_it_is_heard() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        try_compute(stop)
