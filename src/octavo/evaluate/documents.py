"""Return the documents of a text, as token ids and as characters, for baselines and scores."""

from collections.abc import Sequence
from dataclasses import dataclass

from octavo.corpus import Corpus
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


def documents_of(source: TokenSplit | Corpus, tokenizer: Tokenizer, limit: int | None = None) -> Documents:
    """Return the documents of a split (at most its last `limit` tokens and characters) or of another text."""
    if isinstance(source, Corpus):
        texts = texts_of(source, tokenizer)
        return Documents([tokenizer.encode(text) for text in texts], texts)
    complete = limit is None or max(len(source.ids), source.facts.characters) <= limit
    return Documents(_tokens(source, tokenizer, limit), texts_of(source, tokenizer, limit), complete)


def texts_of(source: TokenSplit | Corpus, tokenizer: Tokenizer, limit: int | None = None) -> list[str]:
    """Return only the texts of :func:`documents_of`; another text is not tokenized for them."""
    if isinstance(source, Corpus):
        return [str(document.text) for document in source.documents]
    return decode_documents(source, tokenizer, limit) if tokenizer.lossless else last_characters([source.text], limit)


def scored_text(source: TokenSplit | Corpus, tokenizer: Tokenizer) -> ScoredText:
    """Return a split, or another text that is tokenized here, as a text to score."""
    if isinstance(source, Corpus):
        found = [ids for text in source.documents if len(ids := tokenizer.encode(text.text))]
        return ScoredText(source.name, source.sha256, found, source.characters, source.bytes, own=False)
    tokens, facts = _tokens(source, tokenizer), source.facts
    return ScoredText(source.name, facts.sha256, tokens, facts.characters, facts.bytes, own=True)


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
