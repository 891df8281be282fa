"""``octavo doctor``."""

from __future__ import annotations

import argparse
import json
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

from octavo.cli.output import say
from octavo.runs import runs_root
from octavo.system.terminal import escape_controls, format_bytes, quantity

if TYPE_CHECKING:
    from octavo.pipeline.doctor import Arithmetic, Folder, Health, OptionalPart

_LABEL, _WIDTH = 11, 80


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.epilog = "Exit code 0 if no problems were found, otherwise 1; problems are listed at the end."
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print the state of the machine on one screen; return 1 if there are problems."""
    from octavo.pipeline.doctor import examine_machine

    health = examine_machine(runs_root(options.runs))
    say(json.dumps(asdict(health), indent=1) if options.json else "\n".join(lines(health)))
    return 1 if health.problems else 0


def lines(health: Health) -> list[str]:
    """Return lines of at most 80 columns, 24 of them unless there are many problems or long paths."""
    packages = ", ".join(f"{name} {version}" for name, version in health.packages.items())
    rows = [
        ("versions", f"{packages}, Python {health.python}"),
        ("path", health.package_path),
        ("system", health.system),
        ("CPU", f"{health.processor}: {', '.join(health.features) or 'features unknown'}"),
        ("memory", _memory(health)),
        ("threads", _threads(health)),
        ("kernels", f"none ({health.why_no_kernels})" if health.why_no_kernels else health.kernels),
        *_arithmetic(health.arithmetic),
        ("runs", f"{health.runs.path} ({_runs(health)})"),
        *(("cache", f"{folder.path} ({_cache(name, folder)})") for name, folder in health.caches.items()),
        *(("optional", _optional(part)) for part in health.optional),
    ]
    facts = [line for label, text in rows for line in _row(label, text)]
    problems = [line for problem in health.problems for line in _row("  -", problem, 4)]
    return [*facts, "", *(["Problems:", *problems] if problems else ["No problems: Octavo works here."])]


def _row(label: str, text: str, width: int = _LABEL) -> list[str]:
    """Return a label and its text, wrapped in its own column; a path stays on one line."""
    return textwrap.wrap(
        escape_controls(text),
        _WIDTH,
        initial_indent=label.ljust(width),
        subsequent_indent=" " * width,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _memory(health: Health) -> str:
    if not health.memory:
        return "unknown"
    return format_bytes(health.memory) + (
        f", {format_bytes(health.available_memory)} available" if health.available_memory else ""
    )


def _threads(health: Health) -> str:
    wait = " ".join(f"{name}={value}" for name, value in health.thread_variables.items())
    origin = "one for each core" if not health.omp_num_threads else f"OMP_NUM_THREADS={health.omp_num_threads}"
    cores = f"{health.usable_cores} of {health.cores} cores may be used"
    return f"{health.threads} ({origin}; {cores}), {wait}"


def _arithmetic(measured: Arithmetic | None) -> list[tuple[str, str]]:
    if measured is None:
        return [("precision", "unknown: torch does not work")]
    fp32, bf16 = (f"{rate / 1e9:,.0f}" for rate in (measured.fp32_rate, measured.bf16_rate))
    gpu = f"{measured.gpu}, which Octavo does not use" if measured.gpu else "none that torch detects"
    return [
        ("precision", f"{measured.precision} ({measured.reason})"),
        ("matmul", f"{fp32} GFLOP/s in fp32, {bf16} in bf16, on one thread"),
        ("GPU", gpu),
    ]


def _runs(health: Health) -> str:
    folder = health.runs
    number = quantity(health.n_runs, "run") if folder.exists else "not there yet"
    state = "cannot be written to" if folder.error else "writable"
    return f"{number}, {state}" + (f", {format_bytes(folder.free_bytes)} free" if folder.free_bytes >= 0 else "")


def _cache(name: str, folder: Folder) -> str:
    return f"{name}: not used, {folder.error}" if folder.error else f"{name}: writable"


def _optional(part: OptionalPart) -> str:
    if part.version:
        return f"{part.name} {part.version}, for {part.purpose}"
    return f"{part.name} is missing, for {part.purpose}: {part.command}"
