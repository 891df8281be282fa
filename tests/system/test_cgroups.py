"""What groups of processes may take, in trees of folders as Linux shows them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from octavo.system import cgroups as containers
from octavo.system.cgroups import cpu_limits, memory_headroom, memory_limits

Shown = Callable[[str, dict[str, str]], None]
JOB = "9:name=systemd:/x\n4:memory:/slurm/job_7/step_0\n2:cpu,cpuacct:/slurm/job_7\n0::/\n"


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shown:
    """What Linux would show: this process's groups, and files by their place."""
    monkeypatch.setattr(containers, "_CGROUP_ROOT", tmp_path / "cgroup")
    monkeypatch.setattr(containers, "_OWN_CGROUP", tmp_path / "own")

    def show(own: str, files: dict[str, str]) -> None:
        (tmp_path / "own").write_text(own, errors="surrogateescape")
        for name, content in files.items():
            (tmp_path / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "cgroup" / name).write_text(content + "\n")

    return show


def test_those_of_the_group_and_of_all_around_it(shown: Shown) -> None:
    shown(
        "0::/user.slice/run-1.scope\n",
        {
            "user.slice/run-1.scope/memory.max": "3000",
            "user.slice/run-1.scope/memory.current": "1500",
            "user.slice/run-1.scope/memory.stat": "anon 700\nfile 800\ninactive_file 600\nactive_file 200",
            "user.slice/run-1.scope/cpu.max": "max 100000",
            "user.slice/memory.max": "4000",
            "user.slice/memory.current": "3900",
            "user.slice/cpu.max": "150000 100000",
            "user.slice/another/memory.max": "10",
            "memory.max": "max",
            "cpu.max": "400000 100000",
        },
    )
    assert memory_limits() == [3000, 4000]
    assert memory_headroom() == [2100, 100]
    assert cpu_limits() == [2, 4]


def test_of_a_job_where_each_kind_has_its_tree(shown: Shown) -> None:
    shown(
        JOB,
        {
            "memory/slurm/job_7/memory.limit_in_bytes": "5000",
            "memory/slurm/job_7/memory.usage_in_bytes": "6000",
            "memory/slurm/job_7/memory.stat": "inactive_file 1\ntotal_inactive_file 2000",
            "memory/memory.limit_in_bytes": "9223372036854771712",
            "memory/memory.usage_in_bytes": "1",
            "cpu/slurm/job_7/cpu.cfs_quota_us": "200000",
            "cpu/slurm/job_7/cpu.cfs_period_us": "100000",
            "cpu/slurm/cpu.cfs_quota_us": "-1",
            "cpu/slurm/cpu.cfs_period_us": "100000",
        },
    )
    assert memory_limits() == [5000, 9223372036854771712]
    assert memory_headroom() == [1000, 9223372036854771711]
    assert cpu_limits() == [2]


@pytest.mark.parametrize("own", ["0::/docker/0a1b", "0::/../docker", "0::/", "0::/../.."])
def test_inside_a_container_its_root_is_its_own(shown: Shown, tmp_path: Path, own: str) -> None:
    (tmp_path / "memory.max").write_text("1")
    shown(own, {"memory.max": "3000", "cpu.max": "20000 100000"})
    assert (memory_limits(), memory_headroom(), cpu_limits()) == ([3000], [3000], [1])


@pytest.mark.parametrize("own", ["", "nonsense", "0:", "::", "1:memory", "0::/a:b/\udcff"])
@pytest.mark.parametrize("told", ["", "nonsense", "-5", "1 2 3", "100000 0"])
def test_what_cannot_be_understood_is_no_limit(shown: Shown, own: str, told: str) -> None:
    shown(own, {"memory.max": told, "cpu.max": told, "memory/memory.limit_in_bytes": told})
    assert (memory_limits(), memory_headroom(), cpu_limits()) == ([], [], [])
    shown(own, {"memory.max": "7"})
    assert memory_limits() == [7], "at the root at least"


def test_where_nothing_is_told_there_is_no_limit(shown: Shown) -> None:
    assert (memory_limits(), memory_headroom(), cpu_limits()) == ([], [], [])
