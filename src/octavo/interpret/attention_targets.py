"""Define the target kinds of attention: the keys that each query may attend to. W windows, T queries, S keys.

Kinds overlap, and a head may attend to other keys, so the fractions need not add up to one. The BOS token counts only
as the first token. The first query of a window has one key, so it counts for no kind.
"""

from dataclasses import dataclass

import numpy as np

from octavo.data.token_files import Ids
from octavo.interpret.excerpts import SampledWindows
from octavo.interpret.token_features import Flags


@dataclass(frozen=True)
class TargetKind:
    """A target kind: its name in files, the title of its heads, and the keys that it consists of."""

    name: str
    title: str
    meaning: str


TARGET_KINDS = (
    TargetKind("previous", "previous token", "the token just before"),
    TargetKind("first", "first token", "the window's first token: the BOS token if the tokenizer has one"),
    TargetKind("itself", "itself", "the current token"),
    TargetKind("same", "same token earlier", "every earlier occurrence of the current token"),
    TargetKind(
        "induction",
        "induction",
        "the token after each earlier occurrence of the current token: a prediction that it follows again "
        "(Elhage et al., 2021; Olsson et al., 2022)",
    ),
    TargetKind("line", "line starts", "the first token of every line so far"),
    TargetKind("punctuation", "punctuation", "every token so far that is only punctuation"),
    TargetKind(
        "speaker",
        "speaker's name",
        "the tokens of the last speaker's name, a line with a name and a colon",
    ),
)


def target_masks(excerpts: SampledWindows, rows: slice = slice(None)) -> Flags:
    """Return whether a key is a target of a query, (W, K, T, S), for TARGET_KINDS in their order.

    Args:
        excerpts: the windows.
        rows: the windows to use.
    """
    ids, bos, features = excerpts.inputs[rows].numpy(), excerpts.bos_mask[rows, None, :], excerpts.features
    positions = np.arange(ids.shape[1])
    query, key = positions[:, None], positions[None, :]
    choice = (key <= query) & (query > 0)
    text = choice & ~bos  # keys that can be of the other kinds
    begin, end = features.name_begin[rows, :, None], features.name_end[rows, :, None]
    masks = {
        "previous": text & (key == query - 1),
        "first": choice & ((key == 0) | bos),
        "itself": text & (key == query),
        "same": text & (key < query) & (ids[:, :, None] == ids[:, None, :]),
        "induction": text & induction_targets(ids, bos[:, 0]),
        "line": text & features.line_start[rows, None, :],
        "punctuation": text & features.punctuation[rows, None, :],
        "speaker": text & (begin <= key) & (key < end),
    }
    return np.stack([masks[kind.name] for kind in TARGET_KINDS], axis=1)


def induction_targets(ids: Ids, bos_mask: Flags) -> Flags:
    """Return whether the token before a key equals the query's, both being before the query, (W, T, S).

    Args:
        ids: token ids, (W, T).
        bos_mask: where the BOS token is, (W, T).
    """
    same = (ids[:, :, None] == ids[:, None, :]) & ~bos_mask[:, None, :]
    after = np.zeros_like(same)
    after[:, :, 1:] = same[:, :, :-1]
    result: Flags = np.tril(after, -1)
    return result
