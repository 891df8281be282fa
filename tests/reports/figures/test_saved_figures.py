"""Every kind of picture opens in a browser, as PNG and as SVG."""

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from octavo.interpret.head_table import HeadTable
from octavo.reports.figures.attention import attention_figures
from octavo.reports.figures.curves import curves_figure
from octavo.reports.figures.files import save_figure
from octavo.reports.figures.heads import heads_figure
from octavo.reports.html import Page
from octavo.reports.series import TrainingCurve

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

TITLE = "<&\"'> $x$ 日本"  # what would break markup, and what the font lacks
TYPES = {".png": "image/png", ".svg": "image/svg+xml"}


def figure(kind: str, make_table: Callable[..., HeadTable]) -> Any:
    if kind == "attention":
        return next(attention_figures(np.eye(3)[None, None], ["To", "\n", TITLE], title=TITLE))
    if kind == "heads":
        return heads_figure(make_table([{"previous": 0.8}, {}]), TITLE)
    line = {"event": "step", "epoch": 1.0, "seconds": 1.0, "nats_per_character": 1.0}
    line |= {"steps_per_second": 1.0, "tokens_per_second": 100.0}
    look = line | {"event": "validation", "part": "validation"}
    losses = [line | {"step": 1, "loss": 3.0}, line | {"step": 2, "loss": 2.0}, look | {"step": 2, "loss": 2.5}]
    return curves_figure(TrainingCurve(TITLE, losses, bpe_dropout_until=0.5))


@pytest.mark.parametrize("kind", ["attention", "heads", "curves"])
def test_it_opens(opened: Any, make_table: Callable[..., HeadTable], tmp_path: Path, kind: str) -> None:
    drawn = figure(kind, make_table)
    for path in save_figure(drawn, tmp_path / kind, ("png", "svg")):
        source = f"data:{TYPES[path.suffix]};base64,{b64encode(path.read_bytes()).decode()}"
        blank = '<!doctype html><link rel="icon" href="data:,"><img style="width: 100%" src="{}">'
        tab: Tab = opened(Page(kind, blank.format(source)))
        size = (
            "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"  # an error if it is bad
        )
        width, height = tab.locator("img").evaluate(size)
        assert width / height == pytest.approx(drawn.get_figwidth() / drawn.get_figheight(), rel=0.01), path.suffix
        assert width > 200
