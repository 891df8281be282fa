"""The training loop: it learns, ends when it should, stops when it must, and tells what happens."""

import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import pytest
import torch

from octavo.config import Config
from octavo.config.overrides import Request
from octavo.corpus import Corpus
from octavo.data.prepare import prepare
from octavo.data.windows import Windows
from octavo.errors import OctavoError
from octavo.runs.checkpoint import Checkpoint, load_newest, save_checkpoint
from octavo.runs.events import (
    CheckpointEvent,
    EarlyStopEvent,
    EndEvent,
    EpochEvent,
    Event,
    SampleEvent,
    StepEvent,
    ValidationEvent,
)
from octavo.training import loop
from octavo.training.loop import Training
from octavo.training.signals import Interrupted
from octavo.training.validation import mean_loss

Make = Callable[..., Training]
E = TypeVar("E", bound=Event)


@pytest.fixture(scope="module")
def text(play: str) -> str:
    return play[:12_000]


def configured(tiny: dict[str, Any], overrides: dict[str, Any] | None = None, **budget: Any) -> Config:
    return Request(overrides=tiny | (overrides or {}), **budget).applied_to(None)


def of(kind: type[E], events: Iterable[Event]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def interrupted_and_restored(
    make_training: Make, config: Config, text: str, step: int, folder: Path
) -> tuple[list[Event], Training]:
    """Train until a signal at `step`, saving checkpoints; return the events, and a training restored from them."""
    first: Training = make_training(config, text, stop=lambda: int(first.state.step >= step))
    heard: list[Event] = []

    def listen() -> None:
        for event in first:
            heard.append(event)
            if isinstance(event, CheckpointEvent):
                save_checkpoint(folder, first.state.checkpoint(), keep=1)

    with pytest.raises(Interrupted):
        listen()
    second = make_training(config, text)
    second.state.restore(load_newest(folder)[1])
    return heard, second


@pytest.mark.parametrize("kind", ["muon", "adamw", "adam"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_loss_goes_down(
    make_training: Make, tiny: dict[str, Any], text: str, kind: str, dtype: torch.dtype
) -> None:
    overrides = {"optimizer.kind": kind, "optimizer.weight_decay": 0.01, "tokenizer.dropout": 0.0}
    config = configured(tiny, overrides, steps=60)
    losses = [e.loss for e in of(StepEvent, make_training(config, text, dtype=dtype))]
    chance = math.log(512)
    assert losses[0] == pytest.approx(chance, abs=1.0)
    assert losses[-1] < losses[0] - 0.8
    assert all(math.isfinite(loss) for loss in losses)


def test_what_it_tells(make_training: Make, tiny: dict[str, Any], text: str) -> None:
    overrides = {
        "train.log_every": 4,
        "train.validate_every": 6,
        "train.sample_every": 5,
        "train.checkpoint_every": 7,
    }
    training = make_training(configured(tiny, overrides, steps=14), text)
    events = list(training)
    assert [e.step for e in of(StepEvent, events)] == [4, 8, 12, 14]
    assert [e.step for e in of(ValidationEvent, events)] == [6, 12, 14]
    assert [e.step for e in of(SampleEvent, events)] == [5, 10]
    assert [e.step for e in of(CheckpointEvent, events)] == [7, 14]
    assert [(e.step, e.reason) for e in of(EndEvent, events)] == [(14, "budget")]
    assert events[-1] is of(EndEvent, events)[0]
    seconds = [e.seconds for e in events]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0
    per_epoch = training.data.order.steps_per_epoch
    assert all(e.epoch == pytest.approx(e.step / per_epoch) for e in events)
    for e in of(StepEvent, events):
        assert e.tokens_per_second == pytest.approx(e.steps_per_second * 16 * 32)
        assert e.progress == pytest.approx(e.step / 14)
        assert e.gradient_norm > 0
    assert all(e.part == "validation" and not e.best for e in of(ValidationEvent, events))


def test_the_clock_runs_when_words_can_be_cut(
    make_training: Make, tiny: dict[str, Any], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = make_training(configured(tiny, {"tokenizer.dropout": 0.1}, steps=2), text)
    windows = training.data.windows
    precompute = windows.precompute

    def slowly(*watch: Callable[[float], None]) -> None:
        precompute(*watch)
        time.sleep(0.5)

    monkeypatch.setattr(windows, "precompute", slowly)
    began = time.perf_counter()
    assert of(EndEvent, training)
    assert time.perf_counter() - began - training.state.seconds >= 0.5


def test_the_logged_loss_is_the_mean_of_its_steps(make_training: Make, tiny: dict[str, Any], text: str) -> None:
    each = [e.loss for e in of(StepEvent, make_training(configured(tiny, {"train.log_every": 1}, steps=8), text))]
    grouped = [e.loss for e in of(StepEvent, make_training(configured(tiny, {"train.log_every": 3}, steps=8), text))]
    assert grouped == pytest.approx([sum(each[:3]) / 3, sum(each[3:6]) / 3, sum(each[6:]) / 2])


class TestLooks:
    def test_there_are_twenty_unless_told_otherwise(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        def looks(**budget: Any) -> list[int]:
            config = configured(tiny, {"train.validate_every": 0, "train.validation_windows": 1}, **budget)
            return [e.step for e in of(ValidationEvent, make_training(config, text))]

        assert looks(steps=60) == list(range(3, 61, 3))
        assert looks(steps=7) == list(range(1, 8))
        assert 2 < len(looks(minutes=0.5 / 60)) <= 21

    def test_never(self, make_training: Make, tiny: dict[str, Any], text: str) -> None:
        assert not of(ValidationEvent, make_training(configured(tiny, {"train.validate_every": -1}, steps=3), text))

    def test_the_training_part_is_looked_at_in_the_same_way(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        training = make_training(configured(tiny, {"train.validate_every": 6}, steps=6), text)
        (look,) = of(ValidationEvent, training)
        data, model = training.data, training.state.model
        assert len(data.train_indices) == len(data.validation_indices) == 8
        assert look.train_loss == pytest.approx(mean_loss(model, data.windows.base, data.train_indices))
        assert look.loss == pytest.approx(mean_loss(model, data.validation, data.validation_indices))
        squares = sum(float((p.detach().double() ** 2).sum()) for p in model.parameters() if p.ndim > 1)
        assert look.weight_norm == pytest.approx(math.sqrt(squares), rel=1e-5)


class TestEpochs:
    SETTINGS: ClassVar[dict[str, Any]] = {
        "train.validate_epochs": True,
        "train.log_every": 1,
        "data.last_batch": "partial",
        "tokenizer.dropout": 0.0,
    }

    def test_each_is_told_with_its_mean_and_all_of_the_held_out_part(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        training = make_training(configured(tiny, self.SETTINGS, epochs=2), text)
        per_epoch = int(training.data.order.steps_per_epoch)
        events = list(training)
        epochs, losses = of(EpochEvent, events), [e.loss for e in of(StepEvent, events)]
        assert [e.step for e in epochs] == [per_epoch, 2 * per_epoch]
        assert [e.epoch for e in epochs] == [1.0, 2.0]
        means = [sum(part) / per_epoch for part in (losses[:per_epoch], losses[per_epoch:])]
        assert [e.train_loss for e in epochs] == pytest.approx(means)
        every = np.arange(len(training.data.validation))
        assert epochs[-1].validation_loss == pytest.approx(
            mean_loss(training.state.model, training.data.validation, every)
        )
        assert all(e.validation_windows == len(every) and e.validation_seconds > 0 for e in epochs)

    def test_a_resumed_run_has_the_whole_epochs_mean(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        config = configured(tiny, self.SETTINGS | {"train.checkpoint_every": 4}, epochs=1)
        whole = of(EpochEvent, make_training(config, text))
        first = make_training(config, text)
        saved = next(first.state.checkpoint() for event in first if isinstance(event, CheckpointEvent))
        second = make_training(config, text)
        second.state.restore(saved)
        again = of(EpochEvent, second)
        assert [e.train_loss for e in again] == [e.train_loss for e in whole]

    def test_an_epoch_may_end_inside_a_batch(self, make_training: Make, tiny: dict[str, Any], text: str) -> None:
        config = configured(tiny, self.SETTINGS | {"data.last_batch": "full"}, epochs=2)
        training = make_training(config, text)
        per_epoch = training.data.order.steps_per_epoch
        assert per_epoch != int(per_epoch)
        epochs = of(EpochEvent, training)
        assert [e.step for e in epochs] == [math.ceil(per_epoch), math.ceil(2 * per_epoch)]

    def test_its_held_out_loss_is_of_the_held_out_part_where_a_slice_is_looked_at(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        config = configured(tiny, self.SETTINGS | {"train.patience": 100}, epochs=1)
        training = make_training(config, text)
        (epoch,) = of(EpochEvent, training)
        tokenizer, parts = prepare(Corpus.from_text(text), config.data, config.tokenizer)
        ids = parts["validation"][1]
        windows = Windows(ids, config.data.context_length, config.data.window_stride, bos_id=tokenizer.bos_id)
        assert (training.data.split, epoch.part) == ("train-slice", "validation")
        assert epoch.validation_windows == len(windows)
        assert epoch.validation_loss == mean_loss(training.state.model, windows, np.arange(len(windows)))

    def test_none_unless_asked_for(self, make_training: Make, tiny: dict[str, Any], text: str) -> None:
        assert not of(EpochEvent, make_training(configured(tiny, epochs=2), text))


def test_the_same_seed_trains_the_same_weights_and_another_others(
    make_training: Make, tiny: dict[str, Any], text: str
) -> None:
    def weights(seed: int) -> list[torch.Tensor]:
        training = make_training(configured(tiny, {"tokenizer.dropout": 0.1}, steps=6, seed=seed), text)
        list(training)
        return [p.detach() for p in training.state.model.parameters()]

    first, again, other = weights(1), weights(1), weights(2)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True) if a.ndim > 1)


class TestSchedule:
    def test_by_steps(self, make_training: Make, tiny: dict[str, Any], text: str) -> None:
        overrides = {"train.log_every": 1, "schedule.warmup": 0.2, "schedule.decay": 0.5}
        config = configured(tiny, overrides, steps=20)
        rates = [e.learning_rate / config.optimizer.learning_rate for e in of(StepEvent, make_training(config, text))]
        places = [(step + 0.5) / 20 for step in range(20)]
        assert rates == pytest.approx([min(1, p / 0.2, (1 - p) / 0.5) for p in places])

    def test_by_the_clock(self, make_training: Make, tiny: dict[str, Any], text: str) -> None:
        config = configured(tiny, {"train.log_every": 1, "train.validate_every": -1}, minutes=1.2 / 60)
        training = make_training(config, text)
        steps = of(StepEvent, training)
        assert 1.2 <= training.state.seconds < 2.5  # the last step may have been long
        assert steps[-1].step == training.state.step
        peak = config.optimizer.learning_rate
        assert max(e.learning_rate for e in steps) == pytest.approx(peak)
        before = [0.0, *(e.seconds / 1.2 for e in steps[:-1])]  # the share spent when a step began
        expected = [min(1, share / 0.02, (1 - share) / 0.5) for share in before]
        assert [e.learning_rate / peak for e in steps] == pytest.approx(expected, abs=1e-6)
        assert steps[-1].learning_rate < 0.5 * peak
        assert steps[-1].progress == 1

    def test_a_resumed_run_has_only_the_time_that_is_left(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        training = make_training(configured(tiny, {"train.validate_every": -1}, minutes=1), text)
        training.state.seconds = 59.9
        assert 60 <= of(EndEvent, training)[0].seconds < 61.5


def poisoned(training: Training) -> Training:
    with torch.no_grad():
        next(training.state.model.parameters())[0] = math.nan
    return training


class TestRunningAway:
    def test_a_loss_that_is_not_a_number_stops_it_before_the_weights_move(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        training = poisoned(make_training(configured(tiny, steps=9), text))
        before = [p.detach().clone() for p in training.state.model.parameters()]
        with pytest.raises(
            OctavoError, match=r"the loss became nan and the gradient became nan: .*lower optimizer\.learning_rate"
        ):
            list(training)
        assert training.state.step == 0
        after = list(training.state.model.parameters())
        assert all(torch.equal(a, b) for a, b in zip(before[1:], after[1:], strict=True))

    def test_a_learning_rate_that_is_far_too_high_stops_it_with_a_sentence(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        overrides = {
            "optimizer.kind": "adamw",
            "optimizer.learning_rate": 10.0,
            "optimizer.clip_norm": 0.0,
            "schedule.kind": "constant",
        }
        training = make_training(configured(tiny, overrides, steps=200), text)
        with pytest.raises(OctavoError, match=r"the loss [^\n]*lower optimizer\.learning_rate"):
            list(training)
        assert training.state.step < 100


class TestStoppingEarly:
    OVERFIT: ClassVar[dict[str, Any]] = {
        "train.patience": 3,
        "train.validate_every": 5,
        "train.log_every": 5,
        "optimizer.learning_rate": 0.05,
        "tokenizer.dropout": 0.0,
        "schedule.kind": "constant",
        "model.dropout": 0.0,
    }

    def test_ends_when_the_selection_loss_has_not_fallen(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        training = make_training(configured(tiny, self.OVERFIT, steps=2000), text)
        seen, kept = [], {}
        for event in training:
            if isinstance(event, ValidationEvent):
                seen.append(event)
                if event.best:
                    kept = {n: p.detach().clone() for n, p in training.state.model.named_parameters()}
            if isinstance(event, EndEvent):
                assert event.reason == "patience"
        best = min(range(len(seen)), key=lambda i: seen[i].loss)
        assert seen[best].best
        assert len(seen) == best + 1 + 3
        assert not any(e.best for e in seen[best + 1 :])
        assert {e.part for e in seen} == {"train-slice"}
        used = training.state.checkpoint().eval_weights
        assert used.keys() == kept.keys()
        assert all(torch.equal(used[name], kept[name]) for name in used)
        assert training.state.best_loss == seen[best].loss

    def test_its_last_steps_are_told_though_no_line_was_due(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        overrides = self.OVERFIT | {"train.patience": 1, "train.validate_every": 2, "train.log_every": 1000}
        training = make_training(configured(tiny, overrides, steps=2000), text)
        events = list(training)
        (line,), (end,) = of(StepEvent, events), of(EndEvent, events)
        assert end.reason == "patience"
        assert line.step == end.step < 1000
        assert training.state.pending_log == []
        assert line.loss == pytest.approx(training.state.epoch_losses[0] / end.step)
        assert events.index(line) < events.index(of(CheckpointEvent, events)[-1])

    def test_it_looks_at_a_slice_of_the_training_part_that_is_not_trained_on(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        plain = make_training(configured(tiny, {"tokenizer.dropout": 0.0}, steps=1), text)
        config = configured(tiny, self.OVERFIT | {"data.stride": 1, "train.validation_windows": 0}, steps=1)
        sliced = make_training(config, text)

        def tokens(training: Training) -> list[int]:
            """What training can come to see, in order: the first target of every window, and then the rest."""
            windows = training.data.windows.base
            every = windows.gather(np.arange(len(windows)))[1]
            return [*every[:, 0].tolist(), *every[-1, 1:].tolist()]

        held = sliced.data.validation.gather(np.arange(len(sliced.data.validation)))[1]
        slice_tokens = [*held[:, 0].tolist(), *held[-1, 1:].tolist()]
        stride_one = make_training(configured(tiny, {"tokenizer.dropout": 0.0, "data.stride": 1}, steps=1), text)
        whole, learned = tokens(stride_one), tokens(sliced)
        assert plain.data.split == "validation"
        assert whole[: len(learned)] == learned
        assert whole[-len(slice_tokens) :] == slice_tokens
        assert len(learned) + len(slice_tokens) <= len(whole)
        assert len(slice_tokens) == pytest.approx(0.05 * len(whole), abs=3)

    def test_it_may_look_at_the_held_out_part_when_told_so(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        config = configured(tiny, self.OVERFIT | {"train.select_on": "validation"}, steps=10)
        assert {e.part for e in of(ValidationEvent, make_training(config, text))} == {"validation"}


class TestDecayAfterEarlyStopping:
    """With a schedule that has a decay phase, an early stop is followed by one, from the best state."""

    SETTINGS: ClassVar[dict[str, Any]] = TestStoppingEarly.OVERFIT | {
        "schedule.kind": "trapezoid",
        "schedule.warmup": 0.0,
        "schedule.decay": 0.4,
        "train.log_every": 1,
    }

    def test_it_returns_to_the_best_state_and_lowers_the_rate_from_there(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        training = make_training(configured(tiny, self.SETTINGS, steps=2000), text)
        seen: list[ValidationEvent] = []
        events: list[Event] = []
        for event in training:
            events.append(event)
            if isinstance(event, ValidationEvent):
                seen.append(event)
                if event.best and not of(EarlyStopEvent, events):
                    best, at_best = event, training.state.checkpoint()
                    optimizer = {name: tensor.clone() for name, tensor in at_best.tensors["optimizer"].items()}
                    weights = {name: tensor.clone() for name, tensor in at_best.tensors["weights"].items()}
            if isinstance(event, EarlyStopEvent):
                now = training.state.checkpoint().tensors
                assert all(torch.equal(now["weights"][name], weights[name]) for name in weights)
                assert all(torch.equal(now["optimizer"][name], optimizer[name]) for name in optimizer)
        (stop,), (end,) = of(EarlyStopEvent, events), of(EndEvent, events)
        assert (stop.step, stop.best_step) == (best.step + 15, best.step)
        length = round(best.step * 0.4 / 0.6)
        assert (end.step, end.reason) == (stop.step + length, "patience")
        peak = training.config.optimizer.learning_rate
        rates = {e.step: e.learning_rate / peak for e in of(StepEvent, events)}
        assert {rates[step] for step in range(1, stop.step + 1)} == {1.0}
        expected = [1 - (i + 0.5) / length for i in range(length)]
        assert [rates[stop.step + 1 + i] for i in range(length)] == pytest.approx(expected)
        assert seen[-1].step == end.step
        assert training.state.best_loss == min(event.loss for event in seen), "the decay may still improve it"

    @pytest.mark.parametrize(("at", "average"), [("before", 0.9), ("stop", 0.0), ("within", 0.9)])
    def test_a_resumed_run_is_bit_for_bit_the_uninterrupted_one(
        self, make_training: Make, tiny: dict[str, Any], text: str, tmp_path: Any, at: str, average: float
    ) -> None:
        overrides = self.SETTINGS | {"train.average": average, "train.checkpoint_every": 3, "train.patience": 2}
        config = configured(tiny, overrides | {"tokenizer.dropout": 0.1}, steps=2000)
        whole = make_training(config, text)
        events = list(whole)
        (stop,), (end,) = of(EarlyStopEvent, events), of(EndEvent, events)
        step = {"before": stop.step - 2, "stop": stop.step, "within": stop.step + 3}[at]
        assert step < end.step
        _, second = interrupted_and_restored(make_training, config, text, step, tmp_path)
        assert [(e.kind, e.step) for e in second] == [(e.kind, e.step) for e in events if e.step > step]
        expected, found = whole.state.checkpoint(), second.state.checkpoint()
        assert found.tensors.keys() == expected.tensors.keys()
        for group, tensors in expected.tensors.items():
            assert all(torch.equal(found.tensors[group][name], tensors[name]) for name in tensors), group

    def test_it_spends_no_more_than_the_budget(self, make_training: Make, tiny: dict[str, Any], text: str) -> None:
        config = configured(tiny, self.SETTINGS, steps=2000)
        stop = of(EarlyStopEvent, make_training(config, text))[0]
        config = configured(tiny, self.SETTINGS | {"schedule.decay": 0.1}, steps=stop.step + 1)
        end = of(EndEvent, make_training(config, text))[0]
        assert end.step <= stop.step + 1

    def test_a_checkpoint_of_an_earlier_version_ends_with_its_best_weights(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        config = configured(tiny, self.SETTINGS, steps=2000)
        whole = make_training(config, text)
        old: list[Checkpoint] = []
        for event in whole:
            if isinstance(event, EarlyStopEvent):
                break
            if isinstance(event, ValidationEvent) and not event.best:
                state = whole.state.checkpoint()
                old.append(Checkpoint({g: t for g, t in state.tensors.items() if "-" not in g}, dict(state.state)))
                for key in ("best_at", "early_stop", "decay_from", "warmed_up"):
                    del old[-1].state[key]
        again = make_training(config, text)
        again.state.restore(old[-1])
        assert of(EarlyStopEvent, again) == []


def test_the_average_is_what_is_looked_at_and_kept(make_training: Make, tiny: dict[str, Any], text: str) -> None:
    config = configured(tiny, {"train.average": 0.9, "train.patience": 50, "train.validate_every": 3}, steps=9)
    training = make_training(config, text)
    looks = of(ValidationEvent, training)
    state = training.state
    assert state.average is not None
    last = dict(state.model.named_parameters())
    averaged = state.checkpoint().tensors["averaged"]
    assert all(not torch.equal(averaged[name], last[name]) for name in last)
    assert all(torch.equal(state.best[name], averaged[name]) for name in last), "the last validation was the best"
    data = training.data
    by_average, by_last = (
        mean_loss(state.model, data.validation, data.validation_indices, weights=weights)
        for weights in (averaged, None)
    )
    assert looks[-1].loss == pytest.approx(by_average)
    assert by_average != pytest.approx(by_last, rel=1e-3)


class TestInterrupted:
    def test_it_offers_the_state_and_then_stops(self, make_training: Make, tiny: dict[str, Any], text: str) -> None:
        training: Training = make_training(
            configured(tiny, steps=50), text, stop=lambda: 15 if training.state.step >= 7 else 0
        )
        events: list[Event] = []
        with pytest.raises(Interrupted) as stopped:
            events.extend(training)  # what came before the error stays
        assert (stopped.value.signal_number, stopped.value.step) == (15, 7)
        assert [e.step for e in of(CheckpointEvent, events)] == [7]

    def test_a_step_is_saved_once(self, make_training: Make, tiny: dict[str, Any], text: str) -> None:
        config = configured(tiny, {"train.checkpoint_every": 4}, steps=12)
        stopped: Training = make_training(config, text, stop=lambda: int(stopped.state.step >= 4))
        events: list[Event] = []
        with pytest.raises(Interrupted):
            events.extend(stopped)
        assert [e.step for e in of(CheckpointEvent, events)] == [4], "it was due, and then a signal came"
        whole, ended = make_training(config, text), make_training(config, text)
        assert [e.step for e in of(CheckpointEvent, whole)] == [4, 8, 12]
        ended.state.restore(whole.state.checkpoint())
        assert [e.kind for e in ended] == ["end"], "a process that died after its last checkpoint saves no other"

    def test_the_last_step_is_saved_before_it_is_validated(
        self, make_training: Make, tiny: dict[str, Any], text: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What goes wrong in the last validation costs no training, and a resumed run makes up for it."""
        config = configured(tiny, {"train.validate_every": 4, "train.patience": 9}, steps=8)
        whole = [e.kind for e in make_training(config, text) if e.step == 8]
        assert whole == ["step", "checkpoint", "validation", "checkpoint", "end"], "the second has the best weights"
        first = make_training(config, text)
        saved: list[Checkpoint] = []

        def fails_at_the_end(*given: Any, **named: Any) -> float:
            if first.state.step == 8:
                raise MemoryError
            return 50.0

        with monkeypatch.context() as patch:
            patch.setattr(loop, "mean_loss", fails_at_the_end)
            with pytest.raises(MemoryError):
                saved.extend(first.state.checkpoint() for event in first if isinstance(event, CheckpointEvent))
        second = make_training(config, text)
        second.state.restore(saved[-1])
        assert second.state.step == 8
        assert [e.kind for e in second] == ["validation", "checkpoint", "end"]

    def test_a_checkpoint_of_before_has_validated_already(
        self, make_training: Make, tiny: dict[str, Any], text: str
    ) -> None:
        whole = make_training(configured(tiny, steps=3), text)
        list(whole)
        old = whole.state.checkpoint()
        del old.state["measured"]
        again = make_training(configured(tiny, steps=3), text)
        again.state.restore(old)
        assert [e.kind for e in again] == ["end"]

    def test_the_clock_asks_for_checkpoints_too(
        self, make_training: Make, tiny: dict[str, Any], text: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert 1 < loop._MAX_UNSAVED_SECONDS <= 60
        monkeypatch.setattr(loop, "_MAX_UNSAVED_SECONDS", 0.0)
        events = list(make_training(configured(tiny, steps=3), text))
        assert [e.step for e in of(CheckpointEvent, events)] == [1, 2, 3]

    def test_a_signal_stops_the_preparation(self, make_training: Make, tiny: dict[str, Any], text: str) -> None:
        heard: list[float] = []
        training: Training = make_training(
            configured(tiny, {"tokenizer.dropout": 0.1}, steps=3), text, stop=lambda: 15 * (len(heard) > 3)
        )
        training.watch = lambda what, share: heard.append(share)
        with pytest.raises(Interrupted) as stopped:
            list(training)
        assert (stopped.value.step, len(heard)) == (0, 4)

    @pytest.mark.parametrize("at", [1, 7, 19, 20])
    def test_through_a_checkpoint_it_goes_on_bit_for_bit(
        self, make_training: Make, tiny: dict[str, Any], text: str, tmp_path: Any, at: int
    ) -> None:
        overrides = {"train.average": 0.9, "train.patience": 9, "train.validate_every": 4, "tokenizer.dropout": 0.1}
        config = configured(tiny, overrides, steps=20)
        whole = make_training(config, text)
        told = [(e.step, e.loss) for e in whole if isinstance(e, StepEvent | ValidationEvent)]
        heard, second = interrupted_and_restored(make_training, config, text, at, tmp_path)
        told_first = [(e.step, e.loss) for e in heard if isinstance(e, StepEvent | ValidationEvent)]
        told_second = [(e.step, e.loss) for e in second if isinstance(e, StepEvent | ValidationEvent)]
        assert told_first + told_second == told
        expected, found = whole.state.checkpoint(), second.state.checkpoint()
        assert found.tensors.keys() == expected.tensors.keys()
        for group, tensors in expected.tensors.items():
            assert found.tensors[group].keys() == tensors.keys()
            assert all(torch.equal(found.tensors[group][name], tensors[name]) for name in tensors), group
        assert found.state["best_at"]["step"] == expected.state["best_at"]["step"]
        clock = {"seconds": 0, "best_at": {}}
        assert found.state | clock == expected.state | clock
