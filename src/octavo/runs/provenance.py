"""Provenance of a run: its text, versions, machine, and the sessions that trained it."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from octavo.system.hardware import cpu_name
from octavo.system.requirements import installed_version
from octavo.system.terminal import path_text

if TYPE_CHECKING:
    from octavo.corpus import Corpus

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
    "forecast": {},
    "precision": {"name": str, "reason": str},
    "parameters": int,
    "tokenizer": str,
    "config": str,
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
