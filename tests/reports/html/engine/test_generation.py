"""``octavo.model`` in the page of a run: the run's tokens, distributions and scores, from its rounded weights."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from tests.reports.html.engine.conftest import opened

from octavo.config.inference import SamplingConfig
from octavo.generate.decoding import logits_to_probs
from octavo.generate.generate import decoder_of
from octavo.generate.healing import Healer
from octavo.generate.streams import ContextWindow
from octavo.generate.text import continue_prompts
from octavo.interpret.interventions import parse_target, replace_with
from octavo.interpret.run_analyses import held_out_means
from octavo.pipeline.run import Run
from octavo.reports.html import make_page
from octavo.reports.html.packed_model import PackedModel, model_part, pack_run, rounded_model

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

PROMPTS = ["ROMEO:", "What lig", "First Citizen:\nWe are ", "Z🦜\n", ""]
LOGITS = [1.5, 0.2, -0.7, 2.2, 1.49, -3.0, 0.9, 0.0]
SETTINGS: list[dict[str, Any]] = [
    {"temperature": 1.0},
    {"temperature": 0.5},
    {"temperature": 2.0, "top_k": 3},
    {"temperature": 1.0, "top_p": 0.7},
    {"temperature": 1.0, "min_p": 0.2},
    {"temperature": 0.9, "top_k": 6, "top_p": 0.95, "min_p": 0.05},
    {"temperature": 0.0},
]


@pytest.fixture(scope="module")
def packed(trained: Run) -> PackedModel:
    return pack_run(trained)


@pytest.fixture(scope="module")
def page(browser: "Browser", packed: PackedModel, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Tab]":
    """The page of the run's model."""
    with opened(browser, make_page("Model", [model_part(packed)]), tmp_path_factory.mktemp("model")) as tab:
        yield tab


def continuations(trained: Run, packed: PackedModel, prompts: list[str], **sampling: Any) -> list[str]:
    """Return the texts that Python generates with the page's weights."""
    chunks = continue_prompts(
        decoder_of(rounded_model(packed, trained.config, trained.tokenizer.vocab_size)),
        trained.tokenizer,
        prompts,
        context_length=trained.config.data.context_length,
        sampling=SamplingConfig(**sampling),
        opening=packed.data["opening"],
    )
    return ["".join(column) for column in zip(*chunks, strict=True)]


def test_greedy_texts_are_those_of_python(page: "Tab", trained: Run, packed: PackedModel) -> None:
    expected = continuations(trained, packed, PROMPTS, temperature=0.0, max_new_tokens=200)
    script = "prompts => prompts.map(prompt => octavo.model.generate({prompt, temperature: 0, max_new_tokens: 200}))"
    for found, text in zip(page.evaluate(script, PROMPTS), expected, strict=True):
        assert found["text"] == text
        assert len(found["ids"]) == 200  # several windows of this model, whose context is 32 tokens


def test_the_distribution_of_a_token_is_that_of_python(page: "Tab") -> None:
    script = "([logits, all]) => all.map((settings) => [...octavo.engine.sampling.probabilities(logits, "
    script += "octavo.engine.sampling.settings(settings))])"
    for settings, found in zip(SETTINGS, page.evaluate(script, [LOGITS, SETTINGS]), strict=True):
        expected = logits_to_probs(torch.tensor([LOGITS]), SamplingConfig(**settings))[0].numpy()
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_samples_follow_the_distribution_and_the_seed(page: "Tab", trained: Run, packed: PackedModel) -> None:
    ids = trained.tokenizer.encode("First ").tolist()
    script = """([ids, count]) => Array.from({ length: count }, (_, seed) =>
      octavo.model.generate({ ids, temperature: 1, max_new_tokens: 1, seed }).ids[0] ?? 0)"""
    tokens = page.evaluate(script, [ids, 4000])
    assert tokens == page.evaluate(script, [ids, 4000])
    window = ContextWindow(trained.config.data.context_length, 0)
    model = rounded_model(packed, trained.config, trained.tokenizer.vocab_size)
    probs = torch.tensor(decoder_of(model).predict([ids], window)[0]).double().softmax(-1).numpy()
    counts = np.bincount(tokens, minlength=len(probs))
    frequent = probs * 4000 >= 5
    expected = np.append(probs[frequent], probs[~frequent].sum()) * 4000
    observed = np.append(counts[frequent], counts[~frequent].sum())
    chi_square = float((((observed - expected) ** 2) / expected).sum())
    assert len(expected) > 20
    assert chi_square < len(expected) + 4 * np.sqrt(2 * len(expected))  # four standard deviations


