"""What the processor is and can do."""

from pathlib import Path

import pytest
import torch

from octavo.system.hardware import cpu_features, cpu_name

X86 = "processor\t: 0\nmodel name\t: Some Chip\nflags\t\t: fpu avx2 avx512f amx_bf16 avx512_bf16x\n\nprocessor\t: 1\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd bf16\nCPU part\t: 0xd40\n"


@pytest.mark.parametrize(
    ("table", "name", "features"),
    [
        (X86, "Some Chip", ("AVX2", "AVX-512", "AMX-BF16")),
        (ARM, None, ("NEON", "BF16")),
        ("", None, ()),
    ],
)
def test_linux_tells(
    table: str, name: str | None, features: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda path, **_: table)
    assert cpu_features() == features
    assert cpu_name() == name or (name is None and cpu_name())


def test_another_system_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(path: Path, **_: str) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", missing)
    assert cpu_features() == ()
    assert cpu_name()


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="Linux tells")
def test_torch_sees_the_same() -> None:
    uses = torch.backends.cpu.get_cpu_capability()
    assert ("AVX-512" in cpu_features()) >= (uses == "AVX512")
    assert ("AVX2" in cpu_features()) >= (uses in ("AVX2", "AVX512"))
