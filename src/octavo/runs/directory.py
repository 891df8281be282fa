"""The run directory: find, create and open runs, and read their files.

A run's folder has ``config.toml  provenance.json  tokenizer.json  data/  metrics.jsonl  checkpoints/  evaluation.json
<<<<<<< HEAD
samples.txt  samples.json  baselines.json  memorisation.json  diagnosis.json  examination.json  parent/
fine-tuning.json  curves/  report.html  analysis/  reproduction/``. These are TOML, JSON, text, NumPy arrays,
safetensors, images or HTML. Importing this takes no torch.
=======
samples.txt  baselines.json  memorisation.json  diagnosis.json  examination.json  parent/  fine-tuning.json  curves/
report.html  playground.html  analysis/  reproduction/``. These are TOML, JSON, text, NumPy arrays, safetensors,
images or HTML. Importing this takes no torch.
>>>>>>> main
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
from octavo.errors import OctavoError, nearest, reason
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

EXTENSION_FILE = "extension.json"  # a change of the budget that is not completed (octavo.runs.extension)
_NAME = re.compile(r"\w[\w.+-]{0,99}")
_MAX_NAME_BYTES = 200  # of the 255 that file systems allow


@dataclass(frozen=True)
class RunDirectory:
    """One run's folder. Every property reads the disk."""

    path: Path

    @property
    def name(self) -> str:
        """Return the folder's name."""
        return self.path.resolve().name

    @property
    def resume_command(self) -> tuple[str, ...]:
        """Return the words of the command that resumes the run."""
        return ("train", "--resume", f"--name={self.path}")

    @property
    def config(self) -> Config:
        """Return the config that the run is trained with.

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
        """Return the text, versions, machine and sessions of the run (:mod:`octavo.runs.provenance`).

        Raises:
            OctavoError: ``provenance.json`` is missing or damaged.
        """
        return self.read_typed("provenance.json", PROVENANCE)

    @property
    def shared(self) -> bool:
        """Return whether the run came from ``octavo share``, without its text."""
        return not (self.path / "data").exists() and "shared" in self.provenance

    def check_has_text(self) -> None:
        """Raise OctavoError if the run was shared without its text."""
        if self.shared:
            raise OctavoError(
                f"{self.name} was shared without its text, which this needs: generate with it, or score and analyse "
                "a text that you give"
            )

    @property
    def metrics(self) -> list[Record]:
        """Return the records of all events of training, in order."""
        return read_metrics(self.path / "metrics.jsonl")

    @property
    def ended(self) -> bool:
        """Return whether training has ended; :mod:`octavo.runs.completion` decides if the run is finished."""
        if (self.path / EXTENSION_FILE).exists():
            return False
        last = self.last_record
        return last is not None and last.get("event") == "end"

    @property
    def last_record(self) -> Record | None:
        """Return the record of the newest event of training; None if there is none."""
        return last_record(self.path / "metrics.jsonl")

    @property
    def newest_checkpoint(self) -> str:
        """Return the name of the newest checkpoint, damaged or not; empty if there is none."""
        return next((path.name for path in newest_first(self.path / "checkpoints")), "")

    def read_json(self, name: str, max_bytes: int = MAX_TEXT_BYTES) -> dict[str, Any]:
        """Read a JSON file of the run, of at most `max_bytes`.

        Raises:
            OctavoError: it is missing or not a JSON object.
        """
        return self.read_typed(name, {}, max_bytes)

    def read_typed(self, name: str, types: dict[str, Any], max_bytes: int = MAX_TEXT_BYTES) -> dict[str, Any]:
        """Read a JSON file of the run and check the types of its values. Keys of `types` may be missing.

        Raises:
            OctavoError: it is missing, is not a JSON object, or has a value of another type.
        """
        try:
            return parse_object(self._read(name, max_bytes), types)
        except ValueError as error:
            raise OctavoError(f"{self.path / name} is damaged: {error}") from None

    def write_json(self, name: str, value: dict[str, Any], max_bytes: int = MAX_TEXT_BYTES) -> None:
        """Write a JSON file of the run atomically.

        Raises:
            OctavoError: it would have more than the `max_bytes` that a reader accepts.
            OSError: it cannot be written; the old file is unchanged.
        """
        content = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode()
        if len(content) > max_bytes:
            raise OctavoError(
                f"{self.path / name} would have {len(content):,} bytes, and at most {max_bytes:,} can be read again: "
                "give fewer or shorter names"
            )
        write_atomically(self.path / name, content)

    def _read(self, name: str, max_bytes: int = MAX_TEXT_BYTES) -> bytes:
        try:
            return read_plain(self.path / name, max_bytes, self.path)
        except FileNotFoundError:
            raise OctavoError(f"{self.path} is not a run: it has no {name}") from None
        except OSError as error:
            raise OctavoError(f"{self.path / name} cannot be read: {reason(error)}") from None


class NameTaken(OctavoError):
    """Raised when a new run's name exists already."""


