"""``baselines.json``: the baselines of every text that a run was scored on, so that they are computed once."""

from typing import Any

from octavo.corpus import Corpus
from octavo.data import TokenSplit
from octavo.errors import OctavoError
from octavo.evaluate.baselines import MAX_LEARNED, TOKEN_KINDS, Baseline, fit_baselines
from octavo.evaluate.compressors import COMPRESSORS
from octavo.evaluate.documents import documents_of
from octavo.formats.json_schema import from_json
from octavo.runs import RunDirectory, updating
from octavo.system.progress import ProgressCallback, no_progress
from octavo.tokenizer import Tokenizer

BASELINES_FILE = "baselines.json"
_VERSION = 1  # of how they are computed
_MAX_TEXTS = 100  # texts


def load_baselines(
    run: RunDirectory, tokenizer: Tokenizer, train: TokenSplit, scored: TokenSplit | Corpus
) -> list[Baseline] | None:
    """Return the baselines that learned from a run's training part and scored a text, if they are kept.

    Those that lack a compressor that can be used now are as good as none.
    """
    found = read_baselines(run, learning_source(tokenizer, train), _sha256(scored))
    names = {baseline.name for baseline in found or []}
    lacking = [compressor for compressor in COMPRESSORS if compressor.name not in names]
    return None if any(not compressor.unavailable_reason for compressor in lacking) else found


def compute_baselines(
    tokenizer: Tokenizer, train: TokenSplit, scored: TokenSplit | Corpus, watch: ProgressCallback = no_progress
) -> list[Baseline]:
    """Compute the baselines that learn from a run's training part and score another part or another text.

    Raises:
        OctavoError: the text has no token.
    """
    text = documents_of(scored, tokenizer)
    if not any(map(len, text.tokens)):
        raise OctavoError(f"{scored.name} is empty: there is nothing to score")
    learned = documents_of(train, tokenizer, MAX_LEARNED)
    return fit_baselines(learned, text, vocab_size=tokenizer.vocab_size, bos_id=tokenizer.bos_id, watch=watch)


def save_baselines(
    run: RunDirectory, tokenizer: Tokenizer, train: TokenSplit, scored: TokenSplit | Corpus, found: list[Baseline]
) -> None:
    """Put them into the file.

    Raises:
        OSError: it cannot be written.
    """
    write_baselines(run, learning_source(tokenizer, train), _sha256(scored), scored.name, found)


def _sha256(scored: TokenSplit | Corpus) -> str:
    return scored.sha256 if isinstance(scored, Corpus) else scored.facts.sha256


def learning_source(tokenizer: Tokenizer, train: TokenSplit) -> str:
    """The mark of a training part, and of the tokens that it is in."""
    return f"{train.facts.sha256} {tokenizer.fingerprint}"


def read_baselines(run: RunDirectory, learned_from: str, text: str) -> list[Baseline] | None:
    """The baselines of the text with SHA-256 `text`, if they are there, whole, and learned from the same."""
    try:
        rows = _texts(run, learned_from)[text]["baselines"]
        return [_baseline(row) for row in rows] or None
    except (OctavoError, LookupError, TypeError, ValueError):
        return None  # they can always be computed again


def write_baselines(run: RunDirectory, learned_from: str, text: str, name: str, found: list[Baseline]) -> None:
    """Put them into the file; what was learned from anything else goes.

    Raises:
        OSError: it cannot be written.
    """
    with updating(run):
        try:
            texts = _texts(run, learned_from)
        except (OctavoError, LookupError, TypeError):
            texts = {}
        newest = {key: value for key, value in texts.items() if key != text}
        newest = dict(list(newest.items())[1 - _MAX_TEXTS :])
        newest[text] = {"text": name, "baselines": [baseline.to_dict() for baseline in found]}
        run.write_json(BASELINES_FILE, {"version": _VERSION, "learned_from": learned_from, "texts": newest})


def _texts(run: RunDirectory, learned_from: str) -> dict[str, Any]:
    """What the file holds; nothing if it was learned from anything else."""
    content = run.read_json(BASELINES_FILE)
    texts = content["texts"]
    same = [content["version"], content["learned_from"]] == [_VERSION, learned_from]
    return texts if same and isinstance(texts, dict) else {}


def _baseline(row: dict[str, Any]) -> Baseline:
    """Raises ValueError unless it is what was written."""
    baseline = from_json(Baseline, row)
    if baseline.kind in TOKEN_KINDS and baseline.nats_per_token is None:
        raise ValueError("it has no score for tokens")
    return baseline
