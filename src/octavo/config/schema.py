"""The config of a run: frozen sections of settings, each with its default, its range and a one-line comment.

A preset is a TOML file of these sections, an override is a dotted name such as ``model.n_layers=3``, and the run
directory keeps the result as ``config.toml``, with the comments (:mod:`octavo.config.comments`).
"""

import math
from dataclasses import dataclass, field
from typing import Literal

from octavo.errors import OctavoError
from octavo.formats.toml_schema import setting

MIN_VOCAB_SIZE = {"bpe": 257, "characters": 258, "whitespace-bpe": 8}
BUDGETS = ("steps", "epochs", "minutes")
# The labels of the splits that people read, by their names on disk. Early stopping uses one of these splits.
SPLIT_LABELS = {"validation": "validation split", "train-slice": "early-stopping split"}
MAX_SIZE = 2**20  # largest value of any size in a config: more is a typing error, not a tiny model
_MAX_POSITION_TABLE = 2**26  # numbers in a computed position table, whose memory no count of weights shows


@dataclass(frozen=True)
class DataConfig:
    """The splits of a text, and its windows of tokens."""

    context_length: int = setting(128, "tokens the model sees at once")
    stride: int = setting(0, "tokens between the starts of neighbouring windows", automatic="data.context_length")
    shift: bool = setting(True, "random window offset, less than the stride, drawn every epoch")
    batch_size: int = setting(64, "windows per step")
    last_batch: Literal["full", "partial"] = setting(
        "full", "full: an epoch's last batch runs on into the next epoch"
    )
    validation: float = setting(0.1, "fraction of the text in the validation split")
    test: float = setting(0.0, "fraction of the text in the test split, which is read only on request")
    split_by: Literal["characters", "tokens"] = setting("characters", "unit in which the fractions are counted")
    held_out: Literal["auto", "documents", "end"] = setting(
        "auto",
        "documents: whole ones, spread over the text, chosen by the seed; end: the end of the text",
        automatic="documents if there are 20 or more",
    )

    def __post_init__(self) -> None:
        check_range("data.context_length", self.context_length, 2, MAX_SIZE)
        check_range("data.stride", self.stride, 0, MAX_SIZE)
        check_range("data.batch_size", self.batch_size, 1, MAX_SIZE)
        _check_fields(self, "data", 0.0, 0.9, "validation", "test")
        if self.validation == 0:
            raise OctavoError("data.validation is 0, so there would be no validation split: use at least 0.01")
        if self.validation + self.test > 0.9:
            raise OctavoError(
                "data.validation and data.test are more than 0.9 of the text together: lower one of them"
            )

    @property
    def window_stride(self) -> int:
        """Tokens between the starts of neighbouring windows."""
        return self.stride or self.context_length


@dataclass(frozen=True)
class TokenizerConfig:
    """The tokenizer and its training."""

    kind: Literal["bpe", "characters", "whitespace-bpe"] = setting("bpe", "bpe: byte-level; whitespace-bpe: lossy")
    vocab_size: int = setting(512, "largest number of tokens", automatic="with kind characters: what the text needs")
    trained_on: Literal["train", "all"] = setting("train", "text it is trained on: the training split, or all splits")
    dropout: float = setting(0.1, "BPE-dropout: probability that a merge is skipped, drawn every epoch")
    dropout_until: float = setting(0.85, "fraction of the budget after which BPE-dropout ends")

    def __post_init__(self) -> None:
        if self.vocab_size or self.kind != "characters":
            check_range("tokenizer.vocab_size", self.vocab_size, 8, MAX_SIZE)
        check_range("tokenizer.dropout", self.dropout, 0.0, 0.9)
        check_range("tokenizer.dropout_until", self.dropout_until, 0.0, 1.0)


