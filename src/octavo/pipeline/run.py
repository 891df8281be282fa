"""Offer a saved run as one object: its values, and as its methods the functions that take a saved run."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, Unpack, overload

from octavo.config.inference import SamplingOptions
from octavo.evaluate import Evaluation, Memorisation
from octavo.evaluate.diagnosis.case import Finding
from octavo.evaluate.diagnosis.run_diagnosis import diagnose_run, load_diagnosis
from octavo.evaluate.fine_tuning import FineTuning, load_fine_tuning
from octavo.evaluate.run_scores import (
    load_memorisation,
    run_baselines,
    run_memorisation,
    run_overlap,
    score_run,
    standard_evaluation,
)
from octavo.generate.generate import generate_many, generate_new
from octavo.pipeline.share import share_run
from octavo.reports.html.run_card import run_card
from octavo.reports.views import attention_view, curves_view, edit_view, heads_view, lens_view, surprise_view
from octavo.runs import open_run, runs_root
from octavo.runs.saved_run import SavedRun

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

    generate_many = generate_many
    generate_new = generate_new

    @property
    def evaluation(self) -> Evaluation:
        """Return the standard score: the validation split in sliding windows half a context apart."""
        return standard_evaluation(self)

    @property
    def fine_tuning(self) -> FineTuning | None:
        """Return the scores of a fine-tuned run on both validation splits, before and after; None if there are none.

        `before` and `after` are of the run's own validation split, `parent_text_before` and `parent_text_after` of
        that of the run it started from.
        """
        return load_fine_tuning(self)

    evaluate = score_run
    baselines = run_baselines
    overlap = run_overlap
    memorisation = run_memorisation

    @property
    def saved_memorisation(self) -> Memorisation | None:
        """Return the last result of :meth:`memorisation` for the checkpoint in use; None if there is none."""
        return load_memorisation(self)

    diagnose = diagnose_run

    @property
    def saved_diagnosis(self) -> list[Finding] | None:
        """Return the last result of :meth:`diagnose` for the checkpoint in use; None if there is none."""
        return load_diagnosis(self)

    curves = curves_view
    attention = attention_view
    surprise = surprise_view
    lens = lens_view
    edit = edit_view
    heads = heads_view
    share = share_run
