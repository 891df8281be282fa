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


def machine_memory() -> int:
    """Bytes of memory; 0 if unknown."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


def peak_memory() -> int:
    """Most bytes that were resident in this process at once; 0 if unknown."""
    if peak := _high_water_mark():
        return peak
    if resource is None:
        return 0
    peak = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else peak * 1024


def _high_water_mark() -> int:
    """Linux tells it of this program; its getrusage begins with the peak of the process that started it."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
