"""Draw the pictures of the documentation: the demo's contact sheet, from a fresh run.

make docs
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
# Wide enough for a page of documentation, small enough to live in the repository.
WIDTH = 1400


def main() -> None:
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
        PICTURES.mkdir(parents=True, exist_ok=True)
        picture = Path(folder) / "demo_sheet.png"
        cv2.imwrite(str(picture), small, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        shutil.copyfile(picture, PICTURES / picture.name)
    print(f"wrote {PICTURES / picture.name}")


if __name__ == "__main__":
    main()
