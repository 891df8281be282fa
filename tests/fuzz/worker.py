"""A process that commands read mutants in, so that one that crashes, hangs or swallows memory is known.

It is told a run, a folder to work in, a seed and which mutants; it writes a line of JSON for each.
"""

import io
import json
import os
import re
import resource
import shutil
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import FrameType

import torch
from tests.fuzz.mutations import Files, mutant

from octavo.cli.main import main
from octavo.system.hardware import peak_memory

SECONDS = 10.0  # time limit of a command
MEMORY = 2 * 2**30  # bytes that a mutant may need in addition to the process
_ROOM = (
    4 * 2**30
)  # limit of the process: more than MEMORY, so that a mutant above it is noticed, but not the whole machine
_LEFT_OUT = ("curves/", "analysis/", "report.html", ".lock")  # pictures and pages are written, never read
_MODEL = ("generate", "surprise", "lens", "edit", "tokenizer")  # commands whose output depends on the model alone
# Of these any that is well formed is another run's, which only provenance.json can tell: verify must.
_OTHER_RUN = ("config.toml", "tokenizer.json")
_NO_MEMORY = re.compile("not enough memory|unable to allocate", re.IGNORECASE)
_TIME = re.compile(r"[\d.]+ (s|min|h)\b")


class TooLongError(BaseException):
    """A command took longer than SECONDS."""


def files_of(run: Path) -> Files:
    """Return the files of a run that are read, by their names in its folder."""
    names = sorted(str(path.relative_to(run)) for path in run.rglob("*") if path.is_file())
    return {name: (run / name).read_bytes() for name in names if not name.startswith(_LEFT_OUT)}


def commands(run: Path, number: int, *, slow: bool) -> list[list[str]]:
    """Return the commands that read mutant `number`: verify, list, generate, and one more."""
    place = str(run)
    always = [
        ["verify", place],
        ["runs", "--runs", str(run.parent)],
        ["generate", place, "To be", "--max-new-tokens", "8"],
    ]
    others = [
        ["evaluate", place, "--no-baselines", "--stride", "32"],
        ["surprise", place],
        ["lens", place, "--max-tokens", "8"],
        ["edit", place, "To be or", "--zero", "blocks.0.output", "--json"],
        ["tokenizer", place, "To be 😀"],
    ]
    if slow:
        others += [
            ["curves", place],
            ["attention", place, "--max-tokens", "4"],
            ["heads", place, "--windows", "2"],
            ["report", place, "--overwrite"],
            ["evaluate", place],
            ["verify", place, "--full"],
            ["compare", place, f"{place}-whole", "--overwrite", "--output", str(run.parent / "compare.html")],
            ["train", "--resume", "--quiet", "--name", run.name, "--runs", str(run.parent)],
        ]
    return [*always, others[number % len(others)]]


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise TooLongError in a context that takes longer."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooLongError

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def said(command: list[str]) -> tuple[int, str, str]:
    """Return exit code, output and errors; -1 and a traceback after a crash, -2 after a timeout."""
    places = [Path(f"said-{stream}.txt") for stream in ("out", "err")]
    with places[0].open("w") as out, places[1].open("w") as err, redirect_stdout(out), redirect_stderr(err):
        try:
            with at_most(SECONDS):
                code = main(command)
        except TooLongError:
            code = -2
        except BaseException:
            traceback.print_exc()
            code = -1
    out_text, err_text = (place.read_text(errors="replace") for place in places)
    return code, out_text, err_text


def meaning(output: str) -> str:
    """Return the output without what differs from call to call."""
    return _TIME.sub("", output)


