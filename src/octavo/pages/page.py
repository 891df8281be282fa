"""A page: one HTML file that holds all it needs, and that may load, send and run nothing else."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from octavo.files import user_path, write_atomically
from octavo.pages.part import Part
from octavo.pages.rendering import render, static


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
    title: str, parts: Sequence[Part], *, description: str = "", language: str = "en", height: int = 640
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
