"""Preparation of a corpus: train the tokenizer, split the text and tokenize each split."""

from functools import partial

from octavo.config import DataConfig, TokenizerConfig
from octavo.corpus import Corpus, CorpusSplit, split, split_boundaries, split_range
from octavo.data.token_files import SPLIT_NAMES, Ids, id_type, tokenize
from octavo.errors import OctavoError
from octavo.system.progress import PhaseCallback, no_phase_progress
from octavo.system.terminal import quantity
from octavo.tokenizer import Tokenizer, train_tokenizer

TokenizedSplits = dict[str, tuple[CorpusSplit, Ids]]


def prepare(
    corpus: Corpus,
    data: DataConfig,
    tokenizer: TokenizerConfig,
    watch: PhaseCallback = no_phase_progress,
    *,
    seed: int = 0,
    given: Tokenizer | None = None,
) -> tuple[Tokenizer, TokenizedSplits]:
    """Train the tokenizer, and tokenize each split that has text.

    Args:
        corpus: the documents.
        data: the sizes of the splits, whether characters or tokens are counted for them, and what is held out.
        tokenizer: the kind of tokenizer and its vocabulary size.
        watch: receives the name of the current phase and the fraction of it that is done.
        seed: chooses the documents that are held out, where whole documents are.
        given: a tokenizer of that kind that is used instead of training one.

    Returns:
        The tokenizer, and by name the text and the token ids of each split.

    Raises:
        OctavoError: the text is too short to be split, the vocabulary is too small for the kind of tokenizer, or
            the settings leave no token between the documents that were asked for.

    Example:
        >>> corpus = Corpus.from_text("To be, or not to be: that is the question.\\n" * 99)
        >>> tokenizer, splits = prepare(corpus, DataConfig(), TokenizerConfig(vocab_size=300))
        >>> list(splits)
        ['train', 'validation']
    """
    if corpus.document_unit != "file" and (data.split_by == "tokens" or tokenizer.kind == "whitespace-bpe"):
        raise OctavoError(
            "documents are not kept apart with data.split_by=tokens or tokenizer.kind=whitespace-bpe: give "
            "documents=files, or change these settings"
        )
    if data.split_by == "tokens":
        return _split_by_tokens(corpus, data, tokenizer, watch, given)
    splits = split(corpus, validation=data.validation, test=data.test, held_out=data.held_out, seed=seed)
    full_text = split_range(corpus, 0, corpus.characters)
    trained = given or train_tokenizer(
        tokenizer,
        splits.train if tokenizer.trained_on == "train" else full_text,
        partial(watch, "training the tokenizer"),
    )
    return trained, {
        name: (part, tokenize(trained, part, partial(watch, f"tokenizing the {name} split")))
        for name, part in splits._asdict().items()
        if part.characters
    }


def _split_by_tokens(
    corpus: Corpus, data: DataConfig, config: TokenizerConfig, watch: PhaseCallback, given: Tokenizer | None
) -> tuple[Tokenizer, TokenizedSplits]:
    """Tokenize all documents as one sequence, then split it by the number of tokens."""
    text = split_range(corpus, 0, corpus.characters).text
    tokenizer = given or train_tokenizer(config, text, partial(watch, "training the tokenizer"))
    ids = tokenizer.encode(text).astype(id_type(tokenizer))
    inner = split_boundaries(len(ids), data.validation, data.test)
    token_borders = [0, *inner, len(ids)]
    character_borders = [0, *(tokenizer.characters_before(text, border) for border in inner), corpus.characters]
    splits = {}
    for i, name in enumerate(SPLIT_NAMES):
        part = split_range(corpus, *character_borders[i : i + 2])
        if part.characters:
            splits[name] = (part, ids[slice(*token_borders[i : i + 2])])
    if len(splits.get("validation", ("", ()))[1]) < 2:
        raise OctavoError(
            f"{corpus.name} gives only {quantity(len(ids), 'token')}, too few for a validation split: "
            "use a longer text"
        )
    return tokenizer, splits
