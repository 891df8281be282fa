"""The documentation names files, commands, modules and functions that exist, and the API page is up to date."""

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest
from scripts.api_page import INSIDE, PAGE, api_page

import octavo
from octavo.cli.parser import COMMANDS
from octavo.pipeline.run import Run

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
GENERATED = {"the-report-examined.md"}
HISTORY = {"lab-notes.md", "CHANGELOG.md"}  # speak of files and commands that are no more
WRAPPED = [page for page in PAGES if page.name not in GENERATED]


def names(page: Path) -> str:
    return page.name


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text) if "://" not in target]
    assert not [target for target in targets if not (page.parent / target).exists()]


@pytest.mark.parametrize("page", WRAPPED, ids=names)
def test_prose_is_wrapped(page: Path) -> None:
    fenced, long = False, []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fenced ^= line.startswith("```")
        if len(line) > 120 and not fenced and not line.startswith("|"):
            long.append(number)
    assert not long


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in HISTORY], ids=names)
def test_commands_exist(page: Path) -> None:
    named = set(re.findall(r"(?:^|`)octavo ([a-z][a-z-]*)", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= set(COMMANDS)


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in HISTORY], ids=names)
def test_paths_exist(page: Path) -> None:
    """Paths in backquotes below src/octavo, tests or scripts, as ``runs/lock.py``."""
    paths = re.findall(r"`((?:[\w-]+/)+[\w-]+\.(?:py|c|h|md|js))`", page.read_text(encoding="utf-8"))
    roots = [ROOT, ROOT / "src" / "octavo", ROOT / "src" / "octavo" / "reports" / "html"]
    assert not [path for path in paths if not any((root / path).exists() for root in roots)]


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in HISTORY], ids=names)
def test_modules_and_functions_exist(page: Path) -> None:
    for name in set(re.findall(r"`octavo\.([\w.]+)\b(?!\.\w)", page.read_text(encoding="utf-8"))):
        value = octavo
        module, _, attribute = f"octavo.{name}".rpartition(".")
        if name not in octavo.__all__:
            try:
                import_module(f"octavo.{name}")
                continue
            except ModuleNotFoundError:
                value = import_module(module)
        assert hasattr(value, attribute), name


def test_the_api_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == api_page(), "run `make page`"


def test_the_example_of_taps(trained: Run) -> None:
    example = doctest.DocTestParser().get_doctest(INSIDE, {"octavo": octavo, "run": trained}, "taps", None, 0)
    said: list[str] = []
    assert not doctest.DocTestRunner().run(example, out=said.append).failed, "".join(said)
    assert example.examples
