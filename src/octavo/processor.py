"""The processor: its name, and those of its features that decide how fast Octavo is, where the system tells."""

import platform
from pathlib import Path

# What Linux calls a feature, on x86 or on ARM, and what it is called elsewhere.
_FEATURES = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_bf16": "AVX512-BF16",
    "amx_bf16": "AMX-BF16",
    "asimd": "NEON",
    "sve": "SVE",
    "bf16": "BF16",
}
_X86 = ("x86_64", "amd64", "x86-64")


def processor_name() -> str:
    """Its name, where Linux tells it; else what Python knows."""
    return _told("model name") or platform.processor() or platform.machine()


def processor_features() -> tuple[str, ...]:
    """Such as ``AVX2`` and ``AVX-512``; none where the system does not tell."""
    flags = set((_told("flags") or _told("Features")).split())
    return tuple(name for flag, name in _FEATURES.items() if flag in flags)


def is_x86() -> bool:
    """Whether it is of the kind that Octavo's kernels are made for, with 64 bits."""
    return platform.machine().lower() in _X86


def _told(key: str) -> str:
    """The first value of a key in Linux's description of the processors; empty if there is none."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    pairs = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in pairs if name.strip() == key), "")
