"""Write docs/images/report.png, the picture in the README, from the report page of a run.

python -m scripts.report_picture runs/shakespeare
"""

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "report.png"
_WIDTH, _HEIGHT = 1080, 1380  # pixels: the page from its title to the score
_COLOURS = 128  # of the palette, which keeps the file below 300 kB


def main(page: Path) -> None:
    """Draw the beginning of a page in the system's Chromium."""
    browsers = ("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, browsers)), None)
        browser = playwright.chromium.launch(executable_path=path)
        tab = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
        tab.goto(page.resolve().as_uri())
        tab.screenshot(path=PICTURE)
        browser.close()
    with Image.open(PICTURE) as picture:
        picture.convert("RGB").quantize(_COLOURS).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) / "report.html")