@dataclass(frozen=True)
class ModelConfig:
    """The parts of the Transformer and their sizes."""

    n_layers: int = setting(2, "blocks")
    d_model: int = setting(128, "width of the residual stream")
    n_heads: int = setting(4, "attention (query) heads per block")
    n_kv_heads: int = setting(0, "key/value heads that the query heads share", automatic="model.n_heads")
    d_head: int = setting(0, "width of a head", automatic="model.d_model / model.n_heads")
    d_ff: int = setting(400, "width of the feed-forward layer")
    position: Literal["rotary", "sinusoidal", "learned", "none"] = setting(
        "rotary", "position encoding; rotary: RoPE"
    )
    position_base: float = setting(10000.0, "base of the rotary (RoPE theta) or sinusoidal frequencies")
    max_positions: int = setting(512, "rows of the sinusoidal or learned position table")
    norm: Literal["rms", "layer", "none"] = setting("rms", "kind of normalisation")
    norm_epsilon: float = setting(1e-6, "epsilon of the normalisation")
    norm_order: Literal["pre", "post"] = setting("pre", "pre: normalise a layer's input; post: the sum after it")
    qk_norm: bool = setting(True, "RMS-normalise queries and keys")
    residual: bool = setting(True, "residual connections")
    feedforward: Literal["swiglu", "gelu", "relu"] = setting("swiglu", "activation of the feed-forward layer")
    bias: bool = setting(False, "biases in linear layers and layer norms")
    tied_embeddings: bool = setting(True, "the unembedding is the token embedding, transposed")
    initialisation: Literal["scaled", "pytorch"] = setting("scaled", "initial weights; pytorch: its layers' defaults")
    dropout: float = setting(0.1, "dropout on the embedding and on the outputs of attention and feed-forward")
    hidden_dropout: float = setting(0.1, "dropout inside the feed-forward layer")

    def __post_init__(self) -> None:
        _check_fields(self, "model", 1, MAX_SIZE, "n_layers", "d_model", "n_heads", "d_ff", "max_positions")
        _check_fields(self, "model", 0, MAX_SIZE, "n_kv_heads", "d_head")
        _check_fields(self, "model", 0.0, 0.9, "dropout", "hidden_dropout")
        check_range("model.position_base", self.position_base, 1.0, 1e12)
        check_range("model.norm_epsilon", self.norm_epsilon, 0.0, 1.0)
        if not self.d_head and self.d_model % self.n_heads:
            raise OctavoError(
                f"model.d_model={self.d_model} does not divide into model.n_heads={self.n_heads} heads: "
                f"use a multiple of {self.n_heads}, or set model.d_head"
            )
        if self.n_heads % self.key_value_heads:
            raise OctavoError(
                f"model.n_heads={self.n_heads} is not a multiple of model.n_kv_heads={self.n_kv_heads}: "
                "each key/value head serves the same number of query heads"
            )
        if self.position == "rotary" and self.head_width % 2:
            raise OctavoError(
                f"rotary positions rotate pairs of numbers, but a head is {self.head_width} wide: "
                "choose an even model.d_head, or another model.position"
            )

    @property
    def head_width(self) -> int:
        """The width of a head: `d_head`, or `d_model / n_heads`."""
        return self.d_head or self.d_model // self.n_heads

    @property
    def key_value_heads(self) -> int:
        """The number of key/value heads: `n_kv_heads`, or `n_heads`."""
        return self.n_kv_heads or self.n_heads


