"""All results of a reproduction as one value, and that value as JSON."""

from dataclasses import asdict, dataclass
from typing import Any

from octavo.evaluate import Evaluation, perplexity
from octavo.evaluate.diagnosis.case import Finding
from octavo.experiments.reproduction import patterns, reported
from octavo.experiments.reproduction.epochs import LossPoint, epoch_rows, validation_curve
from octavo.experiments.reproduction.facts import Fact, changed_settings, check_facts
from octavo.experiments.reproduction.generations import Generation, generate_all
from octavo.experiments.reproduction.losses import BatchLosses, Perplexities, measure_losses
from octavo.experiments.reproduction.reported import EpochRow
from octavo.experiments.reproduction.runtime import Runtime, measure_runtime
from octavo.pipeline.progress import Progress
from octavo.pipeline.run import Run


@dataclass(frozen=True)
class Reproduction:
    """A run of the course report's experiment, measured as the report does it and correctly.

    Attributes:
        run: the trained run.
        changed: settings that differ from the preset's, by dotted name.
        facts: the report's facts, each compared with the run.
        epochs: losses at the end of every epoch.
        validation_curve: the validation points.
        perplexities: losses over all validation windows and a sample of training windows, and the unigram baseline.
        evaluation: the run's own score.
        findings: the run's diagnosis.
        runtime: times and memory.
        attention: attention over the report's texts.
        query_key_weight: largest absolute weight of the query and key projections.
        generations: continuations of the report's prompts.
    """

    run: Run
    changed: dict[str, str]
    facts: tuple[Fact, ...]
    epochs: tuple[EpochRow, ...]
    validation_curve: tuple[LossPoint, ...]
    perplexities: Perplexities
    evaluation: Evaluation
    findings: tuple[Finding, ...]
    runtime: Runtime
    attention: tuple[patterns.TextAttention, ...]
    query_key_weight: float
    generations: tuple[Generation, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return every figure as plain values for JSON."""
        p = self.perplexities
        return {
            "run": self.run.name,
            "checkpoint": self.run.checkpoint,
            "changed_settings": self.changed,
            "facts": [asdict(fact) | {"equal": fact.equal} for fact in self.facts],
            "epochs": [
                {"here": asdict(row), "report": asdict(theirs) if (theirs := reported_epoch(row.epoch)) else None}
                for row in self.epochs
            ],
            "looks": [asdict(point) for point in self.validation_curve],
            "perplexity": {
                "validation": _summary(p.validation),
                "training_sample": _summary(p.sample),
                "training_windows": p.train_windows,
                "training_as_reported": {
                    "loss": p.training_as_reported,
                    "perplexity": perplexity(p.training_as_reported),
                },
                "unigram": {"train_entropy": p.unigram_train, "validation_loss": p.unigram_validation},
                "report": reported.CLOSING,
            },
            "evaluation": asdict(self.evaluation),
            "diagnosis": [asdict(finding) for finding in self.findings],
            "runtime": asdict(self.runtime),
            "attention": [
                {
                    "text": text.name,
                    "tokens": text.attention.passage.labels,
                    "distance_from_even": patterns.pattern_distance_from_uniform(text.attention.patterns).tolist(),
                }
                for text in self.attention
            ],
            "largest_query_or_key_weight": self.query_key_weight,
            "generations": [asdict(generation) for generation in self.generations],
        }


def measure_run(run: Run, progress: Progress) -> Reproduction:
    """Measure a trained and scored run; this takes half a minute on one core for the report's own experiment.

    Raises:
        OctavoError: the run has no score, or a file of it is damaged.
    """
    progress.note("checking the facts, scoring every validation batch, timing and generating")
    perplexities = measure_losses(run, lambda fraction: progress.phase("scoring batches", fraction))
    return Reproduction(
        run=run,
        changed=changed_settings(run.config),
        facts=check_facts(run),
        epochs=epoch_rows(run.metrics),
        validation_curve=validation_curve(run.metrics),
        perplexities=perplexities,
        evaluation=run.evaluation,
        findings=tuple(run.diagnose(watch=lambda fraction: progress.phase("scoring baselines", fraction))),
        runtime=measure_runtime(run, perplexities),
        attention=patterns.read_attention_texts(run),
        query_key_weight=patterns.largest_query_key_weight(run.model),
        generations=generate_all(run),
    )


def reported_epoch(epoch: int) -> EpochRow | None:
    """Return the report's row of an epoch, None if it has no such epoch."""
    return next((row for row in reported.EPOCHS if row.epoch == epoch), None)


def _summary(losses: BatchLosses) -> dict[str, Any]:
    return {
        "loss": losses.mean,
        "perplexity": perplexity(losses.mean),
        "mean_of_batches": losses.mean_of_batches,
        "standard_deviation_of_batches": losses.standard_deviation,
        "minimum_of_batches": min(losses.losses),
        "maximum_of_batches": max(losses.losses),
        "windows": sum(losses.windows),
        "batch_losses": list(losses.losses),
        "batch_windows": list(losses.windows),
    }
