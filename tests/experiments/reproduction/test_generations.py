"""Generation with the last window read anew for each token."""

from typing import Any

import torch

from octavo.config.inference import SamplingConfig
from octavo.experiments.reproduction.generations import generate_all, generate_without_cache
from octavo.generate.decoding import decode
from octavo.generate.streams import ContextWindow, Request
from octavo.pipeline.run import Run


def test_greedy_takes_the_likeliest_after_the_last_window(reference: Run) -> None:
    ids = reference.splits["validation"].ids[:48].tolist()
    sampling = SamplingConfig(temperature=0, max_new_tokens=6)
    expected = list(ids)
    with torch.inference_mode():
        for _ in range(6):
            window = expected[-50:]
            expected.append(int(reference.model(torch.tensor([window]))[0, -1].argmax()))
    assert len(expected) > 50, "the window has slid"
    assert generate_without_cache(reference, ids, sampling) == expected[48:]


def test_within_the_first_window_it_is_octavos_own_way(trained: Run) -> None:
    sampling = SamplingConfig(temperature=0.9, top_k=50, max_new_tokens=20, seed=5)
    ids = trained.tokenizer.encode("ROMEO:").tolist()
    window = ContextWindow(32, trained.tokenizer.bos_id)
    chunks = decode(trained.model, Request([ids], window, sampling, seeds=[(5, 3)]))
    own = [token for (tokens,) in chunks for token in tokens]
    assert generate_without_cache(trained, ids, sampling, stream=3) == own
    assert generate_without_cache(trained, ids, sampling, stream=4) != own


def test_five_prompts_at_three_temperatures(reference: Run) -> None:
    generations = generate_all(reference)
    prompts = ["ROMEO:", "To be or not to be", "First Citizen:", "JULIET:", "What light through"]
    assert [(g.prompt, g.temperature) for g in generations] == [(p, t) for p in prompts for t in (0.5, 0.8, 1.0)]
    for generation in generations:
        read = reference.tokenizer.decode(reference.tokenizer.encode(generation.prompt))
        assert generation.text.startswith(read + " ")
        assert len(generation.text[len(read) :].split()) == 60
    assert len({g.text for g in generations}) == 15


def test_a_prompt_without_a_token_is_left_out(untrained: Any) -> None:
    run = untrained("Ωδυσσέα μῆνιν ἄειδε θεά :\n" * 400, {"tokenizer.vocab_size": 60})
    assert [g.prompt for g in generate_all(run)] == ["ROMEO:"] * 3 + ["First Citizen:"] * 3 + ["JULIET:"] * 3
