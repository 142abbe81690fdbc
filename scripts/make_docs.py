"""Draw the pictures of the documentation: the demo's contact sheet, and those of the rooms.

    python scripts/make_docs.py [demo] [curate] [refine] [stitch]

All when nothing is named, as `make docs` does. Everything comes from a fresh run.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import curate_pictures
import cv2
import refine_pictures
import stitch_pictures

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
# Wide enough for a page of documentation, small enough to live in the repository.
WIDTH = 1400
ROOMS = ("demo", "curate", "refine", "stitch")


def main() -> None:
    """Draw what is named."""
    parser = argparse.ArgumentParser(description="Draw the pictures of the documentation.")
    parser.add_argument("what", nargs="*", metavar="|".join(ROOMS), help="default: all")
    named: list[str] = parser.parse_args().what or list(ROOMS)
    unknown = set(named) - set(ROOMS)
    if unknown:
        parser.error(f"what must be of {', '.join(ROOMS)}, got {', '.join(sorted(unknown))}")
    PICTURES.mkdir(parents=True, exist_ok=True)
    if "demo" in named:
        _tell(_demo())
    if "curate" in named:
        _tell(curate_pictures.draw_all(PICTURES))
    if "refine" in named:
        _tell(refine_pictures.draw_all(PICTURES))
    if "stitch" in named:
        _tell(stitch_pictures.draw_all(PICTURES))


def _tell(paths: Iterator[Path]) -> None:
    for path in paths:
        print(f"wrote {path}")


def _demo() -> Iterator[Path]:
    """Run the demo and keep its sheet."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(  # noqa: S603
            [sys.executable, "-m", "maskmill", "demo", "--out", folder], check=True
        )
        sheet = cv2.imread(str(Path(folder) / "sheet.png"))
        if sheet is None:
            raise FileNotFoundError("the demo wrote no sheet.png")
        height = round(sheet.shape[0] * WIDTH / sheet.shape[1])
        small = cv2.resize(sheet, (WIDTH, height), interpolation=cv2.INTER_AREA)
        picture = Path(folder) / "demo_sheet.png"
        cv2.imwrite(str(picture), small, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        yield Path(shutil.copyfile(picture, PICTURES / picture.name))


if __name__ == "__main__":
    main()
