"""Octavo on a machine that lacks nearly everything, as real processes.

A locale of C, a terminal that can do nothing, output to a pipe, a home that cannot be written to, one core, no
kernels, no fast bf16, no network, settings of Matplotlib that stop its import, and folders with spaces and letters of
three alphabets: all at once, for each costs seconds.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from octavo.system.hardware import is_x86

Done = subprocess.CompletedProcess[bytes]
NAME = "tëxt 日本"  # of the text; a locale of C has no letter of it beyond t, x and t
RUNS = "läufe und ру́ны"

# Python runs this before anything else. What asks for a connection is noted, however the asker takes the answer.
NO_NETWORK = """
import os, sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        with open(os.environ["ASKED_FOR"], "a") as file:
            print(event, file=file)
        raise OSError("there is no network")
sys.addaudithook(watch)
"""


# Runs commands that each end with an @; after one, both outputs have its exit code, between signs of their own.
ONE_AFTER_ANOTHER = """
import sys
from octavo.cli.main import main
arguments = []
for argument in sys.argv[1:]:
    if argument != "@":
        arguments.append(argument)
        continue
    code = main(arguments)
    arguments = []
    for stream in (sys.stdout, sys.stderr):
        print(f"\\f{code}@", end="", file=stream, flush=True)
"""


def on_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


@dataclass(frozen=True)
class Machine:
    """Runs commands in `place`, where the text is."""

    place: Path
    environment: dict[str, str]

    def __call__(self, *arguments: str) -> Done:
        return self.python("-m", "octavo.cli.main", *arguments)

    def python(self, *arguments: str) -> Done:
        options: dict[str, Any] = {} if sys.platform == "win32" else {"preexec_fn": on_one_core}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.place,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=90,
            **options,
        )

    def one_after_another(self, *commands: tuple[str, ...]) -> list[Done]:
        """Commands in one process, which costs seconds less than a process for each."""
        done = self.python("-c", ONE_AFTER_ANOTHER, *(word for command in commands for word in (*command, "@")))
        assert done.returncode == 0, done.stderr.decode()
        told = []
        for command, *streams in zip(commands, done.stdout.split(b"@"), done.stderr.split(b"@"), strict=False):
            (out, _, code), (err, _, _) = (stream.rpartition(b"\f") for stream in streams)
            told.append(Done(command, int(code), out, err))
        return told

    @property
    def asked_for(self) -> str:
        """What was tried of the network."""
        path = Path(self.environment["ASKED_FOR"])
        return path.read_text() if path.exists() else ""


@pytest.fixture(scope="module")
def machine(environment: dict[str, str], play: str, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    folder = tmp_path_factory.mktemp("strange machine")
    place = folder / "Köffer mit Wörtern 日本"
    place.mkdir()
    (place / f"{NAME}.txt").write_bytes(play[:12_000].encode())
    (place / "matplotlibrc").write_bytes(b"text.usetex: True\n# caf\xe9\n")  # it is no UTF-8
    (folder / "home").write_text("no folder, which is as read-only for root as for anyone")
    (folder / "watch").mkdir()
    (folder / "watch" / "sitecustomize.py").write_text(NO_NETWORK)
    unwanted = {"LANG", "LC_CTYPE", "OCTAVO_CACHE", "MPLCONFIGDIR", "OMP_NUM_THREADS", "OMP_WAIT_POLICY"}
    unwanted |= {"GOMP_SPINCOUNT", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"}
    kept = {name: value for name, value in environment.items() if name not in unwanted}
    path = os.pathsep.join(filter(None, (str(folder / "watch"), environment.get("PYTHONPATH"))))
    settings = {
        "PYTHONPATH": path,
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "HOME": str(folder / "home"),
        "OCTAVO_NATIVE": "0",
        "MPLBACKEND": "Qt4Agg",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "ASKED_FOR": str(folder / "asked for"),
    }
    return Machine(place, kept | settings)


@pytest.fixture(scope="module")
def trained_there(machine: Machine, tiny: dict[str, Any]) -> Done:
    settings = tiny | {"train.precision": "auto", "train.validate_every": 10}
    options = [f"--{name}={value}" for name, value in settings.items()]
    return machine("train", f"{NAME}.txt", "--name", "run", "--steps", "20", "--runs", RUNS, *options)


@pytest.fixture
def run_there(machine: Machine, trained_there: Done) -> Path:
    assert trained_there.returncode == 0, trained_there.stderr.decode()
    return machine.place / RUNS / "run"


def test_it_is_as_strange_as_it_is_meant_to_be(machine: Machine) -> None:
    asked = "import os, sys; print(sys.getfilesystemencoding(), sys.stdout.encoding, os.listdir('.'))"
    if sys.platform == "linux":  # elsewhere names are Unicode whatever the locale
        told = machine.python("-c", asked).stdout.decode("ascii")
        assert told.startswith("ascii ascii ['t\\udcc3\\udcabxt ")
    assert machine.python("-c", "import socket; socket.create_connection(('127.0.0.1', 9))").returncode == 1
    assert machine.asked_for == "socket.getaddrinfo\n"
    Path(machine.environment["ASKED_FOR"]).unlink()


def test_it_trains_scores_draws_and_reports(run_there: Path, trained_there: Done) -> None:
    provenance = json.loads((run_there / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["text"]["sources"] == [f"{NAME}.txt"]
    assert f"{NAME}.txt" in provenance["sittings"][0]["command"]
    if is_x86():
        assert provenance["precision"]["name"] == "fp32", provenance["precision"]["reason"]
    if hasattr(os, "sched_setaffinity"):
        assert provenance["sittings"][0]["threads"] == 1
    assert f"octavo train &#39;{NAME}.txt&#39;" in (run_there / "report.html").read_text(encoding="utf-8")
    said = trained_there.stdout + trained_there.stderr
    assert said.isascii()
    assert b"\x1b" not in said
    for foreign in (b"Traceback", b"atplotlib", b"Warning"):
        assert foreign not in said
    assert f"--runs {shlex.quote(RUNS)}".encode("ascii", "backslashreplace").split(b"\\")[0] in trained_there.stdout


def test_every_file_has_a_name_for_every_system(run_there: Path) -> None:
    names = {path.name for path in run_there.rglob("*")}
    assert len(names) > 20
    assert {name for name in names if re.fullmatch(r"\.?[a-z0-9-]+(\.[a-z0-9]+)*", name)} == names


def test_it_goes_on_from_there(machine: Machine, run_there: Path) -> None:
    listed, written, scored = machine.one_after_another(
        ("runs", "--runs", RUNS),
        ("generate", "run", "tëxt", "--max-new-tokens", "5", "--runs", RUNS),
        ("evaluate", "run", f"{NAME}.txt", "--runs", RUNS),
    )
    assert (listed.returncode, listed.stderr) == (0, b"")
    assert b"run " in listed.stdout
    assert (written.returncode, written.stderr) == (0, b"")
    assert written.stdout.startswith(b"t\\xebxt")
    assert scored.returncode == 0, scored.stderr.decode()
    assert b"nats" in scored.stdout


def test_the_doctor_sees_what_is_strange(machine: Machine, run_there: Path) -> None:
    done = machine("doctor", "--json", "--runs", RUNS)
    assert (done.returncode, done.stderr) == (0, b"")
    told = json.loads(done.stdout)
    assert told["runs"]["path"] == str(run_there.parent)
    assert (told["n_runs"], told["kernels"]) == (1, "none")
    assert "OCTAVO_NATIVE=0" in told["why_no_kernels"]
    assert all(folder["error"] for folder in told["caches"].values())
    assert told["thread_variables"] == {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"}
    rates = told["arithmetic"]["fp32_rate"], told["arithmetic"]["bf16_rate"]
    assert all(1e8 < rate < 1e14 for rate in rates)
    if is_x86():
        assert told["arithmetic"]["precision"] == "fp32"
        assert rates[1] < rates[0]
    if hasattr(os, "sched_setaffinity"):
        assert (told["usable_cores"], told["threads"]) == (1, 1)


@pytest.mark.usefixtures("run_there")
def test_nothing_of_all_this_asked_for_the_network(machine: Machine) -> None:
    assert machine.asked_for == ""
