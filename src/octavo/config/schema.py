"""Everything that decides a run, as one frozen value: what the sections mean and what they may hold.

An experiment is data: a preset is a TOML file of these sections, an override is a dotted name such as
``model.n_layers=3``, and the run directory keeps the result as ``config.toml``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Literal

from octavo.errors import OctavoError
from octavo.formats.toml_schema import from_mapping, parse_toml
from octavo.system.spelling import suggestion

SMALLEST_VOCABULARY = {"bpe": 257, "characters": 258, "whitespace-bpe": 8}
BUDGETS = ("steps", "epochs", "minutes")
# What people read for the names of splits on disk. Early stopping selects on "validation" or on "train-slice".
SPLIT_LABELS = {"validation": "validation split", "train-slice": "early-stopping split"}
LARGEST_SIZE = 2**20  # of any one size in a config: more is a slip of the keyboard, not a tiny model
_LARGEST_TABLE = 2**26  # numbers, of positions that are computed: no weight shows that a machine had room for them


@dataclass(frozen=True)
class DataConfig:
    """How a text becomes windows of tokens, and which part of it is held out."""

    context_length: int = 128  # tokens the model sees at once
    stride: int = 0  # tokens between the starts of neighbouring windows; 0: context_length
    shift: bool = True  # all windows by a random part of the stride, anew in every epoch
    batch_size: int = 64  # windows a step
    last_batch: Literal["full", "partial"] = "full"  # full: it runs on into the next epoch
    validation: float = 0.1  # share of the text held out for the score
    test: float = 0.0  # share at the very end that nothing reads until asked to
    split_by: Literal["characters", "tokens"] = "characters"

    def __post_init__(self) -> None:
        between("data.context_length", self.context_length, 2, LARGEST_SIZE)
        between("data.stride", self.stride, 0, LARGEST_SIZE)
        between("data.batch_size", self.batch_size, 1, LARGEST_SIZE)
        between("data.validation", self.validation, 0.0, 0.9)
        between("data.test", self.test, 0.0, 0.9)
        if self.validation == 0:
            raise OctavoError("data.validation is 0, so nothing could be scored: use at least 0.01")
        if self.validation + self.test > 0.9:
            raise OctavoError(
                "data.validation and data.test take more than 0.9 of the text together: lower one of them"
            )

    @property
    def window_stride(self) -> int:
        """Tokens between the starts of neighbouring windows."""
        return self.stride or self.context_length


@dataclass(frozen=True)
class TokenizerConfig:
    """How text becomes token ids."""

    kind: Literal["bpe", "characters", "whitespace-bpe"] = "bpe"
    vocab_size: int = 512  # the most tokens it may have; 0, of kind characters alone: what the text needs
    trained_on: Literal["train", "all"] = "train"
    # BPE-dropout, of kind bpe alone: chance that a merge is passed over in training, anew in every epoch
    dropout: float = 0.1
    dropout_until: float = 0.85  # share of the budget after which words are cut as they are when scored

    def __post_init__(self) -> None:
        if self.vocab_size or self.kind != "characters":
            between("tokenizer.vocab_size", self.vocab_size, 8, LARGEST_SIZE)
        between("tokenizer.dropout", self.dropout, 0.0, 0.9)
        between("tokenizer.dropout_until", self.dropout_until, 0.0, 1.0)


@dataclass(frozen=True)
class ModelConfig:
    """The parts of the Transformer. Sizes of 0 follow from the others."""

    n_layers: int = 2
    d_model: int = 128
    n_heads: int = 4
    n_kv_heads: int = 0  # heads of keys and values that query heads share; 0: n_heads
    d_head: int = 0  # 0: d_model / n_heads
    d_ff: int = 400
    position: Literal["rotary", "sinusoidal", "learned", "none"] = "rotary"
    position_base: float = 10000.0  # of the rotary and the sinusoidal frequencies
    max_positions: int = 512  # rows of a sinusoidal or learned table
    norm: Literal["rms", "layer", "none"] = "rms"
    norm_epsilon: float = 1e-6
    norm_order: Literal["pre", "post"] = "pre"
    qk_norm: bool = True
    residual: bool = True
    feedforward: Literal["swiglu", "gelu", "relu"] = "swiglu"
    bias: bool = False
    tied_embeddings: bool = True
    initialisation: Literal["scaled", "pytorch"] = "scaled"
    dropout: float = 0.1  # on the embedding and on what attention and feed-forward add
    hidden_dropout: float = 0.1  # inside the feed-forward layer

    def __post_init__(self) -> None:
        for name in ("n_layers", "d_model", "n_heads", "d_ff", "max_positions"):
            between(f"model.{name}", getattr(self, name), 1, LARGEST_SIZE)
        for name in ("n_kv_heads", "d_head"):
            between(f"model.{name}", getattr(self, name), 0, LARGEST_SIZE)
        between("model.position_base", self.position_base, 1.0, 1e12)
        between("model.norm_epsilon", self.norm_epsilon, 0.0, 1.0)
        between("model.dropout", self.dropout, 0.0, 0.9)
        between("model.hidden_dropout", self.hidden_dropout, 0.0, 0.9)
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
                f"rotary positions turn pairs of numbers, but a head is {self.head_width} wide: "
                "choose an even model.d_head, or another model.position"
            )

    @property
    def head_width(self) -> int:
        """d_head, given or derived."""
        return self.d_head or self.d_model // self.n_heads

    @property
    def key_value_heads(self) -> int:
        """n_kv_heads, given or derived."""
        return self.n_kv_heads or self.n_heads


@dataclass(frozen=True)
class OptimizerConfig:
    """How gradients move weights."""

    kind: Literal["muon", "adamw", "adam"] = "muon"  # adam: weight decay is L2 in the gradient (coupled)
    learning_rate: float = 0.01  # of Adam or AdamW
    matrix_learning_rate: float = 0.02  # of Muon, which takes the matrices inside the blocks
    betas: tuple[float, float] = (0.9, 0.95)
    epsilon: float = 1e-10
    momentum: float = 0.95  # of Muon
    weight_decay: float = 0.1
    clip_norm: float = 1.0  # largest norm of the whole gradient; 0: not clipped

    def __post_init__(self) -> None:
        between("optimizer.learning_rate", self.learning_rate, 0.0, 10.0)
        between("optimizer.matrix_learning_rate", self.matrix_learning_rate, 0.0, 10.0)
        for beta in (*self.betas, self.momentum):
            between("optimizer.betas and optimizer.momentum", beta, 0.0, 0.99999)
        between("optimizer.epsilon", self.epsilon, 0.0, 1.0)
        between("optimizer.weight_decay", self.weight_decay, 0.0, 100.0)
        between("optimizer.clip_norm", self.clip_norm, 0.0, math.inf)


@dataclass(frozen=True)
class ScheduleConfig:
    """The learning rate over the run, as shares of the budget (steps, epochs or minutes alike)."""

    kind: Literal["constant", "cosine", "trapezoid"] = "trapezoid"
    warmup: float = 0.02  # share of the budget in which it rises from 0
    decay: float = 0.5  # share at the end in which a trapezoid falls
    final: float = 0.0  # where it ends, as a share of the peak

    def __post_init__(self) -> None:
        for name in ("warmup", "decay", "final"):
            between(f"schedule.{name}", getattr(self, name), 0.0, 1.0)
        if self.kind == "trapezoid" and self.warmup + self.decay > 1:
            raise OctavoError("schedule.warmup and schedule.decay exceed 1 together: lower one of them")


@dataclass(frozen=True)
class TrainConfig:
    """The budget (just one of steps, epochs and minutes), the precision, and what is kept on the way."""

    steps: int = 0
    epochs: float = 0.0
    minutes: float = 0.0
    seed: int = 42
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # auto: bf16 where a probe finds it faster
    log_every: int = 10  # steps between lines of metrics.jsonl
    validate_every: int = 0  # steps between looks at the held-out part; 0: twenty looks in the run; -1: never
    validation_windows: int = 128  # of the held-out part at such a look; 0: all of it
    validate_epochs: bool = False  # after each epoch look at all of the held-out part too
    checkpoint_every: int = 500  # steps; there is also one each minute
    keep_checkpoints: int = 2  # the newest, never fewer than two; 0: all but those of the minutes
    sample_every: int = 500  # steps between samples shown while training; 0: never
    average: float = 0.0  # decay a step of the weights' moving average; 0: the last weights are used
    patience: int = 0  # validations without improvement before stopping early; 0: never
    select_on: Literal["train-slice", "validation"] = "train-slice"  # what early stopping looks at

    def __post_init__(self) -> None:
        between("train.steps", self.steps, 0, 10**8 - 1)
        between("train.epochs", self.epochs, 0.0, 1e6)
        between("train.minutes", self.minutes, 0.0, 1e6)
        between("train.seed", self.seed, 0, 2**63 - 1)
        between("train.log_every", self.log_every, 1, 10**9)
        between("train.checkpoint_every", self.checkpoint_every, 1, 10**9)
        between("train.validate_every", self.validate_every, -1, 10**9)
        for name in ("validation_windows", "keep_checkpoints", "sample_every", "patience"):
            between(f"train.{name}", getattr(self, name), 0, 10**9)
        between("train.average", self.average, 0.0, 0.999999)
        if sum(budget > 0 for budget in (self.steps, self.epochs, self.minutes)) != 1:
            raise OctavoError("a run needs just one budget: train.steps, train.epochs or train.minutes, the others 0")
        if self.patience and self.validate_every < 0:
            raise OctavoError("train.patience counts validations: set train.validate_every to 0 or more")


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
        smallest = SMALLEST_VOCABULARY[self.tokenizer.kind]
        if 0 < self.tokenizer.vocab_size < smallest:
            raise OctavoError(
                f"tokenizer.vocab_size={self.tokenizer.vocab_size} is too small for {self.tokenizer.kind}: "
                f"it needs at least {smallest} (the bytes and the start token come first)"
            )
        if self.data.split_by == "tokens" and self.tokenizer.kind != "whitespace-bpe":
            raise OctavoError(
                "data.split_by=tokens is for tokenizer.kind=whitespace-bpe, which loses text: split by characters"
            )
        if self.data.split_by == "tokens" and self.tokenizer.trained_on == "train":
            raise OctavoError(
                "data.split_by=tokens needs a tokenizer before there is a training part: "
                "set tokenizer.trained_on=all, or split by characters"
            )
        table = self.model.position in ("sinusoidal", "learned")
        if table and self.data.context_length > self.model.max_positions:
            raise OctavoError(
                f"data.context_length={self.data.context_length} is longer than the table of "
                f"{self.model.max_positions} positions: raise model.max_positions"
            )
        tables = {
            "rotary": ("data.context_length", self.data.context_length, self.model.head_width),
            "sinusoidal": ("model.max_positions", self.model.max_positions, self.model.d_model),
        }
        name, rows, width = tables.get(self.model.position, ("", 0, 0))
        if rows * width > _LARGEST_TABLE:
            raise OctavoError(
                f"{name}={rows} makes a table of positions of {rows * width:,} numbers, where {_LARGEST_TABLE:,} are "
                "the most: lower it"
            )


def preset_names() -> list[str]:
    """Names of the presets that come with Octavo, sorted."""
    folder = resources.files("octavo.config") / "presets"
    return sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml"))


def preset_text(name: str) -> str:
    """The TOML text of a preset; its first comment line says what it is for.

    Raises:
        OctavoError: there is no such preset.
    """
    if name not in preset_names():
        raise OctavoError(f"there is no preset {name!r}: {suggestion(name, preset_names())}")
    return (resources.files("octavo.config") / "presets" / f"{name}.toml").read_text(encoding="utf-8")


def load_preset(name: str) -> Config:
    """Read a preset that comes with Octavo.

    Args:
        name: one of ``octavo presets``, such as ``"pocket"``.

    Returns:
        The settings: those of the preset over the defaults.

    Raises:
        OctavoError: there is no such preset.

    Example:
        >>> octavo.load_preset("reference").optimizer.kind
        'adam'
    """
    return config_from_toml(preset_text(name), f"preset {name}")


def config_from_toml(text: str, source: str) -> Config:
    """Read a config: what `text` names, over the defaults; `source` names it in errors.

    Raises:
        OctavoError: not TOML, an unknown key, or a value that cannot be.
    """
    values = parse_toml(text, source)
    train = values.get("train")
    if isinstance(train, dict) and not train.keys() & set(BUDGETS):
        values["train"] = train | {"minutes": Config().train.minutes}  # it names other things, no budget
    tokenizer = values.get("tokenizer")
    if isinstance(tokenizer, dict) and tokenizer.get("kind") == "characters":
        values["tokenizer"] = {"vocab_size": 0} | tokenizer
    return from_mapping(Config, values)


def as_budget(overrides: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The same overrides, but one that names a budget makes it the only one.

    Raises:
        OctavoError: two budgets are named, or one that is no number above zero.
    """
    named = {name: value for name, value in overrides if name.removeprefix("train.") in BUDGETS and value != 0}
    if len(named) > 1:
        raise OctavoError(f"give one budget, not {' and '.join(named)}")
    for name, value in named.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise OctavoError(f"{name} is a number above zero, not {value!r}")
    cleared = [(f"train.{name}", 0) for name in BUDGETS if named]
    return [*cleared, *overrides]


def between(name: str, value: float, low: float, high: float) -> None:
    """Raises OctavoError unless `value` lies in low … high."""
    if not low <= value <= high:  # also refuses NaN
        raise OctavoError(f"{name}={value} is out of range: it goes from {low} to {high}")
