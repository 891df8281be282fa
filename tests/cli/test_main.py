"""The command line as a person meets it: exit codes, one sentence for an error, quick answers, pipes."""

import errno
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import octavo.cli.parser
from octavo.cli.main import _refuse, main
from octavo.cli.parser import COMMANDS, GROUPS, parse
from octavo.pipeline.run import Run

Octavo = Callable[..., "subprocess.CompletedProcess[str]"]

# Runs a command and tells, last on standard error, which heavy modules it imported.
WATCHED = """
import sys
from octavo.cli.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as done:
    code = done.code
heavy = {"torch", "numpy", "matplotlib", "tokenizers", "safetensors", "rich"}
print("HEAVY", *sorted(heavy & set(sys.modules)), file=sys.stderr)
sys.exit(code)
"""

LIGHT = [
    ([], "octavo train"),
    (["--help"], "octavo COMMAND --help"),
    (["help", "train"], "--resume"),
    (["--version"], "octavo 0."),
    (["train", "--help"], "--resume"),
    (["generate", "--help"], "--temperature"),
    (["evaluate", "--help"], "--protocol"),
    (["runs"], "holds no runs yet"),
    (["presets"], "pocket"),
]
WRONG = [
    (["nonsense"], "nonsense"),
    (["--nonsense"], "no option --nonsense: see octavo --help"),
    (["train", "--nonsense"], "--nonsense"),
    (["generate"], "RUN"),
    (["train", "--steps", "many"], "--steps"),
    (["train", "missing.txt", "--steps", "1"], "missing.txt"),
    (["train", "--set", "model.n_layer=3"], "did you mean model.n_layers?"),
    (["train", "--model.n_layer=3"], "did you mean model.n_layers?"),
    (["train", "--set", "model.n_layers=three"], "model.n_layers takes an integer, not 'three'"),
    (["train", "--set", "model.n_layers"], "section.key=value"),
    (["train", "--set", "model.n_layers=0"], "model.n_layers=0 is out of range"),
    (["train", "--preset", "huge"], "there is no preset 'huge': choose one of minute, pocket, reference"),
    (["train", "--steps", "3", "--minutes", "2"], "give one budget, not train.steps and train.minutes"),
    (["train", "--steps", "0", "--dry-run"], "steps"),
    (["train", "--minutes", "nan"], "minutes must be a number greater than 0, not nan"),
    (["train", "--seed", "-1"], "train.seed=-1 is out of range"),
    (["generate", "missing"], "there is no run missing"),
    (["generate", "x", "--temperature", "-1"], "--temperature -1.0 is out of range"),
    (["generate", "x", "--temperature", "warm"], "--temperature"),
    (["generate", "x", "--count", "0"], "--count 0 is out of range"),
    (["generate", "x" * 300], "there is no run"),
    (["generate", "a\nb\x1b[31m"], "there is no run a b\\x1b[31m"),
    (["evaluate", "missing"], "there is no run missing"),
    (["evaluate", "x", "--split", "best"], "--split"),
    (["curves", "missing"], "there is no run missing"),
    (["tokenizer", "missing", "text"], "there is no run missing"),
    (["runs", "extra"], "extra"),
]


