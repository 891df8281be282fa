"""All that a reproduction has found, as one value, and what it comes to as JSON."""

from dataclasses import asdict, dataclass
from typing import Any

from octavo.evaluate import Evaluation, perplexity
from octavo.evaluate.diagnosis import Finding
from octavo.experiments.reproduction import reported
from octavo.experiments.reproduction.epochs import LossPoint, epoch_rows, loss_points
from octavo.experiments.reproduction.facts import Fact, changed_settings, check_facts
from octavo.experiments.reproduction.generations import Generation, generate_all
from octavo.experiments.reproduction.losses import BatchLosses, Perplexities, measure_losses
from octavo.experiments.reproduction.patterns import (
    TextAttention,
    largest_query_key_weight,
    pattern_distance_from_uniform,
    read_attention_texts,
)
from octavo.experiments.reproduction.reported import EpochRow
from octavo.experiments.reproduction.runtime import Runtime, measure_runtime
from octavo.pipeline.progress import Progress
from octavo.pipeline.run import Run


@dataclass(frozen=True)
class Reproduction:
    """A run of the report's experiment, measured as the report measures it, and rightly."""

    run: Run
    changed: dict[str, str]  # settings that are not the preset's
    facts: tuple[Fact, ...]
    epochs: tuple[EpochRow, ...]
    looks: tuple[LossPoint, ...]
    perplexities: Perplexities
    evaluation: Evaluation
    findings: tuple[Finding, ...]  # what the run suffers from
    runtime: Runtime
    attention: tuple[TextAttention, ...]
    query_key_weight: float  # the largest, as a distance from zero
    generations: tuple[Generation, ...]

    def to_dict(self) -> dict[str, Any]:
        """Every figure, plain values."""
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
            "looks": [asdict(look) for look in self.looks],
            "perplexity": {
                "validation": _summary(p.validation),
                "training_sample": _summary(p.sample),
                "training_windows": p.train_windows,
                "training_as_reported": {
                    "loss": p.training_as_reported,
                    "perplexity": perplexity(p.training_as_reported),
                },
                "unigram": {"train_entropy": p.unigram_train, "validation_loss": p.unigram_validation},
                "report": {
                    "validation_loss": reported.VALIDATION_LOSS,
                    "validation_perplexity": reported.VALIDATION_PERPLEXITY,
                    "training_loss": reported.TRAINING_LOSS,
                    "training_perplexity": reported.TRAINING_PERPLEXITY,
                },
            },
            "evaluation": self.evaluation.to_dict(),
            "diagnosis": [finding.to_dict() for finding in self.findings],
            "runtime": asdict(self.runtime),
            "attention": [
                {
                    "text": text.name,
                    "tokens": text.attention.passage.labels,
                    "distance_from_uniform": pattern_distance_from_uniform(text.attention.patterns).tolist(),
                }
                for text in self.attention
            ],
            "largest_query_or_key_weight": self.query_key_weight,
            "generations": [asdict(generation) for generation in self.generations],
        }


def measure_run(run: Run, progress: Progress) -> Reproduction:
    """Measure a run that is trained and scored; half a minute on one core for the report's own experiment.

    Raises:
        OctavoError: the run has no score, or a file of it is damaged.
    """
    progress.note("checking the facts, scoring every validation batch, timing, writing the generations")
    perplexities = measure_losses(run, lambda share: progress.phase("scoring batches", share))
    return Reproduction(
        run,
        changed_settings(run.config),
        check_facts(run),
        epoch_rows(run.metrics),
        loss_points(run.metrics),
        perplexities,
        run.evaluation,
        tuple(run.diagnose(watch=lambda share: progress.phase("comparing with simpler models", share))),
        measure_runtime(run, perplexities),
        read_attention_texts(run),
        largest_query_key_weight(run.model),
        generate_all(run),
    )


def reported_epoch(epoch: int) -> EpochRow | None:
    """The report's row of an epoch, if it has one."""
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
