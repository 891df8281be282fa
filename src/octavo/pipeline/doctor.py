"""Whether Octavo can work on this machine, and how fast it would be. It looks even where much is missing."""

import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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

LEAST_FREE = 2**30  # bytes of a disk: a run with its checkpoints and pages takes some tens of MB
_BROKEN = (ImportError, OSError, RuntimeError, AttributeError)  # what half a torch raises, or another system's
_PURPOSE = {"shakespeare": "Tiny Shakespeare", "cluster": "octavo experiment --scheduler"}  # of optional parts


@dataclass(frozen=True)
class Arithmetic:
    """How torch reckons here. Rates are FLOPs a second of one thread in a matrix product."""

    threads: int
    precision: str  # that a run would choose, fp32 or bf16
    reason: str
    fp32_rate: float
    bf16_rate: float
    gpu: str  # which Octavo leaves alone; empty if torch sees none


@dataclass(frozen=True)
class Folder:
    """Where something is written."""

    path: str
    exists: bool
    trouble: str  # why nothing can be written there; empty if it can
    free_bytes: int  # of its disk; -1 if unknown


@dataclass(frozen=True)
class OptionalPart:
    """A package that something goes without."""

    name: str
    version: str  # empty if it is not installed
    purpose: str
    command: str  # that installs it


@dataclass(frozen=True)
class Health:
    """All that is known. Sizes are bytes, 0 where the system does not tell; paths are for people to read."""

    place: str  # of Octavo itself
    python: str
    packages: dict[str, str]
    system: str
    processor: str
    features: tuple[str, ...]
    cores: int
    usable_cores: int  # by this process
    threads: int  # that a run would take
    omp_num_threads: str  # as it is set; empty if it is not
    waiting: dict[str, str]  # the variables that say how threads wait, and their values
    memory: int
    available_memory: int
    kernels: str  # avx512, avx2, none
    why_no_kernels: str
    arithmetic: Arithmetic | None  # None: torch cannot be loaded
    runs: Folder
    n_runs: int
    caches: dict[str, Folder]  # of Tiny Shakespeare and of matplotlib
    optional: tuple[OptionalPart, ...]
    problems: tuple[str, ...]  # because of which Octavo cannot work, or soon cannot; each with its fix

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def examine_machine(root: Path) -> Health:
    """Look at this machine, for about two seconds; `root` is the folder of runs. Nothing is left behind."""
    caches = {"Tiny Shakespeare": _text_cache(), "matplotlib": _matplotlib_cache()}
    wanted = requirements()
    needed = [one for one in wanted if not one.extra]
    runs = examine_folder(root)
    arithmetic, torch_trouble = _arithmetic()
    troubles = [trouble for one in needed if (trouble := _trouble(one))]
    if torch_trouble and not any("torch" in trouble for trouble in troubles):
        troubles.append(f"torch does not work ({torch_trouble}): install Octavo again")
    facts = machine_facts()
    optional = [one for one in wanted if one.extra in _PURPOSE]
    return Health(
        place=path_text(Path(__file__).parents[1]),
        python=facts["python"],
        packages=facts["packages"],
        system=facts["system"],
        processor=facts["processor"],
        features=cpu_features(),
        cores=facts["cores"] or 0,
        usable_cores=usable_cores(),
        threads=arithmetic.threads if arithmetic else requested_threads(),
        omp_num_threads=os.environ.get("OMP_NUM_THREADS", ""),
        waiting={name: os.environ[name] for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT") if name in os.environ},
        memory=machine_memory(),
        available_memory=available_memory(),
        kernels=active_build(),
        why_no_kernels=unavailable_reason(),
        arithmetic=arithmetic,
        runs=runs,
        n_runs=_count(root),
        caches=caches,
        optional=tuple(
            OptionalPart(one.name, one.installed, _PURPOSE[one.extra], pip_install(f"octavo[{one.extra}]"))
            for one in optional
        ),
        problems=(
            *troubles,
            *(_trouble(one) for one in optional if one.installed and not one.is_satisfied),
            *_of_kernels(),
            *_of_runs(runs),
        ),
    )


def examine_folder(folder: Path) -> Folder:
    """A folder that may be yet to be made: what counts is the nearest one above it that is there."""
    nearest = next((place for place in (folder, *folder.parents) if os.path.exists(place)), folder)
    trouble = ""
    try:
        with tempfile.TemporaryFile(dir=nearest):  # what permissions say is not all that can stand in the way
            pass
    except (OSError, ValueError) as error:
        trouble = reason(error)
    try:
        free = shutil.disk_usage(nearest).free
    except (OSError, ValueError):
        free = -1
    return Folder(path_text(os.path.abspath(folder)), os.path.isdir(folder), trouble, free)


def _of_kernels() -> list[str]:
    """Those that were asked for and are not there: everything works without, several times as slowly."""
    asked = os.environ.get("OCTAVO_NATIVE", "")
    return [] if asked in ("", "0", "1") or active_build() == asked else [unavailable_reason()]


def _of_runs(runs: Folder) -> list[str]:
    problems = []
    if runs.trouble:
        problems.append(f"{runs.path} cannot be written to ({runs.trouble}): name another folder of runs")
    if 0 <= runs.free_bytes < LEAST_FREE:
        problems.append(
            f"the disk of {runs.path} has {format_bytes(runs.free_bytes)} free: free 1 GiB at least, or name "
            "another folder of runs"
        )
    return problems


def _trouble(one: Requirement) -> str:
    """What is wrong with a package, and the fix; empty if nothing is."""
    fix = pip_install(str(one))
    if not one.installed:
        return f"{one.name} is not installed: {fix}"
    if not one.is_satisfied:
        return f"{one.name} {one.installed} is here and {one.specifier} is needed: {fix}"
    failure = None if one.extra else import_failure(one.name)
    if failure is None:
        return ""
    why = f"{type(failure).__name__}: {reason(failure, named=True)}"
    return f"{one.name} cannot be loaded ({why}): {pip_install('--force-reinstall', one.name)}"


def _count(root: Path) -> int:
    try:
        return len(list_runs(root))
    except OSError:
        return 0


def _arithmetic() -> tuple[Arithmetic | None, str]:
    """What torch says, or why it does not."""
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


def _text_cache() -> Folder:
    try:
        return examine_folder(cache_directory())
    except ImportError as error:  # of platformdirs
        return Folder("none", False, reason(error), -1)


def _matplotlib_cache() -> Folder:
    """Where it keeps what it knows of fonts. If it cannot, it takes a folder that lasts as long as the process."""
    asked = os.environ.get("MPLCONFIGDIR")
    try:
        with own_style():
            import matplotlib

            folder = examine_folder(Path(matplotlib.get_cachedir()))
    except _BROKEN as error:
        return Folder("none", False, reason(error), -1)
    if os.environ.get("MPLCONFIGDIR") == asked:
        return folder
    return Folder(folder.path, folder.exists, "made anew each time: set MPLCONFIGDIR", folder.free_bytes)
