"""A run on disk as values: each file is read when it is asked for, the model is built once.

Importing this takes no torch.
"""

import warnings
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octavo.config import Config
from octavo.data import TokenSplit, check_ids, open_splits
from octavo.errors import OctavoError, OctavoWarning
from octavo.runs import Record, RunDirectory, open_run, runs_root
from octavo.runs.checkpoint_files import max_file_bytes
from octavo.tokenizer import Tokenizer, load_tokenizer

if TYPE_CHECKING:
    from octavo.model import Transformer
    from octavo.model.weights import Tensors


def open_saved_run(run: "SavedRun | str | Path", *, runs: str | Path | None = None) -> "SavedRun":
    """Return a run as it is, or open one by its path or by its name under `runs` (``$OCTAVO_RUNS``, ``./runs``).

    Raises:
        OctavoError: there is no such run.
    """
    return run if isinstance(run, SavedRun) else SavedRun(open_run(run, runs_root(runs)))


class SavedRun:
    """The contents of a run directory, and its results.

    Results are kept in the run's folder. Where it cannot be written to, they are returned all the same and a warning
    says so; with `must_save` the error is raised.
    """

    def __init__(self, directory: RunDirectory, *, must_save: bool = False) -> None:
        self.directory = directory
        self.must_save, self.has_unsaved_results = must_save, False  # whether a result was returned and not kept
        self.result_cache: dict[str, Any] = {}  # results that are not in the folder and cost seconds, by name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.directory.path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.directory.name

    @cached_property
    def config(self) -> Config:
        """What it was trained with."""
        return self.directory.config

    @property
    def metrics(self) -> list[Record]:
        """Everything that happened in training: the lines of ``metrics.jsonl``."""
        return self.directory.metrics

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer trained with it."""
        return load_tokenizer(self.path / "tokenizer.json")

    @cached_property
    def splits(self) -> dict[str, TokenSplit]:
        """Its text: ``train``, ``validation`` and perhaps ``test``."""
        parts = open_splits(self.path / "data")
        check_ids(parts, self.tokenizer.vocab_size)
        return parts

    def split(self, name: str) -> TokenSplit:
        """Return a part of its text.

        Raises:
            OctavoError: it has no such part.
        """
        if name not in self.splits:
            raise OctavoError(f"{self.name} has no {name} part: it has {', '.join(self.splits)}")
        return self.splits[name]

    def validation_beginning(self, characters: int) -> str:
        """The first characters of its held-out text: what is looked at when nobody gives a text.

        Raises:
            OctavoError: it has no held-out text.
        """
        text = self.splits["validation"].beginning(characters)
        if not text:
            raise OctavoError(f"{self.name} has no held-out text: give a text to look at")
        return text

    @cached_property
    def model(self) -> "Transformer":
        """The model with the weights of :attr:`checkpoint`.

        Raises:
            OctavoError: there is no whole checkpoint, or it is of another model.
        """
        from octavo.runs.checkpoint import model_of

        _, weights = self._newest
        model = model_of(weights, self.config, self.tokenizer.vocab_size)
        weights.clear()  # the model has copies
        return model

    @property
    def checkpoint(self) -> str:
        """The name of the checkpoint in use: the newest that is whole."""
        return self._newest[0]

    @cached_property
    def _newest(self) -> tuple[str, "Tensors"]:
        """The name of the checkpoint in use and its weights, which are there until :attr:`model` has taken them.

        Its other tensors, such as the optimizer's, take more memory than the model and are not needed.
        """
        from octavo.runs.checkpoint import load_newest

        place, checkpoint = load_newest(self.path / "checkpoints", max_file_bytes(self.config))
        return place.name, dict(checkpoint.eval_weights)

    def save_result(self, write: Callable[[], None]) -> None:
        """Write a result into the run's folder, or warn that it is not kept.

        Raises:
            OSError: it cannot be written, and must be kept.
        """
        try:
            write()
        except OSError as error:
            if self.must_save:
                raise
            self.has_unsaved_results = True
            warnings.warn(
                f"{self.path} cannot be written to ({error.strerror}): results are shown and not kept; copy the run "
                "elsewhere to keep them",
                OctavoWarning,
                stacklevel=1,  # so that it is said once, whichever results there are
            )
