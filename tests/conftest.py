"""What many tests share: a text, settings of a very small model, and runs trained once."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from octavo.config import Config
from octavo.corpus import Corpus, tiny_shakespeare
from octavo.data.prepare import prepare
from octavo.interpret.attention_targets import TARGET_KINDS
from octavo.interpret.head_ablation import ABLATIONS
from octavo.interpret.head_table import AttentionFraction, Head, HeadTable
from octavo.model import Transformer
from octavo.pipeline.run import Run, load
from octavo.pipeline.train import train
from octavo.reports.html import Page
from octavo.system.statistics import Estimate
from octavo.training.data import TokenCount, training_data
from octavo.training.loop import Training
from octavo.training.state import TrainingState

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Request, Route
    from playwright.sync_api import Page as Tab

MakeTraining = Callable[..., Training]
MakeTable = Callable[..., HeadTable]
Octavo = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def shakespeare() -> str:
    """Tiny Shakespeare."""
    return tiny_shakespeare()


@pytest.fixture(scope="session")
def play(shakespeare: str) -> str:
    """Its first 40,000 characters."""
    return shakespeare[:40_000]


@pytest.fixture(scope="session")
def play_file(play: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file, play.txt."""
    path = tmp_path_factory.mktemp("texts") / "play.txt"
    path.write_bytes(play.encode())
    return path


@pytest.fixture(scope="session")
def tiny() -> dict[str, Any]:
    """Settings of a model that takes a few milliseconds a step, with those that a text and budget would change."""
    return {
        "tokenizer.vocab_size": 512,
        "model.dropout": 0.1,
        "model.hidden_dropout": 0.1,
        "optimizer.weight_decay": 0.1,
        "model.d_model": 32,
        "model.n_layers": 1,
        "model.d_ff": 64,
        "data.context_length": 32,
        "data.batch_size": 16,
        "train.precision": "fp32",
        "train.log_every": 5,
        "train.validate_every": 20,
        "train.validation_windows": 8,
        "train.sample_every": 0,
    }


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Let Ctrl-C act as on a terminal: a shell that starts the tests in the background has it ignored."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _quick() -> Iterator[None]:
    """Models this small are fastest on one thread, and measures of time may be rough here."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("octavo.training.forecast._PROBE_SECONDS", 0.1)
        patch.setattr("octavo.training.flops._SECONDS", 0.0)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def make_training() -> MakeTraining:
    """A training loop over a text, from its first step, with nothing on disk."""

    def make(config: Config, text: str, *, dtype: torch.dtype = torch.float32, **options: Any) -> Training:
        tokenizer, parts = prepare(Corpus.from_text(text), config.data, config.tokenizer)
        counted = {name: TokenCount(ids, part.characters) for name, (part, ids) in parts.items()}
        data = training_data(config, counted["train"], counted["validation"], tokenizer)
        state = TrainingState(Transformer(config.model, tokenizer.vocab_size, config.train.seed), config)
        return Training(state, data, config, dtype=dtype, **options)

    return make


@pytest.fixture(scope="session")
def trained(play_file: Path, tiny: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of 80 steps on the play; for reading only."""
    overrides = tiny | {"train.checkpoint_every": 40, "train.sample_every": 40}
    return train(play_file, steps=80, overrides=overrides, runs=tmp_path_factory.mktemp("runs"), progress=False)


