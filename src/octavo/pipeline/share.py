"""Pack a run for others: what is needed to generate and to look inside, and no text of the user's.

The zip has one folder, which is a run. Each of its files is built from values that are known to hold no text, instead
of being copied: metrics are numbers, scores are those of the run's own splits, provenance keeps hashes and sizes.
"""

import hashlib
import io
import json
import shlex
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.config.comments import commented_toml
from octavo.errors import OctavoError
from octavo.evaluate.comparison import protocol_description, rank_scores
from octavo.evaluate.fine_tuning import load_fine_tuning
from octavo.formats.files import user_path, write_atomically
from octavo.formats.output_paths import prepare_folder
from octavo.generate.documents import has_line_documents
from octavo.generate.prompts import opening_of_run, training_line_end
from octavo.reports.collect import read_score
from octavo.reports.markdown_text import markdown_table, plain
from octavo.runs.checkpoint_files import MANIFEST, STATE, manifest
from octavo.runs.completion import EXAMINATION_FILE
from octavo.runs.events import EVENTS, Event, SampleEvent
from octavo.runs.parent import WEIGHTS, read_final_weights
from octavo.runs.saved_run import SavedRun
from octavo.runs.scores import SCORE_TYPES, SCORES_FILE, scores, standard_score
from octavo.system.terminal import quantity, wrap_lines

NOT_PACKED = (
    "the text and its tokens, samples, the report page and analyses (they quote the text), findings, the optimizer, "
    "commands, paths and file names"
)
_TEXT_KEYS = ("name", "documents", "characters", "bytes", "sha256", "held_out")
_NEEDED = ("text", "precision", "parameters", "sittings")  # in provenance.json
_SESSION_KEYS = ("began", "first_step", "python", "packages", "threads")
_PARENT_KEYS = ("name", "weights", "checkpoint", "text", "tokenizer", "score", "fine_tuned", "overlap")
_WORDS = {"part": ("validation", "train-slice"), "reason": ("budget", "patience")}  # the texts that events may have
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of all members, so that the same run gives the same bytes


@dataclass(frozen=True)
class SharedFile:
    """A zip of a run without its text."""

    path: Path
    members: dict[str, int]  # bytes by name
    longest_token: int  # characters: the vocabulary holds fragments of the text up to that length

    def lines(self) -> list[str]:
        """Return lines for the user: what is in the zip, and what is not."""
        names = ", ".join(name.partition("/")[2] for name in self.members)
        texts = [
            f"in it ({sum(self.members.values()) / 1024:,.0f} KiB): {names}",
            f"not in it: {NOT_PACKED}",
            _fragments(self.longest_token),
        ]
        return [line for text in texts for line in wrap_lines(text)]


def share_run(run: SavedRun, path: str | Path | None = None, *, overwrite: bool = False) -> SharedFile:
    """Write a zip with which others can generate and look inside, without any text that the run was trained on.

    The unpacked folder is a run. It holds the final weights, the tokenizer, the settings, numbers of training, scores
    and a model card. The vocabulary consists of fragments of the text; `longest_token` says how long they are. A
    model also learns phrases of its text by heart: :meth:`memorisation` measures how many it repeats.

    Args:
        run: the run.
        path: the zip file; None: ``NAME.zip`` in the current folder.
        overwrite: replace an existing file of other content.

    Returns:
        The path of the file, the size of each of its members, and the length of the longest token.

    Raises:
        OctavoError: the run is not trained to its end, is damaged or was itself shared, or the file exists.
        OSError: the file cannot be written.

    Example:
        >>> shared = run.share("hamlet.zip")
        >>> "hamlet/README.md" in shared.members, any("data/" in name for name in shared.members)
        (True, False)
    """
    directory = run.directory
    output = Path(f"{run.name}.zip") if path is None else user_path(path)
    if output.is_dir():
        raise OctavoError(f"{output} is a folder: name a file, such as {output / f'{run.name}.zip'}")
    if directory.shared:
        raise OctavoError(f"{run.name} was itself shared: pass on the zip file that it came in")
    if not directory.ended:
        raise OctavoError(
            f"{run.name} is not trained to its end: resume it before it is shared", command=directory.resume_command
        )
    prepare_folder(output.parent)
    contents = {f"{run.name}/{name}": content for name, content in sorted(_contents(run).items())}
    packed = _zip(contents)
    longest = _longest_token(run)
    if not output.exists() or overwrite or output.read_bytes() != packed:
        if output.exists() and not overwrite:
            raise OctavoError(f"{output} exists already: name another place, or overwrite it")
        write_atomically(output, packed)
    return SharedFile(output, {name: len(content) for name, content in contents.items()}, longest)


