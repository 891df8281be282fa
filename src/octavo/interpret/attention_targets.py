"""Targets: the tokens that a kind of attention means, from each query. W windows, T queries, S keys.

Kinds may overlap, and a head may look elsewhere, so shares need not add up to one. The start token counts as the
first token and as nothing else. The window's first query has no choice, so it counts for no kind.
"""

from dataclasses import dataclass

import numpy as np

from octavo.data import Ids
from octavo.interpret.excerpts import SampledWindows
from octavo.interpret.token_features import Flags


@dataclass(frozen=True)
class TargetKind:
    """A kind of attention: its name in files, what it and a head of it are called, and what it looks at."""

    name: str
    title: str
    meaning: str


TARGET_KINDS = (
    TargetKind("previous", "previous token", "the token just before"),
    TargetKind("first", "first token", "the window's first token: the start token where the tokenizer has one"),
    TargetKind("itself", "itself", "the token that is being read"),
    TargetKind("same", "same token earlier", "every earlier place of the token that is being read"),
    TargetKind(
        "induction",
        "induction",
        "what came after earlier places of the token that is being read: the guess that it comes again "
        "(Elhage et al., 2021; Olsson et al., 2022)",
    ),
    TargetKind("line", "line starts", "the first token of every line begun so far"),
    TargetKind("punctuation", "punctuation", "every token so far that is punctuation alone"),
    TargetKind(
        "speaker", "speaker's name", "the last line that is a name and a colon, as in a play: the name's tokens"
    ),
)


def target_masks(excerpts: SampledWindows, rows: slice = slice(None)) -> Flags:
    """(W, K, T, S), whether a query means a key, for the KINDS in their order and the windows `rows`."""
    ids, starts, marks = excerpts.inputs[rows].numpy(), excerpts.bos_mask[rows, None, :], excerpts.features
    places = np.arange(ids.shape[1])
    query, key = places[:, None], places[None, :]
    choice = (key <= query) & (query > 0)
    text = choice & ~starts  # keys that can be of the other kinds
    begin, end = marks.name_begin[rows, :, None], marks.name_end[rows, :, None]
    meant = {
        "previous": text & (key == query - 1),
        "first": choice & ((key == 0) | starts),
        "itself": text & (key == query),
        "same": text & (key < query) & (ids[:, :, None] == ids[:, None, :]),
        "induction": text & induction_targets(ids, starts[:, 0]),
        "line": text & marks.line_start[rows, None, :],
        "punctuation": text & marks.punctuation[rows, None, :],
        "speaker": text & (begin <= key) & (key < end),
    }
    return np.stack([meant[kind.name] for kind in TARGET_KINDS], axis=1)


def induction_targets(ids: Ids, starts: Flags) -> Flags:
    """(W, T, S), whether the token before a key is the query's, and both stand before the query."""
    same = (ids[:, :, None] == ids[:, None, :]) & ~starts[:, None, :]
    after = np.zeros_like(same)
    after[:, :, 1:] = same[:, :, :-1]
    result: Flags = np.tril(after, -1)
    return result
