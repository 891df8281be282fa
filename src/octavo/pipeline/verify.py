"""Whether a run is whole: every file of it against what the others say. Importing this takes no torch.

Hashes show what was damaged, not what was forged: who can write the files can write their hashes. Against a forger
there is the score computed anew, and a text that one has oneself.
"""

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from octavo.config import Config
from octavo.data import SPLIT_NAMES, TokenSplit, check_ids, open_splits
from octavo.data.token_files import id_chunks
from octavo.errors import OctavoError, reason
from octavo.formats.json_schema import check_types, parse_object
from octavo.formats.untrusted import MAX_CONFIG_BYTES, MAX_TEXT_BYTES, check_folder, read_plain
from octavo.runs import Record, RunDirectory
from octavo.runs.checkpoint_files import STATE, max_file_bytes, newest_first, read_valid, step_of
from octavo.runs.completion import EXAMINATION_FILE as EXAMINATION
from octavo.runs.completion import failed_parts
from octavo.runs.metrics import check_complete
from octavo.runs.safetensors_layout import check_shapes, max_abs, read_layout
from octavo.runs.scores import SCORES_FILE, Score, scores, standard_score
from octavo.system.requirements import installed_version
from octavo.tokenizer import Tokenizer, load_tokenizer

TOLERANCE = 1e-4  # nats per character between a score and the same computed anew: other kernels round otherwise
_LARGEST = 1e6  # of a weight: training that does not run away stays far below
_FIGURES = 1e-6  # between figures of one score that follow from each other, relative
_IDS = 1 << 12  # ids whose text is held at once
_BASELINE = {"name": str, "bits_per_character": float, "nats_per_character": float}
_FACTS = ("text", "precision", "parameters", "tokenizer", "sittings")  # of every provenance


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    what: str
    wrong: str = ""  # in a sentence; "": nothing
    note: str = ""  # what one should know though nothing is wrong


def verify(run: RunDirectory, *, full: bool = False) -> Iterator[Check]:
    """Look at everything of a run, one thing after the other; with `full` its score is computed anew, with torch.

    Nothing is written. What needs a thing that is wrong says that it cannot be looked at.
    """
    looked = _Looked(run)
    yield _at("files", lambda: check_folder(run.path))
    yield _at("config.toml", looked.look_at_config)
    yield _at("provenance.json", looked.look_at_provenance)
    yield _at("tokenizer.json", looked.look_at_tokenizer)
    for name in SPLIT_NAMES:
        if name != "test" or (run.path / "data" / "test.npy").exists():
            yield _at(f"data/{name}", partial(looked.look_at_part, name))
    places = newest_first(run.path / "checkpoints")[::-1]
    for place in places:
        yield _at(f"checkpoints/{place.name}", partial(looked.look_at_checkpoint, place))
    if not places:
        yield Check("checkpoints", note="there is none yet")
    yield _at("metrics.jsonl", looked.look_at_metrics)
    for name, look in (
        (SCORES_FILE, looked.look_at_scores),
        ("baselines.json", looked.look_at_baselines),
        ("memorisation.json", partial(looked.look_at_belonging, "memorisation.json")),
        ("diagnosis.json", partial(looked.look_at_belonging, "diagnosis.json")),
        ("samples.txt", looked.look_at_samples),
        (EXAMINATION, looked.look_at_examination),
    ):
        if (run.path / name).exists():
            yield _at(name, look)
    if full:
        yield _at("score computed anew", looked.look_at_score)


# What parsers raise of a damaged file, and readers of contents of a wrong type; anything else is a mistake of ours.
_AMISS = (ValueError, KeyError, SafetensorError)


def _at(what: str, look: Callable[[], str | None]) -> Check:
    """What came of looking: a look raises what is wrong, and may return a note."""
    try:
        return Check(what, note=look() or "")
    except (OctavoError, OSError, MemoryError, *_AMISS) as error:
        said = reason(error, named=True)
        if not isinstance(error, OctavoError | ValueError | OSError):
            said = f"{type(error).__name__}: {said}"
        return Check(what, wrong=" ".join(said.split()) or type(error).__name__)


class _Counted:
    """Bytes as they go by: how many, and their fingerprint."""

    def __init__(self) -> None:
        self.bytes, self.digest = 0, hashlib.sha256()

    def add(self, piece: bytes) -> None:
        self.bytes += len(piece)
        self.digest.update(piece)