@dataclass(frozen=True)
class OptimizerConfig:
    """The optimizer and its settings."""

    kind: Literal["muon", "adamw", "adam"] = setting("muon", "adam: weight decay is L2 in the gradient (coupled)")
    learning_rate: float = setting(0.01, "peak learning rate of Adam or AdamW")
    matrix_learning_rate: float = setting(0.02, "peak learning rate of Muon (matrices inside the blocks)")
    betas: tuple[float, float] = setting((0.9, 0.95), "betas of Adam or AdamW")
    epsilon: float = setting(1e-10, "epsilon of Adam or AdamW")
    momentum: float = setting(0.95, "momentum of Muon")
    weight_decay: float = setting(0.1, "weight decay of matrices; adam: of all weights")
    clip_norm: float = setting(1.0, "largest gradient norm; 0: no clipping")

    def __post_init__(self) -> None:
        _check_fields(self, "optimizer", 0.0, 10.0, "learning_rate", "matrix_learning_rate")
        for beta in (*self.betas, self.momentum):
            check_range("optimizer.betas and optimizer.momentum", beta, 0.0, 0.99999)
        check_range("optimizer.epsilon", self.epsilon, 0.0, 1.0)
        check_range("optimizer.weight_decay", self.weight_decay, 0.0, 100.0)
        check_range("optimizer.clip_norm", self.clip_norm, 0.0, math.inf)


@dataclass(frozen=True)
class ScheduleConfig:
    """The learning rate over the run, as fractions of the budget (steps, epochs or minutes alike).

    The kind ``trapezoid`` is warmup-stable-decay; its other name, ``wsd``, is accepted and becomes ``trapezoid``.
    """

    kind: Literal["constant", "cosine", "trapezoid", "wsd"] = setting(
        "trapezoid", "trapezoid: warmup-stable-decay (WSD)"
    )
    warmup: float = setting(0.02, "fraction of the budget in which the learning rate rises from 0")
    decay: float = setting(0.5, "fraction of the budget, at its end, of the decay phase")
    final: float = setting(0.0, "learning rate at the end, as a fraction of the peak")

    def __post_init__(self) -> None:
        if self.kind == "wsd":
            object.__setattr__(self, "kind", "trapezoid")
        _check_fields(self, "schedule", 0.0, 1.0, "warmup", "decay", "final")
        if self.kind == "trapezoid" and self.warmup + self.decay > 1:
            raise OctavoError("schedule.warmup and schedule.decay exceed 1 together: lower one of them")


@dataclass(frozen=True)
class TrainConfig:
    """The budget (exactly one of steps, epochs and minutes), the precision, validation and checkpoints."""

    steps: int = setting(0, "budget in steps")
    epochs: float = setting(0.0, "budget in epochs")
    minutes: float = setting(0.0, "budget in minutes")
    seed: int = setting(42, "seed of initial weights, batch order and dropout")
    precision: Literal["auto", "fp32", "bf16"] = setting("auto", "data type", automatic="bf16 if measured faster")
    log_every: int = setting(10, "steps between lines of metrics.jsonl")
    validate_every: int = setting(0, "steps between validation passes; -1: never", automatic="20 passes per run")
    validation_windows: int = setting(128, "largest number of windows in a validation pass; 0: all")
    validate_epochs: bool = setting(False, "also validate on all of the validation split after each epoch")
    checkpoint_every: int = setting(500, "steps between checkpoints; one is also saved every minute")
    keep_checkpoints: int = setting(2, "newest checkpoints to keep, at least 2; 0: all but those of the minutes")
    sample_every: int = setting(500, "steps between samples shown while training; 0: never")
    average: float = setting(0.0, "EMA decay per step of the averaged weights; 0: no averaging")
    patience: int = setting(0, "early stopping: validation passes without improvement; 0: off")
    select_on: Literal["train-slice", "validation"] = setting("train-slice", "split that early stopping validates on")
    calibrate: bool = setting(False, "fit the temperature of the logits on blocks of the training split")

    def __post_init__(self) -> None:
        check_range("train.steps", self.steps, 0, 10**8 - 1)
        _check_fields(self, "train", 0.0, 1e6, "epochs", "minutes")
        check_range("train.seed", self.seed, 0, 2**63 - 1)
        _check_fields(self, "train", 1, 10**9, "log_every", "checkpoint_every")
        _check_fields(self, "train", 0, 10**9, "validation_windows", "keep_checkpoints", "sample_every", "patience")
        check_range("train.validate_every", self.validate_every, -1, 10**9)
        check_range("train.average", self.average, 0.0, 0.999999)
        if sum(budget > 0 for budget in (self.steps, self.epochs, self.minutes)) != 1:
            raise OctavoError(
                "a run needs exactly one budget: set train.steps, train.epochs or train.minutes, and the others to 0"
            )
        if self.patience and self.validate_every < 0:
            raise OctavoError("train.patience counts validations: set train.validate_every to 0 or more")
        if self.patience and self.calibrate:
            raise OctavoError(
                "train.patience compares losses that are not calibrated: set train.patience or train.calibrate"
            )