def _zip(contents: dict[str, bytes]) -> bytes:
    """Return a zip without compression, whose bytes do not depend on the version of a library."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in contents.items():
            member = zipfile.ZipInfo(name, _EPOCH)
            member.create_system, member.external_attr = 3, 0o644 << 16  # a plain file on every system
            file.writestr(member, content)
    return buffer.getvalue()


def _contents(run: SavedRun) -> dict[str, bytes]:
    """Return the files of the shared run by their names in its folder."""
    if missing := [key for key in _NEEDED if key not in run.directory.provenance]:
        raise OctavoError(f"{run.path / 'provenance.json'} has no {missing[0]}: restore the file of the run")
    checkpoint, weights = read_final_weights(run)
    settings = commented_toml(run.config).encode()
    state = {WEIGHTS: weights, STATE: _json({"step": int(checkpoint.removeprefix("step-")), "metrics_bytes": 0})}
    folder = f"checkpoints/{checkpoint}"
    return {
        "README.md": _model_card(run).encode(),
        "config.toml": settings,
        "tokenizer.json": run.tokenizer.pipeline.to_str(pretty=True).encode(),
        "provenance.json": _json(_provenance(run, hashlib.sha256(settings).hexdigest())),
        "metrics.jsonl": _metrics(run),
        SCORES_FILE: _json(_scores(run)),
        EXAMINATION_FILE: _json({"brief": True, "failed": {}}),
        **{f"{folder}/{name}": content for name, content in state.items()},
        f"{folder}/{MANIFEST}": manifest(state),
    }


def _provenance(run: SavedRun, config_hash: str) -> dict[str, Any]:
    """Return hashes, sizes and versions, and what generation reads from the text: line ends and an opening token."""
    full = run.directory.provenance
    facts: dict[str, Any] = {
        "text": _only(full["text"], _TEXT_KEYS),
        "precision": full["precision"],
        "parameters": full["parameters"],
        "tokenizer": run.tokenizer.fingerprint,
        "config": config_hash,
        "sittings": [_only(session, _SESSION_KEYS) for session in full["sittings"]],
        "shared": {
            "opening": opening_of_run(run.path / "data", run.tokenizer),
            "line_end": training_line_end(run.directory),
            "line_documents": has_line_documents(run.directory),
            "splits": {
                name: {key: getattr(split.facts, key) for key in ("characters", "bytes", "tokens", "sha256", "ends")}
                for name, split in run.splits.items()
            },
        },
    }
    if "parent" in full:
        facts["parent"] = _only(full["parent"], _PARENT_KEYS)
    return facts


def _metrics(run: SavedRun) -> bytes:
    """Return the numbers of training, without samples and findings, which quote the text or generated text."""
    kinds = {event.kind: event for event in EVENTS if event is not SampleEvent}
    lines = []
    for record in run.metrics:
        if kind := kinds.get(record["event"]):
            values = {name: value for name, value in record.items() if _is_safe(kind, name, value)}
            lines.append(json.dumps({"event": kind.kind, **values}) + "\n")
    return "".join(lines).encode()


def _is_safe(kind: type[Event], name: str, value: object) -> bool:
    """Return whether an event of that kind has such a value, which is a number or one of Octavo's own words."""
    return name in kind.__dataclass_fields__ and (isinstance(value, int | float) or value in _WORDS.get(name, ()))


def _scores(run: SavedRun) -> dict[str, Any]:
    """Return the scores of the run's own splits; scores of other texts have the names of these texts."""
    own = [score for score in scores(run.directory) if score.get("own_text") and score.get("text") in run.splits]
    standard = standard_score(run.directory)
    return _only(standard or {}, SCORE_TYPES) | {"all": [_only(score, SCORE_TYPES) for score in own]}


