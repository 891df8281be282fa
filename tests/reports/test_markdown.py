"""A report as Markdown."""

import re
from pathlib import Path

import pytest

from octavo.pipeline.run import Run
from octavo.reports.blocks import Block, Code, Facts, Section, Sentences, Table
from octavo.reports.markdown import save_markdown
from octavo.reports.report import save_report

LINKS = "http://evil.example www.evil.example a@b.example"
EVIL = f"</script><img src=x onerror=alert(1)> | `a` *b* [c](d) # e\n``` {LINKS}"


@pytest.fixture(scope="module")
def folder(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_report(trained, tmp_path_factory.mktemp("markdown") / "report", markdown=True).parent


def test_every_section_and_every_picture_is_there(folder: Path, trained: Run) -> None:
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert len(re.findall("^## ", text, re.MULTILINE)) == 13
    pictures = re.findall(r"!\[[\w ]+\]\(([\w.-]+)\)", text)
    assert pictures == ["curves.png", "attention-layer-0.png", "heads.png"]
    assert {path.name for path in folder.iterdir()} == {"report.md", *pictures}
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in pictures)
    score = trained.evaluation
    assert f"| this model | {score.bits_per_character:.4f} | {score.nats_per_character:.4f} |" in text
    assert "cannot be made" not in text
    assert "Sample 3:" in text


def test_tables_are_whole(folder: Path) -> None:
    text = (folder / "report.md").read_text(encoding="utf-8")
    outside = re.sub(r"^(```+).*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    for table in re.findall(r"(?:^\|.*\|$\n)+", outside, re.MULTILINE):
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(cells) == 1, table


def test_nothing_of_a_text_is_markup(tmp_path: Path) -> None:
    blocks: list[Block] = [Sentences([EVIL]), Facts({EVIL: EVIL}), Table((EVIL,), [(EVIL,)], EVIL), Code(EVIL)]
    save_markdown(tmp_path, EVIL, EVIL, EVIL, [Section("a", "A", [lambda: blocks])])
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "\n````\n" + EVIL + "\n````\n" in text, "a longer fence than any within"
    outside = text.replace(f"````\n{EVIL}\n````", "").removeprefix("# ").replace("## A", "").replace("**", "")
    spans = re.compile(r"(?<!\\)`[^`\\|<>]+`")
    assert spans.findall(outside)[:3] == [f"`{link}`" for link in LINKS.split()]
    outside = spans.sub("", outside)
    assert not re.search(r"://|www|@", outside), "which would be links"
    assert not re.search(r"(?<!\\)[<`*\[#]", outside)


def test_a_run_full_of_markup(evil: Run, tmp_path: Path) -> None:
    text = save_report(evil, tmp_path / "r", markdown=True).read_text(encoding="utf-8")
    outside = re.sub(r"^(```+)\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert "\\<img src=x onerror=alert(2)\\>" in outside
    assert not re.search(r"(?<!\\)<", outside)
    assert re.search("`[^`]*@", outside), "an address is in it"
    assert not re.search(r"://|www\.|@", re.sub(r"(?<!\\)`[^`\\|<>]+`", "", outside))
