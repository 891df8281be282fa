"""How fast a text is scored: as much as Tiny Shakespeare's held-out tenth, by the default model, in fp32."""

import torch

from octavo.bench.comparison import Case, Comparison, side_by_side
from octavo.bench.kernels import ways
from octavo.bench.peers import Peers
from octavo.bench.steps import in_words, made_up_ids
from octavo.config import load_preset
from octavo.evaluate import Watch, unwatched
from octavo.evaluate.scoring import token_losses
from octavo.model import Transformer

_TOKENS = 56_000  # of vocabulary 512: 111,540 characters
_VOCABULARY = 512


def bench_scoring(rounds: int, peers: Peers, watch: Watch = unwatched) -> list[Comparison]:
    """Every token once, in windows of a whole context, half a context apart."""
    config = load_preset("pocket")
    context, stride = config.data.context_length, config.data.context_length // 2
    model, ids = Transformer(config.model, _VOCABULARY), made_up_ids(_VOCABULARY, _TOKENS)

    def score() -> None:
        with torch.inference_mode():
            token_losses(model, [ids], start_id=0, context_length=context, stride=stride)

    work = f"{_TOKENS:,} tokens, each scored once, in windows of {context}, {stride} apart"
    cases = [Case(name, work, _TOKENS, "tokens", run, in_words("fp32")) for name, run in ways(score).items()]
    return [side_by_side(f"Scoring {work}", cases, rounds=rounds, watch=watch)]
