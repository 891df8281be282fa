"""A part: one piece of a page, with the files that make it look and move.

Templates and static files. Whatever a template is given is escaped, and a name that is missing is an error.

A page: one HTML file that holds all it needs, and that may load, send and run nothing else.

What shows itself: a value that is a page in a notebook, and one line elsewhere.
"""

import hashlib
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from octavo.formats.files import user_path, write_atomically
from octavo.interpret.tokens import visible_label, visible_text
from octavo.system.terminal import capitalized, counted


@dataclass(frozen=True)
class HtmlPart:
    """HTML, and the names of the scripts and styles in ``static/`` that it needs beside those of every page.

    A part that moves is an element with ``data-widget="name"`` and its data in a ``<script type="application/json">``
    inside it; a script mounts it with ``octavo.widget("name", (root, data) => …)``. Headings are left to the page.
    """

    html: Markup
    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()


def render(template: str, **values: object) -> Markup:
    """A file of ``templates/`` with its values filled in.

    Data for a script is written as ``{{ data | tojson }}``, which escapes <, >, & and all but ASCII.
    """
    return Markup(_environment().get_template(template).render(values))  # escaped by the environment


def static(name: str) -> str:
    """The text of a file of ``static/``."""
    return (files("octavo.reports.html") / "static" / name).read_text(encoding="utf-8")


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
    environment.filters["capitalized"] = capitalized
    environment.filters["counted"] = counted  # {{ 3 | counted("token") }}
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return environment


@dataclass(frozen=True)
class Page:
    """A whole HTML document. `height`: pixels that a notebook shows of it at once."""

    title: str
    html: str
    height: int = 640

    def save(self, path: str | Path) -> Path:
        """Write the file, whole or not at all; returns its path.

        Raises:
            OSError: the folder cannot be written to.
        """
        path = user_path(path)
        write_atomically(path, self.html.encode("utf-8", "replace"))  # a file's name need not be UTF-8
        return path

    def _repr_html_(self) -> str:
        """For a notebook: a frame of its own, which can reach nothing around it."""
        return str(render("frame.html", title=self.title, html=self.html, height=self.height))


def make_page(
    title: str, parts: Sequence[HtmlPart], *, description: str = "", language: str = "en", height: int = 640
) -> Page:
    """The page of these parts, in their order, below its title and a `description` in a sentence.

    Each style and script is written once. The content security policy allows these by their hashes, pictures that
    are in the file, and nothing more: a script that got into the page in any other way does not run.
    """
    styles = _contents(["base.css", *(name for part in parts for name in part.styles)])
    scripts = _contents(["widgets.js", *(name for part in parts for name in part.scripts)])
    html = render(
        "page.html",
        title=title,
        description=description,
        language=language,
        policy=_policy(scripts, styles),
        styles=styles,
        scripts=scripts,
        parts=[part.html for part in parts],
    )
    return Page(title, str(html), height)


def _contents(names: Iterable[str]) -> list[Markup]:
    return [Markup(static(name)) for name in dict.fromkeys(names)]  # our own files, which hold no end tag


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
        """All of it, to look at."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.page.title}>"

    def _repr_html_(self) -> str:
        return self.page._repr_html_()
