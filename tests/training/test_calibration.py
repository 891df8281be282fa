"""The temperature of the logits: what is fitted, on what, and what a run does with it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from octavo.config import Config, ModelConfig
from octavo.config.overrides import Request
from octavo.data.windows import Windows
from octavo.errors import OctavoError
from octavo.model import Transformer
from octavo.model.weights import named_weights
from octavo.runs.checkpoint import load_newest, save_checkpoint
from octavo.runs.events import CalibrationEvent, CheckpointEvent, ValidationEvent
from octavo.training.calibration import fit_temperature, scale_logits
from octavo.training.loop import Training

Make = Callable[..., Training]
MODELS = [
    ModelConfig(n_layers=1, d_model=16, n_heads=2, d_ff=24),
    ModelConfig(n_layers=1, d_model=16, n_heads=2, d_ff=24, norm="layer", bias=True, tied_embeddings=False),
]


def markov_model(config: ModelConfig) -> Transformer:
    """Return a model of 20 tokens whose predictions depend on the last token alone."""
    model, random = Transformer(config, 20, seed=3), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=random))
            if "attention.output" in name:
                parameter.zero_()
    return model


def drawn_at(model: Transformer, temperature: float) -> Windows:
    """Return windows of a text that is drawn from the model at a temperature."""
    random = np.random.Generator(np.random.PCG64(1))
    with torch.no_grad():
        rows = (model(torch.arange(20)[:, None])[:, 0] / temperature).softmax(-1).double().numpy()
    ids = [1]
    for _ in range(5000):
        ids.append(int(random.choice(20, p=rows[ids[-1]] / rows[ids[-1]].sum())))
    return Windows(np.array(ids, np.uint16), 10, 5, bos_id=0)


def loss_at(model: Transformer, windows: Windows, temperature: float) -> float:
    x, y = windows.gather(np.arange(len(windows)))
    with torch.no_grad():
        logits = model(x)[:, 5:] / temperature
    return float(F.cross_entropy(logits.flatten(0, 1), y[:, 5:].flatten()))


@pytest.mark.parametrize("config", MODELS, ids=["rms", "layer norm and biases"])
class TestFit:
    def test_it_finds_the_temperature_that_a_text_was_drawn_at(self, config: ModelConfig) -> None:
        model = markov_model(config)
        windows = drawn_at(model, 2.0)
        fit = fit_temperature(model, windows, weights=named_weights(model))
        assert fit.temperature == pytest.approx(2.0, rel=0.1)
        assert fit.tokens == 5 * len(windows)
        assert fit.before == pytest.approx(loss_at(model, windows, 1.0), rel=1e-5)
        assert fit.after == pytest.approx(loss_at(model, windows, fit.temperature), rel=1e-5)
        assert fit.after < min(loss_at(model, windows, fit.temperature * factor) for factor in (0.97, 1.03))

    def test_calibrated_weights_give_divided_logits_and_need_no_more(self, config: ModelConfig) -> None:
        model = markov_model(config)
        windows = drawn_at(model, 2.0)
        x, _ = windows.gather(np.arange(3))
        with torch.no_grad():
            before = model(x)
        fit = fit_temperature(model, windows, weights=named_weights(model))
        with torch.no_grad():
            assert torch.equal(model(x), before)
        scale_logits(named_weights(model), 1 / fit.temperature)
        with torch.no_grad():
            assert torch.allclose(model(x), before / fit.temperature, atol=1e-5)
        assert fit_temperature(model, windows, weights=named_weights(model)).temperature == pytest.approx(1, abs=1e-3)


OVERFIT = {
    "train.calibrate": True,
    "tokenizer.dropout": 0.0,
    "model.dropout": 0.0,
    "model.hidden_dropout": 0.0,
    "train.log_every": 1,
}


@pytest.fixture(scope="module")
def text(play: str) -> str:
    return play[:12_000]


def configured(tiny: dict[str, Any], overrides: dict[str, Any] | None = None, steps: int = 60) -> Config:
    return Request(overrides=tiny | OVERFIT | (overrides or {}), steps=steps).applied_to(None)


def all_tokens(windows: Windows) -> list[int]:
    """Return the ids that windows are cut from."""
    return np.asarray(windows._ids).tolist()


def find(ids: list[int], part: list[int]) -> int:
    """Return where `part` is in `ids`, where it is once."""
    (place,) = [i for i in range(len(ids)) if ids[i : i + len(part)] == part]
    return place


class TestRun:
    def test_it_is_calibrated_once_before_its_last_validation(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        training = make_training(configured(tiny, {"train.validate_every": 30}), text)
        events = list(training)
        (calibration,) = [event for event in events if isinstance(event, CalibrationEvent)]
        last = [event for event in events if isinstance(event, ValidationEvent)][-1]
        saves = [event.step for event in events if isinstance(event, CheckpointEvent)]
        assert events.index(calibration) < events.index(last)
        assert saves[-2:] == [60, 60], "before the calibration, so that it cannot cost the training, and after"
        assert calibration.nats_per_character < calibration.nats_per_character_before
        assert training.state.temperature == calibration.temperature > 0

    def test_its_text_is_spread_over_the_training_split_and_not_trained_on(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        overrides = {
            "data.context_length": 24,
            "data.stride": 1,
            "tokenizer.vocab_size": 0,
            "tokenizer.kind": "characters",
        }
        plain = make_training(configured(tiny, overrides | {"train.calibrate": False}), text).data
        data = make_training(configured(tiny, overrides), text).data
        assert data.calibration is not None
        whole, kept, blocks = (
            all_tokens(windows) for windows in (plain.windows.base, data.windows.base, data.calibration)
        )
        n_blocks = int(0.05 * len(whole)) // 25
        assert len(data.calibration) == n_blocks == len(blocks) // 25
        assert len(kept) + len(blocks) == len(whole)
        places = [find(whole, blocks[25 * i : 25 * i + 25]) for i in range(n_blocks)]
        gaps = np.diff([0, *places, len(whole)])
        assert gaps.min() > 0.4 * len(whole) / n_blocks, "evenly spread"
        rest = [whole[i] for i in range(len(whole)) if not any(p <= i < p + 25 for p in places)]
        assert kept == rest
        assert data.split == "validation"

    @pytest.mark.parametrize(("average", "calibrated"), [(0.0, False), (0.9, False), (0.0, True)])
    def test_a_run_killed_around_its_calibration_ends_bit_for_bit_alike(
        self, make_training: Make, tiny: dict[str, Any], text: str, tmp_path: Path, average: float, calibrated: bool
    ) -> None:
        config = configured(tiny, {"train.average": average})
        whole = make_training(config, text)
        for event in whole:
            if isinstance(event, CheckpointEvent) and (calibrated or whole.state.temperature is None):
                save_checkpoint(tmp_path, whole.state.checkpoint(), keep=1)
        resumed = make_training(config, text)
        resumed.state.restore(load_newest(tmp_path)[1])
        assert resumed.state.step == 60
        list(resumed)
        assert resumed.state.temperature == whole.state.temperature
        found, expected = resumed.state.eval_weights, whole.state.eval_weights
        assert all(torch.equal(found[name], expected[name]) for name in expected)

    def test_training_that_goes_on_takes_the_temperature_away(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        short = make_training(configured(tiny, {"schedule.kind": "constant"}, steps=20), text)
        list(short)
        short.state.undo_calibration()
        short.state.calibrate(2.0)
        checkpoint = short.state.checkpoint()
        gain = checkpoint.tensors["weights"]["final_norm.weight"] * checkpoint.state["temperature"]
        longer = make_training(configured(tiny, {"schedule.kind": "constant"}, steps=21), text)
        longer.state.restore(checkpoint)
        next(iter(longer))
        assert longer.state.temperature is None
        moved = (longer.state.eval_weights["final_norm.weight"] - gain).abs().max()
        assert float(moved) < 3 * longer.config.optimizer.learning_rate, "one step of Adam"


def test_what_contradicts_it_is_refused(tiny: dict[str, Any]) -> None:
    for overrides in ({"train.patience": 3}, {"model.norm": "none", "model.qk_norm": False}):
        with pytest.raises(OctavoError, match=r"train\.calibrate"):
            configured(tiny, overrides)


def test_a_text_that_is_too_short_for_it_is_refused(tiny: dict[str, Any], tmp_path: Path, play: str) -> None:
    from octavo.pipeline.train import train

    (tmp_path / "short.txt").write_text(play[:3000])
    with pytest.raises(OctavoError, match=r"train\.calibrate=false"):
        train(tmp_path / "short.txt", runs=tmp_path, progress=False, brief=True, steps=5, overrides=tiny | OVERFIT)
    assert not (tmp_path / "short").exists()
