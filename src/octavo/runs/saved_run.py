"""A run on disk as values: each file is read when it is needed, and the model is built once.

Importing this takes no torch.
"""

import warnings
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octavo.config import Config
from octavo.data.token_files import TokenSplit, check_ids, open_splits
from octavo.errors import OctavoError, OctavoWarning
from octavo.runs import Record, RunDirectory, open_run, runs_root
from octavo.runs.checkpoint_files import max_file_bytes
from octavo.tokenizer import Tokenizer, load_tokenizer

if TYPE_CHECKING:
    from octavo.model import Transformer
    from octavo.model.weights import Tensors


def open_saved_run(run: "SavedRun | str | Path", *, runs: str | Path | None = None) -> "SavedRun":
    """Open a run by its path, or by its name under `runs` (``$OCTAVO_RUNS``, ``./runs``); an open one is returned.

    Raises:
        OctavoError: there is no such run.
    """
    return run if isinstance(run, SavedRun) else SavedRun(open_run(run, runs_root(runs)))


class SavedRun:
    """The contents of a run directory, and its results.

    Results are saved in the run's folder. If it cannot be written to, they are returned nevertheless and a warning is
    given; with `must_save` the error is raised.
    """

    def __init__(self, directory: RunDirectory, *, must_save: bool = False) -> None:
        self.directory = directory
        self.must_save, self.has_unsaved_results = must_save, False
        self.result_cache: dict[str, Any] = {}  # results that take seconds and are not in the folder, by name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @property
    def path(self) -> Path:
        """Return the run's folder."""
        return self.directory.path

    @property
    def name(self) -> str:
        """Return the folder's name."""
        return self.directory.name

    @cached_property
    def config(self) -> Config:
        """Return the config it was trained with."""
        return self.directory.config

    @property
    def metrics(self) -> list[Record]:
        """Return the records of all events of training, the lines of ``metrics.jsonl``."""
        return self.directory.metrics

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """Return the run's tokenizer."""
        return load_tokenizer(self.path / "tokenizer.json")

    @cached_property
    def splits(self) -> dict[str, TokenSplit]:
        """Return its text by split: ``train``, ``validation`` and perhaps ``test``."""
        check_ids(self.unchecked_splits, self.tokenizer.vocab_size)
        return self.unchecked_splits

    @cached_property
    def unchecked_splits(self) -> dict[str, TokenSplit]:
        """Return :attr:`splits` without checking that every id is in the vocabulary.

        Raises:
            OctavoError: they are damaged, or the run was shared without its text.
        """
        try:
            return open_splits(self.path / "data")
        except OctavoError:
            self.directory.check_has_text()
            raise

    def split(self, name: str) -> TokenSplit:
        """Return one split of its text.

        Raises:
            OctavoError: it has no such split.
        """
        if name not in self.splits:
            raise OctavoError(f"{self.name} has no {name} split: it has {', '.join(self.splits)}")
        return self.splits[name]

    @property
    def learns_ends(self) -> bool:
        """Return whether the run learned the ends of its documents, which are then scored."""
        if self.directory.shared:
            train = self.directory.provenance["shared"]["splits"].get("train", {})
            return bool(train.get("ends", 0))
        return self.split("train").facts.ends > 0

    def validation_beginning(self, characters: int) -> str:
        """Return the first characters of the validation split, which analyses use if no text is given.

        Raises:
            OctavoError: the validation split has no text.
        """
        text = self.splits["validation"].beginning(characters)
        if not text:
            raise OctavoError(f"{self.name} has no validation text: give a text to analyse")
        return text

    @cached_property
    def model(self) -> "Transformer":
        """Return the model with the weights of :attr:`checkpoint`.

        Raises:
            OctavoError: there is no valid checkpoint, or it is of another model.
        """
        from octavo.runs.checkpoint import model_of

        _, weights = self._newest
        model = model_of(weights, self.config, self.tokenizer.vocab_size)
        weights.clear()  # the model has copies
        return model

    @property
    def checkpoint(self) -> str:
        """Return the name of the checkpoint in use: the newest valid one."""
        return self._newest[0]

    @cached_property
    def _newest(self) -> tuple[str, "Tensors"]:
        """Return the name of the checkpoint in use and its weights, until :attr:`model` has copied them.

        Its other tensors, such as the optimizer's, take more memory than the model and are dropped.
        """
        from octavo.runs.checkpoint import load_newest

        path, checkpoint = load_newest(self.path / "checkpoints", max_file_bytes(self.config))
        return path.name, dict(checkpoint.eval_weights)

    def save_result(self, write: Callable[[], None]) -> None:
        """Write a result into the run's folder, or warn that it is not saved.

        Raises:
            OSError: it cannot be written, and `must_save` is set.
        """
        try:
            write()
        except OSError as error:
            if self.must_save:
                raise
            self.has_unsaved_results = True
            warnings.warn(
                f"{self.path} cannot be written to ({error.strerror}): results are shown and not saved; copy the run "
                "elsewhere to save them",
                OctavoWarning,
                stacklevel=1,  # one location, so that the warning appears once for all results
            )
