"""A part: one piece of a page, with the files that make it look and move."""

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class Part:
    """HTML, and the names of the scripts and styles in ``static/`` that it needs beside those of every page.

    A part that moves is an element with ``data-widget="name"`` and its data in a ``<script type="application/json">``
    inside it; a script mounts it with ``octavo.widget("name", (root, data) => …)``. Headings are left to the page.
    """

    html: Markup
    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
