"""octavo generate."""

import io
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from octavo.cli.main import main
from octavo.generate.samples import load_samples
from octavo.pipeline.run import Run
from octavo.reports.collect import read_samples

Octavo = Callable[..., "subprocess.CompletedProcess[str]"]


def generated(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["generate", *map(str, arguments)]) == 0
    found = capsys.readouterr()
    assert found.err == ""
    return found.out


def test_it_writes_the_prompt_and_what_follows(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    expected = "First" + trained.generate("First", temperature=0.5, seed=3, max_new_tokens=20) + "\n"
    options = ("--temperature", "0.5", "--seed", "3", "--max-new-tokens", "20")
    assert generated(capsys, trained.path, "First", *options) == expected
    assert generated(capsys, trained.name, "First", *options, "--runs", trained.path.parent) == expected


def test_filters_and_stops_reach_the_model(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    greedy = trained.generate("First", temperature=0, max_new_tokens=20)
    for option in (("--top-k", "1"), ("--top-p", "0.000001"), ("--min-p", "1")):
        assert generated(capsys, trained.path, "First", "--max-new-tokens", "20", *option) == f"First{greedy}\n"
    stop = greedy[5:8]
    found = generated(capsys, trained.path, "First", "--temperature", "0", "--stop", stop, "--stop", "\0")
    assert found == f"First{greedy[: greedy.index(stop)]}\n"


def test_several_texts_one_after_the_other(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    found = generated(capsys, trained.path, "KING", "--count", "3", "--seed", "1", "--max-new-tokens", "12")
    rows = trained.generate_many(["KING"] * 3, seed=1, max_new_tokens=12)
    texts = ["KING" + "".join(column) for column in zip(*rows, strict=True)]
    assert found == "".join(f"--- {i} of 3 ---\n{text}\n" for i, text in enumerate(texts, 1))


def test_the_prompt_from_standard_input(
    trained: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("First\r\né".encode())))
    expected = trained.generate("First\né", temperature=0, max_new_tokens=9)  # as its training text ends lines
    found = generated(capsys, trained.path, "-", "--temperature", "0", "--max-new-tokens", "9")
    assert found == f"First\né{expected}\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"First\xff")))
    assert main(["generate", str(trained.path), "-"]) == 2
    assert "byte 5 (0xff) is not UTF-8" in capsys.readouterr().err


def test_a_prompt_that_was_read_has_no_byte_order_mark(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    marked, options = b"\xef\xbb\xbfFirst", ("--temperature", "0", "--max-new-tokens", "4")
    expected = f"First{trained.generate('First', temperature=0, max_new_tokens=4)}\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(marked)))
    assert generated(capsys, trained.path, "-", *options) == expected
    (tmp_path / "prompt.txt").write_bytes("First".encode("utf-16"))
    file = ("--file", tmp_path / "prompt.txt", "--encoding", "utf-16")
    assert generated(capsys, trained.path, *file, *options) == expected


@pytest.mark.parametrize("text", ["\\n", "it's\\tnot", "\\d\\n", "--\\n"])
def test_a_typed_escape_gets_a_hint_that_the_shell_reads_and_goes_on(
    text: str, trained: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    for given in ([f"--stop={text}"], ["--", text]):
        assert main(["generate", str(trained.path), "--max-new-tokens", "2", *given]) == 0
        hint = capsys.readouterr().err
        assert hint.count("\n") == 1
        shell = ["bash", "-c", f"printf %s {hint[hint.index('$') : hint.rindex('?')]}"]
        read = subprocess.run(shell, capture_output=True, text=True, check=True).stdout
        assert read == text.replace("\\n", "\n").replace("\\t", "\t")


def test_a_prompt_gets_the_line_ends_of_the_training_text(
    copied: Run, play: str, capsys: pytest.CaptureFixture[str]
) -> None:
    unix = copied.generate("A:\n\n", temperature=0, max_new_tokens=9)
    assert copied.generate("A:\r\n\r", temperature=0, max_new_tokens=9) == unix
    (copied.path / "data" / "train.txt").write_bytes(play.replace("\n", "\r\n").encode())
    windows = copied.generate("A:\r\n\r\n", temperature=0, max_new_tokens=9)
    assert copied.generate("A:\n\n", temperature=0, max_new_tokens=9) == windows
    found = generated(capsys, copied.path, "A:\n\n", "--temperature", "0", "--max-new-tokens", "9")
    assert found == f"A:\r\n\r\n{windows}\n"


def test_control_characters_reach_a_pipe_as_they_are_and_a_terminal_written_out(
    strange: Run, octavo_process: Octavo, environment: dict[str, str]
) -> None:
    arguments = ["generate", str(strange.path), "\x1b[31mré", "--max-new-tokens", "60", "--temperature", "0"]
    piped = octavo_process(*arguments)
    assert piped.stdout == "\x1b[31mré" + strange.generate("\x1b[31mré", temperature=0, max_new_tokens=60) + "\n"
    master, slave = pty.openpty()
    try:
        command = [sys.executable, "-m", "octavo.cli.main", *arguments]
        done = subprocess.run(command, env=environment, stdout=slave, stderr=slave, timeout=60, check=True)
        shown = os.read(master, 100_000).decode()
    finally:
        os.close(slave)
        os.close(master)
    assert done.returncode == 0
    assert shown.startswith("\\x1b[31mré")
    assert not set(shown) & {"\x1b", "\u202e", "\x07", "\x9b"}


def test_a_run_without_a_checkpoint_is_a_sentence(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for place in (copied.path / "checkpoints").iterdir():
        (place / "weights.safetensors").write_bytes(b"")
    assert main(["generate", str(copied.path)]) == 2
    assert "only damaged checkpoints" in capsys.readouterr().err


class TestSeveralPromptsAndTemperatures:
    def test_each_text_names_its_settings_and_all_are_in_the_report(
        self, copied: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        options = ("--prompt", "First", "--prompt", "KING", "--temperature", "0.5,1", "--max-new-tokens", "12")
        assert main(["generate", str(copied.path), *options]) == 0
        found = capsys.readouterr()
        expected, captions = "", []
        for prompt in ("First", "KING"):
            for temperature in (0.5, 1.0):
                text = prompt + copied.generate(prompt, temperature=temperature, max_new_tokens=12)
                caption = f'prompt "{prompt}", temperature {temperature:g}, max new tokens 12, seed 0'
                captions.append(caption)
                expected += f"--- {caption} ---\n{text}\n\n"
        assert found.out == expected
        assert "samples.json" in found.err
        assert [sample.describe() for sample in load_samples(copied.path)] == captions
        titles, copies = read_samples(copied)
        assert titles[-4:] == [f"P{caption[1:]}" for caption in captions]
        assert copies.texts[-1] == text
        assert main(["verify", str(copied.path)]) == 0
        (copied.path / "samples.json").write_text("{")
        assert main(["verify", str(copied.path)]) == 2

    def test_a_run_that_cannot_be_written_to_generates_nevertheless(
        self, trained: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(path: Path, content: bytes) -> None:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr("octavo.generate.samples.write_atomically", refuse)
        options = ("--temperature", "0.5,1", "--max-new-tokens", "5")
        assert main(["generate", str(trained.path), "First", *options]) == 0
        found = capsys.readouterr()
        assert found.out.count("--- prompt") == 2
        assert "not saved" in found.err

    def test_one_prompt_and_one_temperature_are_a_plain_text(
        self, trained: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        options = ("--temperature", "0", "--max-new-tokens", "9")
        plain = generated(capsys, trained.path, "First", *options)
        assert generated(capsys, trained.path, "--prompt", "First", *options) == plain

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            (["--temperature", "0.5,"], "invalid temperatures value"),
            (["--temperature", "hot"], "invalid temperatures value"),
            (["--temperature", "0.5,-1"], "out of range"),
            (["First", "--prompt", "KING"], "leave one of them out"),
            (["--temperature", "0.5,1", "--only-new"], "leave it out"),
            (["--temperature", "0.5,nan"], "out of range"),
        ],
    )
    def test_what_does_not_go_together(
        self, trained: Run, capsys: pytest.CaptureFixture[str], options: list[str], says: str
    ) -> None:
        before = (trained.path / "samples.json").read_bytes()
        assert main(["generate", str(trained.path), *options]) == 2
        assert says in capsys.readouterr().err
        assert (trained.path / "samples.json").read_bytes() == before
