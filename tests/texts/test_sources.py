"""Real files through the command: each is read as it is, or refused in one sentence that leaves nothing behind."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.texts.collection import STRANGE
from tests.texts.trying import check_text, one_sentence

from octavo.cli.main import main
from octavo.corpus import read_corpus
from octavo.errors import OctavoError
from octavo.pipeline.run import Run, load

Train = Callable[..., Any]  # gives a Run, or a str
PROSE = STRANGE["CRLF"]().replace("the", "thé")


@pytest.fixture
def train(
    tiny: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Train:
    """``train(*arguments)``: the run, or the sentence that refused it."""
    from octavo.pipeline import train as pipeline

    start_run = pipeline.start_run
    monkeypatch.setattr(pipeline, "start_run", lambda *given, **named: start_run(*given, **named, brief=True))
    monkeypatch.setattr("octavo.cli.train._report", lambda run, options: (None, 0))
    monkeypatch.setattr("octavo.cli.train._summary", lambda run, report, options: [])
    runs = tmp_path / "runs"

    def run(*arguments: str | Path) -> Run | str:
        settings = [f"--{name}={value}" for name, value in tiny.items()]
        code = main(["train", *map(str, arguments), "--quiet", "--steps", "2", "--runs", str(runs), *settings])
        said = capsys.readouterr()
        if code == 0:
            (found,) = runs.iterdir()
            return load(found)
        assert code == 2
        assert not list(runs.rglob("*"))
        assert said.out == ""
        prefix, sentence = said.err.split(": ", 1)
        assert prefix == "octavo"
        return one_sentence(sentence.removesuffix("\n"))

    return run


@pytest.mark.parametrize(
    ("raw", "arguments"),
    [
        (PROSE.encode(), []),
        (PROSE.encode("utf-8-sig"), []),
        (PROSE.encode("latin-1"), ["--encoding", "latin-1"]),
        (PROSE.encode("utf-16"), []),
        (PROSE.encode("utf-16-be"), ["--encoding", "utf-16-be"]),
        (PROSE.encode("utf-32"), ["--encoding", "cp1252"]),
        (PROSE.encode(), ["--encoding", "utf-32"]),
    ],
    ids=[
        "UTF-8",
        "with a mark",
        "Latin-1",
        "UTF-16 with a mark",
        "UTF-16 without",
        "UTF-32 with a mark",
        "no UTF-32",
    ],
)
def test_an_encoding_is_read_as_it_is(train: Train, tmp_path: Path, raw: bytes, arguments: list[str]) -> None:
    (tmp_path / "a.txt").write_bytes(raw)
    check_text(train(tmp_path / "a.txt", *arguments), PROSE)


@pytest.mark.parametrize(
    ("raw", "arguments", "said"),
    [
        (PROSE.encode("latin-1"), [], "is not UTF-8; it looks like cp1252: pass --encoding cp1252"),
        (PROSE.encode("utf-16-le"), [], "pass --encoding utf-16-le"),
        (PROSE.encode("utf-16-le")[:-1], ["--encoding", "utf-16-le"], "is not UTF-16"),
        (PROSE.encode(), ["--encoding", "rot13"], "'rot13' is not a text encoding that Python knows"),
        (b"a+2AA-" + PROSE.encode("ascii", "ignore"), ["--encoding", "utf-7"], "is a lone surrogate (U+D800)"),
        (b"\x89PNG\0\0" + bytes(range(256)), [], "is binary: give a text file"),
        (b"", [], "is empty"),
    ],
)
def test_another_is_refused_and_the_right_one_named(
    train: Train, tmp_path: Path, raw: bytes, arguments: list[str], said: str
) -> None:
    (tmp_path / "a.txt").write_bytes(raw)
    assert said in train(tmp_path / "a.txt", *arguments)


def test_a_folder_of_mixed_files(train: Train, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_bytes(PROSE.encode())
    (folder / "deep/b.csv").write_bytes(STRANGE["CSV"]().encode())
    (folder / "picture.png").write_bytes(b"\x89PNG\0")
    (folder / "empty.txt").touch()
    (folder / "deep/loop").symlink_to(folder)
    (folder / "deep/up").symlink_to("..")
    os.mkfifo(folder / "pipe")
    run = train(folder)
    assert "".join(part.text for part in run.splits.values()) == PROSE + STRANGE["CSV"]()
    skipped = [Path(name).name for name in run.directory.provenance["text"]["skipped"]]
    assert skipped == ["loop", "up", "empty.txt", "picture.png", "pipe"]
    assert len(run.directory.provenance["text"]["skipped_reasons"]) == 5


def test_a_named_pipe(train: Train, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[PROSE.encode()], daemon=True)
    writer.start()
    check_text(train(tmp_path / "pipe"), PROSE)
    writer.join()


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/null"])
def test_a_device_is_refused(train: Train, device: str) -> None:
    assert train(device).startswith(f"{device} is a device or a socket: give a file")


@contextmanager
def as_nobody() -> Iterator[None]:
    """As somebody whom permissions stop, which the superuser is not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.txt").write_bytes(PROSE.encode())
    (tmp_path / "secret.txt").chmod(0)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    said = r"^secret\.txt cannot be read \(Permission denied\): check its permissions or leave it out$"
    for source in ("secret.txt", "."):
        with as_nobody(), pytest.raises(OctavoError, match=said):
            read_corpus([source])


