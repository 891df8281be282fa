"""Check whether Octavo works on this machine, and how fast. This runs even if packages are missing or broken."""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from octavo.config import TrainConfig
from octavo.corpus.shakespeare import cache_directory
from octavo.errors import reason
from octavo.kernels.library import active_build, unavailable_reason
from octavo.reports.figures.style import own_style
from octavo.runs import list_runs
from octavo.runs.provenance import machine_facts
from octavo.system.hardware import available_memory, cpu_features, machine_memory
from octavo.system.requirements import Requirement, import_failure, pip_install, requirements
from octavo.system.terminal import format_bytes, path_text
from octavo.system.threads import requested_threads, usable_cores

MIN_FREE_BYTES = 2**30  # of a disk: a run with its checkpoints and pages takes some tens of MB
_THREAD_VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")  # they set how threads wait
_BROKEN = (ImportError, OSError, RuntimeError, AttributeError)  # raised by a damaged torch, or one for another system
_PURPOSE = {"shakespeare": "Tiny Shakespeare", "cluster": "octavo experiment --scheduler"}  # of optional parts


@dataclass(frozen=True)
class Arithmetic:
    """The arithmetic of torch on this machine. Rates are the FLOP/s of one thread in a matrix product."""

    threads: int
    precision: str  # the choice for a run, fp32 or bf16
    reason: str
    fp32_rate: float
    bf16_rate: float
    gpu: str  # not used by Octavo; empty if torch finds none


@dataclass(frozen=True)
class Folder:
    """A folder that Octavo writes to."""

    path: str
    exists: bool
    error: str  # why it cannot be written to; empty if it can
    free_bytes: int  # of its disk; -1 if unknown


@dataclass(frozen=True)
class OptionalPart:
    """An optional package."""

    name: str
    version: str  # empty if it is not installed
    purpose: str
    command: str  # to install it


@dataclass(frozen=True)
class Health:
    """The result of the examination. Sizes are in bytes, 0 if the system does not tell; paths are printable."""

    package_path: str  # the folder of the package octavo
    python: str
    packages: dict[str, str]
    system: str
    processor: str
    features: tuple[str, ...]
    cores: int
    usable_cores: int  # by this process
    threads: int  # of a run
    omp_num_threads: str  # the variable OMP_NUM_THREADS; empty if it is not set
    thread_variables: dict[str, str]  # the variables that set how threads wait, if set
    memory: int
    available_memory: int
    kernels: str  # avx512, avx2, none
    why_no_kernels: str
    arithmetic: Arithmetic | None  # None: torch cannot be loaded
    runs: Folder
    n_runs: int
    caches: dict[str, Folder]  # of Tiny Shakespeare and of matplotlib
    optional: tuple[OptionalPart, ...]
    problems: tuple[str, ...]  # that stop Octavo from working now or soon; each with its fix


def examine_machine(root: Path) -> Health:
    """Examine this machine in about two seconds; `root` is the folder of runs. No files are left behind."""
    caches = {"Tiny Shakespeare": _cache(cache_directory), "matplotlib": _matplotlib_cache()}
    packages = requirements()
    required = [package for package in packages if not package.extra]
    optional = [package for package in packages if package.extra in _PURPOSE]
    runs = examine_folder(root)
    arithmetic, torch_problem = _measure_torch()
    problems = [problem for package in required if (problem := _package_problem(package))]
    if torch_problem and not any("torch" in problem for problem in problems):
        problems.append(f"torch does not work ({torch_problem}): install Octavo again")
    problems += [_package_problem(package) for package in optional if package.installed and not package.is_satisfied]
    # Octavo works without kernels, slower. It is a problem only if OCTAVO_NATIVE names some that are not in use.
    if os.environ.get("OCTAVO_NATIVE", "") not in ("", "0", "1", active_build()):
        problems.append(unavailable_reason())
    problems += _runs_problems(runs)
    facts = machine_facts()
    return Health(
        package_path=path_text(Path(__file__).parents[1]),
        python=facts["python"],
        packages=facts["packages"],
        system=facts["system"],
        processor=facts["processor"],
        features=cpu_features(),
        cores=facts["cores"] or 0,
        usable_cores=usable_cores(),
        threads=arithmetic.threads if arithmetic else requested_threads(),
        omp_num_threads=os.environ.get("OMP_NUM_THREADS", ""),
        thread_variables={name: os.environ[name] for name in _THREAD_VARIABLES if name in os.environ},
        memory=machine_memory(),
        available_memory=available_memory(),
        kernels=active_build(),
        why_no_kernels=unavailable_reason(),
        arithmetic=arithmetic,
        runs=runs,
        n_runs=_count_runs(root),
        caches=caches,
        optional=tuple(
            OptionalPart(
                package.name, package.installed, _PURPOSE[package.extra], pip_install(f"octavo[{package.extra}]")
            )
            for package in optional
        ),
        problems=tuple(problems),
    )


