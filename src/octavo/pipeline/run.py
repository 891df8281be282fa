"""A run as a value to work with: what can be done with its model."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, overload

from octavo.config.inference import SamplingConfig
from octavo.corpus import Corpus, read_corpus, with_documents
from octavo.data import TokenPart
from octavo.errors import OctavoError
from octavo.evaluate import (
    Baseline,
    Evaluation,
    Memorisation,
    Overlap,
    Protocol,
    Watch,
    evaluate,
    measure_shift,
    unwatched,
)
from octavo.evaluate.baseline_cache import computed_baselines, keep_baselines, kept_baselines
from octavo.evaluate.diagnosis import Case, Finding, diagnose, floors_of, looks_of, part_of_looks
from octavo.evaluate.documents import scored_text, texts_of
from octavo.evaluate.memorisation import measure_memorisation
from octavo.evaluate.overlap import SEARCHED, overlap
from octavo.formats.json_schema import from_json
from octavo.formats.toml_schema import from_mapping
from octavo.generate.generate import generate
from octavo.generate.opening import opening_of_run
from octavo.interpret.run_analyses import InsideRun
from octavo.reports.html.curves import ShownCurves
from octavo.reports.html.run_card import run_card
from octavo.reports.html.series import Course
from octavo.runs import RunDirectory, open_run, runs_root
from octavo.runs.keeping import keep
from octavo.runs.line_ends import with_learned_line_ends
from octavo.runs.metrics import check_complete
from octavo.runs.scores import Score, add_score, is_standard, scores
from octavo.training.data import recut_until, slice_length


def load(run: str | Path, *, runs: str | Path | None = None) -> "Run":
    """Open a run by its path, or by its name under `runs` (``$OCTAVO_RUNS``, ``./runs``).

    Raises:
        OctavoError: there is no such run.
    """
    return Run(open_run(run, runs_root(runs)))


class Run(InsideRun):
    """One run: its values, and what it can do.

    Results are kept in the run's folder. Where that cannot be written to they are returned all the same, and a
    warning says so; with `must_keep` the error is raised.
    """

    def __init__(self, directory: RunDirectory, *, must_keep: bool = False) -> None:
        super().__init__(directory)
        self.must_keep, self.not_kept = must_keep, False  # whether a result was returned and not kept
        self._overlaps: dict[str, Overlap] = {}  # by part
        self._memorised: Memorisation | None = None  # just measured, where it may not be kept

    def _repr_html_(self) -> str:
        return run_card(self.directory)

    @overload
    def generate(self, prompt: str = "", *, stream: Literal[True], **options: Any) -> Iterator[str]: ...

    @overload
    def generate(self, prompt: str = "", *, stream: Literal[False] = False, **options: Any) -> str: ...

    def generate(self, prompt: str = "", *, stream: bool = False, **options: Any) -> str | Iterator[str]:
        """Continue `prompt`; the new text alone, at once or, with `stream`, piece by piece.

        Without a prompt the text begins a document or a line. A prompt may end inside a word or in a space: its last
        tokens are drawn anew together with what follows, as :mod:`octavo.generate.healing` says.

        Options are those of :meth:`generate_many`. To generate several texts at once, use that.
        """
        pieces = (row[0] for row in self.generate_many([prompt], **options))
        return pieces if stream else "".join(pieces)

    def generate_many(
        self, prompts: Sequence[str], *, stop: str | Sequence[str] = (), **sampling: Any
    ) -> Iterator[list[str]]:
        """Continue all prompts side by side; yield what each text grows by, some tokens at a time.

        `sampling` is any of ``temperature top_k top_p min_p max_new_tokens seed``, as in
        :class:`octavo.config.inference.SamplingConfig`. The same seed gives the same texts; a text does not depend on
        the prompts after its own.

        Line ends of any kind in prompts and stop texts match those of the training text; a text keeps the line ends
        that the model writes.

        Raises:
            OctavoError: an option is out of range.
        """
        return generate(
            self.model,
            self.tokenizer,
            with_learned_line_ends(self.directory, prompts),
            context_length=self.config.data.context_length,
            sampling=from_mapping(SamplingConfig, sampling),
            stop=[stop] if isinstance(stop, str) else stop,
            opening=self._opening if "" in prompts else [],
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
        documents: str = "file",
        watch: Watch = unwatched,
    ) -> Evaluation:
        """Score the run on a part of its own text, or on another `text`, and add that to ``evaluation.json``.

        Raises:
            OctavoError: there is no such part or text, or an option is out of range.
        """
        scores(self.directory)  # a damaged file shows before the work
        scored = scored_text(self._chosen(text, split, encoding, documents), self.tokenizer)
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
        self._keep(lambda: add_score(self.directory, Score(result.as_json())))
        return result

    def baselines(
        self,
        text: str | Path | Corpus | None = None,
        *,
        split: str = "validation",
        encoding: str = "utf-8",
        documents: str = "file",
        watch: Watch = unwatched,
    ) -> list[Baseline]:
        """What simpler models, which learn from the run's training part, need for a text; the worst comes first.

        They are computed once for each text and kept in ``baselines.json``.

        Raises:
            OctavoError: there is no such part or text, it is empty, or it is the training part.
        """
        if text is None and split == "train":
            raise OctavoError("baselines learn from the training part, so a score on it says nothing: take another")
        scored, train = self._chosen(text, split, encoding, documents), self._own("train")
        found = kept_baselines(self.directory, self.tokenizer, train, scored)
        if found is None:
            computed = found = computed_baselines(self.tokenizer, train, scored, watch)
            self._keep(lambda: keep_baselines(self.directory, self.tokenizer, train, scored, computed))
        return found

    def overlap(
        self,
        text: str | Path | Corpus | None = None,
        *,
        split: str = "validation",
        encoding: str = "utf-8",
        documents: str = "file",
    ) -> Overlap:
        """How much of a part of the run's own text, or of another `text`, stands word for word in the training part.

        Raises:
            OctavoError: there is no such part or text.
        """
        if text is None and split in self._overlaps:  # a text of many megabytes takes seconds
            return self._overlaps[split]
        looked_up = texts_of(self._chosen(text, split, encoding, documents), self.tokenizer)
        found = overlap(looked_up, texts_of(self._own("train"), self.tokenizer, SEARCHED))
        if text is None:
            self._overlaps[split] = found
        return found

    def memorisation(
        self,
        *,
        samples: int = 64,
        tokens: int = 200,
        temperature: float = 1.0,
        seed: int = 0,
        watch: Watch = unwatched,
    ) -> Memorisation:
        """Write `samples` texts of `tokens` tokens and look them up in the training part.

        Held-out text of the same lengths is looked up beside them, so there are no more samples than that has
        room for. At temperature 1 the model writes with its own odds: such a result is kept in
        ``memorisation.json``, which the diagnosis reads, and no other is.

        Raises:
            OctavoError: an option is out of range.
        """
        if not isinstance(samples, int) or not 1 <= samples <= 10_000:
            raise OctavoError(f"{samples} samples are out of range: 1 to 10000")
        found = measure_memorisation(
            self.model,
            self.tokenizer,
            self._own("train"),
            self._own("validation"),
            samples=samples,
            sampling=SamplingConfig(temperature=temperature, max_new_tokens=tokens, seed=seed),
            context_length=self.config.data.context_length,
            checkpoint=self.checkpoint,
            watch=watch,
        )
        if temperature == 1.0:
            self._memorised = found
            self._keep(lambda: self.directory.write_json("memorisation.json", found.as_json()))
        return found

    @property
    def memorised(self) -> Memorisation | None:
        """What :meth:`memorisation` found for the checkpoint in use; None if it was not measured."""
        try:
            found = Memorisation.from_json(self.directory.read_json("memorisation.json"))
        except (OctavoError, ValueError):  # it can always be measured again
            return self._memorised
        return found if found.checkpoint == self.checkpoint else self._memorised

    def diagnose(
        self,
        score: Evaluation | None = None,
        watch: Watch = unwatched,
        *,
        baselines: Sequence[Baseline] | None = None,
    ) -> list[Finding]:
        """What the run suffers from, the gravest first, from its score, its baselines and its looks; nothing if it
        is well. Kept in ``diagnosis.json``.

        `score` is :attr:`evaluation` just made: of a run that trains meanwhile, a newer checkpoint may have none.
        `baselines` are those that there are, where some could not be made.

        Raises:
            OctavoError: it has not been scored, or `score` is another than the standard one.
        """
        score = score or self.evaluation
        if not is_standard(Score(score.as_json())):
            raise OctavoError("a diagnosis is made from the score on the held-out part with the usual stride alone")
        found = self.findings(score, self.baselines(watch=watch) if baselines is None else baselines)
        content = {"checkpoint": self.checkpoint, "findings": [finding.as_json() for finding in found]}
        self._keep(lambda: self.directory.write_json("diagnosis.json", content))
        return found

    @property
    def diagnosed(self) -> list[Finding] | None:
        """Return what :meth:`diagnose` found for the checkpoint in use; None if no diagnosis was made."""
        try:
            content = self.directory.read_json("diagnosis.json")
            found = [from_json(Finding, finding) for finding in content["findings"]]
            return found if content["checkpoint"] == self.checkpoint else None
        except (OctavoError, LookupError, TypeError, ValueError):
            return None  # it can always be made again

    def findings(self, score: Evaluation, baselines: Sequence[Baseline]) -> list[Finding]:
        """What :meth:`diagnose` finds from a score and the baselines of its text; nothing is computed or kept."""
        metrics = self.metrics
        check_complete(metrics, self.path / "metrics.jsonl")
        case = Case(
            self.config,
            looks_of(metrics),
            score.nats_per_token,
            floors_of(score, baselines),
            score.tokens / score.characters,
            lossless=score.lossless_tokenizer,
            ended=bool(metrics) and metrics[-1].get("reason") == "budget",
            early_stopped=bool(self.config.train.patience),
            part=part_of_looks(self.config),
            memorisation=self.memorised,
            overlap=self.overlap(),
            shift=measure_shift(self._own("train"), self._own("validation"), self.tokenizer),
        )
        return diagnose(case)

    def curves(self) -> ShownCurves:
        """How training went; it shows itself in a notebook, and ``save`` writes figures and a page.

        Raises:
            OctavoError: there is no line of metrics.
        """
        metrics = self.metrics
        check_complete(metrics, self.path / "metrics.jsonl")
        if not any(event["event"] == "step" for event in metrics):
            ended = bool(metrics) and metrics[-1]["event"] == "end"
            why = "its training ended before" if ended else "its training has not come to"
            raise OctavoError(f"there are no curves of {self.name}: {why} its first line of metrics")
        try:
            facts = self._own("train").facts
        except OctavoError:
            return ShownCurves(Course(self.name, metrics))  # the text is damaged, the curves are not
        recut = recut_until(self.config, facts.tokens - slice_length(self.config, facts.tokens))
        return ShownCurves(Course(self.name, metrics, facts.tokens / facts.characters, recut))

    def _keep(self, write: Callable[[], None]) -> None:
        if not keep(self.directory, write, must=self.must_keep):
            self.not_kept = True

    @cached_property
    def _opening(self) -> list[int]:
        """The tokens before a text without a prompt. All token ids are read and hashed for them."""
        return opening_of_run(self.path / "data", self.tokenizer)

    def _own(self, part: str) -> TokenPart:
        if part not in self.parts:
            raise OctavoError(f"{self.name} has no {part} part: it has {', '.join(self.parts)}")
        return self.parts[part]

    def _chosen(
        self, text: str | Path | Corpus | None, split: str, encoding: str, documents: str
    ) -> TokenPart | Corpus:
        """A part of the run's own text, or another text."""
        if text is None:
            return self._own(split)
        if isinstance(text, Corpus):
            return with_documents(text, documents)
        return read_corpus(text, encoding=encoding, documents=documents)
