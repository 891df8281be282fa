"""Positions: the sines of the table, the angles of the rotation, and the choice of a config."""

import math

import pytest
import torch

from octavo.config import ModelConfig
from octavo.model.positions import Learned, Positions, Rotary, Sinusoidal, make_positions

CPU = torch.device("cpu")


@pytest.mark.parametrize("width", [8, 7])
def test_the_sinusoidal_table(width: int) -> None:
    rows = Sinusoidal(50, width, 500.0).rows
    assert rows.shape == (50, width)
    for t in range(50):
        for column in range(width):
            angle = t / 500 ** ((column - column % 2) / width)
            expected = math.cos(angle) if column % 2 else math.sin(angle)
            assert rows[t, column].item() == pytest.approx(expected, abs=1e-5)


def test_a_table_is_added_from_the_start_position() -> None:
    table = Sinusoidal(10, 4, 100.0)
    x = torch.ones(2, 3, 4)
    assert torch.equal(table.add_positions(x, 7), 1 + table.rows[7:10].expand(2, 3, 4))
    assert table.rotary_at(0, 3, CPU)(x) is x
    assert not list(table.parameters())
    assert not table.state_dict()


def test_past_the_table_is_an_error() -> None:
    for table in (Sinusoidal(10, 4, 100.0), Learned(10, 4)):
        with pytest.raises(ValueError, match=r"position 10 .* 10 positions"):
            table.add_positions(torch.zeros(1, 3, 4), 8)


def test_a_learned_table_learns_the_rows_it_used() -> None:
    table = Learned(10, 4)
    torch.autograd.backward(table.add_positions(torch.zeros(2, 3, 4), 5).sum())
    assert table.rows.grad is not None
    assert table.rows.grad.sum(1).tolist() == [0] * 5 + [8] * 3 + [0] * 2


def test_pairs_of_the_two_halves_are_rotated() -> None:
    rope = Rotary(6, 100.0).rotary_at(3, 4, CPU)
    x = torch.randn(2, 4, 6, generator=torch.Generator().manual_seed(0))
    rotated = rope(x)
    for t in range(4):
        for i in range(3):
            angle = (3 + t) / 100 ** (2 * i / 6)
            before = torch.complex(x[:, t, i], x[:, t, i + 3])
            after = torch.complex(rotated[:, t, i], rotated[:, t, i + 3])
            torch.testing.assert_close(
                after, before * complex(math.cos(angle), math.sin(angle)), atol=1e-6, rtol=1e-5
            )


def test_rotation_preserves_norms_and_the_first_position() -> None:
    x = torch.randn(2, 4, 9, 8, generator=torch.Generator().manual_seed(0))
    rotated = Rotary(8, 10000.0).rotary_at(0, 9, CPU)(x)
    torch.testing.assert_close(rotated.norm(dim=-1), x.norm(dim=-1))
    assert torch.equal(rotated[:, :, 0], x[:, :, 0])
    assert not torch.allclose(rotated[:, :, 1:], x[:, :, 1:])


def test_a_dot_product_depends_on_the_distance_alone() -> None:
    rotary = Rotary(8, 100.0)
    q, k = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))

    def dot_product(t: int, s: int) -> float:
        return float(rotary.rotary_at(t, 1, CPU)(q[None]) @ rotary.rotary_at(s, 1, CPU)(k[None]).T)

    assert dot_product(20, 13) == pytest.approx(dot_product(7, 0), abs=1e-4)
    assert dot_product(120, 113) == pytest.approx(dot_product(7, 0), abs=1e-4)
    assert abs(dot_product(7, 0) - dot_product(0, 7)) > 1e-2
    assert abs(dot_product(7, 0) - dot_product(6, 0)) > 1e-2


def test_a_rotation_can_begin_anywhere() -> None:
    rotary = Rotary(8, 100.0)
    x = torch.randn(9, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(rotary.rotary_at(5, 4, CPU)(x[5:]), rotary.rotary_at(0, 9, CPU)(x)[5:])


def test_rotary_positions_add_nothing_and_keep_the_data_type() -> None:
    rotary = Rotary(8, 100.0)
    x = torch.ones(1, 2, 8)
    assert rotary.add_positions(x, 5) is x
    for dtype in (torch.float64, torch.bfloat16):
        assert rotary.rotary_at(0, 2, CPU)(x.to(dtype)).dtype == dtype


def test_a_config_chooses_the_kind() -> None:
    kinds = {name: make_positions(ModelConfig(position=name)) for name in ("rotary", "sinusoidal", "learned", "none")}
    assert [type(kind) for kind in kinds.values()] == [Rotary, Sinusoidal, Learned, Positions]
    x = torch.ones(1, 2, 8)
    assert kinds["none"].add_positions(x, 3) is x
    assert kinds["none"].rotary_at(0, 2, CPU)(x) is x
    sinusoidal = make_positions(ModelConfig(position="sinusoidal", position_base=500.0, max_positions=77, d_model=8))
    assert isinstance(sinusoidal, Sinusoidal)
    assert torch.equal(sinusoidal.rows, Sinusoidal(77, 8, 500.0).rows)
    rotary = make_positions(ModelConfig(position_base=77.0))
    assert isinstance(rotary, Rotary)
    assert (rotary.base, rotary.head_width) == (77.0, 32)
