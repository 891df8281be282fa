"""Sample windows that are spread evenly over a text, as training sees windows. W windows, T tokens each.

Measuring heads on all of a text would take minutes, and its beginning would say little about the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from octavo.data.token_files import id_type
from octavo.data.windows import Windows
from octavo.errors import OctavoError
from octavo.evaluate.documents import Documents
from octavo.interpret.token_features import Flags, TokenFeatures, token_features
from octavo.interpret.tokens import Alignment, align
from octavo.tokenizer import Tokenizer

_MIN_TOKENS = 3  # of a window with its BOS token: with fewer, no head has a choice


@dataclass(frozen=True)
class SampledWindows:
    """Windows of a text; the first token of each is the BOS token if the tokenizer has one."""

    inputs: torch.Tensor  # (W, T) token ids
    targets: torch.Tensor  # (W, T), the token after each
    target_mask: torch.Tensor  # (W, T), False where the target is the BOS token between two documents
    characters: npt.NDArray[np.float64]  # (W,), of the targets of each window
    bos_mask: Flags  # (W, T), where the BOS token is
    features: TokenFeatures  # of all inputs, (W, T); spans of names are counted within the window
    vocabulary: tuple[int, ...]  # the distinct tokens of the text, without the BOS token

    def __len__(self) -> int:
        return len(self.inputs)


def sample_windows(tokenizer: Tokenizer, documents: Documents, context_length: int, windows: int) -> SampledWindows:
    """Return windows spread evenly over documents.

    Args:
        tokenizer: the tokenizer.
        documents: the text.
        context_length: tokens of a window; a shorter text makes one window of its own length.
        windows: number of windows, at most as many as the text fills.

    Raises:
        OctavoError: the text has fewer than three tokens.
    """
    ids, features, characters = _stream(tokenizer, documents)
    length = min(context_length, len(ids) - 1)
    if length < _MIN_TOKENS:
        raise OctavoError("the text is too short: give a few words at least")
    count = min(windows, (len(ids) - 1) // length)
    begins = np.linspace(0, len(ids) - 1 - length, count).astype(np.int64)
    inputs, targets = Windows(ids, length, 1, bos_id=tokenizer.bos_id).gather(begins)
    indices = begins[:, None] + np.arange(length)
    bos_id = -1 if tokenizer.bos_id is None else tokenizer.bos_id
    starts = inputs.numpy() == bos_id
    return SampledWindows(
        inputs,
        targets,
        targets != bos_id,
        characters[indices + 1].sum(-1),
        starts,
        TokenFeatures(
            features.line_start[indices] & ~starts,
            features.punctuation[indices] & ~starts,
            features.name_begin[indices] - begins[:, None],
            features.name_end[indices] - begins[:, None],
        ),
        tuple(np.unique(ids[ids != bos_id]).tolist()),
    )


def _stream(
    tokenizer: Tokenizer, documents: Documents
) -> tuple[npt.NDArray[np.integer], TokenFeatures, npt.NDArray[np.float64]]:
    """Return the ids, features and characters of all documents in a row, each after the BOS token if there is one."""
    first = [] if tokenizer.bos_id is None else [tokenizer.bos_id]
    ids, characters, features, before = [], [], [], 0
    for tokens, text in zip(documents.tokens, documents.texts, strict=True):
        if not len(tokens):
            continue
        alignments = align(tokenizer, text, tokens.tolist())
        ids.append(np.array([*first, *tokens.tolist()], id_type(tokenizer)))
        characters.append(np.array([*(0.0 for _ in first), *_characters(alignments, len(tokens))]))
        features.append(_shifted(token_features(text, alignments, len(tokens)), before, len(first)))
        before += len(ids[-1])
    if not ids:
        raise OctavoError("the run's tokenizer has no token for any character of the text: give some words")
    joined = TokenFeatures(*map(np.concatenate, zip(*features, strict=True)))
    return np.concatenate(ids), joined, np.concatenate(characters)


def _shifted(features: TokenFeatures, before: int, first: int) -> TokenFeatures:
    """Return features with `first` BOS tokens prepended, and spans of names shifted by `before` earlier tokens."""
    return TokenFeatures(
        np.pad(features.line_start, (first, 0)),
        np.pad(features.punctuation, (first, 0)),
        np.pad(features.name_begin + before + first, (first, 0), constant_values=before),
        np.pad(features.name_end + before + first, (first, 0), constant_values=before),
    )


def _characters(alignments: Sequence[Alignment], tokens: int) -> npt.NDArray[np.float64]:
    """Return the characters of each token, (N,), with those dropped before it; their sum is the text's length."""
    added = np.zeros(tokens)
    for alignment in alignments:
        added[min(alignment.begin, tokens - 1)] += len(alignment.text)
    return added
