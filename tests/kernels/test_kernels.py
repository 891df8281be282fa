"""Every kernel equals its formula in float64, forward and backward, for any number of threads."""

import os
from collections.abc import Callable, Sequence

import pytest
import torch
import torch.nn.functional as F

from octavo.kernels import activation, attention, cross_entropy, norm
from octavo.model.attention import attend
from octavo.model.positions import Rotary, RotaryEmbedding

pytestmark = pytest.mark.usefixtures("build")

Function = Callable[..., torch.Tensor]
TOLERANCE = {torch.float32: 2e-6, torch.bfloat16: 1e-2}  # relative to the norm of the expected tensor
EPSILON = 1e-6


@pytest.fixture(params=["float32", "bfloat16"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[request.param]


def drawn(*shape: int, salt: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(salt))


def check(kernel: Function, formula: Function, inputs: list[torch.Tensor], dtype: torch.dtype) -> None:
    """Compare the kernel's output and gradients in `dtype` with the formula's in float64, on the same inputs."""
    rounded = [x.to(dtype) for x in inputs]
    exact = [x.double().requires_grad_() for x in rounded]
    given = [x.clone().requires_grad_() for x in rounded]
    expected, result = formula(*exact), kernel(*given)
    weights = drawn(*expected.shape, salt=9).to(result.dtype)
    torch.autograd.backward(expected, weights.double())
    torch.autograd.backward(result, weights)
    pairs = [(result, expected), *((x.grad, y.grad) for x, y in zip(given, exact, strict=True))]
    for one, other in pairs:
        assert one is not None
        assert other is not None
        error = one.double() - other
        assert error.norm() <= TOLERANCE[dtype] * other.norm() + 1e-9
        rows = error.reshape(-1, error.shape[-1]).norm(dim=-1) if error.ndim else error.abs()
        typical = other.norm() / max(1, other.numel() // other.shape[-1]) ** 0.5 if other.ndim else other.abs()
        assert (rows <= 10 * TOLERANCE[dtype] * typical + 1e-9).all(), (
            "an error in one row would hide in the norm of all"
        )


Norms = tuple[torch.Tensor | None, torch.Tensor | None]


def reference_attention(
    qkv: torch.Tensor, norms: Norms, rope: RotaryEmbedding, shape: attention.HeadShape
) -> torch.Tensor:
    """Return attention by its definition, (B, T, H·K)."""
    kv_heads, width = shape.kv_heads, shape.width

    def normed(x: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
        return x if weight is None else x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + shape.epsilon) * weight

    parts = torch.split(qkv, [shape.heads * width, kv_heads * width, kv_heads * width], -1)
    q, k, v = (part.reshape(*part.shape[:2], -1, width).transpose(1, 2) for part in parts)
    q, k = rope(normed(q, norms[0])), rope(normed(k, norms[1]))
    k, v = (x.repeat_interleave(shape.heads // kv_heads, 1) for x in (k, v))
    return attend(q, k, v).transpose(1, 2).flatten(2)


@pytest.mark.parametrize("positions", [2, 7, 16, 50, 129])
@pytest.mark.parametrize(
    ("heads", "kv_heads", "width", "normed", "rotated"),
    [(4, 4, 32, True, True), (4, 2, 32, True, True), (2, 1, 64, False, True), (3, 3, 32, False, False)],
)
def test_attention(
    positions: int, heads: int, kv_heads: int, width: int, normed: bool, rotated: bool, dtype: torch.dtype
) -> None:
    shape = attention.HeadShape(heads, kv_heads, width, EPSILON)
    rope = Rotary(width, 100.0).rotary_at(0, positions, torch.device("cpu")) if rotated else RotaryEmbedding()
    qkv = drawn(2, positions, (heads + 2 * kv_heads) * width)
    norms = [drawn(width, salt=1) * 0.1 + 1, drawn(width, salt=2) * 0.1 + 1] if normed else []

    def both(norms: Sequence[torch.Tensor]) -> Norms:
        return (norms[0], norms[1]) if norms else (None, None)

    def kernel(qkv: torch.Tensor, *norms: torch.Tensor) -> torch.Tensor:
        return attention.fused_attention(qkv, shape, both(norms), rope.table)

    def formula(qkv: torch.Tensor, *norms: torch.Tensor) -> torch.Tensor:
        return reference_attention(qkv, both(norms), rope, shape)

    check(kernel, formula, [qkv, *norms], dtype)


def test_attention_of_one_position_is_its_value(dtype: torch.dtype) -> None:
    qkv = drawn(3, 1, 96).to(dtype)
    assert torch.equal(attention.fused_attention(qkv, attention.HeadShape(1, 1, 32, EPSILON)), qkv[..., 64:])


def test_attention_of_large_scores_does_not_overflow() -> None:
    shape = attention.HeadShape(1, 1, 32, EPSILON)
    qkv = 1000 * drawn(1, 40, 96).float()
    expected = reference_attention(qkv.double(), (None, None), RotaryEmbedding(), shape)
    torch.testing.assert_close(attention.fused_attention(qkv, shape).double(), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 16), (3, 5, 128), (200, 48)])
def test_the_norm(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    def formula(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPSILON) * weight

    inputs = [drawn(*shape), drawn(shape[-1], salt=1)]
    check(lambda x, weight: norm.rms_norm(x, weight, EPSILON), formula, inputs, dtype)


@pytest.mark.parametrize("masked", [False, True])
def test_swiglu_and_relu(masked: bool, dtype: torch.dtype) -> None:
    mask = (drawn(5, 7, 48, salt=3) > 0).to(dtype) * 2 if masked else None
    factor = 1.0 if mask is None else mask.double()

    def swiglu(gate_up: torch.Tensor) -> torch.Tensor:
        gate, up = gate_up.chunk(2, -1)
        return F.silu(gate) * up * factor

    check(lambda x: activation.swiglu(x, mask), swiglu, [20 * drawn(5, 7, 96)], dtype)
    check(lambda x: activation.relu(x, mask), lambda x: F.relu(x) * factor, [drawn(5, 7, 48)], dtype)


@pytest.mark.parametrize("vocabulary", [1, 15, 16, 257, 500])
def test_cross_entropy(vocabulary: int, dtype: torch.dtype) -> None:
    targets = torch.arange(30) * 7919 % vocabulary
    logits = 5 * drawn(30, vocabulary)
    check(
        lambda x: cross_entropy.mean_cross_entropy(x, targets), lambda x: F.cross_entropy(x, targets), [logits], dtype
    )


def test_a_target_outside_the_vocabulary_is_refused() -> None:
    for target in (-1, 8):
        with pytest.raises(IndexError, match="vocabulary of 8"):
            cross_entropy.mean_cross_entropy(torch.zeros(1, 8), torch.tensor([target]))


def test_nan_stays_nan() -> None:
    logits = torch.zeros(2, 40)
    logits[1, 3] = torch.nan
    assert cross_entropy.mean_cross_entropy(logits, torch.tensor([0, 1])).isnan()
    assert norm.rms_norm(logits[:, :32], torch.ones(32), EPSILON)[1].isnan().all()
    assert activation.swiglu(logits[:, :32], None)[1, 3].isnan()


def test_the_number_of_threads_changes_no_bit(on_threads: Callable[[int], None]) -> None:
    shape = attention.HeadShape(4, 2, 32, EPSILON)
    results = []
    for threads in (1, 2, 3, 7):
        on_threads(threads)
        qkv = drawn(5, 40, 256).float().requires_grad_()
        scale = torch.ones(32).requires_grad_()
        weight = torch.ones(64).requires_grad_()
        attn_out = attention.fused_attention(qkv, shape, (scale, scale))
        hidden = norm.rms_norm(activation.swiglu(attn_out, None), weight, EPSILON)
        loss = cross_entropy.mean_cross_entropy(hidden.flatten(0, 1), torch.arange(200) % 64)
        torch.autograd.backward(loss)
        results.append([loss, qkv.grad, scale.grad, weight.grad])
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            assert one is not None
            assert two is not None
            assert torch.equal(one, two)


def test_a_mask_of_another_shape_and_data_type_is_converted(dtype: torch.dtype) -> None:
    gate_up = drawn(3, 32).to(dtype)
    factor = torch.tensor([[2.0]], dtype=torch.float64)
    result = activation.swiglu(gate_up, factor.expand(3, 16))
    assert torch.equal(result, activation.swiglu(gate_up, torch.full((3, 16), 2.0, dtype=dtype)))


def test_an_empty_batch_has_no_loss() -> None:
    assert cross_entropy.mean_cross_entropy(torch.zeros(0, 5), torch.zeros(0, dtype=torch.int64)).isnan()


def test_relu_of_infinity_and_nan_is_that_of_torch() -> None:
    x = torch.tensor([-torch.inf, torch.inf, torch.nan, -1.0, -0.0, 0.0, 1.0, 2.0] * 2)
    ours, theirs = (x.clone().requires_grad_() for _ in range(2))
    one, other = activation.relu(ours, None), F.relu(theirs)
    torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)
    for result in (one, other):
        torch.autograd.backward(result, torch.full_like(x, torch.inf))
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize(("width", "supported"), [(8, False), (16, True), (24, False), (32, True), (48, True)])
def test_activations_support_every_d_ff_that_is_a_multiple_of_sixteen(width: int, supported: bool) -> None:
    assert activation.supports(torch.zeros(2, width), gated=False) == supported
    assert activation.supports(torch.zeros(2, 2 * width), gated=True) == supported


def test_second_derivatives_are_refused() -> None:
    x = drawn(4, 16).float().requires_grad_()
    (slope,) = torch.autograd.grad(norm.rms_norm(x, torch.ones(16), EPSILON).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        torch.autograd.backward(slope.sum())


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own(on_threads: Callable[[int], None]) -> None:
    on_threads(2)
    x, weight = drawn(200, 64).float(), torch.ones(64)
    expected = norm.rms_norm(x, weight, EPSILON)
    child = os.fork()
    if not child:
        os._exit(0 if torch.equal(norm.rms_norm(x, weight, EPSILON), expected) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
