"""Collapse: a model that had learned something is back at token frequencies.

The usual cause is weight decay as L2 inside Adam. Adam divides every gradient by its own size, and with it the decay
that was added; where gradients are small, decay moves the weights at the full learning rate, until nothing but the
output's bias is left (coupled and decoupled decay: Loshchilov & Hutter, 2019).
"""

from octavo.diagnosis.case import Case, better
from octavo.diagnosis.finding import Finding

_ROSE = 0.05  # nats per token from the lowest look: more than looks waver by
_SHRANK = 0.7  # of the largest length seen


def collapse(case: Case) -> Finding | None:
    """Back at the unigram floor, or held there by weights that melt: one look alone may be a spike.

    Back there on the text that it learns from too: one that is at home there and lost elsewhere overfits.
    """
    floor = case.floors.get("unigram")
    if floor is None or len(case.looks) < 2:
        return None
    if any(better(min(look.loss, look.train_loss), floor) for look in case.looks[-2:]):
        return None
    lowest = min(case.looks, key=lambda look: look.loss)
    longest = max(look.weight_norm for look in case.looks)
    last = case.looks[-1]
    rose = better(lowest.loss, floor) and last.loss > lowest.loss + _ROSE  # what was never learned is not lost
    shrank = last.weight_norm < _SHRANK * longest
    if not rose and not shrank:
        return None
    what = (
        f"{case.part} loss fell to {lowest.loss:.3f} nats a token by step {lowest.step:,} and rose back to "
        f"{last.loss:.3f}, the unigram floor being {floor:.3f}"
        if rose
        else f"{case.part} loss is not below the unigram floor of {floor:.3f} nats a token"
    )
    if shrank:
        what += f", while the weights shrank from a length of {longest:.0f} to {last.weight_norm:.0f}"
    figures = {
        "lowest_loss": lowest.loss,
        "lowest_step": lowest.step,
        "last_loss": last.loss,
        "unigram": floor,
        "longest_weights": longest,
        "last_weights": last.weight_norm,
    }
    if case.early_stopped:
        what += "; the weights of the best look were kept"
    return Finding("collapse", "warning" if case.early_stopped else "ill", what, _mend(case, shrank), figures)


def _mend(case: Case, shrank: bool) -> str:
    optimizer = case.config.optimizer
    if shrank and optimizer.kind == "adam" and optimizer.weight_decay:
        return (
            "weight decay is coupled here: optimizer.kind=adam adds optimizer.weight_decay="
            f"{optimizer.weight_decay:g} as L2 to the gradient, and by Adam's scaling it outweighs what there is to "
            "learn; decouple it with optimizer.kind=adamw, or set optimizer.weight_decay=0"
        )
    if shrank and optimizer.weight_decay:
        return f"lower optimizer.weight_decay={optimizer.weight_decay:g}"
    return "lower the learning rate: the step that broke it was too long"
