"""Score a model on a text, in units that are comparable: nats and bits per character and per byte of the text."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np
import numpy.typing as npt

from octavo.config.inference import check_scoring, default_stride
from octavo.errors import OctavoError
from octavo.evaluate.scoring import Nats, Scorer
from octavo.model import Transformer
from octavo.system.progress import ProgressCallback, no_progress
from octavo.system.statistics import ratio_standard_error
from octavo.tokenizer import Tokenizer

Protocol = Literal["sliding", "disjoint"]
LOSSY_CAVEAT = (
    "the tokenizer is lossy (it drops white space): bits per character are not comparable with other models"
)
_BLOCK = 2048  # characters of a block for the standard error: so long that blocks are almost independent


@dataclass(frozen=True)
class Evaluation:
    """A score and the settings of its measurement. Nats per token are only comparable within one tokenizer."""

    text: str  # the name of a split of the run's own text, or of another text
    own_text: bool  # whether it is a split of the run's own text
    sha256: str  # of the text
    protocol: Protocol
    stride: int  # tokens between windows
    context_length: int  # tokens a window
    window_characters: int  # of a chunk of the disjoint protocol; 0: the protocol is sliding
    tokens: int
    characters: int
    bytes: int
    nats_per_token: float
    perplexity_per_token: float
    nats_per_character: float
    bits_per_character: float
    nats_per_byte: float
    bits_per_byte: float
    standard_error_nats_per_character: float | None  # None: the text is too short to estimate it
    standard_error_bits_per_character: float | None
    lossless_tokenizer: bool  # False: the tokens do not determine the text, so no figure is comparable
    selected_on_this_text: bool  # early stopping chose the model by its loss here: the score is optimistic
    checkpoint: str
    seconds: float
    document_ends: int = 0  # whose prediction is scored, each as one character and one byte; 0: they are not scored


@dataclass(frozen=True)
class ScoredText:
    """A text to score: documents of token ids without BOS token, and the size of the text that they stand for.

    If `ends` of documents are scored, one sequence has all documents, with a BOS token where one ends.
    """

    name: str
    sha256: str
    documents: Sequence[npt.NDArray[np.integer]]
    characters: int
    bytes: int
    own: bool = False  # whether it is a split of the run's own text
    ends: int = 0  # of documents, each counted as one character and one byte in a score


def evaluate(
    model: Transformer,
    tokenizer: Tokenizer,
    text: ScoredText,
    *,
    context_length: int,
    stride: int = 0,
    protocol: Protocol = "sliding",
    window_characters: int = 256,
    selected_on_this_text: bool = False,
    checkpoint: str = "",
    batch_size: int = 0,
    watch: ProgressCallback = no_progress,
) -> Evaluation:
    """Score every token of a text once.

    Args:
        model: the model.
        tokenizer: its tokenizer.
        text: the text.
        context_length: tokens of a window.
        stride: tokens between the beginnings of two sliding windows; 0: half the context length.
        protocol: "sliding": overlapping windows; "disjoint": chunks of the text, each tokenized by itself and scored
            with an empty context, as some publications do.
        window_characters: characters of a chunk; only used by "disjoint".
        selected_on_this_text: whether early stopping chose the model by its loss on this text.
        checkpoint: the name of the checkpoint, for the record.
        batch_size: windows of a batch; 0: as many as :func:`octavo.config.shapes.windows_at_once` allows.
        watch: is called with the fraction that is done.

    Raises:
        OctavoError: the stride is out of range, the text is empty, the protocol does not suit the tokenizer, or a
            loss is not finite.
    """
    stride = stride or default_stride(context_length)
    check_scoring(protocol, stride, window_characters, context_length)
    began = time.perf_counter()
    documents = text.documents
    if protocol == "disjoint":
        documents = disjoint_chunks(tokenizer, documents, window_characters)
    tokens = sum(map(len, documents))
    if not tokens or not text.characters:
        raise OctavoError(f"{text.name} is empty: there is nothing to score")
    losses = Scorer(model, tokenizer.bos_id, context_length, stride, batch_size).token_losses(documents, watch=watch)
    flat = losses[0] if len(losses) == 1 else np.concatenate(losses)
    total = float(flat.sum())
    if not math.isfinite(total):
        raise OctavoError(
            f"the loss on {text.name} is {total}: the model's weights are too large; train again with a lower "
            "optimizer.learning_rate"
        )
    characters, n_bytes = text.characters + text.ends, text.bytes + text.ends
    error = _standard_error(flat, _characters_of(tokenizer, documents, text))
    per_character = total / characters
    return Evaluation(
        text=text.name,
        own_text=text.own,
        sha256=text.sha256,
        protocol=protocol,
        stride=stride,
        context_length=context_length,
        window_characters=window_characters if protocol == "disjoint" else 0,
        tokens=tokens,
        characters=characters,
        bytes=n_bytes,
        nats_per_token=total / tokens,
        perplexity_per_token=perplexity(total / tokens),
        nats_per_character=per_character,
        bits_per_character=per_character / math.log(2),
        nats_per_byte=total / n_bytes,
        bits_per_byte=total / n_bytes / math.log(2),
        standard_error_nats_per_character=error,
        standard_error_bits_per_character=None if error is None else error / math.log(2),
        lossless_tokenizer=tokenizer.lossless,
        selected_on_this_text=selected_on_this_text,
        checkpoint=checkpoint,
        seconds=time.perf_counter() - began,
        document_ends=text.ends,
    )


def perplexity(nats: float) -> float:
    """Return the perplexity of a loss in nats per token; it is finite for a diverged model too."""
    return math.exp(min(nats, 700.0))


def disjoint_chunks(
    tokenizer: Tokenizer, documents: Sequence[npt.NDArray[np.integer]], characters: int
) -> list[npt.NDArray[np.integer]]:
    """Split the text of documents every `characters` characters and tokenize each chunk by itself.

    A BOS token, which ends a document, stays at the end of its last chunk.

    Raises:
        OctavoError: the tokenizer is lossy, or has no BOS token to begin a chunk with.
    """
    if not tokenizer.lossless or tokenizer.bos_id is None:
        raise OctavoError(
            f"the {tokenizer.kind} tokenizer cannot begin a chunk with an empty context: use the sliding protocol"
        )
    bos_id = tokenizer.bos_id
    chunks: list[npt.NDArray[np.integer]] = []
    ended = (np.split(document, np.flatnonzero(document == bos_id) + 1) for document in documents)
    for ids in chain.from_iterable(ended):
        text = tokenizer.decode(ids)
        chunks += [tokenizer.encode(text[at : at + characters]) for at in range(0, len(text), characters)]
        if len(ids) and ids[-1] == bos_id:
            chunks[-1] = np.append(chunks[-1], bos_id)
    return chunks


def _characters_of(
    tokenizer: Tokenizer, documents: Sequence[npt.NDArray[np.integer]], text: ScoredText
) -> npt.NDArray[np.float64]:
    """Return how many characters each token begins, (N,); the mean for all tokens if the tokenizer is lossy.

    A BOS token, which ends a document, counts as one.
    """
    tokens = sum(map(len, documents))
    if not tokenizer.lossless:
        return np.full(tokens, text.characters / tokens)
    begun = np.array([float(sum(byte & 0xC0 != 0x80 for byte in token)) for token in tokenizer.token_bytes()])
    if text.ends:
        begun[tokenizer.bos_id] = 1.0
    characters = np.concatenate([begun[ids] for ids in documents])
    if round(characters.sum()) != text.characters + text.ends:
        raise OctavoError(
            f"the tokens of {text.name} stand for {characters.sum():.0f} characters, but the text has "
            f"{text.characters + text.ends}: one of the two was changed"
        )
    return characters


def _standard_error(nats: Nats, characters: npt.NDArray[np.float64]) -> float | None:
    """Return the standard error of nats per character, from blocks of text; None: there is only one block."""
    block = ((characters.cumsum() - characters) // _BLOCK).astype(np.int64)
    sums, sizes = np.bincount(block, weights=nats), np.bincount(block, weights=characters)
    return ratio_standard_error(sums, sizes, nats.sum() / characters.sum()) if len(sums) > 1 else None
