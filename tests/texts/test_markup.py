"""A text, a prompt or a sample full of markup stays text in every page, notebook, picture and Markdown file."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from tests.texts.collection import STRANGE
from tests.texts.trying import trained_or_refused

import octavo
from octavo.pipeline.run import Run
from octavo.reports.html import Page
from octavo.reports.report import save_report

if TYPE_CHECKING:
    from tests.conftest import Opener

PROMPT = "</script><!--\"'><blink onclick=alert(1)><svg/onload=alert(1)>[red]</title>&lt;\u2028{{ 7 * 7 }}"


class Elements(HTMLParser):
    """What a browser finds in a page: its elements, with their attributes, and what its scripts hold."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[str | None, str]] = []
        self.comments: list[str] = []
        self.text = ""
        self._kind: str | None = None
        self._inside = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag == "script":
            self._inside, self._kind = True, dict(attrs).get("type")
            self.scripts.append((self._kind, ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Its tokens are whole pieces of markup, so it writes them too."""
    runs = tmp_path_factory.mktemp("markup")
    made = trained_or_refused(STRANGE["markup"](), "bpe", runs, brief=False, **{"data.context_length": 96})
    assert isinstance(made, Run)
    return made


@pytest.fixture(scope="module")
def page(run: Run) -> Page:
    return octavo.report(run)


def check(html: str, *held: str) -> None:
    """There is no element of the text's in it, and what is `held` is to be seen."""
    page = Elements(html)
    assert page.comments == []
    for tag, attributes in page.found:
        assert tag not in ("blink", "iframe", "object", "embed", "base", "form")
        assert tag != "textarea" or "data-octavo" in attributes, "the page's own have that"
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, attributes)
    for kind, content in page.scripts:
        if kind == "application/json":
            assert json.loads(content) is not None
            assert not set("<>&\u2028") & set(content)
        else:
            assert "alert(" not in content
            assert "onclick='x" not in content
    for text in held:
        assert text in page.text


def test_pages_of_what_it_reads_hold_no_markup_of_its(run: Run, page: Page) -> None:
    check(page.html, "<script>alert(1)</script>", "&lt;", "[red]bold[/red]", "{{ 7 * 7 }}")
    check(run.surprise(PROMPT).page.html)
    check(run.lens(PROMPT).page.html)
    check(run.attention(PROMPT).page.html)
    check(run.curves().page.html)
    shutil.copytree(run.path, run.path.parent / "other", dirs_exist_ok=True)
    check(octavo.compare([run, run.path.parent / "other"]).html)


def test_nor_does_a_notebook(run: Run) -> None:
    for value in (run.surprise(PROMPT), run.lens(PROMPT), run.curves()):
        (frame,) = [attributes for tag, attributes in Elements(value._repr_html_()).found if tag == "iframe"]
        assert frame["srcdoc"] == value.page.html
        assert "allow-same-origin" not in (frame.get("sandbox") or "allow-same-origin")


def test_nor_does_a_picture(run: Run, tmp_path: Path) -> None:
    written = run.attention(PROMPT, layer=0).figures()
    for name, figure in written.items():
        figure.savefig(tmp_path / f"{name}.svg")
        names = {element.tag.rsplit("}")[-1] for element in ElementTree.parse(tmp_path / f"{name}.svg").iter()}
        assert not names & {"script", "foreignObject", "blink", "a"}


def test_nor_does_markdown(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Drawing takes longest, and shows nothing here.
    monkeypatch.setattr("octavo.reports.markdown.save_figure", lambda figure, place: [place.with_suffix(".png")])
    lines = save_report(run, tmp_path, markdown=True).read_text(encoding="utf-8").splitlines()
    fence = ""
    for line in lines:
        if fence:
            fence = "" if line.strip() == fence else fence
        elif line.startswith("```"):
            fence = line[: len(line) - len(line.lstrip("`"))]
        else:
            assert "<" not in "".join(re.sub(r"\\.", "", line).split("`")[::2]), "it is escaped, or in code"
    assert not fence, "every fence is closed"
    assert "script" in "\n".join(lines)
    assert "\\</title\\>" in "\n".join(lines)


def test_in_a_browser_nothing_of_it_runs(page: Page, opened: "Opener") -> None:
    tab = opened(page)
    assert "<script>alert(1)</script>" in tab.inner_text("main")
    assert tab.locator("blink, img:not([src^='data:'])").count() == 0
    assert tab.evaluate(
        "[...document.querySelectorAll('*')].every(e => !e.getAttributeNames().some(n => /^on/.test(n)))"
    )
