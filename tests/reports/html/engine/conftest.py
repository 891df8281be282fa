"""A page with the engine alone, opened once for each module, and JavaScript that its tests run in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from markupsafe import Markup

from octavo.reports.html import HtmlPart, Page, make_page
from octavo.reports.html.packed_model import ENGINE

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab


@contextmanager
def opened(browser: "Browser", page: Page, folder: Path) -> "Iterator[Tab]":
    """Open a page in a tab; nothing may be logged or go wrong in it."""
    problems: list[str] = []
    tab = browser.new_page()
    tab.on("console", lambda message: problems.append(message.text))
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.goto(page.save(folder / "page.html").as_uri())
    yield tab
    tab.context.close()
    assert problems == []


@pytest.fixture(scope="module")
def tab(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Tab]":
    """A tab with the scripts of the engine and without a model."""
    page = make_page("Engine", [HtmlPart(Markup(""), ENGINE)])
    with opened(browser, page, tmp_path_factory.mktemp("engine")) as tab:
        yield tab