@dataclass(frozen=True)
class Config:
    """All settings of a run, in sections. The defaults are the preset ``pocket``.

    A config is frozen: :func:`octavo.train` makes one of a preset and overrides, and a run keeps it in
    ``config.toml``.

    Attributes:
        data: context length in tokens, batch size in windows, fractions of the validation and test split.
        tokenizer: kind, size of the vocabulary, BPE-dropout.
        model: sizes and parts of the Transformer.
        optimizer: kind, learning rates, weight decay, gradient clipping.
        schedule: the learning rate over the run, in fractions of the budget.
        train: budget, seed, precision, and when to validate, save and sample.

    Raises:
        OctavoError: a value is out of range, or two settings contradict each other.

    Example:
        >>> octavo.Config().model.d_model
        128
    """

    data: DataConfig = field(default_factory=DataConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    train: TrainConfig = field(default_factory=lambda: TrainConfig(minutes=4.8))

    def __post_init__(self) -> None:
        smallest = MIN_VOCAB_SIZE[self.tokenizer.kind]
        if 0 < self.tokenizer.vocab_size < smallest:
            raise OctavoError(
                f"tokenizer.vocab_size={self.tokenizer.vocab_size} is too small for {self.tokenizer.kind}: "
                f"it needs at least {smallest} (for the bytes and the BOS token)"
            )
        if self.data.split_by == "tokens" and self.tokenizer.kind != "whitespace-bpe":
            raise OctavoError(
                "data.split_by=tokens is for tokenizer.kind=whitespace-bpe, which is lossy: split by characters"
            )
        if self.data.split_by == "tokens" and self.data.held_out == "documents":
            raise OctavoError("data.held_out=documents needs data.split_by=characters: set one of the two")
        if self.data.split_by == "tokens" and self.tokenizer.trained_on == "train":
            raise OctavoError(
                "data.split_by=tokens needs a tokenizer before there is a training split: "
                "set tokenizer.trained_on=all, or split by characters"
            )
        if self.train.calibrate and self.model.norm == "none":
            raise OctavoError("train.calibrate scales the final norm: set model.norm, or train.calibrate=false")
        table = self.model.position in ("sinusoidal", "learned")
        if table and self.data.context_length > self.model.max_positions:
            raise OctavoError(
                f"data.context_length={self.data.context_length} is longer than the table of "
                f"{self.model.max_positions} positions: lower it, or raise model.max_positions"
            )
        tables = {
            "rotary": ("data.context_length", self.data.context_length, self.model.head_width),
            "sinusoidal": ("model.max_positions", self.model.max_positions, self.model.d_model),
        }
        name, rows, width = tables.get(self.model.position, ("", 0, 0))
        if rows * width > _MAX_POSITION_TABLE:
            raise OctavoError(
                f"{name}={rows} makes a position table of {rows * width:,} numbers, where "
                f"{_MAX_POSITION_TABLE:,} are the most: lower it"
            )


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise OctavoError unless `value` is in low … high; `name` is that of the setting."""
    if not low <= value <= high:  # also refuses NaN
        raise OctavoError(f"{name}={value} is out of range: use {low} to {high}")


def _check_fields(settings: object, section: str, low: float, high: float, *names: str) -> None:
    for name in names:
        check_range(f"{section}.{name}", getattr(settings, name), low, high)
