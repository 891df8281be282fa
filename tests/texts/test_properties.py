"""What holds of any text whatever: no character is lost, none is counted twice, half a pair is refused."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.texts.collection import ORDERS, STRANGE

from octavo.config import DataConfig, ModelConfig, TokenizerConfig
from octavo.corpus import Corpus, Document, read_corpus, split
from octavo.data.prepare import prepare
from octavo.data.windows import Windows
from octavo.errors import OctavoError
from octavo.evaluate import evaluate
from octavo.evaluate.documents import scored_text
from octavo.evaluate.scoring import Scorer, sliding_windows
from octavo.model import Transformer
from octavo.tokenizer import BPEDropout, Tokenizer, train_tokenizer
from octavo.tokenizer.kinds import ByteBPE

# Any character that UTF-8 can hold: unassigned ones, controls, combining marks and private ones too.
CHARACTERS = st.characters(exclude_categories=["Cs"])
PIECES = st.sampled_from(
    [*ORDERS, "<|endoftext|>", "<0x41>", "\r\n", "  ", "e\u0301", "👩\u200d👧", "שָׁלוֹם", "\0", "aaaa"]
)
TEXTS = st.lists(PIECES | st.text(CHARACTERS, max_size=6), min_size=1, max_size=12).map("".join).filter(bool)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-7", "gb18030"])
often = settings(deadline=None, max_examples=60, derandomize=True)


@pytest.fixture(scope="module")
def bpe() -> ByteBPE:
    """One that has merges of strange pieces."""
    return ByteBPE.train("".join(STRANGE[name]() for name in ("control characters", "emoji", "right to left")), 600)


@pytest.fixture(scope="module")
def model(bpe: ByteBPE) -> Transformer:
    return Transformer(ModelConfig(d_model=8, n_layers=1, n_heads=1, d_ff=8), bpe.vocab_size, 0)


def could_be_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeError:
        return False
    return 4 * max(raw[::2].count(0), raw[1::2].count(0)) < len(raw)


@often
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=4),
    encoding=ENCODINGS,
    kind=st.sampled_from(["bpe", "characters"]),
    held_out=st.sampled_from([0.1, 0.25, 0.5, 0.9]),
)
def test_read_split_tokenized_and_decoded_a_text_is_itself(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], encoding: str, kind: str, held_out: float
) -> None:
    paths = [tmp_path_factory.getbasetemp() / f"property-{number}.txt" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_bytes(text.encode(encoding))
    if encoding.startswith(("utf-16-", "utf-32-")) and any(could_be_utf8(path.read_bytes()) for path in paths):
        return  # which it then is
    without_mark = [text.removeprefix("\ufeff") if encoding in ("utf-8", "utf-7") else text for text in texts]
    try:
        corpus = read_corpus(paths, encoding=encoding)
        tokenizer, prepared = prepare(
            corpus,
            DataConfig(validation=held_out),
            TokenizerConfig(kind=kind, vocab_size=300, trained_on="all"),  # type: ignore[arg-type]
        )
    except OctavoError as refusal:
        strange = any(character < " " for text in texts for character in text)
        assert "empty" in str(refusal) or (strange and "binary" in str(refusal))  # noqa: PT017 # it may be too short
        return
    assert [str(document.text) for document in corpus.documents] == without_mark
    whole = "".join(part.text for part, _ in prepared.values())
    assert whole == "".join(without_mark)
    for part, ids in prepared.values():
        assert tokenizer.decode(ids.tolist()) == part.text
        assert b"".join(tokenizer.token_bytes()[i] for i in ids) == part.text.encode()
        assert (ids == tokenizer.bos_id).sum() == len(part.segments)


@often
@given(text=st.text(st.characters(), min_size=1), at=st.integers(0, 50), half=st.integers(0xD800, 0xDFFF))
def test_half_a_pair_is_refused_and_said_where(text: str, at: int, half: int) -> None:
    before = "".join(c for c in text[:at] if not 0xD800 <= ord(c) <= 0xDFFF)
    with pytest.raises(OctavoError, match=rf"a: character {len(before)} is a lone surrogate \(U\+{half:04X}\)"):
        Document("a", before + chr(half) + text[at:])


@often
@given(raw=st.binary(min_size=1), encoding=ENCODINGS)
def test_any_bytes_are_a_text_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes, encoding: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "property-bytes"
    Path(path).write_bytes(raw)
    try:
        (document,) = read_corpus([path], encoding=encoding).documents
    except OctavoError as refusal:
        assert "\n" not in str(refusal)  # noqa: PT017 # either is right
        return
    assert str(document.text).encode("utf-8").decode("utf-8") == document.text


@often
@given(texts=st.lists(TEXTS, min_size=1, max_size=3), rate=st.floats(0, 1), epoch=st.integers(0, 5))
def test_however_words_are_cut_the_text_is_the_same(bpe: ByteBPE, texts: list[str], rate: float, epoch: int) -> None:
    ids = BPEDropout(bpe, [bpe.encode(text) for text in texts], rate, 7).epoch(epoch)
    assert bpe.decode(ids) == "".join(texts)
    assert np.flatnonzero(ids == bpe.bos_id)[0] == 0
    assert (ids == bpe.bos_id).sum() == len(texts)


@often
@given(count=st.integers(2, 60), context=st.integers(1, 12), stride=st.integers(1, 12), phases=st.integers(1, 5))
def test_windows_are_stretches_of_the_text_in_which_each_token_follows_its_input(
    count: int, context: int, stride: int, phases: int
) -> None:
    ids = np.arange(1, count + 1, dtype=np.uint16)
    windows = Windows(ids, context, stride, bos_id=0, phases=phases)
    for phase in range(phases if len(windows) else 0):
        inputs, targets = windows.gather(np.arange(len(windows)), phase)
        begins = np.arange(len(windows)) * stride + phase
        assert targets.tolist() == [ids[b + 1 : b + 1 + context].tolist() for b in begins]
        assert inputs[:, 0].tolist() == [0] * len(windows)
        assert torch.equal(inputs[:, 1:], targets[:, :-1])
    assert (len(windows) == 0) == (count < context + phases)


@often
@given(count=st.integers(0, 100), context=st.integers(1, 20), data=st.data())
def test_every_prediction_counts_once(count: int, context: int, data: st.DataObject) -> None:
    windows = sliding_windows(0, count, context, data.draw(st.integers(1, context)))
    assert [place for w in windows for place in range(w.scored, w.end)] == list(range(count))
    assert all(w.begin <= w.scored < w.end <= w.begin + context for w in windows)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(texts=st.lists(TEXTS, min_size=1, max_size=3), context=st.integers(2, 40), batch=st.integers(1, 9))
def test_a_score_is_the_sum_over_every_token_however_it_is_batched(
    bpe: ByteBPE, model: Transformer, texts: list[str], context: int, batch: int
) -> None:
    corpus = Corpus("c", tuple(Document(str(number), text) for number, text in enumerate(texts)))
    text = scored_text(corpus, bpe)
    found = evaluate(model, bpe, text, context_length=context, batch_size=batch)
    assert (found.characters, found.bytes) == (sum(map(len, texts)), sum(len(text.encode()) for text in texts))
    alone = [
        Scorer(model, bpe.bos_id, context, stride=max(1, context // 2)).token_losses([ids]) for ids in text.documents
    ]
    total = sum(float(nats.sum()) for (nats,) in alone)
    assert found.tokens == sum(len(nats) for (nats,) in alone)
    assert math.isclose(found.nats_per_character * found.characters, total, rel_tol=1e-5)


@pytest.mark.parametrize("kind", ["bpe", "characters"])
def test_a_tokenizer_saved_and_read_again_cuts_strange_texts_alike(kind: str, tmp_path: Path) -> None:
    from octavo.tokenizer import load_tokenizer

    text = "".join(STRANGE[name]()[:2000] for name in sorted(STRANGE))
    made: Tokenizer = train_tokenizer(TokenizerConfig(kind=kind), text)  # type: ignore[arg-type]
    made.save(tmp_path / "tokenizer.json")
    again = load_tokenizer(tmp_path / "tokenizer.json")
    assert again.encode(text).tolist() == made.encode(text).tolist()
    assert again.decode(made.encode(text)) == text
    assert split(Corpus.from_text(text)).train.text == text[: int(len(text) * 0.9)]