def _model_card(run: SavedRun) -> str:
    """Return the README of a shared run."""
    provenance, model, data = run.directory.provenance, run.config.model, run.config.data
    text, tokenizer = provenance["text"], run.tokenizer
    last = run.directory.last_record or {"step": 0, "epoch": 0.0}
    splits = ", ".join(f"{name} {split.facts.characters:,}" for name, split in run.splits.items())
    facts = {
        "Text": f"{text['name']}: {quantity(text['characters'], 'character')} ({splits}); SHA-256 {text['sha256']}",
        "Parameters": f"{provenance['parameters']:,}",
        "Layers": f"{model.n_layers} of {quantity(model.n_heads, 'head')}, {model.d_model} wide, feed-forward "
        f"{model.d_ff} wide",
        "Context": f"{data.context_length} tokens",
        "Tokenizer": f"{tokenizer.kind}, {quantity(tokenizer.vocab_size, 'token')}",
        "Training": f"{quantity(last['step'], 'step')}, {last['epoch']:.1f} epochs, seed {run.config.train.seed}",
    }
    if "parent" in provenance:
        parent = provenance["parent"]
        facts["Fine-tuned from"] = f"{parent['name']}, weights with SHA-256 {parent['weights']}"
    return "\n".join(
        [
            f"# {plain(run.name)}",
            "",
            "A small Transformer language model, trained and packed with Octavo. This folder is a run of Octavo "
            "without the text that it was trained on.",
            "",
            markdown_table(("", ""), facts.items()),
            "",
            "## Score",
            "",
            *_score_paragraphs(run),
            "",
            "## Use",
            "",
            "Put this folder into the folder `runs`, or give its path in place of its name:",
            "",
            "```",
            shlex.join(["octavo", "generate", run.name, "The beginning of a text"]),
            shlex.join(["octavo", "surprise", run.name, "A text to analyse"])
            + "  # also: attention, lens, heads, edit",
            shlex.join(["octavo", "evaluate", run.name, "other.txt"]),
            "```",
            "",
            "```python",
            f"run = octavo.load({run.name!r})",
            "print(run.generate('The beginning of a text'))",
            "```",
            "",
            "`weights.safetensors` in `checkpoints/` has the weights by name, and `tokenizer.json` is read by the "
            "package `tokenizers`.",
            "",
            "## What is not in it",
            "",
            f"Not packed: {NOT_PACKED}. Therefore the run cannot be scored on its own validation split, resumed or "
            f"reported on. {_fragments(_longest_token(run))}",
            "",
        ]
    )


def _score_paragraphs(run: SavedRun) -> Sequence[str]:
    try:
        score = read_score(run)
    except OctavoError:
        return ["The run has no score."]
    evaluation = score.evaluation
    rows = [
        (row.name, f"{row.bits_per_character:.4f}")
        for group in [rank_scores(evaluation, score.baselines)]
        for row in group.rows
    ]
    lines = [
        f"{evaluation.bits_per_character:.4f} bits per character of the validation split "
        f"({quantity(evaluation.characters, 'character')}, {protocol_description(evaluation)}), lower is better"
        + (", next to baselines that learned from the same training split:" if score.baselines else "."),
        "",
        *([markdown_table(("model", "bits per character"), rows)] if score.baselines else []),
    ]
    if not evaluation.lossless_tokenizer:
        lines.append("The tokenizer is lossy: the score is not comparable with that of other models.")
    if result := load_fine_tuning(run):
        cells = [
            (text, f"{before.bits_per_character:.4f}", f"{after.bits_per_character:.4f}")
            for text, before, after in result.rows()
        ]
        lines += ["", "Before and after fine-tuning, in bits per character:", ""]
        lines.append(markdown_table(("text", "before", "after"), cells))
    return lines


def _longest_token(run: SavedRun) -> int:
    return max(len(token.decode("utf-8", errors="replace")) for token in run.tokenizer.token_bytes())


def _fragments(longest: int) -> str:
    return (
        f"The vocabulary in tokenizer.json holds fragments of the text, of at most {quantity(longest, 'character')} "
        "(the longest token), and a model can repeat phrases that it has learned by heart."
    )


def _only(values: dict[str, Any], names: Any) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode()
