"""Pages, parts and views: a page is one HTML file of parts, and a view is a value that shows itself as a page.

A page contains everything it needs, and its policy lets it load, send and run nothing else. Values in templates are
escaped, and a missing value is an error.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from octavo.formats.files import user_path, write_atomically
from octavo.interpret.tokens import visible_label, visible_text
from octavo.system.terminal import capitalize_first, quantity


@dataclass(frozen=True)
class HtmlPart:
    """HTML, with the names of the scripts and styles in ``static/`` that it needs besides those of every page.

    An interactive part is an element with ``data-widget="name"``, with its data in a
    ``<script type="application/json">`` inside it. A script mounts it with
    ``octavo.widget("name", (root, data) => …)``. Headings belong to the page.
    """

    html: Markup
    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()


def render(template: str, **values: object) -> Markup:
    """Fill in a file of ``templates/``.

    Data for a script is written as ``{{ data | tojson }}``, which escapes <, >, & and all but ASCII.
    """
    return Markup(_environment().get_template(template).render(values))  # escaped by the environment


def static(name: str) -> str:
    """Return the text of a file of ``static/``."""
    return (files("octavo.reports.html") / "static" / name).read_text(encoding="utf-8")


def _dumps(value: object, **options: Any) -> str:
    """Return JSON without control characters: json.dumps escapes all of them but DEL."""
    return json.dumps(value, **options).replace("\x7f", "\\u007f")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("octavo.reports.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"running": visible_text, "visible": visible_label}  # {{ label | visible }}
    environment.filters["capitalize_first"] = capitalize_first
    environment.filters["quantity"] = quantity  # {{ 3 | quantity("token") }}
    environment.policies["json.dumps_function"] = _dumps
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return environment


@dataclass(frozen=True)
class Page:
    """An HTML document. `height`: the pixels of its frame in a notebook."""

    title: str
    html: str
    height: int = 640

    def save(self, path: str | Path) -> Path:
        """Write the file completely or not at all; return its path.

        Raises:
            OSError: the folder cannot be written to.
        """
        path = user_path(path)
        write_atomically(path, self.html.encode("utf-8", "replace"))  # the name of a file need not be UTF-8
        return path

    def _repr_html_(self) -> str:
        """Return a frame for a notebook, which has no access to the notebook."""
        return str(render("frame.html", title=self.title, html=self.html, height=self.height))


def make_page(title: str, parts: Sequence[HtmlPart], *, description: str = "", height: int = 640) -> Page:
    """Return the page of these parts below its title and a `description` in a sentence.

    Each style and script is written once. The content security policy allows these by their hashes, and pictures in
    the file. A script that came into the page in any other way does not run.
    """
    styles = _contents(["base.css", *(name for part in parts for name in part.styles)])
    scripts = _contents(["widgets.js", *(name for part in parts for name in part.scripts)])
    html = render(
        "page.html",
        title=title,
        description=description,
        policy=_policy(scripts, styles),
        styles=styles,
        scripts=scripts,
        parts=[part.html for part in parts],
    )
    return Page(title, str(html), height)


def _contents(names: Iterable[str]) -> list[Markup]:
    return [Markup(static(name)) for name in dict.fromkeys(names)]  # files of Octavo, which contain no end tag


def _policy(scripts: Iterable[str], styles: Iterable[str]) -> str:
    return (
        f"default-src 'none'; script-src {_hashes(scripts)}; style-src {_hashes(styles)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hashes(contents: Iterable[str]) -> str:
    digests = (hashlib.sha256(content.encode()).digest() for content in contents)
    return " ".join(f"'sha256-{b64encode(digest).decode()}'" for digest in digests)


class View(ABC):
    """A value with a page; ``page.save(path)`` writes it."""

    @property
    @abstractmethod
    def page(self) -> Page:
        """Return the page."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.page.title}>"

    def _repr_html_(self) -> str:
        return self.page._repr_html_()
