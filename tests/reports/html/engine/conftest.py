"""A page with the engine alone, opened once for each module, and JavaScript that its tests run in it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from markupsafe import Markup

from octavo.reports.html import HtmlPart, make_page
from octavo.reports.html.packed_model import ENGINE

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab


@pytest.fixture(scope="module")
def tab(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Tab]":
    """A tab with the scripts of the engine and without a model; nothing may be logged or go wrong in it."""
    page = make_page("Engine", [HtmlPart(Markup(""), ENGINE)])
    problems: list[str] = []
    tab = browser.new_page()
    tab.on("console", lambda message: problems.append(message.text))
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.goto(page.save(tmp_path_factory.mktemp("engine") / "page.html").as_uri())
    yield tab
    tab.context.close()
    assert problems == []
