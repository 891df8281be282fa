"""Generate whole documents, and leave out the texts that the run's own text contains.

Importing this takes no torch.
"""

from collections.abc import Callable, Iterator

from octavo.corpus.lines import has_line_end
from octavo.data.token_files import documents, open_splits
from octavo.errors import OctavoError
from octavo.formats.untrusted import open_plain
from octavo.generate.prompts import shared_facts
from octavo.runs import RunDirectory
from octavo.tokenizer import Tokenizer

TRIES = 20  # for each text that is asked for
_MIN_TOGETHER = 16  # texts generated together
_READ_BYTES = 1 << 20  # of the training text, in which a line end is looked for

IsKnown = Callable[[str], bool]


def has_line_documents(directory: RunDirectory) -> bool:
    """Return whether a run learned documents that have no line end, so that each is a line of the output.

    It is False if the run's text is damaged. A run that was shared without its text has recorded it.
    """
    try:
        ends = open_splits(directory.path / "data")["train"].facts.ends
    except OctavoError:
        return bool(shared_facts(directory).get("line_documents"))
    if not ends:
        return False
    with open_plain(directory.path / "data" / "train.txt", 2**63, directory.path) as file:
        return not has_line_end(file.read(_READ_BYTES).decode("latin-1"))  # the bytes of line ends are enough


def known_texts(directory: RunDirectory, tokenizer: Tokenizer) -> IsKnown:
    """Return a function that tells whether a text is in the text of a run.

    That is a document of any split, if the run learned where documents end, and otherwise any text that occurs
    verbatim in the training split.

    Raises:
        OctavoError: the run's text is damaged, or the run was shared without it.
    """
    if directory.shared:
        raise OctavoError(
            f"{directory.name} was shared without its text, so it is unknown which texts are new: generate any texts"
        )
    splits = open_splits(directory.path / "data")
    if not splits["train"].facts.ends:
        text = splits["train"].text
        return lambda found: found in text
    known = {tokenizer.decode(ids) for split in splits.values() for ids in documents(split.ids, tokenizer.bos_id)}
    return lambda found: found in known


def only_new(generate: Callable[[int, int], Iterator[str]], is_known: IsKnown, count: int) -> Iterator[str]:
    """Yield `count` different texts that are neither known nor blank, or fewer after ``TRIES`` texts for each.

    Args:
        generate: yields texts, given the number of the first one and how many; a text depends on its number alone.
        is_known: tells whether a text is known.
        count: how many texts to yield.

    Example:
        >>> list(only_new(lambda first, n: map(str, range(first, first + n)), lambda text: "1" in text, 3))
        ['0', '2', '3']
    """
    found: set[str] = set()
    tried = 0
    while tried < TRIES * count:
        together = min(max(count - len(found), _MIN_TOGETHER), TRIES * count - tried)
        for text in generate(tried, together):
            if text and not text.isspace() and text not in found and not is_known(text):
                found.add(text)
                yield text
                if len(found) == count:
                    return
        tried += together