def create_run(root: Path, name: str, fill: Callable[[Path], None], needs: int = 0) -> RunDirectory:
    """Create the run ``root/name``: completely, or not at all.

    Args:
        root: the folder of runs.
        name: the new run's name.
        fill: writes the run's first files into a folder.
        needs: about how many bytes it writes, for the message about a full disk.

    Raises:
        NameTaken: there is a run of that name, perhaps created by another process at the same moment.
        OctavoError: the name cannot be that of a folder, or the folder cannot be written.
    """
    check_name_free(root, name)
    path = root / name
    hidden = temporary_path(path)
    try:
        root.mkdir(parents=True, exist_ok=True)
        remove_stale_files(root, name)
        hidden.mkdir()
        fill(hidden)
        sync_folder(hidden)
        os.rename(hidden, path)
    except OSError as error:
        shutil.rmtree(hidden, ignore_errors=True)
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            check_name_free(root, name)  # raises if another process was quicker
        fix = f"free {needs:,} bytes or " if needs and disk_is_full(error) else ""
        raise OctavoError(
            f"{path} cannot be created ({error.strerror}): {fix}choose another folder of runs"
        ) from None
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    sync_folder(root)
    return RunDirectory(path)


def open_run(given: str | Path, root: Path) -> RunDirectory:
    """Open the run at a path, or the run of that name under `root`.

    Raises:
        OctavoError: there is none (the message names the runs that exist), or its folder contains something unsafe,
            such as a link to a path outside.
    """
    run = find_run(given, root)
    check_folder(run.path)
    return run


def find_run(given: str | Path, root: Path) -> RunDirectory:
    """Find a run as :func:`open_run` does, without checking what its folder contains.

    Raises:
        OctavoError: there is none.
    """
    if str(given).lower().endswith(".zip") and user_path(given).is_file():
        raise OctavoError(f"{given} is a zip file: unpack it, then name its folder")
    for path in (user_path(given), root / given):
        try:
            if (path / "config.toml").is_file():
                return RunDirectory(path)
        except (OSError, ValueError):  # not a possible file name
            continue
    names = [run.name for run in list_runs(root)]
    if near := nearest(str(given), names):
        raise OctavoError(f"there is no run {given} in {root}: did you mean {near}?")
    known = f"has {', '.join(names)}" if names else "has none yet: train one first"
    raise OctavoError(f"there is no run {given}: {root} {known}")


def list_runs(root: Path) -> list[RunDirectory]:
    """Return the runs under `root`, oldest first, without folders that cannot be read."""
    runs = []
    for path in root.iterdir() if root.is_dir() else []:
        with suppress(OSError):  # another user's, or deleted meanwhile
            config = (path / "config.toml").stat()
            if stat.S_ISREG(config.st_mode) and not path.name.startswith("."):
                runs.append((config.st_mtime, path))
    return [RunDirectory(path) for _, path in sorted(runs)]


def free_name(root: Path, preferred: str) -> str:
    """Return the name `preferred`, or ``preferred-2``, ``-3`` … if it is taken."""
    names = (preferred if i == 1 else f"{preferred}-{i}" for i in range(1, 1_000_000))
    return next(name for name in names if not (root / name).exists())


def check_name_free(root: Path, name: str) -> None:
    """Check that a run of that `name` can be created under `root`.

    Raises:
        NameTaken: there is one already.
        OctavoError: the name cannot be that of a folder.
    """
    check_name(name)
    if (root / name).exists():
        raise NameTaken(f"{root / name} exists already: resume it, or choose another name")


def check_name(name: str) -> None:
    """Check that `name` can be a folder's name on every system.

    Raises:
        OctavoError: it cannot.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name.encode()) > _MAX_NAME_BYTES:
        raise OctavoError(
            f"{name!r} cannot be the name of a run: use letters, digits, '-', '_' and '.', beginning with a letter "
            "or digit, at most 100"
        )
    if is_device(name) or name.endswith("."):
        raise OctavoError(f"{name} cannot be a folder's name on Windows: choose another name")
