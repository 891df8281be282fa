"""Optional kernels in C. Each has a reference implementation in PyTorch with the same result up to rounding.

They are compiled when Octavo is installed, on x86-64 CPUs with a C compiler. Everything works without them, only
slower. The environment variable ``OCTAVO_NATIVE=0`` disables them.

Training uses :mod:`~octavo.kernels.norm`, :mod:`~octavo.kernels.attention`, :mod:`~octavo.kernels.activation` and
:mod:`~octavo.kernels.cross_entropy`; each has a function ``supports`` that tells whether it accepts a tensor.
Generation uses :mod:`~octavo.kernels.decoding`.
"""
