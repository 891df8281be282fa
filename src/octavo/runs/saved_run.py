"""A run directory as values: each file is read when it is asked for, the model once."""

from functools import cached_property
from pathlib import Path

from octavo.config import Config
from octavo.data import TokenPart, check_ids, open_parts
from octavo.errors import OctavoError
from octavo.evaluate import Evaluation
from octavo.formats.json_schema import from_json
from octavo.model import Transformer
from octavo.runs import Record, RunDirectory
from octavo.runs.checkpoint import Tensors, load_newest
from octavo.runs.checkpoint_files import most_bytes, newest_is_damaged
from octavo.runs.scores import standard_score
from octavo.tokenizer import Tokenizer, load_tokenizer
from octavo.training import model_of


class OpenedRun:
    """What lies in a run directory."""

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory

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
    def parts(self) -> dict[str, TokenPart]:
        """Its text: ``train``, ``validation`` and perhaps ``test``."""
        parts = open_parts(self.path / "data")
        check_ids(parts, self.tokenizer.vocab_size)
        return parts

    def held_out_beginning(self, characters: int) -> str:
        """The first characters of its held-out text: what is looked at when nobody gives a text.

        Raises:
            OctavoError: it has no held-out text.
        """
        text = self.parts["validation"].beginning(characters)
        if not text:
            raise OctavoError(f"{self.name} has no held-out text: give a text to look at")
        return text

    @cached_property
    def model(self) -> Transformer:
        """The model with the weights of :attr:`checkpoint`.

        Raises:
            OctavoError: there is no whole checkpoint, or it is of another model.
        """
        _, weights = self._newest
        model = model_of(weights, self.config, self.tokenizer.vocab_size)
        weights.clear()  # the model has copies
        return model

    @property
    def checkpoint(self) -> str:
        """The name of the checkpoint in use: the newest that is whole."""
        return self._newest[0]

    @property
    def evaluation(self) -> Evaluation:
        """The score on the held-out part, in sliding windows half a context apart.

        Raises:
            OctavoError: it has not been scored so.
        """
        score = standard_score(self.directory)
        if score is None:
            damaged = newest_is_damaged(self.path / "checkpoints", most_bytes(self.config))
            raise OctavoError(
                f"{self.name} has no score yet: {'resume' if damaged else 'evaluate'} it",
                command=self.directory.resume_command if damaged else ("evaluate", str(self.path)),
            )
        try:
            return from_json(Evaluation, score)
        except ValueError:
            raise OctavoError(
                f"{self.path / 'evaluation.json'} is of another version: delete it, then evaluate the run",
                command=("evaluate", str(self.path)),
            ) from None

    @cached_property
    def _newest(self) -> tuple[str, Tensors]:
        """The name of the checkpoint in use and its weights, which are there until :attr:`model` has taken them.

        Its other tensors, such as the optimizer's, take more memory than the model and are not needed.
        """
        place, checkpoint = load_newest(self.path / "checkpoints", most_bytes(self.config))
        return place.name, dict(checkpoint.usable_weights)
