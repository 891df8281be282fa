"""Where each tensor lies in a safetensors file, from its header alone: what is wrong shows before memory is taken.

Importing this takes no torch.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from octavo.config import ModelConfig
from octavo.config.shapes import model_shapes, parameter_count
from octavo.errors import OctavoError
from octavo.formats.json_schema import check_types, parse_object

_LENGTH = 8  # bytes of the header's own length, which comes first
_MOST_HEADER = 2**25  # bytes
_MOST_SIZES = 8  # of one tensor: the product of more would be a long number
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_EXPONENTS = {"F64": 0x7FF << 52, "F32": 0xFF << 23, "F16": 0x1F << 10, "BF16": 0xFF << 7}  # all ones: no number
_FACTS: dict[str, Any] = {"dtype": str, "shape": list[int], "data_offsets": list[int]}


class TensorRange(NamedTuple):
    """A tensor of numbers of a kind, as safetensors calls it, in the bytes `begin` … `end` of a file."""

    kind: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_layout(content: bytes, name: str) -> dict[str, TensorRange]:
    """Every tensor of the file `name`, in the order of their bytes, which they share out among them.

    Raises:
        ValueError: it is not safetensors.
    """
    try:
        length = int.from_bytes(content[:_LENGTH], "little")
        start = _LENGTH + length
        if length > min(_MOST_HEADER, len(content) - _LENGTH):
            raise ValueError("its header is longer than it")
        header = parse_object(content[_LENGTH:start], {})
        header.pop("__metadata__", None)
        found = {key: _place(facts, start) for key, facts in header.items()}
    except (ValueError, KeyError) as error:
        raise ValueError(f"{name} is not safetensors ({error})") from None
    end = start
    for place in sorted(found.values(), key=lambda place: (place.begin, place.end)):
        if place.begin != end:
            raise ValueError(f"{name} is not safetensors (its tensors overlap or leave gaps)")
        end = place.end
    if end != len(content):
        raise ValueError(f"{name} is not safetensors (its tensors do not fill it)")
    return dict(sorted(found.items(), key=lambda item: item[1].begin))


def check_shapes(shapes: Mapping[str, tuple[int, ...]], config: ModelConfig, vocab_size: int) -> None:
    """See that tensors of these names and shapes are a model's, before there is one.

    Raises:
        OctavoError: they are not.
    """
    numbers = sum(map(math.prod, shapes.values()))
    # A config may ask for a million layers: their names are not made up to find that out.
    plausible = (numbers, len(shapes)) == parameter_count(config, vocab_size)
    if not plausible or shapes != model_shapes(config, vocab_size):
        raise OctavoError("the checkpoint's weights are not those of config.toml: one of the two was changed")


def max_abs(content: bytes, layout: Mapping[str, TensorRange]) -> float:
    """The largest number, without its sign, of tensors in fp32; 0 if there is none."""
    import numpy as np

    arrays = [np.frombuffer(content[place.begin : place.end], "<f4") for place in layout.values()]
    return max((float(np.abs(array).max()) for array in arrays if len(array)), default=0.0)


def check_finite(content: bytes, layout: Mapping[str, TensorRange]) -> None:
    """See that every tensor of floating-point numbers has numbers alone.

    Raises:
        ValueError: one is infinite or none, as of a run that ran away: it is never saved.
    """
    import numpy as np

    for name, place in layout.items():
        if mask := _EXPONENTS.get(place.kind):
            width = _BYTES[place.kind]
            bits = np.frombuffer(content[place.begin : place.end], f"<u{width}")
            if (bits & bits.dtype.type(mask) == mask).any():
                raise ValueError(f"{name[:80]} has numbers that are infinite or none")


def _place(facts: Any, start: int) -> TensorRange:
    check_types(facts, _FACTS)
    kind, shape, (begin, end) = facts["dtype"], facts["shape"], facts["data_offsets"]
    if len(shape) > _MOST_SIZES or min(*shape, begin, end) < 0:
        raise ValueError("a size is none")
    if math.prod(shape) * _BYTES[kind] != end - begin:
        raise ValueError("a tensor is not as long as its shape")
    return TensorRange(kind, tuple(shape), start + begin, start + end)
