"""The parent of a fine-tuned run: the run whose weights it starts from. Importing this takes no torch.

A fine-tuned run keeps of its parent what is needed to start again and to score it: in its folder ``parent/`` the
weights, the config and the validation split, and in ``provenance.json`` the facts that identify the parent.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octavo.config import Config
from octavo.config.comments import commented_toml
from octavo.config.fine_tuning import budget_words, fine_tuned_config
from octavo.config.overrides import Request
from octavo.corpus import Corpus
from octavo.corpus.lazy_text import iter_text
from octavo.data.token_files import TokenSplit, copy_split, open_splits
from octavo.errors import OctavoError, reason
from octavo.formats.files import write_atomically
from octavo.formats.untrusted import read_plain
from octavo.runs import RunDirectory
from octavo.runs.checkpoint_files import EVAL_GROUPS, Contents, max_file_bytes, newest_valid
from octavo.runs.safetensors_layout import check_shapes, read_layout
from octavo.runs.saved_run import SavedRun, open_saved_run
from octavo.runs.scores import standard_score
from octavo.tokenizer import Characters
from octavo.tokenizer.kinds import FIRST_CHARACTER

if TYPE_CHECKING:
    from octavo.model.weights import Tensors

FOLDER = "parent"
WEIGHTS = "weights.safetensors"
FINE_TUNING_FILE = "fine-tuning.json"  # the scores before and after
_SCORE_KEYS = ("bits_per_character", "protocol", "stride", "context_length", "characters", "sha256")


@dataclass(frozen=True)
class Parent:
    """A finished run that another one starts from."""

    run: SavedRun
    facts: dict[str, Any]  # for provenance.json
    weights: bytes = field(repr=False)  # the safetensors file of its final weights
    validation: TokenSplit | None  # None: it was shared without its text
    train: TokenSplit | None

    @property
    def fine_tuned(self) -> bool:
        """Return whether it was itself fine-tuned from another run."""
        return "parent" in self.run.directory.provenance

    def budget_line(self, config: Config) -> str:
        """Return a line with the budget and the learning rate of a run of `config` next to those of the parent."""
        rates = config.optimizer.learning_rate, self.run.config.optimizer.learning_rate
        return (
            f"fine-tuning {self.run.name} ({self.facts['checkpoint']}): {budget_words(config)} of training after its "
            f"{budget_words(self.run.config)}, learning rate {rates[0]:g} (it had {rates[1]:g})"
        )

    def vocabulary_lines(self, corpus: Corpus) -> list[str]:
        """Return lines on the characters of a new text that the tokenizer does not know, and whether it is lossy."""
        lines, tokenizer = [], self.run.tokenizer
        if not tokenizer.lossless:
            lines.append(f"the tokenizer of {self.run.name} is lossy: it drops white space")
        elif not isinstance(tokenizer, Characters):
            return []  # bytes are tokens, so nothing is unknown
        table = [token.decode("utf-8", errors="ignore") for token in tokenizer.token_bytes()]
        known = set("".join(table if not tokenizer.lossless else table[FIRST_CHARACTER:]))
        counts = Counter(
            piece for document in corpus.documents for text in iter_text(document.text) for piece in text
        )
        unknown = [
            counts[character] for character in counts.keys() - known if tokenizer.lossless or not character.isspace()
        ]
        if unknown:
            fate = "become bytes" if tokenizer.lossless else "are dropped"
            lines.append(
                f"{len(unknown):,} of {len(counts):,} distinct characters are unknown to the tokenizer of "
                f"{self.run.name} and {fate} ({100 * sum(unknown) / counts.total():.2g} % of the text)"
            )
        return lines

    def write(self, folder: Path) -> None:
        """Write what a fine-tuned run keeps of its parent into the run's folder.

        Raises:
            OSError: the folder cannot be written to.
        """
        parent = folder / FOLDER
        parent.mkdir()
        write_atomically(parent / WEIGHTS, self.weights)
        write_atomically(parent / "config.toml", commented_toml(self.run.config).encode())
        if self.validation is not None:
            copy_split(self.validation, parent)

    @property
    def bytes(self) -> int:
        """Return about how many bytes :meth:`write` writes."""
        split = self.validation
        return len(self.weights) + (split.facts.bytes + split.ids.nbytes if split is not None else 0)


def parent_to_fine_tune(start_from: SavedRun | str | Path, root: Path, request: Request) -> Parent:
    """Return the run to fine-tune, a name of which is looked up under `root`, and check the settings of `request`.

    Raises:
        OctavoError: there is no such run, it is unfinished or damaged, or a setting does not go with its weights.
    """
    run = open_saved_run(start_from, runs=root)
    fine_tuned_config(run.config, request)  # a wrong setting is refused before the weights are read
    return read_parent(run)


def read_parent(run: SavedRun) -> Parent:
    """Read a run that another one is to start from; its weights are those that it generates with.

    Raises:
        OctavoError: it is not trained to its end, or one of its files is damaged.
    """
    directory = run.directory
    if not directory.ended:
        raise OctavoError(
            f"{run.name} is not trained to its end: resume it before it is fine-tuned",
            command=directory.resume_command,
        )
    checkpoint, weights = read_final_weights(run)
    text, score = directory.provenance.get("text", {}), standard_score(directory)
    facts = {
        "name": run.name,
        "weights": hashlib.sha256(weights).hexdigest(),
        "checkpoint": checkpoint,
        "text": {key: text.get(key, "") for key in ("name", "sha256")},
        "tokenizer": run.tokenizer.fingerprint,
        "score": {key: score[key] for key in _SCORE_KEYS if key in score} if score else None,
        "fine_tuned": "parent" in directory.provenance,
    }
    splits = {} if directory.shared else run.splits
    return Parent(run, facts, weights, splits.get("validation"), splits.get("train"))


def read_final_weights(run: SavedRun) -> tuple[str, bytes]:
    """Return the name of a run's newest checkpoint and the safetensors file of the weights that it generates with.

    Raises:
        OctavoError: there is no valid checkpoint, or it is of another model.
    """
    path, weights = newest_valid(run.path / "checkpoints", _final_weights, max_file_bytes(run.config))
    shapes = {name: tensor.shape for name, tensor in read_layout(weights, WEIGHTS).items()}
    check_shapes(shapes, run.config.model, run.tokenizer.vocab_size)
    return path.name, weights


def parent_config(run: RunDirectory) -> Config:
    """Return the config of a fine-tuned run's parent.

    Raises:
        OctavoError: it is missing or damaged.
    """
    return RunDirectory(run.path / FOLDER).config


def parent_weights(run: RunDirectory) -> "Tensors":
    """Return the weights that a fine-tuned run starts from.

    Raises:
        OctavoError: they are missing, damaged or not those that the run began with.
    """
    from safetensors.torch import load

    return dict(load(read_parent_weights(run)))


def read_parent_weights(run: RunDirectory) -> bytes:
    """Return the file of the weights that a fine-tuned run starts from, with its hash and shapes verified.

    Raises:
        OctavoError: they are missing, damaged or not those that the run began with.
    """
    path = run.path / FOLDER / WEIGHTS
    try:
        content = read_plain(path, max_file_bytes(run.config), run.path)
        if hashlib.sha256(content).hexdigest() != run.provenance["parent"]["weights"]:
            raise ValueError("it is not the one that the run began with")
        read_layout(content, WEIGHTS)
    except (OSError, KeyError, ValueError) as error:
        raise OctavoError(f"{path} cannot be used ({reason(error, named=True)}): train the run again") from None
    return content


def parent_validation(run: RunDirectory) -> TokenSplit | None:
    """Return the validation split of a fine-tuned run's parent; None if the parent had been shared without its text.

    Raises:
        OctavoError: it is damaged.
    """
    folder = run.path / FOLDER
    return open_splits(folder, ("validation",))["validation"] if (folder / "parts.json").exists() else None


def _final_weights(contents: Contents) -> bytes:
    return next(contents[file] for group in EVAL_GROUPS if (file := f"{group}.safetensors") in contents)
