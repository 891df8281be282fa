"""A corpus becomes a tokenizer and three parts of token ids."""

from functools import partial

from octavo.config import DataConfig, TokenizerConfig
from octavo.corpus import Corpus, CorpusSplit, split, split_boundaries, split_range
from octavo.data.token_files import Ids, id_type, tokenize
from octavo.errors import OctavoError
from octavo.system.progress import PhaseCallback, no_phase_progress
from octavo.system.terminal import quantity
from octavo.tokenizer import Tokenizer, train_tokenizer

Prepared = dict[str, tuple[CorpusSplit, Ids]]


def prepare(
    corpus: Corpus,
    data: DataConfig,
    tokenizer: TokenizerConfig,
    watch: PhaseCallback = no_phase_progress,
) -> tuple[Tokenizer, Prepared]:
    """Train the tokenizer and tokenize every part; a part without text is left out.

    `watch` is told what is being done, and the share of it that is done.

    Raises:
        OctavoError: the text is too short to be split, the tokenizer too small for its kind, or nothing would show
            where the documents end that were asked for.
    """
    if corpus.document_unit != "file" and (data.split_by == "tokens" or tokenizer.kind == "whitespace-bpe"):
        raise OctavoError(
            "documents are not kept apart with data.split_by=tokens or tokenizer.kind=whitespace-bpe: give "
            "documents=file, or change these settings"
        )
    if data.split_by == "tokens":
        return _split_by_tokens(corpus, data, tokenizer, watch)
    parts = split(corpus, validation=data.validation, test=data.test)
    whole = split_range(corpus, 0, corpus.characters)
    learned = parts.train if tokenizer.trained_on == "train" else whole
    trained = train_tokenizer(tokenizer, learned, partial(watch, "training the tokenizer"))
    named = parts._asdict().items()
    return trained, {
        name: (part, tokenize(trained, part, partial(watch, f"tokenizing the {name} part")))
        for name, part in named
        if part.characters
    }


def _split_by_tokens(
    corpus: Corpus, data: DataConfig, config: TokenizerConfig, watch: PhaseCallback
) -> tuple[Tokenizer, Prepared]:
    """One sequence of tokens over all documents, cut by the number of tokens."""
    text = split_range(corpus, 0, corpus.characters).text
    tokenizer = train_tokenizer(config, text, partial(watch, "training the tokenizer"))
    ids = tokenizer.encode(text).astype(id_type(tokenizer))
    cuts = split_boundaries(len(ids), data.validation, data.test)
    tokens = [0, *cuts, len(ids)]
    places = [0, *(tokenizer.characters_before(text, cut) for cut in cuts), corpus.characters]
    prepared = {}
    for i, name in enumerate(("train", "validation", "test")):
        part = split_range(corpus, places[i], places[i + 1])
        if part.characters:
            prepared[name] = (part, ids[tokens[i] : tokens[i + 1]])
    if len(prepared.get("validation", ("", ()))[1]) < 2:
        raise OctavoError(
            f"{corpus.name} gives only {quantity(len(ids), 'token')}, too few to hold some out: use a longer text"
        )
    return tokenizer, prepared
