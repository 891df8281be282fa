"""Samples for several prompts and settings, and ``samples.json``, in which each of them names its own.

Importing this takes no torch.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from octavo.config.inference import SamplingConfig
from octavo.corpus.lines import MAX_CHARACTERS_READ, frequent_line_start
from octavo.errors import OctavoError, reason
from octavo.formats.files import write_atomically
from octavo.formats.json_schema import from_json
from octavo.formats.untrusted import MAX_TEXT_BYTES, parse_json, read_plain
from octavo.runs.saved_run import SavedRun

SAMPLES_FILE = "samples.json"
TEMPERATURES = (0.5, 0.8, 1.0)  # of the samples of every run
_MAX_PROMPT = 40  # characters of a prompt that is named, or taken from a text

Complete = Callable[[Sequence[str], SamplingConfig], Iterable[str]]  # what follows each prompt


@dataclass(frozen=True)
class Sample:
    """A generated text with its prompt and settings; the same settings generate it again."""

    prompt: str
    text: str  # after the prompt
    sampling: SamplingConfig
    stop: tuple[str, ...] = ()
    number: int = 1  # of the samples with this prompt and these settings, from 1
    count: int = 1  # of these samples

    def describe(self) -> str:
        """Return prompt and settings in words; settings that have their default are left out but for two."""
        prompt = self.prompt if len(self.prompt) <= _MAX_PROMPT else f"{self.prompt[:_MAX_PROMPT]}…"
        defaults = asdict(SamplingConfig())
        facts = [f"prompt {json.dumps(prompt, ensure_ascii=False)}" if prompt else "no prompt"]
        for name, value in asdict(self.sampling).items():
            if name in ("temperature", "seed") or value != defaults[name]:
                facts.append(f"{name.replace('_', ' ')} {value:g}")
        if self.stop:
            facts.append(f"stop {json.dumps(list(self.stop), ensure_ascii=False)}")
        if self.count > 1:
            facts.append(f"{self.number} of {self.count}")
        return ", ".join(facts)


def make_samples(
    complete: Complete,
    prompts: Sequence[str],
    samplings: Sequence[SamplingConfig],
    *,
    count: int = 1,
    stop: Sequence[str] = (),
) -> Iterator[Sample]:
    """Yield `count` samples for every prompt with every setting, in the order of the prompts."""
    for prompt in prompts:
        for sampling in samplings:
            for number, text in enumerate(complete([prompt] * count, sampling), 1):
                yield Sample(prompt, text, sampling, tuple(stop), number, count)


def usual_prompts(run: SavedRun) -> list[str]:
    """Return prompts for the samples of a run: a frequent beginning of a line, and the first words that are held out.

    Raises:
        OctavoError: the text of the run is damaged.
    """
    frequent = frequent_line_start(run.splits["train"].beginning(MAX_CHARACTERS_READ))
    lines = (line.strip() for line in run.validation_beginning(1000).splitlines()[1:])
    line = next((line for line in lines if line), "")
    words = line if len(line) <= _MAX_PROMPT else line[:_MAX_PROMPT].rpartition(" ")[0]
    return [prompt for prompt in dict.fromkeys([frequent, words]) if run.tokenizer.encode(prompt).size]


def save_samples(folder: Path, samples: Sequence[Sample]) -> Path:
    """Write ``samples.json``; return its path.

    Raises:
        OSError: the folder cannot be written to.
    """
    path = folder / SAMPLES_FILE
    content = json.dumps({"samples": [asdict(sample) for sample in samples]}, ensure_ascii=False, indent=1)
    write_atomically(path, (content + "\n").encode("utf-8", "replace"))
    return path


def load_samples(folder: Path) -> list[Sample]:
    """Return the samples of ``samples.json``; none if there is no such file, as in runs of earlier versions.

    Raises:
        OctavoError: the file cannot be read.
    """
    path = folder / SAMPLES_FILE
    if not path.is_file():
        return []
    try:
        values = parse_json(read_plain(path, MAX_TEXT_BYTES, folder))
        return [from_json(Sample, value) for value in values["samples"]]
    except (OSError, ValueError, KeyError, TypeError, OctavoError) as error:
        raise OctavoError(
            f"{path} cannot be read ({reason(error)}): delete it, or generate the samples again"
        ) from None
