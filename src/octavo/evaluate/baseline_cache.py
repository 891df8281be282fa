"""Save the baselines of each text that a run was scored on in ``baselines.json``, so that they are computed once."""

from dataclasses import asdict
from typing import Any

from octavo.corpus import Corpus
from octavo.data.token_files import TokenSplit
from octavo.errors import OctavoError
from octavo.evaluate.baselines import MAX_LEARNED, TOKEN_KINDS, Baseline, fit_baselines
from octavo.evaluate.compressors import COMPRESSORS
from octavo.evaluate.documents import documents_of, scored_ends
from octavo.formats.json_schema import from_json
from octavo.runs import RunDirectory, updating
from octavo.runs.saved_run import SavedRun
from octavo.system.progress import ProgressCallback, no_progress
from octavo.tokenizer import Tokenizer

BASELINES_FILE = "baselines.json"
_VERSION = 1  # of the computation
_MAX_TEXTS = 100


def baselines_of(run: SavedRun, source: TokenSplit | Corpus, watch: ProgressCallback = no_progress) -> list[Baseline]:
    """Return the baselines that learn from a run's training split and score another split or another text.

    They are computed and saved unless the file has them. Those that lack a compressor that can be used now are
    computed again: it could not be imported when they were made.

    Raises:
        OctavoError: the text has no token.
    """
    tokenizer, train = run.tokenizer, run.split("train")
    learned_from = learning_source(tokenizer, train)
    learns_ends = train.facts.ends > 0
    text = source.sha256 if isinstance(source, Corpus) else source.facts.sha256
    if isinstance(source, Corpus) and scored_ends(source, learns_ends):  # the same documents may also be files
        text += " and ends"
    found = read_baselines(run.directory, learned_from, text)
    names = {baseline.name for baseline in found or []}
    if found and all(compressor.name in names or compressor.unavailable_reason for compressor in COMPRESSORS):
        return found
    documents = documents_of(source, tokenizer, ends=learns_ends)
    if not any(map(len, documents.tokens)):
        raise OctavoError(f"{source.name} is empty: there is nothing to score")
    learned = documents_of(train, tokenizer, MAX_LEARNED)
    computed = fit_baselines(
        learned, documents, vocab_size=tokenizer.vocab_size, bos_id=tokenizer.bos_id, watch=watch
    )
    run.save_result(lambda: write_baselines(run.directory, learned_from, text, source.name, computed))
    return computed


def learning_source(tokenizer: Tokenizer, train: TokenSplit) -> str:
    """Return the hash of a training split and the fingerprint of its tokenizer."""
    return f"{train.facts.sha256} {tokenizer.fingerprint}"


def read_baselines(run: RunDirectory, learned_from: str, text: str) -> list[Baseline] | None:
    """Return the saved baselines of the text with SHA-256 `text` that learned from `learned_from`, or None."""
    try:
        found = [from_json(Baseline, row) for row in _texts(run, learned_from)[text]["baselines"]]
    except (OctavoError, LookupError, TypeError, ValueError):
        return None  # they can always be computed again
    has_losses = all(row.nats_per_token is not None for row in found if row.kind in TOKEN_KINDS)
    return found if found and has_losses else None


def write_baselines(run: RunDirectory, learned_from: str, text: str, name: str, found: list[Baseline]) -> None:
    """Add the baselines of a text to the file; drop those that learned from anything else.

    Args:
        run: the run.
        learned_from: the mark of the training split, from :func:`learning_source`.
        text: SHA-256 of the text, and whether ends of documents are scored.
        name: the name of the text.
        found: its baselines.

    Raises:
        OSError: the file cannot be written.
    """
    with updating(run):
        try:
            texts = _texts(run, learned_from)
        except (OctavoError, LookupError, TypeError):
            texts = {}
        newest = {key: value for key, value in texts.items() if key != text}
        newest = dict(list(newest.items())[1 - _MAX_TEXTS :])
        newest[text] = {"text": name, "baselines": [asdict(baseline) for baseline in found]}
        run.write_json(BASELINES_FILE, {"version": _VERSION, "learned_from": learned_from, "texts": newest})


def _texts(run: RunDirectory, learned_from: str) -> dict[str, Any]:
    """Return the entries of the file; empty if their baselines learned from anything else."""
    content = run.read_json(BASELINES_FILE)
    texts = content["texts"]
    same = [content["version"], content["learned_from"]] == [_VERSION, learned_from]
    return texts if same and isinstance(texts, dict) else {}