def fault(command: list[str], result: tuple[int, str, str], expected: set[str], exact: bool) -> str:
    """Return the fault in a command's result for a mutant; empty if there is none."""
    code, out, err = result
    if code == -2:
        return f"took more than {SECONDS:g} s"
    sentences = [line for line in err.splitlines() if line.startswith("octavo: ")]
    if code not in (0, 2) or "Traceback" in err or "panicked" in err:
        return f"code {code}: {err[-1500:]}"
    if _NO_MEMORY.search(err):
        return f"asked for more memory than there is: {err[-500:]}"
    if code == 2 and (len(sentences) != 1 or not sentences[0].isprintable() or len(sentences[0]) > 1000):
        return f"not one sentence: {err[-500:]!r}"
    if code == 0 and exact and meaning(out) not in expected:
        return f"loaded with another meaning: {out[:500]!r}"
    return ""


def work(whole: Path, folder: Path, seed: int, numbers: range, *, slow: bool) -> None:
    """Read the mutants in turn."""
    torch.set_num_threads(1)
    files, run = files_of(whole), folder / "run"
    shutil.rmtree(f"{run}-whole", ignore_errors=True)
    shutil.copytree(whole, f"{run}-whole")
    known: dict[str, set[str]] = {}
    for older in (True, False):  # with the newest checkpoint damaged, the one before is used, as it should be
        restore(run, files)
        if slow:
            end_early(run, files)
        if older:
            shutil.rmtree(max((run / "checkpoints").glob("step-*")))
        for number in range(20):
            for command in commands(run, number, slow=slow):
                if str(command) not in known or len(known[str(command)]) < 2 - older:
                    result = said(command)
                    assert result[0] in (0, 2), result
                    known.setdefault(str(command), set()).add(meaning(result[1]))
    before = peak_memory()
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + _ROOM, size + _ROOM))
    print(json.dumps({"ready": before}), flush=True)
    for number in numbers:
        restore(run, files)
        one = mutant(files, seed, number)
        Path("/proc/self/clear_refs").write_text("5")  # the peak is of this mutant
        one.apply(run, files)
        if slow and one.file != "metrics.jsonl":
            end_early(run, files)
        results = {tuple(command): said(command) for command in commands(run, number, slow=slow)}
        noticed = results["verify", str(run)][0] == 2
        refused = any(code == 2 for command, (code, _, _) in results.items() if command[0] != "verify")
        faults = []
        for words, result in results.items():
            command = list(words)
            of_model = command[0] in _MODEL and not one.sealed
            exact = of_model and not (noticed and one.file in _OTHER_RUN)
            if wrong := fault(command, result, known[str(command)], exact):
                faults.append(f"{' '.join(command)}: {wrong}")
        if (most := peak_memory() - before) > MEMORY:
            faults.append(f"took {most / 2**20:.0f} MiB")
        if (run.parent / "owned").exists() or Path("owned").exists():
            faults.append("code of the run was executed")
        unchanged = all(meaning(r[1]) in known[str(list(c))] for c, r in results.items())
        line = {"number": number, "file": one.file, "how": one.how, "sealed": one.sealed, "refused": refused}
        line["noticed"] = noticed
        print(json.dumps({**line, "unchanged": unchanged, "faults": faults, "peak": peak_memory()}), flush=True)


def end_early(run: Path, files: Files) -> None:
    """Remove the last line of the metrics, so that the run is unfinished and resuming restores its state."""
    log = files["metrics.jsonl"].rstrip()
    (run / "metrics.jsonl").write_bytes(log[: log.rindex(b"\n") + 1])


def restore(run: Path, files: Files) -> None:
    """Restore the original files of the run."""
    shutil.rmtree(run, ignore_errors=True)
    for name, content in files.items():
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_bytes(content)


if __name__ == "__main__":
    given_run, given_folder, given_seed, begin, end, speed = sys.argv[1:]
    os.chdir(given_folder)
    sys.stdout = io.TextIOWrapper(os.fdopen(os.dup(1), "wb"), line_buffering=True)
    asked = range(int(begin), int(end))
    work(Path(given_run), Path(given_folder), int(given_seed), asked, slow=speed == "slow")
