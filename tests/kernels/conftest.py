"""What tests of the kernels share."""

import ctypes
from collections.abc import Callable, Iterator

import pytest
import torch

from octavo.kernels.library import BUILDS, library, load_build


@pytest.fixture(params=BUILDS)
def build(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ctypes.CDLL:
    """Each build of the kernels in turn, where there is one and this processor can run it."""
    if library() is None:
        pytest.skip("no kernels here: there was no compiler, the processor is another, or OCTAVO_NATIVE is 0")
    found = load_build(request.param)
    if found is None:
        pytest.skip(f"this processor cannot run the build {request.param}, or it was not made")
    for user in ("octavo.kernels.arguments", "octavo.kernels.decoding", "octavo.generate.native"):
        monkeypatch.setattr(f"{user}.library", lambda: found)
    return found


@pytest.fixture
def on_threads() -> Iterator[Callable[[int], None]]:
    """Set how many threads torch and the kernels use, until the test ends."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
