"""Kernels are used if they can run and are not disabled; a model computes the same with and without them."""

import platform
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
import torch

from octavo.config import load_preset
from octavo.kernels import library as module
from octavo.kernels.library import BUILDS, library, load_build
from octavo.model import DropoutMasks, Transformer
from octavo.training.step import mean_nats

REPORT = load_preset("reference").model
DEFAULT = load_preset("pocket").model


def test_the_environment_can_leave_them_out_or_choose_one(environment: Mapping[str, str]) -> None:
    code = "from octavo.kernels.library import active_build; print(active_build())"
    runnable = [build.removeprefix("_") for build in BUILDS if load_build(build)]
    fastest = runnable[0] if runnable else "none"
    for value, used in [("0", "none"), ("1", fastest), ("sse", "none"), *((build, build) for build in runnable)]:
        result = run([sys.executable, "-c", code], env={**environment, "OCTAVO_NATIVE": value}, capture_output=True)
        assert result.stdout.decode().strip() == used, value


def test_a_file_that_is_not_a_library_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "__file__", str(tmp_path / "library.py"))
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    (tmp_path / f"_avx512{suffix}").write_bytes(b"not a library")
    assert library.__wrapped__() is None


@pytest.mark.skipif(library() is None, reason="no kernels: Octavo was installed without a C compiler")
@pytest.mark.parametrize("config", [DEFAULT, REPORT], ids=["pocket", "reference"])
def test_a_model_computes_the_same_with_and_without(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Transformer(config, 500, 3)
    input_ids = torch.arange(4 * 50).view(4, 50) * 7919 % 500
    masks = DropoutMasks(0, [0.1], input_ids.numel() * config.d_ff)

    def loss_and_gradients() -> list[torch.Tensor]:
        loss = mean_nats(model(input_ids, drop=masks.masks_for_step(0)), input_ids.roll(-1))
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        return [loss, *gradients]

    with_kernels = loss_and_gradients()
    monkeypatch.setattr("octavo.kernels.arguments.library", lambda: None)
    for one, other in zip(with_kernels, loss_and_gradients(), strict=True):
        assert (one - other).norm() <= 1e-5 * other.norm() + 1e-8


@pytest.mark.skipif(library() is None, reason="no kernels: Octavo was installed without a C compiler")
def test_a_build_of_another_version_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ABI_VERSION", module._ABI_VERSION + 1)
    assert library.__wrapped__() is None


@pytest.mark.skipif(
    not shutil.which("cc") or platform.machine() != "x86_64" or "AVX" not in torch.backends.cpu.get_cpu_capability(),
    reason="no C compiler, or another processor",
)
def test_kernels_were_compiled_if_there_is_a_compiler(environment: Mapping[str, str]) -> None:
    code = "import sys; from octavo.kernels.library import library; sys.exit(library() is None)"
    assert run([sys.executable, "-c", code], env={**environment, "OCTAVO_NATIVE": "1"}, check=False).returncode == 0
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    assert all(Path(module.__file__).with_name(f"{build}{suffix}").exists() for build in BUILDS)


@pytest.mark.parametrize(
    ("machine", "files", "features", "fact"),
    [
        ("arm64", [], (), "x86-64"),
        ("x86_64", [], ("AVX2",), "compiler"),
        ("AMD64", ["_avx2"], ("SSE",), "AVX2"),
        ("x86_64", ["_avx2"], ("AVX2",), "another version"),
        ("x86_64", ["_avx512"], (), "another version"),
    ],
)
def test_the_reason_is_given(
    machine: str,
    files: list[str],
    features: tuple[str, ...],
    fact: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "__file__", str(tmp_path / "library.py"))
    monkeypatch.setattr(module, "library", library.__wrapped__)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(module, "cpu_features", lambda: features)
    for name in files:
        (tmp_path / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}").write_bytes(b"not a library")
    monkeypatch.delenv("OCTAVO_NATIVE", raising=False)
    assert fact in module.unavailable_reason()
    monkeypatch.setenv("OCTAVO_NATIVE", "0")
    assert "OCTAVO_NATIVE=0" in module.unavailable_reason()
    monkeypatch.setenv("OCTAVO_NATIVE", "sse")
    assert all(fact in module.unavailable_reason() for fact in ("OCTAVO_NATIVE=sse", "avx512, avx2 or 0"))


@pytest.mark.skipif(library() is None, reason="no kernels here")
def test_there_is_no_reason_if_there_are_kernels() -> None:
    assert module.unavailable_reason() == ""
    assert f"_{module.active_build()}" in module.BUILDS
