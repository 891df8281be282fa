"""Read the layout of a safetensors file from its header, so that damage is found before tensors take memory.

Importing this takes no torch.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from octavo.config import ModelConfig
from octavo.config.shapes import model_shapes, parameter_count
from octavo.errors import OctavoError
from octavo.formats.json_schema import check_types, parse_object

_LENGTH_BYTES = 8  # of the header's length, which comes first
_MAX_HEADER_BYTES = 2**25
_MAX_DIMENSIONS = 8  # of one tensor: the product of more sizes could be a very long number
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_EXPONENTS = {"F64": 0x7FF << 52, "F32": 0xFF << 23, "F16": 0x1F << 10, "BF16": 0xFF << 7}  # all ones: inf or NaN
_FACTS: dict[str, Any] = {"dtype": str, "shape": list[int], "data_offsets": list[int]}


class TensorRange(NamedTuple):
    """A tensor in the bytes `begin` to `end` of a file."""

    dtype: str  # as safetensors names it
    shape: tuple[int, ...]
    begin: int
    end: int


def read_layout(content: bytes, name: str) -> dict[str, TensorRange]:
    """Return the tensors of the file `name` in the order of their bytes, which together must fill the file.

    Raises:
        ValueError: the file is not valid safetensors.
    """
    try:
        length = int.from_bytes(content[:_LENGTH_BYTES], "little")
        start = _LENGTH_BYTES + length
        if length > min(_MAX_HEADER_BYTES, len(content) - _LENGTH_BYTES):
            raise ValueError("its header is longer than the file")
        header = parse_object(content[_LENGTH_BYTES:start], {})
        header.pop("__metadata__", None)
        tensors = {key: _tensor_range(facts, start) for key, facts in header.items()}
    except (ValueError, KeyError) as error:
        raise ValueError(f"{name} is not safetensors ({error})") from None
    end = start
    for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.begin, tensor.end)):
        if tensor.begin != end:
            raise ValueError(f"{name} is not safetensors (its tensors overlap or leave gaps)")
        end = tensor.end
    if end != len(content):
        raise ValueError(f"{name} is not safetensors (its tensors do not fill it)")
    return dict(sorted(tensors.items(), key=lambda item: item[1].begin))


def check_shapes(shapes: Mapping[str, tuple[int, ...]], config: ModelConfig, vocab_size: int) -> None:
    """Check that tensors of these names and shapes are the parameters of a model, before the model is built.

    Raises:
        OctavoError: they are not.
    """
    numbers = sum(map(math.prod, shapes.values()))
    # Counts are compared first: a damaged config may ask for a million layers, whose names take memory.
    plausible = (numbers, len(shapes)) == parameter_count(config, vocab_size)
    if not plausible or shapes != model_shapes(config, vocab_size):
        raise OctavoError("the checkpoint's weights do not fit config.toml: restore the one that was changed")


def max_abs(content: bytes, layout: Mapping[str, TensorRange]) -> float:
    """Return the largest absolute value of tensors in fp32; 0 if there is none."""
    import numpy as np

    arrays = [np.frombuffer(content[tensor.begin : tensor.end], "<f4") for tensor in layout.values()]
    return max((float(np.abs(array).max()) for array in arrays if len(array)), default=0.0)


def check_finite_tensors(content: bytes, layout: Mapping[str, TensorRange]) -> None:
    """Check that every floating-point tensor is finite; training never saves one that is not.

    Raises:
        ValueError: a value is infinite or NaN.
    """
    import numpy as np

    for name, tensor in layout.items():
        if mask := _EXPONENTS.get(tensor.dtype):
            width = _BYTES[tensor.dtype]
            bits = np.frombuffer(content[tensor.begin : tensor.end], f"<u{width}")
            if (bits & bits.dtype.type(mask) == mask).any():
                raise ValueError(f"{name[:80]} has values that are infinite or NaN")


def _tensor_range(facts: Any, start: int) -> TensorRange:
    check_types(facts, _FACTS)
    dtype, shape, (begin, end) = facts["dtype"], facts["shape"], facts["data_offsets"]
    if len(shape) > _MAX_DIMENSIONS or min(*shape, begin, end) < 0:
        raise ValueError("a size is negative or there are too many")
    if math.prod(shape) * _BYTES[dtype] != end - begin:
        raise ValueError("the bytes of a tensor do not match its shape")
    return TensorRange(dtype, tuple(shape), start + begin, start + end)
