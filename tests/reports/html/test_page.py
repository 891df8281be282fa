"""A page: one file that is whole, whose policy holds, and that people can read."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from markupsafe import Markup, escape

from octavo.reports.html import HtmlPart, Page, make_page
from octavo.reports.html.page import render, static

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

EVIL = "</script><img src=x onerror=alert(1)> & <b>"
LOOKS = [(width, scheme) for width in (360, 1440) for scheme in ("light", "dark")]


def a_page(html: str = "<p>Words.</p>") -> Page:
    return make_page("A page", [HtmlPart(Markup(html))], description="What it is.")


class TestWriting:
    def test_a_style_and_a_script_are_written_once(self) -> None:
        part = HtmlPart(Markup("<p></p>"), ("widgets.js",), ("base.css",))
        html = make_page("Twice", [part, part]).html
        assert html.count("<style>") == html.count("<script>") == 1

    def test_no_static_file_can_end_its_element(self) -> None:
        import octavo.reports.html

        folder = Path(octavo.reports.html.__file__).parent / "static"
        names = [path.relative_to(folder).as_posix() for path in folder.rglob("*.*")]
        assert {"base.css", "widgets.js", "engine/model.js"} <= set(names)
        for name in names:
            content = static(name)
            assert "</s" not in content.lower()
            assert "<!--" not in content
            assert "\r" not in content, "a browser would hash it with other line ends"

    def test_what_a_page_is_given_is_escaped(self) -> None:
        html = make_page(EVIL, [], description=EVIL).html
        assert "<img" not in html
        assert html.count(str(escape(EVIL))) == 4  # title, h1, description, lead

    def test_a_missing_value_is_an_error(self) -> None:
        with pytest.raises(Exception, match="'title' is undefined"):
            render("frame.html", html="", height=1)

    def test_saving_leaves_the_file_whole(self, tmp_path: Path) -> None:
        page = a_page("<p>ü 日本</p>")
        assert page.save(tmp_path / "a.html").read_bytes().decode() == page.html

    def test_a_name_that_is_no_text_costs_only_itself(self, tmp_path: Path) -> None:
        saved = a_page("<p>caf\udce9 ü</p>").save(tmp_path / "a.html")
        assert "<p>caf? ü</p>" in saved.read_text(encoding="utf-8")

    def test_in_a_notebook_it_is_a_frame_of_its_own(self) -> None:
        frame = a_page('<p class="x">"quoted" &amp; <b>bold</b></p>')._repr_html_()
        assert 'sandbox="allow-scripts"' in frame
        assert "<p" not in frame
        assert '"quoted"' not in frame


class TestInABrowser:
    @pytest.mark.parametrize(("width", "scheme"), LOOKS)
    def test_it_opens(self, opened: Any, width: int, scheme: str) -> None:
        wide = "<div class='scroll' tabindex='0'><table><tr>" + "<td>wide</td>" * 99 + "</tr></table></div>"
        tab: Tab = opened(a_page(wide), width=width, scheme=scheme)
        assert tab.title() == tab.inner_text("h1") == "A page"

    def test_the_button_changes_the_theme(self, opened: Any) -> None:
        tab: Tab = opened(a_page(), scheme="dark")
        before = colours(tab)
        tab.get_by_role("button", name="Light theme").click()
        after = colours(tab)
        assert after["--paper"] != before["--paper"]
        tab.get_by_role("button", name="Dark theme").click()
        assert colours(tab) == before

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_text_has_the_contrast_of_wcag_aa(self, opened: Any, scheme: str) -> None:
        found = colours(opened(a_page(), scheme=scheme))
        for ground in ("--paper", "--raised"):
            for text in ("--ink", "--muted", "--accent", "--good", "--bad", *(f"--series-{i}" for i in range(1, 9))):
                assert contrast(found[ground], found[text]) >= 4.5, (ground, text)

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_text_on_the_scales_has_it_too(self, opened: Any, scheme: str) -> None:
        steps = [f"{name}-{step}" for name in ("cool", "warm") for step in range(11)]
        tab: Tab = opened(a_page("".join(f"<p class='{step}'>x</p>" for step in steps)), scheme=scheme)
        for step in steps:
            ground, text = (rgb(tab, f".{step}", name) for name in ("backgroundColor", "color"))
            assert contrast(ground, text) >= 4.5, step

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_so_has_text_between_the_steps(self, opened: Any, scheme: str) -> None:
        tab: Tab = opened(a_page(), scheme=scheme)
        for name in ("cool", "warm"):
            for share in (i / 20 for i in range(21)):
                tab.evaluate(
                    """([name, share]) => {
                         const [scale, title] = [octavo.scale(name), document.querySelector("h1")];
                         title.style.backgroundColor = scale.colour(share);
                         title.style.color = scale.ink(share);
                       }""",
                    [name, share],
                )
                assert contrast(rgb(tab, "h1", "backgroundColor"), rgb(tab, "h1", "color")) >= 4.5, (name, share)

    def test_a_script_that_got_in_does_not_run(self, opened: Any) -> None:
        bad = (
            "<script>window.ran = true</script><img src=x onerror='window.ran = true'><p onclick='window.ran=1'>x</p>"
        )
        tab: Tab = opened(a_page(bad))
        tab.click("main p")
        assert tab.evaluate("window.ran") is None
        seen = "\n".join(opened.problems)
        assert "inline script violates" in seen.lower() or "inline script" in seen.lower()
        opened.problems.clear()

    def test_a_widget_that_fails_leaves_the_others(self, opened: Any) -> None:
        broken = "<p data-widget='x'><script type='application/json'>{</script></p>"
        whole = "<p data-widget='x'><script type='application/json'>[7]</script></p>"
        tab: Tab = opened(a_page(broken + whole))
        tab.evaluate("octavo.widget('x', (root, data) => root.append(octavo.make('b', {}, `seven: ${data[0]}`)))")
        assert tab.inner_text("main b") == "seven: 7"
        assert len(opened.problems) == 1
        opened.problems.clear()

    def test_it_works_as_a_frame_in_a_notebook(self, opened: Any) -> None:
        tab: Tab = opened(a_page())
        tab.set_content(a_page()._repr_html_())
        frame = tab.frames[1]
        frame.get_by_role("button", name="Dark theme").click()
        assert frame.evaluate("document.documentElement.dataset.theme") == "dark"


def rgb(tab: "Tab", selector: str, name: str) -> tuple[float, ...]:
    """A computed colour as sRGB from 0 to 255, as a canvas paints it."""
    painted: list[float] = tab.evaluate(
        """([selector, name]) => {
             const context = document.createElement("canvas").getContext("2d");
             context.fillStyle = getComputedStyle(document.querySelector(selector))[name];
             context.fillRect(0, 0, 1, 1);
             return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
           }""",
        [selector, name],
    )
    return tuple(painted)


def colours(tab: "Tab") -> dict[str, tuple[float, ...]]:
    """The theme's colours."""
    names = ["--paper", "--raised", "--ink", "--muted", "--accent", "--good", "--bad"]
    names += [f"--series-{i}" for i in range(1, 9)]
    found = {}
    for name in names:
        tab.evaluate("name => document.querySelector('h1').style.color = `var(${name})`", name)
        found[name] = rgb(tab, "h1", "color")
    tab.evaluate("document.querySelector('h1').style.color = ''")
    return found


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """The contrast ratio of WCAG 2."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: tuple[float, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
