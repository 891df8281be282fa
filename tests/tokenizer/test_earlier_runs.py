"""A run that was begun by an earlier version keeps its tokenizer, whose words are split as in GPT-2."""

from pathlib import Path
from typing import Any

import pytest
from tests.tokenizer.earlier import bpe_of_earlier_versions

from octavo.corpus import Corpus
from octavo.errors import OctavoWarning
from octavo.pipeline.run import load
from octavo.pipeline.train import train
from octavo.pipeline.verify import verify
from octavo.tokenizer import ByteBPE


def test_it_goes_on_is_scored_verified_and_writes(
    play: str, tiny: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(ByteBPE, "train", staticmethod(bpe_of_earlier_versions))
        overrides = tiny | {"train.checkpoint_every": 5}
        run = train(Corpus.from_text(play), steps=10, overrides=overrides, runs=tmp_path, progress=False, brief=True)
    comma = run.tokenizer.encode("done,\n").tolist()[-2:]
    assert [run.tokenizer.token_bytes()[token] for token in comma] == [b",", b"\n"]
    (run.path / "checkpoints" / "step-00000010" / "weights.safetensors").write_bytes(b"")
    with pytest.warns(OctavoWarning, match="step-00000005 is used"):
        again = train(name=run.name, resume=True, runs=tmp_path, progress=False, brief=True)
    assert again.checkpoint == "step-00000010"
    assert again.evaluation.nats_per_character == run.evaluation.nats_per_character
    assert again.tokenizer.fingerprint == run.tokenizer.fingerprint
    assert [check.wrong for check in verify(run.directory, full=True) if check.wrong] == []
    assert load(run.path).generate("We are ", max_new_tokens=5)
