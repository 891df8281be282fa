"""Offer a saved run as one object: its values, and one method for each function that takes a saved run."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, Unpack, overload

from octavo.config.inference import HEAD_WINDOWS, SamplingOptions
from octavo.corpus import Corpus
from octavo.evaluate import Baseline, Evaluation, Memorisation, TrainOverlap, run_scores
from octavo.evaluate.diagnosis import Finding
from octavo.evaluate.evaluation import Protocol
from octavo.generate.generate import generate_many
from octavo.interpret.surprise import MAX_CHARACTERS
from octavo.reports import views
from octavo.reports.html.run_card import run_card
from octavo.runs import open_run, runs_root
from octavo.runs.saved_run import SavedRun
from octavo.system.progress import ProgressCallback, no_progress

Text = str | Path | Corpus | None
Names = str | Sequence[str]


def load(run: str | Path, *, runs: str | Path | None = None) -> "Run":
    """Open a run that was trained before.

    Args:
        run: the path of its folder, or its name.
        runs: the folder in which a name is looked for (default: ``$OCTAVO_RUNS``, else ``./runs``).

    Returns:
        The run. Its files are read when they are needed.

    Raises:
        OctavoError: there is no such run.

    Example:
        >>> octavo.load("hamlet").name
        'hamlet'
    """
    return Run(open_run(run, runs_root(runs)))


class Run(SavedRun):
    """A trained model with its text and results; :func:`octavo.train` and :func:`octavo.load` return one.

    The attributes are those of :class:`~octavo.runs.saved_run.SavedRun`. Every method raises OctavoError if an
    argument is out of range or names something that does not exist, a result that it needs is missing, a file of the
    run is damaged, or the tokenizer has no token for anything in a text. `watch` is called with the fraction of the
    work that is done, 0 to 1. In a notebook a run shows itself, and so do the views that some methods return.

    Example:
        >>> run.tokenizer.decode(run.tokenizer.encode("To be"))
        'To be'
    """

    def _repr_html_(self) -> str:
        return run_card(self.directory)

    @overload
    def generate(
        self, prompt: str = "", *, stream: Literal[True], stop: Names = (), **sampling: Unpack[SamplingOptions]
    ) -> Iterator[str]: ...

    @overload
    def generate(
        self, prompt: str = "", *, stream: Literal[False] = ..., stop: Names = (), **sampling: Unpack[SamplingOptions]
    ) -> str: ...

    def generate(
        self, prompt: str = "", *, stream: bool = False, stop: Names = (), **sampling: Unpack[SamplingOptions]
    ) -> str | Iterator[str]:
        """Continue a prompt. The same seed gives the same text.

        Args:
            prompt: the beginning; it may end inside a word (:mod:`octavo.generate.healing`). An empty one begins a
                document or a line.
            stream: yield the text in chunks while it is generated.
            stop: one or more texts before which the generated text ends.
            sampling: any of ``temperature top_k top_p min_p max_new_tokens seed``, with the meanings and defaults of
                :class:`~octavo.config.inference.SamplingConfig`.

        Returns:
            The generated text without the prompt; with `stream` an iterator over its chunks.

        Example:
            >>> text = run.generate("ROMEO:", temperature=0.5, max_new_tokens=20)
            >>> text == "".join(run.generate("ROMEO:", temperature=0.5, max_new_tokens=20, stream=True))
            True
        """
        chunks = (row[0] for row in self.generate_many([prompt], stop=stop, **sampling))
        return chunks if stream else "".join(chunks)

    def generate_many(
        self, prompts: Sequence[str], *, stop: Names = (), **sampling: Unpack[SamplingOptions]
    ) -> Iterator[list[str]]:
        """Continue several prompts in one batch; yield lists with the next chunk of each text, which may be empty.

        Arguments are those of :meth:`generate`.

        Example:
            >>> chunks = list(run.generate_many(["ROMEO:", "JULIET:"], max_new_tokens=9))
            >>> ["".join(column) for column in zip(*chunks)][0] == run.generate("ROMEO:", max_new_tokens=9)
            True
        """
        return generate_many(self, prompts, stop=stop, **sampling)

    @property
    def evaluation(self) -> Evaluation:
        """Return the standard score: the validation split in sliding windows half a context apart."""
        return run_scores.standard_evaluation(self)

    def evaluate(
        self,
        text: Text = None,
        *,
        split: str = "validation",
        stride: int = 0,
        protocol: Protocol = "sliding",
        window_characters: int = 256,
        encoding: str = "utf-8",
        documents: str = "file",
        watch: ProgressCallback = no_progress,
    ) -> Evaluation:
        """Score the model on a text, each token once, in fp32, and add the score to ``evaluation.json``.

        Args:
            text: a path, or a :class:`~octavo.Corpus`; None: the `split` of the run's own text.
            split: ``"validation"``, ``"train"`` or ``"test"``.
            stride: tokens between the starts of windows; 0: half the context.
            protocol: ``"sliding"`` windows, or ``"disjoint"`` chunks of `window_characters` with an empty context.
            encoding: of files that have no byte order mark and are not UTF-8.
            documents: ``"file"``, or ``"separator:TEXT"`` to split files into documents at that text.

        Returns:
            Bits and nats per character, byte and token, and a standard error.

        Example:
            >>> score = run.evaluate(octavo.Corpus.from_text("To be, or not to be: that is the question."))
            >>> score.characters, round(score.bits_per_character / score.nats_per_character, 3)
            (42, 1.443)
        """
        return run_scores.score_run(
            self,
            text,
            split=split,
            stride=stride,
            protocol=protocol,
            window_characters=window_characters,
            encoding=encoding,
            documents=documents,
            watch=watch,
        )

    def baselines(
        self,
        text: Text = None,
        *,
        split: str = "validation",
        encoding: str = "utf-8",
        documents: str = "file",
        watch: ProgressCallback = no_progress,
    ) -> list[Baseline]:
        """Score n-gram models and compressors that learn from the training split; the worst comes first.

        Arguments are those of :meth:`evaluate`. Results are kept in ``baselines.json``.

        Example:
            >>> run.baselines()[0].kind
            'uniform'
        """
        return run_scores.run_baselines(self, text, split=split, encoding=encoding, documents=documents, watch=watch)

    def overlap(
        self, text: Text = None, *, split: str = "validation", encoding: str = "utf-8", documents: str = "file"
    ) -> TrainOverlap:
        """Measure which fraction of a text is in the training split too, in verbatim spans of 64 characters or more.

        Arguments are those of :meth:`evaluate`.
        """
        return run_scores.run_overlap(self, text, split=split, encoding=encoding, documents=documents)

    def memorisation(
        self,
        *,
        samples: int = 64,
        tokens: int = 200,
        temperature: float = 1.0,
        seed: int = 0,
        watch: ProgressCallback = no_progress,
    ) -> Memorisation:
        """Measure how much of generated text, and of validation text, is verbatim in the training split.

        Args:
            samples: number of texts, 1 to 10,000; a short validation split allows fewer.
            tokens: length of a generated text.
            temperature: as in :meth:`generate`, and so is `seed`; results at 1 are kept in ``memorisation.json``.

        Returns:
            For both kinds of text the longest copied run, in characters, and the fraction of copied 8-word sequences.

        Example:
            >>> run.memorisation(samples=4, tokens=50).generated.texts
            4
        """
        return run_scores.run_memorisation(
            self, samples=samples, tokens=tokens, temperature=temperature, seed=seed, watch=watch
        )

    @property
    def saved_memorisation(self) -> Memorisation | None:
        """Return the last result of :meth:`memorisation` for the checkpoint in use; None if there is none."""
        return run_scores.load_memorisation(self)

    def diagnose(
        self,
        score: Evaluation | None = None,
        *,
        baselines: Sequence[Baseline] | None = None,
        watch: ProgressCallback = no_progress,
    ) -> list[Finding]:
        """Find problems of the training, such as collapse or overfitting, and keep them in ``diagnosis.json``.

        Args:
            score: the standard score; None: :attr:`evaluation`.
            baselines: those of the validation split; None: :meth:`baselines`.

        Returns:
            The findings, errors first, each with its ``figures`` and a ``fix``; none is an empty list.

        Example:
            >>> {finding.severity for finding in run.diagnose()} <= {"error", "warning", "note"}
            True
        """
        return run_scores.diagnose_run(self, score, watch, baselines=baselines)

    @property
    def saved_diagnosis(self) -> list[Finding] | None:
        """Return the last result of :meth:`diagnose` for the checkpoint in use; None if there is none."""
        return run_scores.load_diagnosis(self)

    def curves(self) -> views.CurvesView:
        """Return the training curves over steps, epochs and seconds; ``save(folder)`` writes figures and a page."""
        return views.curves_view(self)

    def attention(
        self,
        text: str | None = None,
        *,
        max_tokens: int | None = None,
        layer: int | None = None,
        head: int | None = None,
    ) -> views.AttentionView:
        """Compute the attention of every head over a text.

        Args:
            text: the text itself; None: the beginning of the validation split.
            max_tokens: tokens that are read, a context at most; None: 128, of the validation split 48.
            layer: the only layer in figures, and the first on the page; counted from 0; None: all.
            head: the same for a head.

        Returns:
            A view; ``attention.patterns`` has the shape (layers, heads, T query, T key), and its rows sum to 1.

        Example:
            >>> run.attention("To be, or not to be", max_tokens=8).attention.patterns.shape
            (1, 4, 8, 8)
        """
        return views.attention_view(self, text, max_tokens=max_tokens, layer=layer, head=head)

    def surprise(
        self, text: str | None = None, *, max_characters: int = MAX_CHARACTERS, watch: ProgressCallback = no_progress
    ) -> views.SurpriseView:
        """Compute the surprisal of each token of a text: minus the logarithm of its probability, in bits.

        Args:
            text: the text itself; None: the beginning of the validation split.
            max_characters: characters that are shown token by token; all count in the totals.

        Returns:
            A view; ``surprise.tokens`` has the ``bits`` of each token.

        Example:
            >>> all(token.bits >= 0 for token in run.surprise("Words, words, words.").surprise.tokens)
            True
        """
        return views.surprise_view(self, text, max_characters=max_characters, watch=watch)

    def lens(self, text: str | None = None, *, max_tokens: int | None = None) -> views.LensView:
        """Compute what the embedding and each layer would predict after each token of a text (logit lens).

        Arguments are those of :meth:`attention`, but 128 tokens of the validation split are read.

        Example:
            >>> len(run.lens("Words, words, words.").lens.layers)
            2
        """
        return views.lens_view(self, text, max_tokens=max_tokens)

    def edit(
        self,
        text: str | None = None,
        *,
        zero: Names = (),
        mean: Names = (),
        patch: Names = (),
        other: str = "",
        position: int | None = None,
        watch: ProgressCallback = no_progress,
    ) -> views.EditView:
        """Measure the effect of an intervention at sites such as ``blocks.0.attention.head.2``.

        Args:
            text: the text itself; None: the beginning of the validation split.
            zero: sites to zero-ablate; ``*`` stands for any layer or head.
            mean: sites to mean-ablate (mean over the first 8,192 validation tokens).
            patch: sites whose activations are copied from another text, `other`.
            position: index of the one token whose activations change; None: all.

        Returns:
            A view; ``edit.cost`` is the change in bits per character of the text, above 0 if it got worse.

        Example:
            >>> run.edit("To be, or not to be", zero="blocks.0.attention.head.*").edit.cost != 0
            True
        """
        return views.edit_view(
            self, text, zero=zero, mean=mean, patch=patch, other=other, position=position, watch=watch
        )

    def heads(
        self, text: str | None = None, *, windows: int = HEAD_WINDOWS, watch: ProgressCallback = no_progress
    ) -> views.HeadsView:
        """Measure what each head attends to, its distance and entropy, and the cost of its ablation (docs/heads.md).

        Args:
            text: the text itself; None: the validation split.
            windows: windows that are read, spread evenly over the text, 1 to 1,000.

        Returns:
            A view; ``table.heads`` has the heads with a 95 % interval for each number.

        Example:
            >>> [head.label for head in run.heads(windows=8).table.heads]
            ['0.0', '0.1', '0.2', '0.3']
        """
        return views.heads_view(self, text, windows=windows, watch=watch)
