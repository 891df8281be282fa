"""Overfitting: from some step on, the model gets better on its own text and worse on any other."""

from statistics import median

from octavo.diagnosis.case import Case
from octavo.diagnosis.finding import Finding

_ROSE = 0.03  # nats per token: more than a look at the same windows wavers by
_RECENT = 3  # looks whose median stands for the end


def overfitting(case: Case) -> Finding | None:
    """Held-out loss rose from its lowest look while training loss, measured alike, went on falling."""
    if len(case.looks) <= _RECENT:
        return None
    onset = min(case.looks, key=lambda look: look.loss)
    recent = case.looks[-_RECENT:]
    loss, train_loss = median(e.loss for e in recent), median(e.train_loss for e in recent)
    if onset in recent or loss < onset.loss + _ROSE or train_loss >= onset.train_loss:
        return None
    kept = ", whose weights were kept" if case.early_stopped else ""
    return Finding(
        "overfitting",
        "warning",
        f"{case.part} loss was lowest at step {onset.step:,} ({onset.loss:.3f} nats a token){kept} and rose to "
        f"{loss:.3f}, while the loss on as much training text fell from {onset.train_loss:.3f} to {train_loss:.3f}",
        "" if kept else "stop there (train.patience), use more text or more dropout, or a smaller model",
        {
            "onset_step": onset.step,
            "lowest_loss": onset.loss,
            "train_loss_there": onset.train_loss,
            "last_loss": loss,
            "last_train_loss": train_loss,
        },
    )
