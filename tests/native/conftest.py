"""What tests of the kernels share."""

from collections.abc import Callable, Iterator

import pytest
import torch


@pytest.fixture
def on_threads() -> Iterator[Callable[[int], None]]:
    """Set how many threads torch and the kernels use, until the test ends."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
