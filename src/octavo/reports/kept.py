"""What a run's folder knows already. What it does not know is refused, with the command that makes it."""

import re
from dataclasses import fields

from octavo.diagnosis import Finding
from octavo.errors import OctavoError, reason
from octavo.evaluate.copies import SEARCHED
from octavo.evaluate.documents import decoded
from octavo.evaluate.kept_baselines import kept, what_they_learn_from
from octavo.evaluate.marked import Marked, mark_copies
from octavo.pages.series import Course
from octavo.reports.absent import Absent
from octavo.reports.section import Scored
from octavo.run import Run
from octavo.runs.completion import lacking
from octavo.untrusted import MOST_TEXT, read_plain

_SAMPLE = re.compile(r"(?:\A|\n\n)--- sample (\d+) ---\n")


def read_standing(run: Run) -> str:
    """Return how far a run is that is not finished, in a sentence; "" for one that is."""
    try:
        lacks, metrics = lacking(run.directory), run.metrics
    except OctavoError:
        return ""  # the parts that need what is damaged say so
    if lacks is None:
        return ""
    if lacks != "training":
        what = "scored" if lacks == "score" else "examined to the end"
        return f"This run is trained but not {what}: resuming it goes on with that."
    step = metrics[-1].get("step", 0) if metrics else 0
    share = next((record["progress"] for record in reversed(metrics) if "progress" in record), 0.0)
    return (
        f"This run has not come to the end of its training: it stands at step {step:,}, {100 * share:.0f} % of its "
        "budget. What follows is of its newest checkpoint."
    )


def read_scored(run: Run) -> Scored:
    """The standard score, and what stands beside it.

    Raises:
        OctavoError: there is none.
    """
    score = run.evaluation
    train, validation = run.parts["train"], run.parts["validation"]
    known = kept(run.directory, what_they_learn_from(run.tokenizer, train), validation.facts.sha256)
    last = run.directory.last_record or {"seconds": 0.0}
    return Scored(score, known or [], run.overlap(), last["seconds"])


def read_findings(run: Run, scored: Scored | Absent) -> list[Finding]:
    """The diagnosis of the checkpoint in use; of a run without a score what was told while it trained. The run stays
    as it is.

    Raises:
        OctavoError: there is none, or not enough to make it from.
    """
    if isinstance(scored, Absent):
        return _told(run)
    if (found := run.diagnosed) is not None:
        return found
    if scored.baselines:
        return run.findings(scored.evaluation, scored.baselines)
    raise OctavoError("there is no diagnosis yet: evaluate the run to make one")


def _told(run: Run) -> list[Finding]:
    found = [record for record in run.metrics if record["event"] == "finding"]
    if not found:
        raise OctavoError("there is no diagnosis before a run is scored; while it trained nothing wrong was plain")
    named = [field.name for field in fields(Finding)]
    return [Finding(**{name: record[name] for name in named}) for record in found]


def read_course(run: Run) -> Course:
    """How it went.

    Raises:
        OctavoError: it has no line of metrics yet, or one is damaged.
    """
    return run.curves().course


def read_samples(run: Run) -> Marked:
    """``samples.txt``, looked up in the training text.

    Raises:
        OctavoError: it is not there.
    """
    place = run.path / "samples.txt"
    if not place.is_file():
        raise OctavoError("there are no samples yet: resume the run to write them")
    try:
        text = read_plain(place, MOST_TEXT, run.path).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OctavoError(f"{place} cannot be read ({reason(error)}): resume the run to write it anew") from None
    _, *pieces = _SAMPLE.split(text)
    texts = [text.removesuffix("\n") for text in pieces[1::2]]
    training, held_out = (decoded(run.parts[part], run.tokenizer, SEARCHED) for part in ("train", "validation"))
    return mark_copies(texts, held_out, training)