class _Looked:
    """A run, and of it what was read already."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run

    @cached_property
    def _config(self) -> Config:
        return self._run.config

    @cached_property
    def _provenance(self) -> dict[str, Any]:
        return self._run.provenance

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return load_tokenizer(self._run.path / "tokenizer.json")

    @cached_property
    def _parts(self) -> dict[str, TokenSplit]:
        return open_splits(self._run.path / "data")

    @cached_property
    def _metrics(self) -> list[Record]:
        return self._run.metrics

    def look_at_config(self) -> str | None:
        content = read_plain(self._run.path / "config.toml", MAX_CONFIG_BYTES, self._run.path)
        _ = self._config
        noted = self._provenance.get("config")
        if noted is None:
            return "an earlier version noted no hash of it"
        if hashlib.sha256(content).hexdigest() != noted:
            raise ValueError("it is not the one that the run began with")
        return None

    def look_at_provenance(self) -> None:
        if missing := [name for name in _FACTS if name not in self._provenance]:
            raise ValueError(f"it has no {missing[0]}")

    def look_at_tokenizer(self) -> str | None:
        tokenizer, config = self._tokenizer, self._config.tokenizer
        if tokenizer.kind != config.kind or tokenizer.vocab_size > config.vocab_size:
            raise ValueError(f"it is of kind {tokenizer.kind} with {tokenizer.vocab_size} tokens, not config.toml's")
        if tokenizer.fingerprint == self._provenance["tokenizer"]:
            return None
        sittings = self._provenance["sittings"]
        if sittings and sittings[0].get("packages", {}).get("tokenizers") != installed_version("tokenizers"):
            return "another version of tokenizers wrote its hash, which cannot be compared"
        raise ValueError("it is not the one that the run began with")

    def look_at_part(self, name: str) -> str | None:
        part, tokenizer = self._parts[name], self._tokenizer
        said, table = _Counted(), tokenizer.token_bytes()
        if not tokenizer.lossless:  # it keeps what it knows, without the white space
            known = {piece.strip() for piece in map(tokenizer.token_text, range(tokenizer.vocab_size))}
            table = [piece.replace(b" ", b"") for piece in table]
        characters = n_bytes = 0
        for piece in part.iter_text():
            raw = piece.encode()
            characters, n_bytes = characters + len(piece), n_bytes + len(raw)
            said.add(raw if tokenizer.lossless else "".join(c for c in piece if c in known).encode())
        for kind, found in (("characters", characters), ("bytes", n_bytes)):
            if found != (noted := getattr(part.facts, kind)):
                raise ValueError(f"it has {found:,} {kind}, where parts.json says {noted:,}")
        check_ids({name: part}, tokenizer.vocab_size)
        told = _Counted()
        for ids in id_chunks(part.ids, _IDS):
            told.add(b"".join([table[i] for i in ids.tolist()]))
            if told.bytes > said.bytes:  # few ids can stand for much text
                break
        if told.digest.digest() != said.digest.digest():
            raise ValueError("its tokens are not those of its text")
        return None if part.facts.ids_sha256 else "an earlier version noted no hash of its tokens"

    def look_at_checkpoint(self, place: Path) -> None:
        contents = read_valid(place, max_file_bytes(self._config))
        for file, content in contents.items():
            if file.endswith(".safetensors") and file != "optimizer.safetensors":
                layout = read_layout(content, file)
                kinds = {tensor.kind for tensor in layout.values()}
                check_shapes({name: tensor.shape for name, tensor in layout.items()}, *self._sizes)
                if kinds != {"F32"}:
                    raise ValueError(f"{file} has numbers that are not fp32")
                if (most := max_abs(content, layout)) > _LARGEST:
                    raise ValueError(f"{file} has a weight of {most:.3g}, which no training comes to")
        try:
            state = parse_object(contents[STATE], {"step": int, "metrics_bytes": int})
            if missing := {"step", "metrics_bytes"} - state.keys():
                raise ValueError(f"it has no {min(missing)}")
        except ValueError as error:
            raise ValueError(f"{STATE} is damaged: {error}") from None
        if f"step-{state['step']:08d}" != place.name:
            raise ValueError(f"its {STATE} is of another step")
        metrics = self._run.path / "metrics.jsonl"
        if metrics.stat().st_size < state["metrics_bytes"]:
            raise ValueError("metrics.jsonl has lost lines that belong to it")

    @property
    def _sizes(self) -> tuple[Any, int]:
        return self._config.model, self._tokenizer.vocab_size

    def look_at_metrics(self) -> str | None:
        metrics = self._metrics
        check_complete(metrics, self._run.path / "metrics.jsonl")
        for name in ("step", "seconds"):
            pairs = enumerate(pairwise(record[name] for record in metrics), 2)
            if back := next((number for number, (before, after) in pairs if after < before), None):
                raise ValueError(f"line {back} goes back in {name}")
        ends = [number for number, record in enumerate(metrics, 1) if record["event"] == "end"]
        if ends and ends[0] != len(metrics):
            raise ValueError(f"line {ends[0]} is the end, and more comes after it")
        return None if ends else "training has not come to its end"

    def look_at_scores(self) -> str | None:
        found, standard = scores(self._run), standard_score(self._run)
        for score in found:
            self._check_score(score)
        top = {name: value for name, value in self._run.read_json(SCORES_FILE).items() if name != "all"}
        if top and top not in found:
            raise ValueError("the score at its top is none of those that it has")
        if self._run.ended and standard is None:
            return f"it has no score of {self._run.newest_checkpoint} on the held-out part"
        return "the score at its top is not the standard one" if top and top != standard else None

    def _check_score(self, score: Score) -> None:
        nats = score["nats_per_token"] * score["tokens"]
        follow = {
            "nats_per_character": nats / score["characters"],
            "bits_per_character": nats / score["characters"] / math.log(2),
            "nats_per_byte": nats / score["bytes"],
            "bits_per_byte": nats / score["bytes"] / math.log(2),
        }
        if wrong := [
            name for name, value in follow.items() if not math.isclose(score[name], value, rel_tol=_FIGURES)
        ]:
            raise ValueError(f"the {wrong[0]} of a score does not follow from its nats_per_token")
        self._check_known(score["checkpoint"])
        if score["own_text"] and score["text"] in self._parts:
            facts = self._parts[score["text"]].facts
            if (score["sha256"], score["characters"]) != (facts.sha256, facts.characters):
                raise ValueError(f"a score is of another {score['text']} text than the run's")

    def look_at_baselines(self) -> str | None:
        content = self._run.read_typed("baselines.json", {"learned_from": str, "texts": dict})
        learned_from = f"{self._parts['train'].facts.sha256} {self._tokenizer.fingerprint}"
        for text in content["texts"].values():
            check_types(text, {"baselines": [_BASELINE]})
            for row in text["baselines"]:
                bits, nats = row["bits_per_character"], row["nats_per_character"]
                if not math.isclose(bits, nats / math.log(2), rel_tol=_FIGURES):
                    raise ValueError(f"the bits of {row['name']} do not follow from its nats")
        return None if content["learned_from"] == learned_from else "they were learned from something else"

    def look_at_belonging(self, name: str) -> str | None:
        checkpoint = self._run.read_json(name)["checkpoint"]
        self._check_known(checkpoint)
        return None if checkpoint == self._run.newest_checkpoint else f"it is of {checkpoint}, not the newest one"

    def _check_known(self, checkpoint: str) -> None:
        """Raises ValueError if there can never have been such a checkpoint; older ones are deleted."""
        step = step_of(checkpoint) if isinstance(checkpoint, str) else None
        newest = step_of(self._run.newest_checkpoint)  # whole or not: what is wrong with it is said of it
        if step is None or newest is None or step > newest:
            raise ValueError(f"{str(checkpoint)[:40]!r} is no checkpoint that the run has or had")

    def look_at_samples(self) -> None:
        read_plain(self._run.path / "samples.txt", MAX_TEXT_BYTES, self._run.path).decode("utf-8")

    def look_at_examination(self) -> str | None:
        failed = failed_parts(self._run)
        return "; ".join(f"no {part}: {why}" for part, why in failed.items()) or None

    def look_at_score(self) -> str | None:
        """The standard score computed anew."""
        from octavo.evaluate import evaluate
        from octavo.evaluate.documents import scored_text
        from octavo.runs.saved_run import SavedRun

        kept = standard_score(self._run)
        if kept is None:
            return "there is no score of the newest checkpoint on the held-out part to compare with"
        run = SavedRun(self._run)
        context = run.config.data.context_length
        held_out = scored_text(run.splits["validation"], run.tokenizer)
        score = evaluate(run.model, run.tokenizer, held_out, context_length=context)
        anew, said = score.nats_per_character, kept["nats_per_character"]
        if not abs(anew - said) <= TOLERANCE:
            raise ValueError(f"{anew:.6f} nats per character, where {SCORES_FILE} says {said:.6f}")
        return f"{anew:.6f} nats per character, within {TOLERANCE:g} of what {SCORES_FILE} says"
