"""What is handed to a kernel: a C struct that is filled from tensors and numbers."""

import ctypes
from typing import Any

import torch

from octavo.kernels.library import library


class KernelArgs(ctypes.Structure):
    """The base of every kernel's struct; tensors are handed over by where they begin.

    The caller keeps the tensors alive and sees that they are contiguous: a kernel looks at nothing but addresses.
    """

    def __init__(self, *values: Any) -> None:
        super().__init__(*(v.data_ptr() if isinstance(v, torch.Tensor) else v for v in values))


def run_kernel(name: str, arguments: KernelArgs, *more: Any) -> int:
    """Call the kernel on as many threads as torch uses; its answer, 0 if it did what was asked."""
    kernels = library()
    assert kernels is not None, "whether there are kernels was asked before"
    return int(getattr(kernels, name)(ctypes.byref(arguments), *more, torch.get_num_threads()))


def supports_tensor(x: torch.Tensor) -> bool:
    """Whether there are kernels for tensors of this kind: fp32 or bf16, in this machine's memory."""
    return x.is_cpu and x.dtype in (torch.float32, torch.bfloat16) and library() is not None


LONG, INT, FLOAT, POINTER = ctypes.c_long, ctypes.c_int, ctypes.c_float, ctypes.c_void_p
