"""The processor: its name, and those of its features that decide how fast Octavo is, where the system tells.

How much memory the machine has and this process has needed, where the system tells.
"""

import os
import platform
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from octavo.system.cgroups import memory_headroom, memory_limits

# What Linux calls a feature, on x86 or on ARM, and what it is called elsewhere.
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
    """Its name, where Linux tells it; else what Python knows."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def cpu_features() -> tuple[str, ...]:
    """Such as ``AVX2`` and ``AVX-512``; none where the system does not tell."""
    flags = set((_cpuinfo("flags") or _cpuinfo("Features")).split())
    return tuple(name for flag, name in _FEATURES.items() if flag in flags)


def is_x86() -> bool:
    """Whether it is of the kind that Octavo's kernels are made for, with 64 bits."""
    return platform.machine().lower() in _X86


def _cpuinfo(key: str) -> str:
    """The first value of a key in Linux's description of the processors; empty if there is none."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    pairs = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in pairs if name.strip() == key), "")


resource: ModuleType | None
try:
    import resource
except ImportError:  # not POSIX
    resource = None


@cache
def machine_memory() -> int:
    """Bytes of memory, or of the part that this process may take in a container; 0 if unknown.

    It is looked up once: this is asked for every file that is read.
    """
    if not hasattr(os, "sysconf"):  # not POSIX
        return 0
    try:
        installed = int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError):
        return 0
    return min([installed, *memory_limits()])


def available_memory() -> int:
    """Bytes that this process can take without the machine or its container having to swap, where Linux tells; 0 if
    unknown."""
    return min([_kib_field("/proc/meminfo", "MemAvailable:"), *memory_headroom()])


def peak_memory() -> int:
    """Most bytes that were resident in this process at once; 0 if unknown."""
    # Linux tells it of this program; its getrusage begins with the peak of the process that started it.
    if peak := _kib_field("/proc/self/status", "VmHWM:"):
        return peak
    if resource is None:
        return 0
    peak = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else peak * 1024


def _kib_field(table: str, key: str) -> int:
    """Bytes, of a line such as ``VmHWM:  1024 kB`` of one of Linux's tables; 0 if there is none."""
    try:
        lines = Path(table).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(key)), 0)
