"""Measure the model in a page: tokens a second, the time from a keystroke to the updated view, and until it responds.

Chromium opens the page without a window. A script in the page measures it and writes its results into the document,
which Chromium prints.
"""

import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from octavo.bench.generator import TextGenerator, make_text_generator
from octavo.bench.measure import BenchComparison, Measurement
from octavo.bench.request import Peers
from octavo.config import Config, load_preset
from octavo.system.progress import ProgressCallback, no_progress

MakePage = Callable[[TextGenerator, Config], str]  # returns HTML with the script that measures
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
TITLE = "The model in a page"
_SECONDS = 120  # after which a browser is given up
_RESULT = re.compile(r'<pre id="page-bench"[^>]*>(.*?)</pre>', re.DOTALL)
_CASES = {  # key of a result: work, unit, and how much of it one measurement is
    "generate": ("generating 200 tokens from an empty prompt, temperature 1", "tokens", 200),
    "keystroke": ("a keystroke in 120 tokens: surprisal, next token, attention, lens and layout", "keystrokes", 1),
    "text": ("a keystroke in 120 tokens with attention and lens closed", "keystrokes", 1),
    "interactive": ("opening the page until all of its parts respond", "pages", 1),
}


def bench_page(
    make_page: MakePage, rounds: int, peers: Peers, watch: ProgressCallback = no_progress
) -> list[BenchComparison]:
    """Measure a page with a model of the default size; a note says why if that is not possible. No peer has one."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return [_unmeasured("it needs Chromium, which is not installed (on Debian: apt install chromium)")]
    config = load_preset("pocket")
    seconds: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(make_page(make_text_generator(config.model), config), encoding="utf-8")
        for turn in range(rounds + 1):
            watch(turn / (rounds + 1))
            try:
                measured = _measure(browser, path)
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                return [_unmeasured(f"{Path(browser).name} did not measure it ({_first_line(error)})")]
            if turn:  # the first one warms up
                seconds.append(measured)
        kilobytes = path.stat().st_size / 1000
    notes = (f"A page of {kilobytes:,.0f} kB, opened anew for each round. Layout is included, and painting is not.",)
    return [
        BenchComparison(
            f"{TITLE}: {work}",
            (Measurement(Path(browser).name, work, amount, unit, "one core", _rates(seconds, key, amount)),),
            notes if key == "generate" else (),
        )
        for key, (work, unit, amount) in _CASES.items()
    ]


def _rates(seconds: list[dict[str, float]], key: str, amount: float) -> tuple[float, ...]:
    return tuple(amount / one[key] for one in seconds)


def _measure(browser: str, page: Path) -> dict[str, float]:
    """Return the seconds of each case.

    Raises:
        ValueError: the browser printed no results.
        OSError: it cannot be started.
        SubprocessError: it takes too long.
    """
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless", "--disable-gpu", f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
        if sys.platform != "win32" and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # Chromium refuses to run as root with its sandbox
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=_SECONDS
        )
    found = _RESULT.search(done.stdout)
    if found is None:
        raise ValueError(f"no result, exit code {done.returncode}")
    results: dict[str, Any] = json.loads(html.unescape(found[1]))
    if set(results) != set(_CASES) or not all(isinstance(one, float | int) and one > 0 for one in results.values()):
        raise ValueError(f"results {results}")
    return results


def _unmeasured(why: str) -> BenchComparison:
    return BenchComparison(TITLE, (), (f"The model in a page was not measured: {why}.",))


def _first_line(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"it took more than {_SECONDS} s"
    return (str(error) or type(error).__name__).splitlines()[0]