class TestStandardInputOfAProcess:
    @staticmethod
    def said(environment: dict[str, str], tmp_path: Path, *arguments: str, **given: Any) -> tuple[int, str]:
        command = [sys.executable, "-m", "octavo.cli.main", *arguments, "--runs", str(tmp_path / "runs")]
        done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, timeout=60, **given)
        assert not (tmp_path / "runs").exists()
        return done.returncode, done.stderr

    def test_a_device_is_refused_and_not_read_for_ever(self, environment: dict[str, str], tmp_path: Path) -> None:
        with Path("/dev/zero").open("rb") as zeros:
            code, said = self.said(environment, tmp_path, "train", "-", stdin=zeros)
        assert (code, said) == (2, "octavo: standard input is a device: pipe a text into it or give a file\n")

    def test_closed_is_refused(self, environment: dict[str, str], tmp_path: Path) -> None:
        closes = ["sh", "-c", f'exec "{sys.executable}" -m octavo.cli.main train - --runs "{tmp_path}/runs" <&-']
        done = subprocess.run(closes, env=environment, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "octavo: standard input is closed: pipe a text into it or give a file\n"

    def test_a_pipe_is_read_to_its_end(self, environment: dict[str, str], tmp_path: Path) -> None:
        code, said = self.said(environment, tmp_path, "train", "-", "--dry-run", "--minutes", "1", input="x" * 9)
        assert (code, said) == (2, "octavo: 9 characters are too few for a context of 128: use at least 593\n")


@pytest.mark.parametrize("command", ["surprise", "lens", "attention", "heads"])
def test_a_device_is_no_passage(trained: Run, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, str(trained.path), "--file", "/dev/zero"]) == 2
    assert capsys.readouterr().err.startswith("octavo: /dev/zero is a device or a socket: give a file")


def test_a_file_that_is_written_to_meanwhile_is_refused_and_no_run_is_left(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octavo.corpus.reading.MIN_LAZY_BYTES", 1000)
    path = tmp_path / "log.txt"
    path.write_bytes(PROSE.encode() * 50)
    done = threading.Event()

    def grow() -> None:
        while not done.is_set():
            with path.open("ab") as file:
                file.write(b"one more line\n")
            time.sleep(0.001)

    writer = threading.Thread(target=grow, daemon=True)
    writer.start()
    try:
        assert train(path).endswith("log.txt changed while it was read: wait until nothing writes to it")
    finally:
        done.set()
        writer.join()