@pytest.mark.parametrize(
    ("arguments", "expected"), LIGHT, ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else ""
)
def test_what_needs_no_model_answers_without_torch(
    arguments: list[str], expected: str, environment: dict[str, str], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", WATCHED, *arguments]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert expected in done.stdout
    assert done.stderr.splitlines() == ["HEAVY"]
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "expected"), WRONG, ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else ""
)
def test_an_error_is_one_sentence_and_exit_code_2(
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("octavo: ")
    assert said.err.count("\n") == 1
    assert expected in said.err
    assert "\x1b" not in said.err
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("number", [1, 2, 5, 12, 16, 17, 22])
def test_an_error_needs_no_torch_either(number: int, environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", WATCHED, *WRONG[number][0]]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "HEAVY"
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("arguments", [["--help"], ["runs"], ["train", "--nonsense"], ["generate", "missing"]])
def test_quick_answers_take_less_than_three_tenths_of_a_second(
    octavo_process: Octavo, arguments: list[str], tmp_path: Path
) -> None:
    """Of the processor, since other tests run meanwhile; and they wait for nothing, which the clock would tell."""

    def used() -> float:
        times = os.times()
        return times.children_user + times.children_system

    processor = clock = 9.0
    for _ in range(5):
        began, before = time.perf_counter(), used()
        octavo_process(*arguments, cwd=tmp_path)
        processor, clock = min(processor, used() - before), min(clock, time.perf_counter() - began)
        if processor < 0.3 and clock < 5:
            break
    assert processor < 0.3
    assert clock < 5


@pytest.mark.parametrize("called", ["octavo", "a long folder/of programs/octavo"])
def test_without_arguments_it_shows_five_commands_that_work(
    called: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    monkeypatch.setenv("PATH", "/nowhere")
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    examples = [shlex.split(line) for line in re.findall(rf"^  ('?{called}'? .*?)(?=  |$)", shown, re.MULTILINE)]
    assert [words[1] for words in examples] == ["doctor", "train", "generate", "evaluate", "report"]
    for _, *words in examples:
        assert parse(words).command == words[0]


def test_help_lists_every_command_once_under_a_heading(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    blocks = {block.splitlines()[0]: block for block in shown.split("\n\n")}
    for title, commands in GROUPS.items():
        assert re.findall(r"^  (\w+)", blocks[f"{title}:"], re.MULTILINE) == list(commands)
    assert max(map(len, shown.splitlines())) <= 80
    modules = {path.stem for path in Path(octavo.cli.parser.__file__).parent.glob("*.py")}
    assert modules - {"__init__", "arguments", "main", "output", "parser"} == set(COMMANDS)


def test_the_installed_script_is_the_same(environment: dict[str, str]) -> None:
    script = Path(sys.executable).parent / "octavo"
    done = subprocess.run([script, "--version"], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("octavo ")


class TestPipes:
    def closed(self, octavo_process: Octavo, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        """Write to a reader that is gone."""
        reader, writer = os.pipe()
        os.close(reader)
        try:
            return octavo_process(*arguments, stdout=writer)
        finally:
            os.close(writer)

    @pytest.mark.parametrize("arguments", [["presets"], ["--help"], ["runs"]])
    def test_a_reader_that_is_gone_makes_no_noise(
        self, octavo_process: Octavo, arguments: list[str], trained: Run
    ) -> None:
        given = [*arguments, "--runs", trained.path.parent] if arguments == ["runs"] else arguments
        done = self.closed(octavo_process, *given)
        assert (done.returncode, done.stderr) == (0, "")

    def test_nor_while_generating(self, octavo_process: Octavo, trained: Run) -> None:
        done = self.closed(octavo_process, "generate", trained.path, "--max-new-tokens", "2000000")
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
    def test_a_full_disk_is_a_sentence(self, octavo_process: Octavo) -> None:
        with Path("/dev/full").open("w") as full:
            done = octavo_process("presets", stdout=full)
        assert done.returncode == 2
        assert done.stderr == "octavo: No space left on device: standard output.\n"
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("names", "said"), [((), "Input/output error."), (("a/file",), "Input/output error: a/file.")]
)
def test_an_error_of_the_system_is_not_blamed_on_standard_output_which_stays(
    names: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(options: object) -> int:
        print("before")
        raise OSError(errno.EIO, os.strerror(errno.EIO), *names)

    monkeypatch.setattr("octavo.cli.runs.run", fail)
    assert main(["runs"]) == 2
    print("after", flush=True)
    assert capfd.readouterr() == ("before\nafter\n", f"octavo: {said}\n")


def test_too_little_memory_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(options: object) -> int:
        raise MemoryError

    monkeypatch.setattr("octavo.cli.runs.run", fail)
    assert main(["runs"]) == 2
    assert (
        capsys.readouterr().err == "octavo: there is not enough memory: use a smaller model or batch, or free some\n"
    )


def test_what_torch_cannot_have_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("octavo.cli.runs.run", lambda options: torch.empty(2**48, dtype=torch.uint8))
    assert main(["runs"]) == 2
    assert capsys.readouterr().err.startswith(f"octavo: there is not enough memory for {2**48} bytes more: ")


def test_another_error_of_a_program_is_not_taken_for_a_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(options: object) -> int:
        raise RuntimeError("something else")

    monkeypatch.setattr("octavo.cli.runs.run", fail)
    with pytest.raises(RuntimeError, match="something else"):
        main(["runs"])


def test_a_thread_that_cannot_be_stopped_does_not_keep_the_process(environment: dict[str, str]) -> None:
    code = """
import sys, threading, time
from octavo.cli.main import main
from octavo.system.threads import DETACHED_THREAD

def work():
    time.sleep(0.2)
    while True:  # it asks for the interpreter again and again, also when that has ended
        pass

threading.Thread(target=work, name=DETACHED_THREAD, daemon=True).start()
sys.argv = ["octavo", "runs", "--runs", "nowhere"]
sys.exit(main())
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert "nowhere" in done.stdout, "what was said is written"


def test_the_command_that_is_advised_works(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert _refuse("it is damaged", copied.directory.resume_command) == 2
    said = capsys.readouterr().err
    words = shlex.split(said[said.index("(") + 1 : said.rindex(")")])
    assert main([*words[words.index("train") :], "--quiet"]) == 0
    assert "bits per character" in capsys.readouterr().out
