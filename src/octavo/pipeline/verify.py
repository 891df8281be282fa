"""Verify a run: check each of its files against the others. Importing this takes no torch.

Hashes detect damage, not forgery: whoever can write the files can also write their hashes. To detect a forged run,
recompute its score (``full``), or score it on a text of your own.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from safetensors import SafetensorError

from octavo.data.token_files import SPLIT_NAMES, TokenSplit, check_ids, id_chunks
from octavo.errors import OctavoError, reason
from octavo.formats.json_schema import parse_object
from octavo.formats.untrusted import MAX_CONFIG_BYTES, MAX_TEXT_BYTES, check_folder, read_plain
from octavo.generate.samples import SAMPLES_FILE, load_samples
from octavo.pipeline.verify_scores import (
    check_baselines,
    check_checkpoint_of,
    check_fine_tuning,
    check_recomputed_fine_tuning,
    check_recomputed_score,
    check_scores,
)
from octavo.runs import RunDirectory
from octavo.runs.checkpoint_files import BEFORE_DECAY, STATE, max_file_bytes, newest_first, read_valid
from octavo.runs.completion import EXAMINATION_FILE, failed_parts
from octavo.runs.directory import EXTENSION_FILE
from octavo.runs.metrics import check_complete
from octavo.runs.parent import (
    FINE_TUNING_FILE,
    FOLDER,
    WEIGHTS,
    parent_config,
    parent_validation,
    read_parent_weights,
)
from octavo.runs.safetensors_layout import check_shapes, max_abs, read_layout
from octavo.runs.saved_run import SavedRun
from octavo.runs.scores import SCORES_FILE
from octavo.system.requirements import installed_version
from octavo.tokenizer import Tokenizer

_MAX_WEIGHT = 1e6  # absolute value: weights of training that does not diverge are far smaller
_CHUNK_IDS = 1 << 12  # ids that are turned into text at once
_PROVENANCE_KEYS = ("text", "precision", "parameters", "tokenizer", "sittings")  # of every version
# Parsers raise these for a damaged file, and readers for values of a wrong type; anything else is a bug of Octavo.
_DAMAGE = (ValueError, KeyError, SafetensorError)


@dataclass(frozen=True)
class Check:
    """The result of one check."""

    what: str  # the file, or what was checked
    wrong: str = ""  # the problem in a sentence; empty if there is none
    note: str = ""  # a fact worth knowing about a check that passed


def verify(directory: RunDirectory, *, full: bool = False) -> Iterator[Check]:
    """Check every file of a run; yield one result after the other. Nothing is written.

    A check that needs a damaged file fails too, and names that file.

    Args:
        directory: the run's folder.
        full: also recompute the score, which takes torch and as long as scoring.
    """
    run = SavedRun(directory)
    yield _result("files", check_folder, run.path)
    yield _result("config.toml", _check_config, run)
    yield _result("provenance.json", _check_provenance, run)
    yield _result("tokenizer.json", _check_tokenizer, run)
    shared = _is_shared(run)
    if shared:
        yield Check("data", note="the run was shared without its text")
    for name in () if shared else SPLIT_NAMES:
        if name != "test" or (run.path / "data" / "test.npy").exists():
            yield _result(f"data/{name}", _check_split, run, name)
    if (run.path / FOLDER).exists():
        yield _result(FOLDER, _check_parent, run)
    checkpoints = newest_first(run.path / "checkpoints")[::-1]
    if (run.path / "checkpoints" / BEFORE_DECAY).exists():
        checkpoints.insert(0, run.path / "checkpoints" / BEFORE_DECAY)
    for path in checkpoints:
        yield _result(f"checkpoints/{path.name}", _check_checkpoint, run, path)
    if not checkpoints:
        yield Check("checkpoints", note="there is none yet")
    yield _result("metrics.jsonl", _check_metrics, run)
    for name, check in (
        (SCORES_FILE, check_scores),
        ("baselines.json", check_baselines),
        ("memorisation.json", partial(check_checkpoint_of, name="memorisation.json")),
        ("diagnosis.json", partial(check_checkpoint_of, name="diagnosis.json")),
        ("samples.txt", _check_samples),
        (SAMPLES_FILE, _check_samples_json),
        (EXAMINATION_FILE, _check_examination),
        (FINE_TUNING_FILE, check_fine_tuning),
    ):
        if (run.path / name).exists():
            yield _result(name, check, run)
    if full:
        yield _result("recomputed score", check_recomputed_score, run)
        if (run.path / FINE_TUNING_FILE).exists():
            yield _result("recomputed fine-tuning", check_recomputed_fine_tuning, run)


def _result(what: str, check: Callable[..., str | None], *values: object) -> Check:
    """Run a check of `values`, which raises an error if it fails and may return a note."""
    try:
        return Check(what, note=check(*values) or "")
    except (OctavoError, OSError, MemoryError, *_DAMAGE) as error:
        sentence = reason(error, named=True)
        if not isinstance(error, OctavoError | ValueError | OSError):
            sentence = f"{type(error).__name__}: {sentence}"
        return Check(what, wrong=" ".join(sentence.split()) or type(error).__name__)


def _is_shared(run: SavedRun) -> bool:
    try:
        return run.directory.shared
    except OctavoError:  # the check of provenance.json says so
        return False


def _check_config(run: SavedRun) -> str | None:
    content = read_plain(run.path / "config.toml", MAX_CONFIG_BYTES, run.path)
    _ = run.config  # raises if it cannot be parsed
    recorded = run.directory.provenance.get("config")
    if recorded is None:
        return "an earlier version recorded no hash of it"
    if (run.path / EXTENSION_FILE).exists():
        return "the change of its budget is not completed: resume the run"
    if hashlib.sha256(content).hexdigest() != recorded:
        raise ValueError("it is not the one that the run began with")
    return None


def _check_provenance(run: SavedRun) -> None:
    provenance = run.directory.provenance
    if missing := [name for name in _PROVENANCE_KEYS if name not in provenance]:
        raise ValueError(f"it has no {missing[0]}")


def _check_tokenizer(run: SavedRun) -> str | None:
    tokenizer, config, provenance = run.tokenizer, run.config.tokenizer, run.directory.provenance
    if tokenizer.kind != config.kind or tokenizer.vocab_size > config.vocab_size:
        raise ValueError(
            f"it is of kind {tokenizer.kind} with {tokenizer.vocab_size} tokens, which does not fit config.toml"
        )
    if tokenizer.fingerprint == provenance["tokenizer"]:
        return None
    sessions = provenance["sittings"]
    if sessions and sessions[0].get("packages", {}).get("tokenizers") != installed_version("tokenizers"):
        return "another version of the package tokenizers wrote its hash, which cannot be compared"
    raise ValueError("it is not the one that the run began with")


def _check_parent(run: SavedRun) -> str | None:
    """Check what a fine-tuned run keeps of its parent: config, weights, and the validation split."""
    layout = read_layout(read_parent_weights(run.directory), WEIGHTS)
    check_shapes({name: tensor.shape for name, tensor in layout.items()}, run.config.model, run.tokenizer.vocab_size)
    if parent_config(run.directory).tokenizer.kind != run.config.tokenizer.kind:
        raise ValueError("its config.toml has another tokenizer")
    if run.directory.provenance["parent"]["tokenizer"] != run.directory.provenance["tokenizer"]:
        raise ValueError("it had another tokenizer")
    split = parent_validation(run.directory)
    return _check_tokens(split, run.tokenizer) if split else "it was shared without its text"


def _check_split(run: SavedRun, name: str) -> str | None:
    return _check_tokens(run.unchecked_splits[name], run.tokenizer)


def _check_tokens(split: TokenSplit, tokenizer: Tokenizer) -> str | None:
    """Compare the text of a split with its facts, and its tokens with the text."""
    table = tokenizer.token_bytes()
    if not tokenizer.lossless:  # its tokens keep the characters it knows, without white space
        known = {token.strip() for token in map(tokenizer.token_text, range(tokenizer.vocab_size))}
        table = [token.replace(b" ", b"") for token in table]
    # 1. The text has as many characters and bytes as recorded; iter_text() verifies its hash.
    text_hash = hashlib.sha256()
    characters = n_bytes = text_bytes = 0
    for chunk in split.iter_text():
        encoded = chunk.encode()
        characters, n_bytes = characters + len(chunk), n_bytes + len(encoded)
        kept = encoded if tokenizer.lossless else "".join(c for c in chunk if c in known).encode()
        text_bytes += len(kept)
        text_hash.update(kept)
    for unit, count in (("characters", characters), ("bytes", n_bytes)):
        if count != (recorded := getattr(split.facts, unit)):
            raise ValueError(f"it has {count:,} {unit}, where parts.json says {recorded:,}")
    # 2. The tokens, decoded, are that text.
    check_ids({split.name: split}, tokenizer.vocab_size)
    token_hash, token_bytes = hashlib.sha256(), 0
    for ids in id_chunks(split.ids, _CHUNK_IDS):
        decoded = b"".join([table[i] for i in ids.tolist()])
        token_bytes += len(decoded)
        token_hash.update(decoded)
        if token_bytes > text_bytes:  # a few damaged ids can stand for very much text
            break
    if token_hash.digest() != text_hash.digest():
        raise ValueError("its tokens are not those of its text")
    return None if split.facts.ids_sha256 else "an earlier version recorded no hash of its tokens"


def _check_checkpoint(run: SavedRun, path: Path) -> None:
    contents = read_valid(path, max_file_bytes(run.config))
    for file, content in contents.items():
        if file.endswith(".safetensors") and "optimizer" not in file:
            layout = read_layout(content, file)
            shapes = {name: tensor.shape for name, tensor in layout.items()}
            check_shapes(shapes, run.config.model, run.tokenizer.vocab_size)
            if {tensor.dtype for tensor in layout.values()} != {"F32"}:
                raise ValueError(f"{file} has numbers that are not fp32")
            if (largest := max_abs(content, layout)) > _MAX_WEIGHT:
                raise ValueError(f"{file} has a weight of {largest:.3g}, more than training can produce")
    try:
        state = parse_object(contents[STATE], {"step": int, "metrics_bytes": int})
        if missing := {"step", "metrics_bytes"} - state.keys():
            raise ValueError(f"it has no {min(missing)}")
    except ValueError as error:
        raise ValueError(f"{STATE} is damaged: {error}") from None
    if path.name not in (f"step-{state['step']:08d}", BEFORE_DECAY):
        raise ValueError(f"its {STATE} is of another step")
    if (run.path / "metrics.jsonl").stat().st_size < state["metrics_bytes"]:
        raise ValueError("metrics.jsonl has lost lines that belong to it")


def _check_metrics(run: SavedRun) -> str | None:
    metrics = run.metrics
    check_complete(metrics, run.path / "metrics.jsonl")
    for name in ("step", "seconds"):
        pairs = enumerate(pairwise(record[name] for record in metrics), 2)
        if line := next((number for number, (before, after) in pairs if after < before), None):
            raise ValueError(f"line {line} goes back in {name}")
    ends = [number for number, record in enumerate(metrics, 1) if record["event"] == "end"]
    if ends and ends[0] != len(metrics):
        raise ValueError(f"line {ends[0]} is the end, and more lines follow")
    return None if ends else "training has not ended"


def _check_samples(run: SavedRun) -> None:
    read_plain(run.path / "samples.txt", MAX_TEXT_BYTES, run.path).decode("utf-8")


def _check_samples_json(run: SavedRun) -> None:
    load_samples(run.path)


def _check_examination(run: SavedRun) -> str | None:
    return "; ".join(f"no {part}: {why}" for part, why in failed_parts(run.directory).items()) or None
