"""On a real terminal no text, name or path moves the cursor, rings, sets a title or the clipboard, or turns writing.

What Octavo itself sends is colours and, while it works, a bar.
"""

import contextlib
import os
import pty
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.texts.collection import ORDERS

from octavo.cli.main import main
from octavo.pipeline.run import Run

EVIL = "".join(ORDERS) + "[red]x[/red] :warning:"
# Colours, the bar's line being drawn anew, the cursor hidden and shown: nothing else.
OWN = re.compile(r"\x1b\[(\d+(;\d+)*)?m|\x1b\[\?25[lh]|\x1b\[2K|\x1b\[\d*A|\r\x1b\[2K|\r\n|\r(?=\x1b\[)")
DANGEROUS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")

OnTerminal = Callable[..., str]


@pytest.fixture(scope="module")
def evil(strange: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs, and a run in it, whose names are orders to a terminal."""
    root = tmp_path_factory.mktemp("evil") / "\x1b]0;root\x07[b]"
    shutil.copytree(strange.path, root / "\x1b[31m[red]run\x9b2J\u202e:x:\nname")
    return root


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[OnTerminal]:
    """Run a command on a terminal: all that was sent there, less what Octavo may send."""
    master, slave = pty.openpty()
    sent = bytearray()

    def listen() -> None:
        with contextlib.suppress(OSError):  # the other end is closed
            while piece := os.read(master, 1 << 16):
                sent.extend(piece)

    def run(*arguments: str | Path, code: int = 0) -> str:
        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        with open(slave, "w", encoding="utf-8") as terminal:  # which closes it
            monkeypatch.setattr("sys.stdout", terminal)
            monkeypatch.setattr("sys.stderr", terminal)
            ended = main(list(map(str, arguments)))
        listener.join()
        text = sent.decode()
        assert ended == code, text
        return OWN.sub(lambda own: "\n" * own[0].endswith("\n"), text)

    with monkeypatch.context() as patch:
        for name, value in (("TERM", "xterm-256color"), ("COLUMNS", "100"), ("LINES", "40")):
            patch.setenv(name, value)
        yield run
    os.close(master)


def check(sent: str) -> None:
    assert not (found := DANGEROUS.findall(sent)), (found, sent)


@pytest.mark.parametrize(
    "arguments",
    [
        ["generate", "RUN", EVIL, "--max-new-tokens", "40"],
        ["generate", "RUN", EVIL, "--max-new-tokens", "20", "--count", "2"],
        ["surprise", "RUN", EVIL],
        ["lens", "RUN", EVIL],
        ["tokenizer", "RUN", EVIL],
        ["edit", "RUN", "\x1b]0;x\x07", "--zero", "embedding", "--position", "1"],
        ["curves", "RUN"],
        ["runs", "--runs", "ROOT"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_command_sends_no_orders_of_others(evil: Path, on_terminal: OnTerminal, arguments: list[str]) -> None:
    (run,) = evil.iterdir()
    places = {"RUN": str(run), "ROOT": str(evil)}
    sent = on_terminal(*(places.get(argument, argument) for argument in arguments))
    check(sent)
    assert "\\x1b" in sent, "they are shown"


@pytest.mark.parametrize(
    "arguments",
    [["generate", EVIL], ["train", EVIL], ["surprise", "RUN", "--file", EVIL], ["runs", EVIL], [EVIL]],
    ids=lambda arguments: arguments[0][:9],
)
def test_a_refusal_sends_none(evil: Path, on_terminal: OnTerminal, arguments: list[str], tmp_path: Path) -> None:
    (run,) = evil.iterdir()
    sent = on_terminal(*(str(run) if a == "RUN" else a for a in arguments), code=2)
    check(sent)
    assert sent.count("\n") == 1


def test_training_sends_none_of_its_files_names_its_samples_or_its_result(
    evil: Path, on_terminal: OnTerminal, tiny: dict[str, object], tmp_path: Path
) -> None:
    folder = tmp_path / "\x1b]52;c;AAAA\x07"
    folder.mkdir()
    (folder / "\x1b[31m[red]:warning:.bin").write_bytes(b"\0")
    (folder / "text.txt").write_bytes("".join(f"{order}é [red] " for order in ORDERS * 60).encode())
    settings = [f"--{name}={value}" for name, value in (tiny | {"train.sample_every": 1}).items()]
    sent = on_terminal(
        "train", folder, "--steps", "2", "--runs", tmp_path / "\x9b2Jruns", "--tokenizer.vocab_size=257", *settings
    )
    check(sent)
    assert "1 binary" in sent
    assert sent.count("sample at step") == 2
    assert "\\x9b2Jruns" in sent
