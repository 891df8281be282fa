"""Count the operations of a training step of each preset; unlike times, counts do not depend on the machine's load.

The counts are of PyTorch operators (a view costs only its call), calls of Octavo's kernels, new tensors and their
bytes, and FLOPs of matmuls; with kernels and without. The ceilings are the counts of the day they were set, plus a
small slack. A step above its ceiling has become slower, or does something new that justifies a higher ceiling. Lower
a ceiling when a change lowers its count.
"""

import math
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from octavo.bench.kernels import without_kernels
from octavo.bench.steps import octavo_steps
from octavo.config import load_preset
from octavo.kernels.library import library
from octavo.model import Transformer
from octavo.training.flops import forward_flops

VOCABULARY = 512
SLACK = 1.03


@dataclass
class Counts:
    """The counts of one step."""

    operators: int = 0
    kernels: int = 0
    tensors: int = 0  # with new memory
    megabytes: float = 0.0  # of those tensors
    gigaflops: float = 0.0  # of matmuls


class Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # PyTorch has no type for being a base
    """Count every operator, also those of the backward pass."""

    def __init__(self, counts: Counts) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # nor for this
        self.counts = counts

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        before = {place for one in tensors_in((args, kwargs or {})) if (place := address(one))}
        result = func(*args, **(kwargs or {}))
        self.counts.operators += 1
        for one in tensors_in(result):
            if (place := address(one)) and place not in before:
                self.counts.tensors += 1
                self.counts.megabytes += one.numel() * one.element_size() / 1e6
        return result


def tensors_in(found: Any) -> Iterator[torch.Tensor]:
    """Yield all tensors of a nested structure."""
    if isinstance(found, torch.Tensor):
        yield found
    elif isinstance(found, dict):
        yield from tensors_in(list(found.values()))
    elif isinstance(found, list | tuple):
        for one in found:
            yield from tensors_in(one)


def address(tensor: torch.Tensor) -> int:
    """Return the address of its memory, 0 if it has none."""
    return tensor.untyped_storage().data_ptr()


class CountedLibrary:
    """A proxy of the kernels that counts calls."""

    def __init__(self, kernels: Any, counts: Counts) -> None:
        self._kernels, self._counts = kernels, counts

    def __getattr__(self, name: str) -> Any:
        self._counts.kernels += 1
        return getattr(self._kernels, name)


def product_flops(x_shape: Any, weight_shape: Any, *_: Any, **__: Any) -> int:
    """Return the FLOPs of oneDNN's linear layer, which PyTorch's counter does not know."""
    return int(2 * math.prod(x_shape) * weight_shape[0])


def counted(preset: str, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype = torch.float32) -> Counts:
    """Count the second step: the first also allocates state that later steps reuse."""
    steps, counts, kernels = octavo_steps(load_preset(preset), VOCABULARY, dtype), Counts(), library()
    next(steps)
    if kernels is not None:
        monkeypatch.setattr("octavo.kernels.arguments.library", lambda: CountedLibrary(kernels, counts))
    onednn = torch.ops.mkldnn._linear_pointwise
    with FlopCounterMode(display=False, custom_mapping={onednn: product_flops}) as flops, Counter(counts):
        next(steps)
    counts.gigaflops = flops.get_total_flops() / 1e9
    return counts


# By preset, dtype, with kernels or without. Without kernels the attention of `pocket` is one operator, whose FLOPs
# are not counted.
CEILINGS = {
    ("pocket", "float32", True): Counts(operators=441, kernels=19, tensors=225, megabytes=438, gigaflops=26.2),
    ("pocket", "bfloat16", True): Counts(operators=515, kernels=19, tensors=283, megabytes=233, gigaflops=26.2),
    ("pocket", "float32", False): Counts(operators=766, kernels=0, tensors=452, megabytes=1166, gigaflops=26.2),
    ("reference", "float32", True): Counts(operators=275, kernels=19, tensors=181, megabytes=160, gigaflops=8.81),
    ("reference", "bfloat16", True): Counts(operators=369, kernels=19, tensors=250, megabytes=84.6, gigaflops=8.81),
    ("reference", "float32", False): Counts(operators=506, kernels=0, tensors=302, megabytes=333, gigaflops=9.30),
}


@pytest.mark.parametrize(("preset", "dtype", "native"), CEILINGS)
def test_a_step_stays_below_its_ceilings(
    preset: str, dtype: str, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if native and library() is None:
        pytest.skip("no kernels: Octavo was installed without a C compiler")  # a machine may lack one
    with nullcontext() if native else without_kernels():
        found = counted(preset, monkeypatch, getattr(torch, dtype))
    ceiling = CEILINGS[preset, dtype, native]
    over = [name for name, value in vars(found).items() if value > SLACK * getattr(ceiling, name)]
    assert not over, f"{found}: more {', '.join(over)} than {ceiling}"


def test_the_counted_flops_are_those_of_the_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without kernels every matmul is counted; pairs that the causal mask hides are computed too."""
    config = load_preset("reference")
    with without_kernels():
        found = counted("reference", monkeypatch)
    windows, context = config.data.batch_size, config.data.context_length
    needed = 3 * forward_flops(Transformer(config.model, VOCABULARY), context) * windows * context / 1e9
    assert needed < found.gigaflops < 1.1 * needed
