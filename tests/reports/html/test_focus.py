"""What takes the focus says what it is to a screen reader: it has a role and a name."""

import re
from pathlib import Path

import pytest

import octavo.reports.html

TEMPLATES = sorted((Path(octavo.reports.html.__file__).parent / "templates").rglob("*.html"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_boxes_that_scroll_have_a_role_and_a_name(template: Path) -> None:
    for tag in re.findall(r"<[^>]*tabindex[^>]*>", template.read_text()):
        assert 'role="region"' in tag, tag
        assert re.search(r'aria-label="[^"]', tag), tag
