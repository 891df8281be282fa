"""A run as a card in a notebook: what it is, how good it is, and what to call next. Plain HTML, no script."""

from collections.abc import Callable

from octavo.corpus.lines import READ, frequent_line_start
from octavo.errors import reason
from octavo.formats.untrusted import open_plain
from octavo.reports.html.page import render
from octavo.runs import RunDirectory
from octavo.runs.completion import is_finished
from octavo.runs.scores import standard_score
from octavo.system.terminal import counted, duration, shown

_ANY_SIZE = 2**62  # bytes: only the beginning is read
_MOST = 200  # characters of a fact: names and paths are other people's


def run_card(run: RunDirectory) -> str:
    """Return the card. Whatever of a run is missing or damaged is said in its place; nothing is raised."""
    facts = {"score": _score, "training": _training, "model": _model, "text": _text, "folder": _folder}
    return str(
        render(
            "run_card.html",
            name=_told(lambda run: run.name, run),
            facts={name: _told(fact, run) for name, fact in facts.items()},
            calls=[shown(call) for call in _calls(run)],
        )
    )


def _told(fact: Callable[[RunDirectory], str], run: RunDirectory) -> str:
    try:
        told = fact(run)
    except Exception as error:  # a damaged run must not take the notebook's cell with it, whatever is wrong
        told = f"unknown ({reason(error)})"
    told = shown(told)
    return told if len(told) <= _MOST else f"{told[:_MOST]}…"


def _score(run: RunDirectory) -> str:
    score = standard_score(run)
    if score is None:
        return "none yet"
    return f"{score['bits_per_character']:.3f} bits per character of held-out text"


def _training(run: RunDirectory) -> str:
    last = run.last_record
    if last is None:
        return "not begun"
    how_far = f"{counted(last['step'], 'step')}, {duration(last['seconds'])}"
    return f"finished: {how_far}" if is_finished(run) else f"unfinished: {how_far}"


def _model(run: RunDirectory) -> str:
    config = run.config
    layers, heads = counted(config.model.n_layers, "layer"), counted(config.model.n_heads, "head")
    return f"{counted(run.provenance['parameters'], 'parameter')}, {layers} of {heads}"


def _text(run: RunDirectory) -> str:
    text = run.provenance["text"]
    return f"{text['name']}, {counted(text['characters'], 'character')}"


def _folder(run: RunDirectory) -> str:
    return str(run.path)


def _calls(run: RunDirectory) -> list[str]:
    """Return the calls that are worth making next."""
    try:
        if not is_finished(run):
            return [f"octavo.train(resume=True, name={str(run.path)!r})"]
        scored = standard_score(run) is not None
        with open_plain(run.path / "data" / "train.txt", _ANY_SIZE, run.path) as file:
            prompt = frequent_line_start(file.read(READ).decode("utf-8", errors="ignore"))
    except Exception:  # as above
        return ["octavo.report(run)"]
    first = [] if scored else ["run.evaluate()"]
    return [
        *first,
        f"run.generate({prompt!r})",
        "run.curves()",
        "run.surprise()",
        "run.heads()",
        "octavo.report(run)",
    ]