def examine_folder(folder: Path) -> Folder:
    """Examine a folder; if it does not exist, the nearest existing folder above it is tested."""
    nearest = next((path for path in (folder, *folder.parents) if os.path.exists(path)), folder)
    problem = ""
    try:
        with tempfile.TemporaryFile(dir=nearest):  # permissions alone do not decide it
            pass
    except (OSError, ValueError) as error:
        problem = reason(error)
    try:
        free = shutil.disk_usage(nearest).free
    except (OSError, ValueError):
        free = -1
    return Folder(path_text(os.path.abspath(folder)), os.path.isdir(folder), problem, free)


def _runs_problems(runs: Folder) -> list[str]:
    problems = []
    if runs.error:
        problems.append(f"{runs.path} cannot be written to ({runs.error}): name another folder of runs")
    if 0 <= runs.free_bytes < MIN_FREE_BYTES:
        problems.append(
            f"the disk of {runs.path} has {format_bytes(runs.free_bytes)} free: free 1 GiB at least, or name "
            "another folder of runs"
        )
    return problems


def _package_problem(package: Requirement) -> str:
    """Return the problem of a package with its fix; empty if there is none."""
    fix = pip_install(str(package))
    if not package.installed:
        return f"{package.name} is not installed: {fix}"
    if not package.is_satisfied:
        return f"{package.name} {package.installed} is here and {package.specifier} is needed: {fix}"
    failure = None if package.extra else import_failure(package.name)
    if failure is None:
        return ""
    why = f"{type(failure).__name__}: {reason(failure, named=True)}"
    return f"{package.name} cannot be loaded ({why}): {pip_install('--force-reinstall', package.name)}"


def _count_runs(root: Path) -> int:
    try:
        return len(list_runs(root))
    except OSError:
        return 0


def _measure_torch() -> tuple[Arithmetic | None, str]:
    """Return how torch computes here, or why it does not work."""
    try:
        import torch

        from octavo.training.flops import matmul_rate
        from octavo.training.precision import choose_precision

        chosen = choose_precision(TrainConfig(steps=1, precision="auto"))
        return Arithmetic(
            torch.get_num_threads(),
            chosen.name,
            chosen.reason,
            matmul_rate(torch.float32, 1),
            matmul_rate(torch.bfloat16, 1),
            _gpu(),
        ), ""
    except _BROKEN as error:
        return None, f"{type(error).__name__}: {reason(error, named=True)}"


def _gpu() -> str:
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    other = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return other.type if other else ""


def _cache(find: Callable[[], Path]) -> Folder:
    """Examine the folder that `find` returns; it may need a package that is missing or damaged."""
    try:
        return examine_folder(find())
    except _BROKEN as error:
        return Folder("none", False, reason(error), -1)


def _font_cache() -> Path:
    with own_style():
        import matplotlib

        return Path(matplotlib.get_cachedir())


def _matplotlib_cache() -> Folder:
    """Return the folder of its font cache. If it cannot be written, each process uses a temporary one."""
    configured = os.environ.get("MPLCONFIGDIR")
    folder = _cache(_font_cache)
    if os.environ.get("MPLCONFIGDIR") == configured:
        return folder
    return replace(folder, error="created in each process: set MPLCONFIGDIR")
