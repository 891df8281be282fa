"""A run as a value to work with: its model, tokenizer, config and metrics, and what can be done with them."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, overload

from octavo.config import Config
from octavo.corpus import Corpus, read_corpus
from octavo.data import TokenPart, documents, open_parts
from octavo.errors import OctavoError
from octavo.evaluate import Evaluation, Protocol, ScoredText, Watch, evaluate, unwatched
from octavo.generate import generate
from octavo.model import Transformer
from octavo.options import SamplingConfig
from octavo.plots import draw_curves
from octavo.runs import Record, RunDirectory, open_run, runs_root
from octavo.runs.checkpoint import Checkpoint, load_newest
from octavo.runs.scores import Score, add_score, standard_score
from octavo.tokenizer import Tokenizer, load_tokenizer
from octavo.training import load_weights
from octavo.typed_toml import from_mapping


def load(run: str | Path, *, runs: str | Path | None = None) -> "Run":
    """Open a run by its path, or by its name under `runs` (``$OCTAVO_RUNS``, ``./runs``).

    Raises:
        OctavoError: there is no such run.
    """
    return Run(open_run(run, runs_root(runs)))


class Run:
    """One run directory. Files are read when they are asked for, the model once."""

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

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
        return open_parts(self.path / "data")

    @cached_property
    def model(self) -> Transformer:
        """The model with the weights of :attr:`checkpoint`.

        Raises:
            OctavoError: there is no whole checkpoint, or it is of another model.
        """
        model = Transformer(self.config.model, self.tokenizer.vocab_size)
        load_weights(model, self._newest[1].usable_weights)
        return model

    @property
    def checkpoint(self) -> str:
        """The name of the checkpoint in use: the newest that is whole."""
        return self._newest[0].name

    @property
    def evaluation(self) -> Evaluation:
        """The score on the held-out part, in sliding windows half a context apart.

        Raises:
            OctavoError: it has not been scored so.
        """
        score = standard_score(self.directory)
        if score is None:
            raise OctavoError(f"{self.name} has no score yet: make one with octavo evaluate {self.name}")
        try:
            return Evaluation(**score)
        except TypeError:
            raise OctavoError(
                f"{self.path / 'evaluation.json'} is of another version: delete it, then octavo evaluate {self.name}"
            ) from None

    @overload
    def generate(self, prompt: str = "", *, stream: Literal[True], **options: Any) -> Iterator[str]: ...

    @overload
    def generate(self, prompt: str = "", *, stream: Literal[False] = False, **options: Any) -> str: ...

    def generate(self, prompt: str = "", *, stream: bool = False, **options: Any) -> str | Iterator[str]:
        """Continue `prompt`; the new text alone, at once or, with `stream`, piece by piece.

        Options are those of :meth:`generate_many`. To generate several texts at once, use that.
        """
        pieces = (row[0] for row in self.generate_many([prompt], **options))
        return pieces if stream else "".join(pieces)

    def generate_many(
        self, prompts: Sequence[str], *, stop: str | Sequence[str] = (), **sampling: Any
    ) -> Iterator[list[str]]:
        """Continue all prompts side by side; yield what each text grows by, a step at a time.

        `sampling` is any of ``temperature top_k top_p min_p max_new_tokens seed``, as in
        :class:`octavo.options.SamplingConfig`. The same seed gives the same texts; a text does not depend on
        the prompts after its own.

        Raises:
            OctavoError: an option is out of range.
        """
        return generate(
            self.model,
            self.tokenizer,
            prompts,
            context_length=self.config.data.context_length,
            sampling=from_mapping(SamplingConfig, sampling),
            stop=[stop] if isinstance(stop, str) else stop,
        )

    def evaluate(
        self,
        text: str | Path | Corpus | None = None,
        *,
        split: str = "validation",
        stride: int = 0,
        protocol: Protocol = "sliding",
        window_characters: int = 256,
        encoding: str = "utf-8",
        watch: Watch = unwatched,
    ) -> Evaluation:
        """Score the run on a part of its own text, or on another `text`, and add that to ``evaluation.json``.

        Raises:
            OctavoError: there is no such part or text, or an option is out of range.
        """
        scored = self._part(split) if text is None else self._other(text, encoding)
        train = self.config.train
        selected_on = train.select_on if train.patience else ""
        result = evaluate(
            self.model,
            self.tokenizer,
            scored,
            context_length=self.config.data.context_length,
            stride=stride,
            protocol=protocol,
            window_characters=window_characters,
            selected_on_this_text=text is None and selected_on == split,
            checkpoint=self.checkpoint,
            watch=watch,
        )
        add_score(self.directory, Score(result.as_json()))
        return result

    def curves(self) -> list[Path]:
        """Draw how training went into ``curves/``; the pictures' paths, PNG and SVG.

        Raises:
            OctavoError: training has not come to its first line of metrics.
        """
        return draw_curves(self.metrics, self.path / "curves", self.name)

    @cached_property
    def _newest(self) -> tuple[Path, Checkpoint]:
        return load_newest(self.path / "checkpoints")

    def _part(self, name: str) -> ScoredText:
        if name not in self.parts:
            raise OctavoError(f"{self.name} has no {name} part: it has {', '.join(self.parts)}")
        part, facts = self.parts[name], self.parts[name].facts
        ids = documents(part.ids, self.tokenizer.start_id)
        return ScoredText(name, facts.sha256, ids, facts.characters, facts.bytes, own=True)

    def _other(self, text: str | Path | Corpus, encoding: str) -> ScoredText:
        corpus = text if isinstance(text, Corpus) else read_corpus([text], encoding=encoding)
        ids = [self.tokenizer.encode(document.text) for document in corpus.documents]
        ids = [i for i in ids if len(i)]
        return ScoredText(corpus.name, corpus.sha256, ids, corpus.characters, corpus.bytes, own=False)
