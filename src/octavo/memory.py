"""How much memory the machine has and this process has needed, where the system tells."""

import os
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from octavo.containers import memory_left, memory_limits

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
    return min([_kibibytes("/proc/meminfo", "MemAvailable:"), *memory_left()])


def peak_memory() -> int:
    """Most bytes that were resident in this process at once; 0 if unknown."""
    # Linux tells it of this program; its getrusage begins with the peak of the process that started it.
    if peak := _kibibytes("/proc/self/status", "VmHWM:"):
        return peak
    if resource is None:
        return 0
    peak = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else peak * 1024


def _kibibytes(table: str, key: str) -> int:
    """Bytes, of a line such as ``VmHWM:  1024 kB`` of one of Linux's tables; 0 if there is none."""
    try:
        lines = Path(table).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(key)), 0)
