"""What is read off a model whose numbers are not finite."""

from collections.abc import Callable

import pytest
import torch

from octavo.errors import OctavoError
from octavo.interpret.edit import measure_edit
from octavo.interpret.interventions import InterventionSpec
from octavo.interpret.lens import apply_lens
from octavo.interpret.surprise import measure_surprise
from octavo.interpret.tokens import read_passage
from octavo.model import Transformer
from octavo.tokenizer import Tokenizer


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_damaged_weights_are_an_error_in_words(
    value: float, bpe: Tokenizer, make_model: Callable[..., Transformer]
) -> None:
    model, text = make_model(bpe.vocab_size), "To be, or not"
    with torch.no_grad():
        model.unembedding.weight.fill_(value)
    with pytest.raises(OctavoError, match="logits are not finite"):
        measure_surprise(model, bpe, text, context_length=16)
    with pytest.raises(OctavoError, match="logits are not finite"):
        apply_lens(model, bpe, read_passage(bpe, text), context_length=16)
    with pytest.raises(OctavoError, match="logits are not finite"):
        measure_edit(model, bpe, text, InterventionSpec(zero=("blocks.0.attention.head.0",)), context_length=16)
