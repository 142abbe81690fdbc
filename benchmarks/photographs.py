"""The real photographs with true alphas that benchmarks of this folder measure on; read only."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from scipy.io import loadmat

from maskmill.images import Alpha, Image, decode_image

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = ("alphamatting", "ecssd", "ccp")


class Photograph(NamedTuple):
    """Where a pair lies; `read` opens it."""

    dataset: str
    name: str

    def read(self) -> tuple[Image, Alpha]:
        """Return the picture, H x W x 3 uint8 RGB, and its true alpha, H x W float32 in [0, 1]."""
        folder = DATA / self.dataset
        if self.dataset == "alphamatting":
            return _pair(folder / "input", folder / "alpha", f"{self.name}.png")
        if self.dataset == "ecssd":
            image = decode_image((folder / "images" / f"{self.name}.jpg").read_bytes())
            return image, _levels(folder / "masks" / f"{self.name}.png")
        if self.dataset == "ccp":
            image = decode_image((folder / "photos" / f"{self.name}.jpg").read_bytes())
            labels = loadmat(folder / "pixel-level" / f"{self.name}.mat")["groundtruth"]
            return image, (labels > 0).astype(np.float32)
        raise ValueError(f"dataset must be one of {', '.join(SETS)}, got {self.dataset!r}")


def listed(datasets: Sequence[str] = SETS, limit: int | None = None) -> Iterator[Photograph]:
    """Yield what there is, `limit` of each data set evenly spread."""
    folders = {"alphamatting": "input", "ecssd": "images", "ccp": "photos"}
    for dataset in datasets:
        names = sorted(path.stem for path in (DATA / dataset / folders[dataset]).iterdir())
        count = min(limit or len(names), len(names))
        for place in range(count):
            yield Photograph(dataset, names[place * len(names) // count])


def _pair(images: Path, alphas: Path, name: str) -> tuple[Image, Alpha]:
    return decode_image((images / name).read_bytes()), _levels(alphas / name)


def _levels(path: Path) -> Alpha:
    levels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if levels is None:
        raise OSError(f"cannot read {path.name}")
    return levels.astype(np.float32) / np.float32(255)
