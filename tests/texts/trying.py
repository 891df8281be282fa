"""Train on a text and do all that can be done with the run; or be told in one sentence why not."""

import math
import re
from pathlib import Path
from typing import Any

import octavo
from octavo.corpus import Corpus, Document, split
from octavo.pipeline.run import Run

KINDS = ("bpe", "characters", "whitespace-bpe")
_TINY = {
    "model.d_model": 16,
    "model.n_layers": 1,
    "model.d_ff": 32,
    "data.context_length": 16,
    "data.batch_size": 4,
    "train.precision": "fp32",
    "train.validation_windows": 4,
    "train.sample_every": 1,
}


def trained_or_refused(text: str, kind: str, runs: Path, *, brief: bool = True, **settings: Any) -> Run | str:
    """The run that came of it, or the sentence that refused it; then nothing lies in `runs`.

    `brief`: it is trained and scored alone.

    Raises AssertionError where it is neither.
    """
    try:
        corpus = Corpus("strange", (Document("strange.txt", text),))
        overrides = _TINY | {"tokenizer.kind": kind} | settings
        run = octavo.train(corpus, steps=2, overrides=overrides, runs=runs, progress=False, brief=brief)
    except octavo.OctavoError as refusal:
        assert not list(runs.rglob("*")), "a refusal leaves nothing behind"
        return one_sentence(str(refusal))
    check_text(run, text)
    assert math.isfinite(run.evaluation.nats_per_character)
    assert run.evaluation.characters == run.splits["validation"].facts.characters
    return run


def one_sentence(refusal: str) -> str:
    """The sentence, which names what is wrong and, after a colon or a comma, what to do."""
    assert re.fullmatch(r"[^\n]{20,400}[^.\s]", refusal), refusal
    assert re.search("[:;,] ", refusal), refusal
    return refusal


def check_text(run: Run, text: str) -> None:
    """The run keeps the text, exactly, and its tokens say the same where the tokenizer loses nothing."""
    kept = list(run.splits.values())
    assert "".join(part.text for part in kept) == text
    if run.config.data.split_by == "characters":
        assert [part.text for part in kept] == [part.text for part in split(Corpus.from_text(text)) if part.segments]
    if run.tokenizer.lossless:
        assert [run.tokenizer.decode(part.ids.tolist()) for part in kept] == [part.text for part in kept]


def look_into(run: Run) -> None:
    """Whatever can be seen of a run; raises where something goes wrong. A page holds no control character."""
    beginning = run.validation_beginning(60)
    run.generate(beginning, max_new_tokens=20)
    pages = [run.surprise(beginning).page, run.lens(beginning).page, run.attention(beginning).page]
    pages += [run.curves().page, octavo.report(run)]
    for page in pages:
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page.html), page.title
