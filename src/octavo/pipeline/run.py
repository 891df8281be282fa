"""The run as an object to work with: a saved run with one method for each thing that can be done with it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, overload

from octavo.corpus import Corpus
from octavo.evaluate import Baseline, Evaluation, Memorisation, TrainOverlap
from octavo.evaluate.diagnosis import Finding
from octavo.evaluate.run_scores import (
    diagnose_run,
    load_diagnosis,
    load_memorisation,
    run_baselines,
    run_findings,
    run_memorisation,
    run_overlap,
    score_run,
    standard_evaluation,
)
from octavo.generate.generate import generate_many
from octavo.reports.html.attention import AttentionView
from octavo.reports.html.curves import CurvesView
from octavo.reports.html.edit import EditView
from octavo.reports.html.heads import HeadsView
from octavo.reports.html.lens import LensView
from octavo.reports.html.run_card import run_card
from octavo.reports.html.surprise import SurpriseView
from octavo.reports.views import attention_view, curves_view, edit_view, heads_view, lens_view, surprise_view
from octavo.runs import open_run, runs_root
from octavo.runs.saved_run import SavedRun


def load(run: str | Path, *, runs: str | Path | None = None) -> "Run":
    """Open a run by its path, or by its name under `runs` (``$OCTAVO_RUNS``, ``./runs``).

    Raises:
        OctavoError: there is no such run.
    """
    return Run(open_run(run, runs_root(runs)))


class Run(SavedRun):
    """One run: its values, and what it can do."""

    def _repr_html_(self) -> str:
        return run_card(self.directory)

    @overload
    def generate(self, prompt: str = "", *, stream: Literal[True], **options: Any) -> Iterator[str]: ...

    @overload
    def generate(self, prompt: str = "", *, stream: Literal[False] = False, **options: Any) -> str: ...

    def generate(self, prompt: str = "", *, stream: bool = False, **options: Any) -> str | Iterator[str]:
        """Continue `prompt`; return the new text alone, at once or, with `stream`, chunk by chunk.

        Without a prompt the text begins a document or a line. A prompt may end inside a word or in a space: its last
        tokens are sampled again together with what follows, as :mod:`octavo.generate.healing` says.

        Options are those of :meth:`generate_many`. To generate several texts at once, use that.
        """
        chunks = (row[0] for row in self.generate_many([prompt], **options))
        return chunks if stream else "".join(chunks)

    def generate_many(
        self, prompts: Sequence[str], *, stop: str | Sequence[str] = (), **sampling: Any
    ) -> Iterator[list[str]]:
        """Continue all prompts side by side; yield what each text grows by, some tokens at a time.

        `sampling` is any of ``temperature top_k top_p min_p max_new_tokens seed``, as in
        :class:`octavo.config.inference.SamplingConfig`. The same seed gives the same texts; a text does not depend on
        the prompts after its own.

        Raises:
            OctavoError: an option is out of range.
        """
        return generate_many(self, prompts, stop=stop, **sampling)

    @property
    def evaluation(self) -> Evaluation:
        """Return the score on the validation split, in sliding windows half a context apart.

        Raises:
            OctavoError: the run has not been scored so.
        """
        return standard_evaluation(self)

    def evaluate(self, text: str | Path | Corpus | None = None, **options: Any) -> Evaluation:
        """Score the run on a split of its own text or on another `text`, as :func:`score_run` does."""
        return score_run(self, text, **options)

    def baselines(self, text: str | Path | Corpus | None = None, **options: Any) -> list[Baseline]:
        """Return the baselines of a text, as :func:`run_baselines` does; the worst comes first."""
        return run_baselines(self, text, **options)

    def overlap(self, text: str | Path | Corpus | None = None, **options: Any) -> TrainOverlap:
        """Measure how much of a text is verbatim in the training split, as :func:`run_overlap` does."""
        return run_overlap(self, text, **options)

    def memorisation(self, **options: Any) -> Memorisation:
        """Generate texts and look them up in the training split, as :func:`run_memorisation` does."""
        return run_memorisation(self, **options)

    @property
    def memorised(self) -> Memorisation | None:
        """Return what :meth:`memorisation` found for the checkpoint in use; None if it was not measured."""
        return load_memorisation(self)

    def diagnose(self, score: Evaluation | None = None, **options: Any) -> list[Finding]:
        """Find problems of the run, the gravest first, as :func:`diagnose_run` does."""
        return diagnose_run(self, score, **options)

    @property
    def diagnosed(self) -> list[Finding] | None:
        """Return what :meth:`diagnose` found for the checkpoint in use; None if no diagnosis was made."""
        return load_diagnosis(self)

    def findings(self, score: Evaluation, baselines: Sequence[Baseline]) -> list[Finding]:
        """Return what :meth:`diagnose` finds from a score and the baselines of its text; nothing is kept."""
        return run_findings(self, score, baselines)

    def curves(self) -> CurvesView:
        """Return the training curves; ``save(folder)`` writes figures and a page.

        Raises:
            OctavoError: there is no line of metrics.
        """
        return curves_view(self)

    def attention(self, text: str | None = None, **options: Any) -> AttentionView:
        """Show the attention of every head over `text`; options are those of :func:`attention_view`."""
        return attention_view(self, text, **options)

    def surprise(self, text: str | None = None, **options: Any) -> SurpriseView:
        """Show the surprisal of each token of `text`; options are those of :func:`analyse_surprise`."""
        return surprise_view(self, text, **options)

    def lens(self, text: str | None = None, **options: Any) -> LensView:
        """Show what each layer would predict (logit lens); options are those of :func:`analyse_lens`."""
        return lens_view(self, text, **options)

    def edit(self, text: str | None = None, **options: Any) -> EditView:
        """Show what interventions change in the predictions; options are those of :func:`analyse_edit`."""
        return edit_view(self, text, **options)

    def heads(self, text: str | None = None, **options: Any) -> HeadsView:
        """Show what each head attends to and what its ablation costs; options are those of :func:`analyse_heads`."""
        return heads_view(self, text, **options)
