"""Fixtures for tests of the kernels."""

import ctypes
from collections.abc import Callable, Iterator

import pytest
import torch

from octavo.kernels.library import BUILDS, library, load_build


@pytest.fixture(params=BUILDS)
def build(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ctypes.CDLL:
    """Use each build of the kernels in turn, if it exists and this CPU can run it."""
    if library() is None:
        pytest.skip("no kernels: no compiler, not an x86-64 CPU, or OCTAVO_NATIVE=0")
    kernels = load_build(request.param)
    if kernels is None:
        pytest.skip(f"this CPU cannot run the build {request.param}, or it was not compiled")
    for user in ("octavo.kernels.arguments", "octavo.kernels.decoding", "octavo.generate.native"):
        monkeypatch.setattr(f"{user}.library", lambda: kernels)
    return kernels


@pytest.fixture
def on_threads() -> Iterator[Callable[[int], None]]:
    """Return a function that sets the threads of torch and the kernels until the test ends."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
