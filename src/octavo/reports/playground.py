"""The playground of a run: its model inside a page, which writes, reads and can be changed there.

``octavo playground`` writes a page of it, and the report of a run contains it as a section.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from octavo.config import Config
from octavo.config.inference import SamplingConfig
from octavo.errors import OctavoError
from octavo.evaluate.run_scores import standard_evaluation
from octavo.formats.output_paths import prepare_page_path
from octavo.model import Transformer
from octavo.reports.blocks import Sentences, Unavailable, try_compute
from octavo.reports.html.blocks import block_part, section_part, subsection_part
from octavo.reports.html.packed_model import PackedModel, model_part, pack_model, pack_run, page_score
from octavo.reports.html.page import HtmlPart, Page, make_page, render
from octavo.runs.saved_run import SavedRun
from octavo.system.progress import ProgressCallback, no_progress
from octavo.system.terminal import CONTROL
from octavo.tokenizer import Tokenizer

SECTION, TITLE = "playground", "Playground"
_QUESTION = "What does the model do with your own text?"
_CHARACTERS = 1000  # of the validation split, to find lines in
_PROMPT_CHARACTERS = 40
_READ_LINES = 4
_NO_SCORE = "The cost of rounding its weights for this page is unknown, because the run was shared without its text."


@dataclass(frozen=True)
class PlaygroundPart:
    """One part of the playground. `about`: what it shows, for a reader who has never seen it."""

    key: str
    title: str
    about: str
    part: HtmlPart


def playground(run: SavedRun, watch: ProgressCallback = no_progress) -> Page:
    """Return a page in which the run's model writes and reads, with what the rounding of its weights costs.

    Args:
        run: the run.
        watch: is called with the fraction of the scoring that is done.

    Raises:
        OctavoError: the page would be too large, or the run has no valid checkpoint.
    """
    own = [section_part(one.key, one.title, one.about, [one.part]) for one in _parts(_first_words(run), _text(run))]
    packed = pack_run(run, other_bytes=_page_bytes(own))
    return _page(f"Playground of {run.name}", [model_part(packed), *own], _description(run, packed, watch))


def save_playground(run: SavedRun, output: Path | None = None, *, watch: ProgressCallback = no_progress) -> Path:
    """Write the page; return its path. None: ``playground.html`` in the run.

    Raises:
        OctavoError: as :func:`playground`, or it cannot be written there.
    """
    path = output or run.path / "playground.html"
    prepare_page_path(path)  # before anything is measured
    return playground(run, watch).save(path)


def measured_page(model: Transformer, tokenizer: Tokenizer, config: Config) -> Page:
    """Return the playground of a model in memory, which measures itself when it is opened (`octavo.bench.page`)."""
    own = [section_part(one.key, one.title, one.about, [one.part]) for one in _parts("", "")]
    packed = pack_model(model, tokenizer, config, _page_bytes(own))
    return _page("Benchmark", [model_part(packed), *own, HtmlPart(Markup(""), ("page_bench.js",))])


def playground_section(run: SavedRun, other_bytes: int, watch: ProgressCallback = no_progress) -> HtmlPart:
    """Return the playground as a section of a page whose other parts take `other_bytes`.

    If the page would be too large, or the model cannot be loaded, the section says so in a sentence.
    """

    def content() -> list[HtmlPart]:
        own = [
            subsection_part(one.key, one.title, one.about, [one.part])
            for one in _parts(_first_words(run), _text(run))
        ]
        packed = pack_run(run, other_bytes + _page_bytes(own))
        return [model_part(packed), block_part(Sentences([_description(run, packed, watch)])), *own]

    parts = try_compute(content)
    if isinstance(parts, Unavailable):
        parts = [block_part(Sentences([f"The model is not in this page. {parts.why}"]))]
    return section_part(SECTION, TITLE, _QUESTION, parts)


def _page(title: str, parts: Sequence[HtmlPart], description: str = "") -> Page:
    return make_page(title, parts, description=description, height=900)


def _page_bytes(parts: Sequence[HtmlPart]) -> int:
    """Return the bytes of a page of these parts and the scripts of the model, without its weights."""
    return len(_page("", [model_part(PackedModel("fp16", {}, {})), *parts]).html.encode())


def _parts(prompt: str, text: str) -> list[PlaygroundPart]:
    return [
        PlaygroundPart(
            "write",
            "Write",
            "The model continues your text: it gives each token (a word or a piece of one) a probability of being "
            "next, draws one of them, and begins again.",
            write_part(prompt),
        ),
        PlaygroundPart(
            "read",
            "Read",
            "The model reads your text and predicts each token from those before it: what it did not expect is "
            "coloured.",
            read_part(text),
        ),
        PlaygroundPart(
            "change",
            "Change",
            "The model is a stack of layers, each with attention heads and a feed-forward part: switch one off to "
            "see what it is good for.",
            change_part(text),
        ),
    ]


def write_part(prompt: str) -> HtmlPart:
    """Return the part that continues a prompt; it needs :func:`model_part` before it."""
    sampling = SamplingConfig()
    settings = [  # name, label, value, least, most, step
        ("temperature", "Temperature", sampling.temperature, 0, 100, 0.1),
        ("top-k", "Top-k (0: all)", sampling.top_k, 0, None, 1),
        ("top-p", "Top-p", sampling.top_p, 0.05, 1, 0.05),
        ("min-p", "Min-p", sampling.min_p, 0, 1, 0.01),
        ("seed", "Seed", sampling.seed, 0, None, 1),
        ("length", "Length, tokens", sampling.max_new_tokens, 1, 10_000, 1),
    ]
    html = render("write.html", prompt=prompt, settings=settings)
    scripts = ("predictions.js", "token_facts.js", "branches.js", "write.js")
    return HtmlPart(html, scripts, ("predictions.css", "write.css"))


def read_part(text: str) -> HtmlPart:
    """Return the part that reads a text while it is typed; it needs :func:`model_part` before it."""
    html = render("read.html", text=text)
    viewers = ("predictions.js", "attention.js", "lens.js")
    styles = ("predictions.css", "attention.css", "lens.css", "write.css")
    return HtmlPart(html, (*viewers, "token_facts.js", "live_views.js", "read.js"), styles)


def change_part(text: str) -> HtmlPart:
    """Return the part that switches parts of the model off; it needs :func:`model_part` before it."""
    html = render("change.html", text=text)
    return HtmlPart(html, ("predictions.js", "token_facts.js", "change.js"), ("predictions.css", "write.css"))


def _lines(run: SavedRun) -> list[str]:
    """Return some lines of the validation split, from the first complete one on; none if the run has no text."""
    if run.directory.shared:
        return []
    begun, *lines = run.validation_beginning(_CHARACTERS).splitlines() or [""]
    shown = (CONTROL.sub("", line).strip() for line in (lines[:-1] or [begun]))  # a text field shows no controls
    return [line for line in shown if line]


def _text(run: SavedRun) -> str:
    return "\n".join(_lines(run)[:_READ_LINES])


def _first_words(run: SavedRun) -> str:
    """Return words of a line of the validation split as a prompt; "" if the run has no text."""
    line = next(iter(_lines(run)), "")
    if len(line) <= _PROMPT_CHARACTERS:
        return line
    return line[:_PROMPT_CHARACTERS].rpartition(" ")[0] or line[:_PROMPT_CHARACTERS]


def _description(run: SavedRun, packed: PackedModel, watch: ProgressCallback) -> str:
    """Return what the page is, and what rounding costs."""
    intro = "The trained model is inside this page and runs in it, without a network."
    if run.directory.shared:
        return f"{intro} {_NO_SCORE}"
    copy = page_score(run, packed, watch).bits_per_character
    try:
        own = f"; the run scores {standard_evaluation(run).bits_per_character:.3f}"
    except OctavoError:
        own = ""
    return f"{intro} This copy, with weights in {packed.format}, scores {copy:.3f} bits per character{own}."
