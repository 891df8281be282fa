"""Limits on memory and CPU time of this process's control groups (cgroups): of a container or a job of a cluster.

Control groups nest, and each may have limits. Linux shows them as folders: version 2 in one tree, version 1 (usual
until about 2020) in one tree per kind of limit. ``/proc/self/cgroup`` names the folder of this process's group.
Inside a container often only the root is visible, and it is the container's group."""

import math
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

_CGROUP_ROOT = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")
_MEMORY_FILES = (  # the tree; the files of the limit and of the usage; the key of the file cache in memory.stat
    ("", "memory.max", "memory.current", "inactive_file"),
    ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def memory_limits() -> list[int]:
    """Return the memory limits in bytes of this process's group and its parents, of those that have one."""
    return [limit for limit, *_ in _limited_groups()]


def memory_headroom() -> list[int]:
    """Return the bytes left of each such limit. Inactive file cache counts as free, as Linux can reclaim it."""
    headroom = []
    for limit, group, usage_file, cache_key in _limited_groups():
        words = _words(group / "memory.stat")
        cached = dict(zip(words[::2], words[1::2], strict=False)).get(cache_key, "")
        used = _parse_number(" ".join(_words(group / usage_file))) - _parse_number(cached)
        headroom.append(max(0, limit - max(0, used)))
    return headroom


def cpu_limits() -> list[int]:
    """Return the CPU limit of each such group, in cores, rounded up to whole ones."""
    version_2 = (_words(group / "cpu.max") for group in _groups(""))
    version_1 = (_words(group / "cpu.cfs_quota_us") + _words(group / "cpu.cfs_period_us") for group in _groups("cpu"))
    limits = []
    for words in chain(version_2, version_1):
        if len(words) == 2 and all(map(str.isdecimal, words)):  # "max" and -1 mean no limit
            quota, period = map(int, words)
            limits += [max(1, math.ceil(quota / period))] if period else []
    return limits


def _limited_groups() -> Iterator[tuple[int, Path, str, str]]:
    """Yield for each group with a memory limit: the limit, its folder, its usage file and its key of the file
    cache."""
    for kind, limit_file, usage_file, cache_key in _MEMORY_FILES:
        for group in _groups(kind):
            limit = " ".join(_words(group / limit_file))
            if limit.isdecimal():  # "max" means no limit
                yield int(limit), group, usage_file, cache_key


def _groups(kind: str) -> Iterator[Path]:
    """Yield the folder of this process's group in the tree of a kind ("" for version 2), then those of its
    parents."""
    tree = _CGROUP_ROOT / kind
    for line in file_lines(_OWN_CGROUP):
        _, kinds, path = (*line.split(":", 2), "", "")[:3]
        if kind in kinds.split(","):
            inside = tree.joinpath(*(part for part in path.split("/") if part not in ("", "..")))
            yield from (group for group in (inside, *inside.parents) if group.is_relative_to(tree))
            return
    yield tree


def _parse_number(digits: str) -> int:
    return int(digits) if digits.isdecimal() else 0


def _words(path: Path) -> list[str]:
    """Return the words of a file; none if there is no such file."""
    return [word for line in file_lines(path) for word in line.split()]


def file_lines(path: Path) -> list[str]:
    """Return the lines of a file of Linux; none if there is no such file."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
