"""How much memory the machine has and this process has needed, where the system tells."""

import os
import sys
from pathlib import Path
from types import ModuleType

resource: ModuleType | None
try:
    import resource
except ImportError:  # not POSIX
    resource = None


# Where Linux tells how much a group of processes may take, such as all of a container: now, and before 2020 or so.
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def machine_memory() -> int:
    """Bytes of memory, or of the part that this process may take in a container; 0 if unknown."""
    if not hasattr(os, "sysconf"):  # not POSIX
        return 0
    try:
        installed = int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError):
        return 0
    return min([installed, *_limits()])


def available_memory() -> int:
    """Bytes that a program can take without the machine having to swap, where Linux tells; 0 if unknown."""
    return min([_kibibytes("/proc/meminfo", "MemAvailable:"), *_limits()])


def peak_memory() -> int:
    """Most bytes that were resident in this process at once; 0 if unknown."""
    # Linux tells it of this program; its getrusage begins with the peak of the process that started it.
    if peak := _kibibytes("/proc/self/status", "VmHWM:"):
        return peak
    if resource is None:
        return 0
    peak = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else peak * 1024


def _limits() -> list[int]:
    found = []
    for place in _LIMITS:
        try:
            told = Path(place).read_text(encoding="ascii", errors="replace").strip()
        except OSError:
            continue
        found += [int(told)] if told.isdecimal() else []  # "max" is none
    return found


def _kibibytes(table: str, key: str) -> int:
    """Bytes, of a line such as ``VmHWM:  1024 kB`` of one of Linux's tables; 0 if there is none."""
    try:
        lines = Path(table).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(key)), 0)
