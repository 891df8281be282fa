"""Optional kernels in C, each with a twin in PyTorch that gives the same result up to rounding.

They are compiled when Octavo is installed, where there is a C compiler and an x86 processor; elsewhere everything
works without them, more slowly. ``OCTAVO_NATIVE=0`` leaves them out.
"""
