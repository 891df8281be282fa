"""The run directory: a folder that explains itself.

``config.toml  provenance.json  tokenizer.json  data/  metrics.jsonl  checkpoints/  evaluation.json  samples.txt
baselines.json  memorisation.json  diagnosis.json  examination.json  curves/  report.html  analysis/  reproduction/``:
it is all TOML, JSON, text, NumPy arrays, safetensors, pictures or pages. Importing this takes no torch.
"""

import errno
import json
import os
import re
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.config import Config, config_from_toml
from octavo.errors import OctavoError, reason
from octavo.formats.files import (
    disk_is_full,
    is_device,
    remove_stale_files,
    sync_folder,
    temporary_path,
    user_path,
    write_atomically,
)
from octavo.formats.json_schema import parse_object
from octavo.formats.untrusted import MAX_CONFIG_BYTES, MAX_TEXT_BYTES, check_folder, read_plain
from octavo.runs.checkpoint_files import newest_first
from octavo.runs.metrics import Record, last_record, read_metrics
from octavo.runs.provenance import PROVENANCE
from octavo.system.spelling import nearest

_NAME = re.compile(r"\w[\w.+-]{0,99}")
_LONGEST_NAME = 200  # bytes, of the 255 that file systems allow


@dataclass(frozen=True)
class RunDirectory:
    """One run's folder; nothing is kept in memory."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @property
    def resume_command(self) -> tuple[str, ...]:
        """The words of the command that goes on with it, from wherever its path leads to it."""
        return ("train", "--resume", f"--name={self.path}")

    @property
    def config(self) -> Config:
        """The config it was trained with.

        Raises:
            OctavoError: ``config.toml`` is missing or damaged.
        """
        try:
            text = self._read("config.toml", MAX_CONFIG_BYTES).decode("utf-8")
        except UnicodeDecodeError as error:
            raise OctavoError(f"{self.path / 'config.toml'} cannot be read: {reason(error)}") from None
        return config_from_toml(text, str(self.path / "config.toml"))

    @property
    def provenance(self) -> dict[str, Any]:
        """Where it comes from.

        Raises:
            OctavoError: ``provenance.json`` is missing or damaged.
        """
        return self.read_typed("provenance.json", PROVENANCE)

    @property
    def metrics(self) -> list[Record]:
        """Everything that happened in training, in order."""
        return read_metrics(self.path / "metrics.jsonl")

    @property
    def ended(self) -> bool:
        """Return whether training came to its planned end; `octavo.runs.completion` decides if a run is finished."""
        last = self.last_record
        return last is not None and last.get("event") == "end"

    @property
    def last_record(self) -> Record | None:
        """The newest thing that happened in training."""
        return last_record(self.path / "metrics.jsonl")

    @property
    def newest_checkpoint(self) -> str:
        """The name of the newest checkpoint, whole or not; empty if there is none."""
        return next((place.name for place in newest_first(self.path / "checkpoints")), "")

    def read_json(self, name: str, most: int = MAX_TEXT_BYTES) -> dict[str, Any]:
        """Read one of the JSON files, of at most `most` bytes.

        Raises:
            OctavoError: it is missing or not a JSON object.
        """
        return self.read_typed(name, {}, most)

    def read_typed(self, name: str, types: dict[str, Any], most: int = MAX_TEXT_BYTES) -> dict[str, Any]:
        """Read one of the JSON files, whose values are of these types where it has them.

        Raises:
            OctavoError: it is missing, is not a JSON object, or has a value of another type.
        """
        try:
            return parse_object(self._read(name, most), types)
        except ValueError as error:
            raise OctavoError(f"{self.path / name} is damaged: {error}") from None

    def write_json(self, name: str, value: dict[str, Any], most: int = MAX_TEXT_BYTES) -> None:
        """Write one of the JSON files, whole or not at all.

        Raises:
            OctavoError: it would have more than the `most` bytes that are read again.
        """
        content = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode()
        if len(content) > most:
            raise OctavoError(
                f"{self.path / name} would have {len(content):,} bytes, where {most:,} are the most that is read "
                "again: give fewer or shorter names"
            )
        write_atomically(self.path / name, content)

    def _read(self, name: str, most: int = MAX_TEXT_BYTES) -> bytes:
        try:
            return read_plain(self.path / name, most, self.path)
        except FileNotFoundError:
            raise OctavoError(f"{self.path} is not a run: it has no {name}") from None
        except OSError as error:
            raise OctavoError(f"{self.path / name} cannot be read: {reason(error)}") from None


class NameTaken(OctavoError):
    """There is a run of that name already."""


def create_run(root: Path, name: str, fill: Callable[[Path], None], needs: int = 0) -> RunDirectory:
    """Make ``root/name`` with what `fill` writes into it, about `needs` bytes: whole, or not there at all.

    Raises:
        NameTaken: there is one already, perhaps made by another process in this moment.
        OctavoError: the name is not fit for a folder, or the folder cannot be written.
    """
    check_name_free(root, name)
    place = root / name
    beside = temporary_path(place)
    try:
        root.mkdir(parents=True, exist_ok=True)
        remove_stale_files(root, name)
        beside.mkdir()
        fill(beside)
        sync_folder(beside)
        os.rename(beside, place)
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            check_name_free(root, name)  # another process was quicker
        fix = f"free {needs:,} bytes or " if needs and disk_is_full(error) else ""
        raise OctavoError(f"{place} cannot be made ({error.strerror}): {fix}choose another folder of runs") from None
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    sync_folder(root)
    return RunDirectory(place)


def open_run(given: str | Path, root: Path) -> RunDirectory:
    """The run at a path, or of that name under `root`.

    Raises:
        OctavoError: there is none; the sentence names those that there are. Or it holds what no run does, such as
            a link out of it.
    """
    run = find_run(given, root)
    check_folder(run.path)
    return run


def find_run(given: str | Path, root: Path) -> RunDirectory:
    """The same, whatever lies in its folder.

    Raises:
        OctavoError: there is none.
    """
    for place in (user_path(given), root / given):
        try:
            if (place / "config.toml").is_file():
                return RunDirectory(place)
        except (OSError, ValueError):  # no name that a file could have
            continue
    names = [run.name for run in list_runs(root)]
    if near := nearest(str(given), names):
        raise OctavoError(f"there is no run {given} in {root}: did you mean {near}?")
    known = f"holds {', '.join(names)}" if names else "holds none yet: train one first"
    raise OctavoError(f"there is no run {given}: {root} {known}")


def list_runs(root: Path) -> list[RunDirectory]:
    """The runs under `root`, oldest first; what cannot be looked into is none."""
    found = []
    for place in root.iterdir() if root.is_dir() else []:
        with suppress(OSError):  # somebody else's, or gone meanwhile
            facts = (place / "config.toml").stat()
            if stat.S_ISREG(facts.st_mode) and not place.name.startswith("."):
                found.append((facts.st_mtime, place))
    return [RunDirectory(place) for _, place in sorted(found)]


def free_name(root: Path, wish: str) -> str:
    """`wish`, or `wish`-2, -3 … if that is taken."""
    names = (wish if i == 1 else f"{wish}-{i}" for i in range(1, 1_000_000))
    return next(name for name in names if not (root / name).exists())


def check_name_free(root: Path, name: str) -> None:
    """Raises OctavoError unless a run of that `name` can be made under `root`."""
    check_name(name)
    if (root / name).exists():
        raise NameTaken(f"{root / name} exists already: resume it, or choose another name")


def check_name(name: str) -> None:
    """Raises OctavoError unless `name` can be a folder's everywhere."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name.encode()) > _LONGEST_NAME:
        raise OctavoError(
            f"{name!r} cannot be the name of a run: use letters, digits, '-', '_' and '.', beginning with a letter "
            "or digit, at most 100"
        )
    if is_device(name) or name.endswith("."):
        raise OctavoError(f"{name} cannot be a folder's name on Windows: choose another name")