@pytest.fixture(scope="session")
def words_file(shakespeare: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 different words of the play, a line each, in a random order: words.txt."""
    words = sorted({word for word in re.findall("[a-z]+", shakespeare) if len(word) > 3})
    path = tmp_path_factory.mktemp("texts") / "words.txt"
    path.write_bytes("".join(f"{word}\n" for word in random.Random(0).sample(words, 400)).encode())
    return path


@pytest.fixture(scope="session")
def listed(words_file: Path, tiny: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of 60 steps whose documents are the lines of words.txt; for reading only."""
    folder = tmp_path_factory.mktemp("runs")
    return train(words_file, documents="lines", steps=60, overrides=tiny, runs=folder, progress=False)


@pytest.fixture
def copied(trained: Run, tmp_path: Path) -> Run:
    """A copy of the trained run, for tests that write into it."""
    shutil.copytree(trained.path, tmp_path / trained.name)
    return load(tmp_path / trained.name)


STRANGE = "héllo 😀👍🏽 \x1b[31mred\x1b[0m 日本\u202e\n"


@pytest.fixture(scope="session")
def strange(tiny: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on a text of emoji and escape sequences, whose tokens are single bytes; for reading only."""
    folder = tmp_path_factory.mktemp("strange")
    (folder / "strange.txt").write_bytes((STRANGE * 200).encode())
    overrides = tiny | {"tokenizer.vocab_size": 257, "train.validate_every": -1}
    return train(folder / "strange.txt", steps=60, overrides=overrides, runs=folder, progress=False)


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """The environment of a process: one thread, and nothing that would change how it writes."""
    unwanted = {"PYTHONUNBUFFERED", "OCTAVO_RUNS", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"}
    return {name: value for name, value in os.environ.items() if name not in unwanted} | {"OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def octavo_process(environment: dict[str, str]) -> Octavo:
    """Run the command in a process of its own: octavo_process("runs", "--runs", "here")."""

    def run(*arguments: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "octavo.cli.main", *map(str, arguments)]
        given: dict[str, Any] = {"env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.run(command, timeout=60, check=False, text=True, **(given | options))

    return run


BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def found_browser() -> str | None:
    """The path of the system's Chromium."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a browser where there is none: here, so that all of it is one line of the summary."""
    if "browser" in getattr(item, "fixturenames", ()) and found_browser() is None:
        pytest.skip("no browser to open the pages in: apt install chromium")  # a machine may lack one; CI has one


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """The system's Chromium, started once a process. From here on this thread counts as one whose event loop runs."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=found_browser()) as browser:
        yield browser


class Opener:
    """Opens pages from the disk and notes in `problems` whatever goes wrong in them."""

    def __init__(self, browser: "Browser", folder: Path) -> None:
        self.browser, self.folder = browser, folder
        self.problems: list[str] = []

    def __call__(
        self, page: Page, *, width: int = 1440, scheme: Any = "light", touch: bool = False, script: bool = True
    ) -> "Tab":
        """A tab with the page's file, in which scripts have run."""
        address = page.save(self.folder / "page.html").as_uri()
        context = self.browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            has_touch=touch,
            is_mobile=touch,
            java_script_enabled=script,
        )
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.problems.append(f"error: {error.error}"))
        context.on("request", lambda request: self._asked(request, address))
        context.route(lambda url: url.split("#")[0] != address, self._refused)
        tab = context.new_page()
        tab.goto(address)
        if tab.evaluate("document.documentElement.scrollWidth > innerWidth"):
            self.problems.append(f"the page is wider than the window of {width} pixels")
        return tab

    def _heard(self, message: "ConsoleMessage") -> None:
        if message.type in ("error", "warning"):  # violations of the content security policy are among them
            self.problems.append(f"{message.type} on the console: {message.text}")

    def _asked(self, request: "Request", address: str) -> None:
        if request.url.split("#")[0] != address and not request.url.startswith("data:"):
            self.problems.append(f"request: {request.url}")

    def _refused(self, route: "Route") -> None:
        route.abort()


@pytest.fixture
def opened(browser: "Browser", tmp_path: Path) -> Iterator[Opener]:
    """Open a page as a person would: ``opened(page, width=360, scheme="dark", touch=True)`` gives Playwright's page.

    The test fails if a script did, if anything came on the console or was asked for beside the file itself, or if
    the page is wider than the window.
    """
    opener = Opener(browser, tmp_path)
    yield opener
    for context in browser.contexts:
        context.close()
    assert opener.problems == []


@pytest.fixture(scope="session")
def make_table() -> MakeTable:
    """A table of heads with these figures, all others as of heads of no kind; `without` kinds that the text has not.

    ``make_table([{"previous": 0.8}], [{"cost": 0.3}])`` has two layers of one head each.
    """

    def near(value: float) -> Estimate:
        return Estimate(64, value, value - 0.01, value + 0.01)

    def head(layer: int, number: int, given: Mapping[str, float], without: Sequence[str]) -> Head:
        kinds = [kind.name for kind in TARGET_KINDS if kind.name not in without]
        return Head(
            layer,
            number,
            {kind: AttentionFraction(near(given.get(kind, 0.06)), 0.05) for kind in kinds},
            AttentionFraction(near(given.get("random", 0.01)), 0.01),
            near(given.get("distance", 12.0)),
            near(given.get("entropy", 2.5)),
            near(given.get("relative_entropy", 0.5)),
            near(given.get("from_even", 0.6)),
            {removal: near(given.get("cost", 0.1)) for removal in ABLATIONS},
        )

    def make(*layers: Sequence[Mapping[str, float]], without: Sequence[str] = ()) -> HeadTable:
        heads = [head(layer, n, given, without) for layer, row in enumerate(layers) for n, given in enumerate(row)]
        return HeadTable(
            tuple(heads), "validation", 64, 128, 15_000.0, near(2.07), 32.0, 5.6, lossless_tokenizer=True
        )

    return make
