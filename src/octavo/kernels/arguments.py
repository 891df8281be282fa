"""Arguments of the training kernels: a C struct that is filled from tensors and numbers.

A kernel's binding declares the struct and passes it to :func:`run_kernel`::

    class _Arguments(KernelArgs):
        _fields_ = (("rows", LONG), ("x", POINTER))

    run_kernel("octavo_example", _Arguments(rows=len(x), x=x))
"""

import ctypes
from typing import Any

import torch

from octavo.kernels.library import library

LONG, INT, FLOAT, POINTER = ctypes.c_long, ctypes.c_int, ctypes.c_float, ctypes.c_void_p


class KernelArgs(ctypes.Structure):
    """Base class of the kernels' structs. A tensor is passed by the address of its first element; what is not given
    is zero or a null pointer.

    The caller must keep the tensors alive during the call and make them contiguous, because a kernel knows neither
    shapes nor strides.
    """

    def __init__(self, **values: Any) -> None:
        super().__init__(**{n: v.data_ptr() if isinstance(v, torch.Tensor) else v for n, v in values.items()})


def run_kernel(name: str, arguments: KernelArgs, *more: Any) -> int:
    """Call a kernel on as many threads as torch uses, and return its exit code: 0 for success.

    Kernels must be available: check with :func:`supports_tensor` first.
    """
    kernels = library()
    assert kernels is not None
    return int(getattr(kernels, name)(ctypes.byref(arguments), *more, torch.get_num_threads()))


def supports_tensor(x: torch.Tensor) -> bool:
    """Return whether there are kernels for `x`: fp32 or bf16, on the CPU."""
    return x.is_cpu and x.dtype in (torch.float32, torch.bfloat16) and library() is not None
