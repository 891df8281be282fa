"""Where a run comes from: the text, the versions, the machine, and each sitting that trained it."""

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from octavo.corpus import Corpus
from octavo.system.hardware import cpu_name
from octavo.system.terminal import path_text

_MOST_NAMES, _MOST_CHARACTERS = 100, 20_000
PACKAGES = ("octavo", "torch", "numpy", "tokenizers", "safetensors")
PROVENANCE: dict[str, Any] = {  # what is what in provenance.json
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
        "skipped": list[str],
        "skipped_reasons": list[str],
        "skipped_count": int,
    },
    "forecast": {},
    "precision": {"name": str, "reason": str},
    "parameters": int,
    "tokenizer": str,
    "config": str,
    "sittings": [
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
    """Versions and machine, as plain values. Imports nothing heavy."""
    from octavo.system.requirements import installed_version  # only here: it takes importlib.metadata

    return {
        "python": platform.python_version(),
        "packages": {name: installed_version(name) or "not installed" for name in PACKAGES},
        "system": platform.platform(),
        "processor": cpu_name(),
        "cores": os.cpu_count(),
    }


def text_facts(corpus: Corpus) -> dict[str, Any]:
    """Return where a text comes from and what was left out, as plain values."""
    reasons = truncate_list([f"{name}: {reason}" for name, reason in corpus.skipped])
    skipped = corpus.skipped[: len(reasons)]
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


def session_facts(first_step: int, **facts: Any) -> dict[str, Any]:
    """One stretch of training from `first_step` on: when it began, on what, and `facts` known by then."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    command = [path_text(argument) for argument in sys.argv[1:]]
    told = {"command": truncate_list(command), "arguments": len(command)}
    return {"began": now, "first_step": first_step, **told, **machine_facts(), **facts}


def truncate_list(names: Sequence[str]) -> list[str]:
    """The first of very many names: as many as leave room for others in a file that is read again."""
    room = _MOST_CHARACTERS
    return [name for name in names[:_MOST_NAMES] if (room := room - len(name)) >= 0]
