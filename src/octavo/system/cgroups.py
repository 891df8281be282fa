"""What a container, a job of a cluster, or any other group of processes that Linux keeps apart, may take.

Such groups (cgroups) lie within each other, and each may have limits. Linux shows them as folders: in one tree now,
before 2020 or so in one for each kind of limit. The folder of this process's group is named in ``/proc/self/cgroup``;
inside a container often the root alone can be seen, and that is the container's.
"""

import math
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

_CGROUP_ROOT = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")
_MEMORY_FILES = (  # the tree, and what its files are called
    ("", "memory.max", "memory.current", "inactive_file"),
    ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def memory_limits() -> list[int]:
    """Bytes that this process's group may take, and each group around it that has a limit."""
    return [limit for limit, *_ in _limited_groups()]


def memory_headroom() -> list[int]:
    """Of each such limit the bytes that are not taken. What was read of files and lies idle can be given back."""
    left = []
    for limit, group, taken_in, files_in in _limited_groups():
        facts = _words(group / "memory.stat")
        files = dict(zip(facts[::2], facts[1::2], strict=False)).get(files_in, "")
        taken = _parse_number(" ".join(_words(group / taken_in))) - _parse_number(files)
        left.append(max(0, limit - max(0, taken)))
    return left


def cpu_limits() -> list[int]:
    """How many processors each such group may keep busy, a part of one counted as one."""
    now = (_words(group / "cpu.max") for group in _groups(""))
    before = (_words(group / "cpu.cfs_quota_us") + _words(group / "cpu.cfs_period_us") for group in _groups("cpu"))
    found = []
    for told in chain(now, before):
        if len(told) == 2 and all(map(str.isdecimal, told)):  # "max" and -1 are no limit
            quota, period = map(int, told)
            found += [max(1, math.ceil(quota / period))] if period else []
    return found


def _limited_groups() -> Iterator[tuple[int, Path, str, str]]:
    """The limit of each group that has one, its folder, where that tells what is taken, and what of it files are."""
    for kind, limit_in, taken_in, files_in in _MEMORY_FILES:
        for group in _groups(kind):
            limit = " ".join(_words(group / limit_in))
            if limit.isdecimal():  # "max" is none
                yield int(limit), group, taken_in, files_in


def _groups(kind: str) -> Iterator[Path]:
    """The folder of this process's group in the tree of a kind ("": the one tree for all), and those around it."""
    tree = _CGROUP_ROOT / kind
    for line in _lines(_OWN_CGROUP):
        _, kinds, path = (*line.split(":", 2), "", "")[:3]
        if kind in kinds.split(","):
            inside = tree.joinpath(*(part for part in path.split("/") if part not in ("", "..")))
            yield from (group for group in (inside, *inside.parents) if group.is_relative_to(tree))
            return
    yield tree


def _parse_number(digits: str) -> int:
    return int(digits) if digits.isdecimal() else 0


def _words(place: Path) -> list[str]:
    """The words of a file; none where there is no such file."""
    return [word for line in _lines(place) for word in line.split()]


def _lines(place: Path) -> list[str]:
    try:
        return place.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
