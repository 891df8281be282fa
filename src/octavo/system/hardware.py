"""The CPU's name and features, the machine's memory and the peak memory of this process, where the system tells."""

import os
import platform
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from octavo.system.cgroups import file_lines, memory_headroom, memory_limits

# Linux's name of a CPU feature that Octavo's speed depends on, on x86 or ARM, and its usual name.
_FEATURES = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_bf16": "AVX512-BF16",
    "amx_bf16": "AMX-BF16",
    "asimd": "NEON",
    "sve": "SVE",
    "bf16": "BF16",
}
_X86 = ("x86_64", "amd64", "x86-64")


def cpu_name() -> str:
    """Return the CPU's name from Linux, else from Python."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def cpu_features() -> tuple[str, ...]:
    """Return the CPU's features, such as ``AVX2``; none where the system does not list them."""
    flags = set((_cpuinfo("flags") or _cpuinfo("Features")).split())
    return tuple(name for flag, name in _FEATURES.items() if flag in flags)


def is_x86() -> bool:
    """Return whether the CPU is a 64-bit x86, which Octavo's kernels need."""
    return platform.machine().lower() in _X86


def _cpuinfo(key: str) -> str:
    """Return the first value of a key in ``/proc/cpuinfo``; empty if there is none."""
    pairs = (line.partition(":") for line in file_lines(Path("/proc/cpuinfo")))
    return next((value.strip() for name, _, value in pairs if name.strip() == key), "")


resource: ModuleType | None
try:
    import resource
except ImportError:  # not POSIX
    resource = None


@cache
def machine_memory() -> int:
    """Return the bytes of memory of the machine, or of the container if it has a lower limit; 0 if unknown.

    The result is cached, as every file that is read asks for it.
    """
    if not hasattr(os, "sysconf"):  # not POSIX
        return 0
    try:
        installed = int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError):
        return 0
    return min([installed, *memory_limits()])


def available_memory() -> int:
    """Return the bytes that this process can allocate before the machine or container swaps; 0 if unknown (not
    Linux)."""
    return min([_kib_field("/proc/meminfo", "MemAvailable:"), *memory_headroom()])


def peak_memory() -> int:
    """Return the peak resident memory of this process in bytes; 0 if unknown."""
    # getrusage starts with the peak of the parent process on Linux, so /proc is preferred.
    if peak := _kib_field("/proc/self/status", "VmHWM:"):
        return peak
    if resource is None:
        return 0
    peak = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else peak * 1024


def _kib_field(table: str, key: str) -> int:
    """Return the bytes of a line such as ``VmHWM:  1024 kB`` in a file of Linux; 0 if there is none."""
    return next((int(line.split()[1]) * 1024 for line in file_lines(Path(table)) if line.startswith(key)), 0)
