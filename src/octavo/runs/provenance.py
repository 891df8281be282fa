"""Provenance of a run: its text, versions, machine, and the sessions that trained it."""

import json
import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octavo.system.hardware import cpu_name
from octavo.system.requirements import installed_version
from octavo.system.terminal import path_text, quantity

if TYPE_CHECKING:
    from octavo.corpus import Corpus

TINY_SHAKESPEARE = "b20eb1dc66ddb45eb245b57c9e4aeda4707095cdc78ddcbe7519b25b912c16a3"  # SHA-256 of the corpus
_MAX_NAMES, _MAX_BYTES = 100, 20_000  # of a list of names
_MAX_SKIPPED, _MAX_SKIPPED_BYTES = 10_000, 500_000  # of the skipped files with their reasons
PACKAGES = ("octavo", "torch", "numpy", "tokenizers", "safetensors")
PROVENANCE: dict[str, Any] = {  # types of the values in provenance.json
    "text": {
        "name": str,
        "documents": int,
        "first_documents": list[str],
        "characters": int,
        "bytes": int,
        "sha256": str,
        "sources": list[str],
        "source_count": int,
        "encoding": str,
        "encodings": dict[str, int],  # documents read with each codec
        "document_unit": str,
        "held_out": str,  # "documents" or "end"; earlier versions, which lack it, held out the end
        "skipped": list[str],
        "skipped_reasons": list[str],
        "skipped_count": int,
    },
    "parent": {  # of a fine-tuned run (octavo.runs.parent)
        "name": str,
        "weights": str,  # SHA-256 of the file of its weights
        "checkpoint": str,
        "text": {"name": str, "sha256": str},
        "tokenizer": str,
        "score": dict[str, Any] | None,
        "fine_tuned": bool,
        "overlap": dict[str, float] | None,
    },
    "shared": {  # of a run without its text (octavo.pipeline.share): what else is read from the text
        "opening": list[int],
        "line_end": str | None,
        "line_documents": bool,
        "splits": dict[str, dict[str, Any]],
    },
    "forecast": {},
    "precision": {"name": str, "reason": str},
    "parameters": int,
    "choices": [{"name": str, "reason": str}],  # settings that were chosen for the text and the budget
    "tokenizer": str,
    "config": str,
    "extensions": [  # of the budget (octavo.runs.extension)
        {"began": str, "budget": dict[str, float], "former_budget": dict[str, float], "from_step": int}
    ],
    "sittings": [  # sessions
        {
            "began": str,
            "first_step": int,
            "command": list[str],
            "arguments": int,
            "python": str,
            "packages": dict[str, str],
            "system": str,
            "processor": str,
            "cores": int | None,
            "threads": int,
        }
    ],
}


def machine_facts() -> dict[str, Any]:
    """Return versions and machine as plain values. It imports nothing heavy."""
    return {
        "python": platform.python_version(),
        "packages": {name: installed_version(name) or "not installed" for name in PACKAGES},
        "system": platform.platform(),
        "processor": cpu_name(),
        "cores": os.cpu_count(),
    }


def text_facts(corpus: "Corpus") -> dict[str, Any]:
    """Return the sources of a text and what was skipped, as plain values."""
    named = truncate_list([f"{name}: {reason}" for name, reason in corpus.skipped], _MAX_SKIPPED, _MAX_SKIPPED_BYTES)
    skipped = corpus.skipped[: len(named)]
    return {
        "name": corpus.name,
        "documents": len(corpus.documents),
        "first_documents": truncate_list([document.name for document in corpus.documents[:20]]),
        "characters": corpus.characters,
        "bytes": corpus.bytes,
        "sha256": corpus.sha256,
        "sources": truncate_list(corpus.sources),
        "source_count": len(corpus.sources),
        "encoding": corpus.encoding,
        "encodings": corpus.encodings,
        "document_unit": corpus.document_unit,
        "skipped": [name for name, _ in skipped],
        "skipped_reasons": [reason for _, reason in skipped],
        "skipped_count": len(corpus.skipped),
    }


def text_arguments(text: Mapping[str, Any], path: Path) -> tuple[str, list[str], str]:
    """Return how a command names the text of a run: a prefix, the arguments, and a sentence about the text.

    Args:
        text: the facts of the text, from ``provenance.json``.
        path: the run's folder, which has a text that came from no file.
    """
    if text["sha256"] == TINY_SHAKESPEARE:
        return "", [], "The text is Tiny Shakespeare, which Octavo contains."
    identity = f"{quantity(text['characters'], 'character')}, SHA-256 {text['sha256']}"
    names = text.get("sources")
    if names is None:  # an earlier version, which saved the names of the first documents alone
        names = text["first_documents"] if text["documents"] == len(text["first_documents"]) else []
    complete = names and len(names) == text.get("source_count", len(names))
    if complete and "-" not in names and names != ["stdin"]:
        paths = [f"./{name}" if name.startswith("-") else name for name in names]
        return "", paths, f"The text must be the same: {identity}."
    if text["documents"] == 1:
        files = [path / "data" / f"{split}.txt" for split in ("train", "validation", "test")]
        existing = [path_text(file) for file in files if file.exists()]
        return (
            f"{shlex.join(['cat', *existing])} | ",
            ["-"],
            f"The text came from no file; the run has it ({identity}).",
        )
    return (
        "",
        ["-"],
        (
            f"No command can name the {text['documents']:,} documents of the text ({identity}): pass them to "
            "octavo.train as a corpus, with the settings of this command."
        ),
    )


def session_facts(first_step: int, **facts: Any) -> dict[str, Any]:
    """Return the record of a session that trains from `first_step` on: time, command, machine and other `facts`."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    arguments = [path_text(argument) for argument in sys.argv[1:]]
    command = {"command": truncate_list(arguments), "arguments": len(arguments)}
    return {"began": now, "first_step": first_step, **command, **machine_facts(), **facts}


def truncate_list(names: Sequence[str], most: int = _MAX_NAMES, most_bytes: int = _MAX_BYTES) -> list[str]:
    """Return the first names of a list, so few that the file they are written to can be read again."""
    left = most_bytes
    return [name for name in names[:most] if (left := left - len(json.dumps(name))) >= 0]
