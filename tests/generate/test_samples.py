"""Samples for several prompts and settings."""

import json
from pathlib import Path

import pytest

from octavo.config.inference import SamplingConfig
from octavo.errors import OctavoError
from octavo.generate.samples import (
    TEMPERATURES,
    Sample,
    load_samples,
    make_samples,
    save_samples,
    usual_prompts,
)
from octavo.pipeline.run import Run


def test_every_run_has_samples_for_its_usual_prompts(trained: Run) -> None:
    samples = load_samples(trained.path)
    prompts = usual_prompts(trained)
    assert [(one.prompt, one.sampling.temperature) for one in samples] == [
        (prompt, temperature) for prompt in prompts for temperature in TEMPERATURES
    ]
    assert len(prompts) == 2
    one = samples[1]
    assert one.text == trained.generate(one.prompt, temperature=0.8, max_new_tokens=100)


def test_each_names_its_prompt_and_settings() -> None:
    sampling = SamplingConfig(temperature=0.5, top_k=9)
    words = Sample("A\nB", "c", sampling, stop=("!",), number=2, count=3).describe()
    assert words == 'prompt "A\\nB", temperature 0.5, top k 9, seed 0, stop ["!"], 2 of 3'
    assert Sample("", "c", SamplingConfig()).describe() == "no prompt, temperature 0.8, seed 0"


def test_they_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert load_samples(tmp_path) == []
    samplings = [SamplingConfig(temperature=one) for one in (0.5, 1.0)]
    samples = list(make_samples(lambda prompts, _: ["\x1b é"] * len(prompts), ["", "é"], samplings, count=2))
    assert len(samples) == 8
    assert load_samples(save_samples(tmp_path, samples).parent) == samples


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"samples": [{"prompt": 1}]}', '{"samples": 1}'])
def test_a_damaged_file_is_an_error_in_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "samples.json").write_text(content)
    with pytest.raises(OctavoError, match="cannot be read"):
        load_samples(tmp_path)


def test_settings_out_of_range_in_a_file_are_refused(tmp_path: Path) -> None:
    (path,) = [save_samples(tmp_path, [Sample("a", "b", SamplingConfig())])]
    values = json.loads(path.read_text())
    values["samples"][0]["sampling"]["temperature"] = -1
    path.write_text(json.dumps(values))
    with pytest.raises(OctavoError, match="temperature"):
        load_samples(tmp_path)
