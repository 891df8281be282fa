"""How much memory the machine has and this process has needed, where the system tells."""

import os
import sys
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
    if resource is None:
        return 0
    peak: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
