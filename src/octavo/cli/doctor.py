"""``octavo doctor``."""

from __future__ import annotations

import argparse
import json
import textwrap
from typing import TYPE_CHECKING

from octavo.cli.output import say
from octavo.cli.parser import add_runs_option
from octavo.runs import runs_root
from octavo.system.terminal import escape_controls, format_bytes, quantity

if TYPE_CHECKING:
    from octavo.pipeline.doctor import Arithmetic, Folder, Health, OptionalPart

_LABEL, _WIDTH = 11, 80


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.epilog = "Exit code 0 if Octavo can work, 1 if something stands in its way: what, comes last."
    parser.add_argument("--json", action="store_true", help="for a machine")
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Look, and tell on one screen; 1 if there are problems."""
    from octavo.pipeline.doctor import examine_machine

    health = examine_machine(runs_root(options.runs))
    say(json.dumps(health.to_dict(), indent=1) if options.json else "\n".join(lines(health)))
    return 1 if health.problems else 0


def lines(health: Health) -> list[str]:
    """For people: a screen of 80 columns and 24 lines, where paths are not long and problems are few."""
    packages = ", ".join(f"{name} {version}" for name, version in health.packages.items())
    rows = [
        ("versions", f"{packages}, Python {health.python}"),
        ("place", health.place),
        ("system", health.system),
        ("processor", f"{health.processor}: {', '.join(health.features) or 'features unknown'}"),
        ("memory", _memory(health)),
        ("threads", _threads(health)),
        ("kernels", f"none ({health.why_no_kernels})" if health.why_no_kernels else health.kernels),
        *_arithmetic(health.arithmetic),
        ("runs", f"{health.runs.path} ({_runs(health)})"),
        *(("cache", f"{folder.path} ({_cache(name, folder)})") for name, folder in health.caches.items()),
        *(("optional", _optional(part)) for part in health.optional),
    ]
    told = [line for label, text in rows for line in _row(label, text)]
    problems = [line for problem in health.problems for line in _row("  -", problem, 4)]
    return [*told, "", *(["Problems:", *problems] if problems else ["No problems: Octavo can work here."])]


def _row(label: str, text: str, width: int = _LABEL) -> list[str]:
    """A label and its text, which goes on below itself; a path is not broken."""
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
    wait = " ".join(f"{name}={value}" for name, value in health.waiting.items())
    usual = "one for each core" if not health.omp_num_threads else f"OMP_NUM_THREADS={health.omp_num_threads}"
    cores = f"{health.usable_cores} of {health.cores} cores may be used"
    return f"{health.threads} ({usual}; {cores}), {wait}"


def _arithmetic(found: Arithmetic | None) -> list[tuple[str, str]]:
    if found is None:
        return [("precision", "unknown: torch does not work")]
    fp32, bf16 = (f"{rate / 1e9:,.0f}" for rate in (found.fp32_rate, found.bf16_rate))
    gpu = f"{found.gpu}, which Octavo leaves alone" if found.gpu else "none that torch sees"
    return [
        ("precision", f"{found.precision} ({found.reason})"),
        ("products", f"{fp32} GFLOP/s in fp32, {bf16} in bf16, of matrices, on one thread"),
        ("GPU", gpu),
    ]


def _runs(health: Health) -> str:
    folder = health.runs
    number = quantity(health.n_runs, "run") if folder.exists else "to be made"
    state = "cannot be written to" if folder.trouble else "writable"
    return f"{number}, {state}" + (f", {format_bytes(folder.free_bytes)} free" if folder.free_bytes >= 0 else "")


def _cache(name: str, folder: Folder) -> str:
    return f"{name}: done without, {folder.trouble}" if folder.trouble else f"{name}: writable"


def _optional(part: OptionalPart) -> str:
    if part.version:
        return f"{part.name} {part.version}, for {part.purpose}"
    return f"{part.name} is missing, for {part.purpose}: {part.command}"
