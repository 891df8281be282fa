"""SampledWindows: windows spread evenly over a text, as training sees windows. W windows, T tokens each.

Measuring heads on all of a text would take minutes, and on its beginning alone would say little about the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from octavo.data import Windows
from octavo.data.token_files import id_type
from octavo.errors import OctavoError
from octavo.evaluate.documents import Documents
from octavo.interpret.token_features import Flags, Indices, TokenFeatures, token_features
from octavo.interpret.tokens import Alignment, align
from octavo.tokenizer import Tokenizer

_FEWEST = 3  # tokens of a window, the start token among them: fewer leave no head a choice


@dataclass(frozen=True)
class SampledWindows:
    """Windows of a text. The first token of each is the start token where there is one."""

    inputs: torch.Tensor  # (W, T) token ids
    targets: torch.Tensor  # (W, T), the token after each
    target_mask: torch.Tensor  # (W, T), whether the target is of the text: not a start token between two documents
    characters: npt.NDArray[np.float64]  # (W,), that the targets of each window make
    bos_mask: Flags  # (W, T), where the start token stands
    features: TokenFeatures  # of all inputs, (W, T); names by their places in the window
    vocabulary: tuple[int, ...]  # the tokens that the whole text has, without the start token

    def __len__(self) -> int:
        return len(self.inputs)


def sample_windows(tokenizer: Tokenizer, documents: Documents, context_length: int, windows: int) -> SampledWindows:
    """`windows` windows of `context_length` tokens, or as many as the text fills; of a text that fills none, one that
    is as long as the text.

    Raises:
        OctavoError: the text has hardly a token.
    """
    ids, marks, characters = _stream(tokenizer, documents)
    length = min(context_length, len(ids) - 1)
    if length < _FEWEST:
        raise OctavoError("the text is too short to look at: give it a few words at least")
    count = min(windows, (len(ids) - 1) // length)
    begins = np.linspace(0, len(ids) - 1 - length, count).astype(np.int64)
    inputs, targets = Windows(ids, length, 1, bos_id=tokenizer.bos_id).gather(begins)
    seen = begins[:, None] + np.arange(length)
    bos_id = -1 if tokenizer.bos_id is None else tokenizer.bos_id
    starts = inputs.numpy() == bos_id
    return SampledWindows(
        inputs,
        targets,
        targets != bos_id,
        characters[seen + 1].sum(-1),
        starts,
        TokenFeatures(
            marks.line_start[seen] & ~starts,
            marks.punctuation[seen] & ~starts,
            marks.name_begin[seen] - begins[:, None],
            marks.name_end[seen] - begins[:, None],
        ),
        tuple(np.unique(ids[ids != bos_id]).tolist()),
    )


def _stream(
    tokenizer: Tokenizer, documents: Documents
) -> tuple[npt.NDArray[np.integer], TokenFeatures, npt.NDArray[np.float64]]:
    """All documents, one after the other as training reads them, each after the start token if there is one."""
    first = [] if tokenizer.bos_id is None else [tokenizer.bos_id]
    ids, characters, marks, before = [], [], [], 0
    for tokens, text in zip(documents.tokens, documents.texts, strict=True):
        if not len(tokens):
            continue
        pieces = align(tokenizer, text, tokens.tolist())
        ids.append(np.array([*first, *tokens.tolist()], id_type(tokenizer)))
        characters.append(np.array([*(0.0 for _ in first), *_characters(pieces, len(tokens))]))
        marks.append(_shifted(token_features(text, pieces, len(tokens)), before, len(first)))
        before += len(ids[-1])
    if not ids:
        raise OctavoError("the text has nothing that the run's tokenizer knows: give some words")
    joined = TokenFeatures(
        np.concatenate([m.line_start for m in marks]),
        np.concatenate([m.punctuation for m in marks]),
        np.concatenate([m.name_begin for m in marks]),
        np.concatenate([m.name_end for m in marks]),
    )
    return np.concatenate(ids), joined, np.concatenate(characters)


def _shifted(marks: TokenFeatures, before: int, first: int) -> TokenFeatures:
    """The same with room for `first` start tokens, and with places as they are after `before` other tokens."""
    blank: Indices = np.full(first, before)
    return TokenFeatures(
        np.concatenate([np.zeros(first, np.bool_), marks.line_start]),
        np.concatenate([np.zeros(first, np.bool_), marks.punctuation]),
        np.concatenate([blank, marks.name_begin + before + first]),
        np.concatenate([blank, marks.name_end + before + first]),
    )


def _characters(pieces: Sequence[Alignment], tokens: int) -> npt.NDArray[np.float64]:
    """How many characters each token adds, what was dropped before it included; the sum is the text's length."""
    added = np.zeros(tokens)
    for piece in pieces:
        added[min(piece.begin, tokens - 1)] += len(piece.text)
    return added