def test_prompts_are_healed_with_the_candidates_of_python(page: "Tab", trained: Run, packed: PackedModel) -> None:
    script = """(ids) => octavo.engine.healingCandidates(ids, octavo.model.tokenizer.tokenBytes,
      (kept) => octavo.model.logits([0, ...kept]).at(-1)).map((one) => [...Object.values(one).slice(0, 2),
      [...one.suffix], one.logProbability])"""
    model = rounded_model(packed, trained.config, trained.tokenizer.vocab_size)
    window = ContextWindow(trained.config.data.context_length, 0)
    decoder = decoder_of(model)
    healer = Healer(trained.tokenizer.token_bytes(), lambda ids: decoder.predict(ids, window), decoder.sample_token)
    for prompt in ("What is t", "ROM", "the lord ", "it."):
        ids = trained.tokenizer.encode(prompt).tolist()
        found, expected = page.evaluate(script, ids), healer.candidates(ids)
        assert len(expected) > 1
        assert {(kept, token, bytes(suffix)) for kept, token, suffix, _ in found} == {
            (one.n_kept, one.replacement[0] if one.replacement else None, one.suffix) for one in expected
        }
        np.testing.assert_allclose(
            sorted(log_probability for *_, log_probability in found),
            sorted(one.log_probability for one in expected),
            atol=1e-4,
        )


def test_a_mean_ablation_is_that_of_python(page: "Tab", trained: Run, packed: PackedModel) -> None:
    ids = [0, *trained.tokenizer.encode("First Citizen: before we").tolist()]
    model = rounded_model(packed, trained.config, trained.tokenizer.vocab_size)
    for name in ("blocks.0.attention.head.1", "blocks.0.feedforward.output"):
        target = parse_target(name, model)
        means = held_out_means(trained, target.site)  # of the run itself
        with torch.inference_mode():
            unchanged = model(torch.tensor([ids]))[0].numpy()
            expected = model(torch.tensor([ids]), tap=replace_with(target, target.select(means[target.site])))[0]
        script = "([ids, name]) => octavo.model.logits(ids, {ablate: {mean: [name]}}).map((row) => [...row])"
        assert np.abs(expected.numpy() - unchanged).max() > 0.01
        np.testing.assert_allclose(page.evaluate(script, [ids, name]), expected.numpy(), atol=1e-4)


def test_the_interface_has_activations_and_refuses_what_it_cannot_do(page: "Tab", trained: Run) -> None:
    config = trained.config.model
    script = "sites => Object.entries(octavo.model.activations([0, 1, 2], sites)).map(([n, {shape}]) => [n, shape])"
    assert page.evaluate(script, ["blocks.*.attention.pattern", "final_norm"]) == [
        ["blocks.0.attention.pattern", [config.n_heads, 3, 3]],
        ["final_norm", [3, config.d_model]],
    ]
    for call, part in {
        "logits([0, 512])": "no token 512",
        "logits([])": "0 tokens",
        f"logits(Array({trained.config.data.context_length + 1}).fill(0))": "33 tokens",
        "logits([0], {ablate: {zero: ['blocks.7.attention.head.0']}})": "no target blocks.7.attention.head.0",
        "logits([0], {ablate: {mean: ['blocks.0.output']}})": "no mean of blocks.0.output",
        "generate({temperature: -1})": "temperature=-1",
        "generate({top_p: 'x'})": "top_p=x",
    }.items():
        script = (
            f"() => {{ try {{ octavo.model.{call}; return 'nothing' }} catch (error) {{ return String(error) }} }}"
        )
        assert part in page.evaluate(script), call


def test_generation_is_fast(page: "Tab") -> None:
    """The bound is far below what a free core does, so that a busy machine passes it."""
    script = """() => {
      const began = performance.now();
      const { ids } = octavo.model.generate({ prompt: "ROMEO:", temperature: 1, max_new_tokens: 400 });
      return (1000 * ids.length) / (performance.now() - began);
    }"""
    assert page.evaluate(script) > 300


def test_the_model_is_text_to_the_page(page: "Tab", packed: PackedModel) -> None:
    assert json.loads(page.inner_html("[data-widget=model] script")) == packed.data
