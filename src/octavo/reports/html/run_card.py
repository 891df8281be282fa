"""The card of a run in a notebook: score, training, model, text, and the next calls. Plain HTML without script."""

from collections.abc import Callable

from octavo.corpus.lines import MAX_CHARACTERS_READ, frequent_line_start
from octavo.errors import reason
from octavo.formats.untrusted import open_plain
from octavo.reports.html.page import render
from octavo.runs import RunDirectory
from octavo.runs.completion import is_finished
from octavo.runs.scores import standard_score
from octavo.system.terminal import duration, escape_controls, quantity

_ANY_SIZE = 2**62  # bytes: only the beginning is read
_MAX_CHARACTERS = 200  # of a fact: names and paths can be long


def run_card(run: RunDirectory) -> str:
    """Return the card. A fact that is missing or damaged says so; nothing is raised."""
    facts = {"score": _score, "training": _training, "model": _model, "text": _text, "folder": _folder}
    return str(
        render(
            "run_card.html",
            name=_fact(lambda run: run.name, run),
            facts={name: _fact(fact, run) for name, fact in facts.items()},
            calls=[escape_controls(call) for call in _calls(run)],
        )
    )


def _fact(read: Callable[[RunDirectory], str], run: RunDirectory) -> str:
    try:
        text = read(run)
    except Exception as error:  # a damaged run must not fail the notebook's cell, whatever is wrong
        text = f"unknown ({reason(error)})"
    text = escape_controls(text)
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"


def _score(run: RunDirectory) -> str:
    score = standard_score(run)
    if score is None:
        return "none yet"
    return f"{score['bits_per_character']:.3f} bits per character of the validation split"


def _training(run: RunDirectory) -> str:
    last = run.last_record
    if last is None:
        return "not begun"
    amount = f"{quantity(last['step'], 'step')}, {duration(last['seconds'])}"
    return f"finished: {amount}" if is_finished(run) else f"unfinished: {amount}"


def _model(run: RunDirectory) -> str:
    config = run.config
    layers, heads = quantity(config.model.n_layers, "layer"), quantity(config.model.n_heads, "head")
    return f"{quantity(run.provenance['parameters'], 'parameter')}, {layers} of {heads}"


def _text(run: RunDirectory) -> str:
    text = run.provenance["text"]
    return f"{text['name']}, {quantity(text['characters'], 'character')}"


def _folder(run: RunDirectory) -> str:
    return str(run.path)


def _calls(run: RunDirectory) -> list[str]:
    """Return the calls to make next."""
    try:
        if not is_finished(run):
            return [f"octavo.train(resume=True, name={str(run.path)!r})"]
        scored = standard_score(run) is not None
        if run.shared:
            return ["run.generate()", "run.curves()", "run.evaluate('other.txt')"]
        with open_plain(run.path / "data" / "train.txt", _ANY_SIZE, run.path) as file:
            prompt = frequent_line_start(file.read(MAX_CHARACTERS_READ).decode("utf-8", errors="ignore"))
    except Exception:  # a damaged run must not fail the notebook's cell, whatever is wrong
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
