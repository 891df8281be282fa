"""Return the documents of a text, as token ids and as characters, for baselines and scores."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from octavo.corpus import Corpus
from octavo.corpus.document import PER_FILE
from octavo.data.token_files import Ids, TokenSplit, documents
from octavo.evaluate.evaluation import ScoredText
from octavo.tokenizer import Tokenizer

_BLOCK = 1 << 18  # tokens decoded at once


@dataclass(frozen=True)
class Documents:
    """Documents as token ids without BOS tokens, and as text."""

    tokens: Sequence[Ids]
    texts: Sequence[str]
    complete: bool = True  # False: these are the end of a longer text
    ends: bool = False  # whether the end of each document is learned and scored
    cut: bool = False  # whether the last document lacks its end

    def with_ends(self, bos_id: int, mark: str) -> "Documents":
        """Return the documents with their ends, if these are scored: the BOS token, and the character `mark`."""
        if not self.ends:
            return self
        tokens = [np.append(ids, ids.dtype.type(bos_id)) for ids in self.tokens]
        texts = [text + mark for text in self.texts]
        if self.cut:
            tokens[-1:], texts[-1:] = self.tokens[-1:], self.texts[-1:]
        return replace(self, tokens=tokens, texts=texts)


def documents_of(
    source: TokenSplit | Corpus, tokenizer: Tokenizer, limit: int | None = None, *, ends: bool = False
) -> Documents:
    """Return the documents of a split (at most its last `limit` tokens and characters) or of another text.

    Args:
        source: the split or the text.
        tokenizer: the run's tokenizer.
        limit: the largest number of tokens and of characters; None: all.
        ends: whether the run learned the ends of documents, so that those of another text are scored.
    """
    if isinstance(source, Corpus):
        texts = texts_of(source, tokenizer)
        return Documents([tokenizer.encode(text) for text in texts], texts, ends=scored_ends(source, ends) > 0)
    facts = source.facts
    complete = limit is None or max(len(source.ids), facts.characters) <= limit
    tokens, texts = _tokens(source, tokenizer, limit), texts_of(source, tokenizer, limit)
    return Documents(tokens, texts, complete, ends=facts.ends > 0, cut=facts.ends < facts.documents)


def scored_ends(corpus: Corpus, learned: bool) -> int:
    """Return how many ends of documents of another text are scored: none of files, or if the run `learned` none."""
    return len(corpus.documents) if learned and corpus.document_unit != PER_FILE else 0


def texts_of(source: TokenSplit | Corpus, tokenizer: Tokenizer, limit: int | None = None) -> list[str]:
    """Return only the texts of :func:`documents_of`; another text is not tokenized for them."""
    if isinstance(source, Corpus):
        return [str(document.text) for document in source.documents]
    return decode_documents(source, tokenizer, limit) if tokenizer.lossless else last_characters([source.text], limit)


def scored_text(source: TokenSplit | Corpus, tokenizer: Tokenizer, *, ends: bool = False) -> ScoredText:
    """Return a split, or another text that is tokenized here, as a text to score.

    Documents whose ends are scored follow each other, a BOS token after each, as in training: only there does the
    model know that a document begins. `ends` is that of :func:`documents_of`.
    """
    found: Sequence[Ids]
    if isinstance(source, Corpus):
        found = [ids for text in source.documents if len(ids := tokenizer.encode(text.text))]
        sizes, n_ends = (source.characters, source.bytes), scored_ends(source, ends)
        if n_ends:
            found = [np.concatenate([part for ids in found for part in (ids, [tokenizer.bos_id])])]
        return ScoredText(source.name, source.sha256, found, *sizes, own=False, ends=n_ends)
    facts = source.facts
    if facts.ends:  # the split begins with a BOS token, and its last document may have no end
        found = [source.ids[1:] if facts.ends < facts.documents else np.append(source.ids[1:], source.ids[:1])]
    else:
        found = _tokens(source, tokenizer)
    return ScoredText(source.name, facts.sha256, found, facts.characters, facts.bytes, own=True, ends=facts.ends)


def decode_documents(split: TokenSplit, tokenizer: Tokenizer, limit: int | None = None) -> list[str]:
    """Decode the documents of a split, at most its last `limit` tokens and characters.

    The result of a lossy tokenizer is not the text itself, but what the model sees of it.
    """
    table = tokenizer.token_bytes()
    return last_characters([_text(document, table) for document in _tokens(split, tokenizer, limit)], limit)


def _tokens(split: TokenSplit, tokenizer: Tokenizer, limit: int | None = None) -> list[Ids]:
    return documents(split.ids if limit is None else split.ids[-limit:], tokenizer.bos_id)


def _text(ids: Ids, table: list[bytes]) -> str:
    """Decode ids a block at a time: a list of all ids would take forty times as much memory."""
    blocks = (ids[start : start + _BLOCK].tolist() for start in range(0, len(ids), _BLOCK))
    return b"".join(b"".join([table[i] for i in block]) for block in blocks).decode("utf-8", errors="replace")


def last_characters(texts: Sequence[str], limit: int | None) -> list[str]:
    """Return the end of documents: their last `limit` characters together; None: all."""
    if limit is None:
        return list(texts)
    kept: list[str] = []
    for text in reversed(texts):
        if limit <= 0:
            break
        kept.append(text[-limit:])
        limit -= len(text)
    return kept[::-1]
