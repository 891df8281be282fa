"""Write docs/the-report-examined.md from the figures in docs/report: python -m scripts.report_examined [RUNS].

With a folder RUNS, figures and pictures are copied from there first.
"""

import sys
from pathlib import Path

from scripts.report_examined.collect import collect
from scripts.report_examined.page import PAGE, page
from scripts.report_examined.results import load

if __name__ == "__main__":
    if len(sys.argv) > 1:
        collect(Path(sys.argv[1]))
    PAGE.write_text(page(load()), encoding="utf-8")
    print(f"written to {PAGE}")
