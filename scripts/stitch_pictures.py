"""Draw the stitch room's pictures: pairs as `maskmill stitch --sheet` draws them.

Photographs of the scikit-image wheel and our outlines, clips made of them: all may be shown. The
script fails where a pair no longer ends as its picture says.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from skimage.data import coffee

from maskmill.curate import Coco
from maskmill.demo import write_photographs
from maskmill.images import Image
from maskmill.metrics import iou
from maskmill.report.stitching import write_pair_sheet
from maskmill.sample import Sample
from maskmill.stitch import Making, align, clip_matte, simulate


class _Picture(NamedTuple):
    """A pair to draw: the sample's number, the making, and beside which photograph it is laid."""

    name: str
    sample: int
    making: Making
    photograph: str = "its own"


PICTURES = (
    _Picture("jpeg", 2, Making(0.8, mirrored=True, gamma=0.88, contrast=1.08, quality=75)),
    _Picture("png", 4, Making(0.45, encoding="png", rotation=3.0, resampling="bilinear")),
    _Picture("shadow", 6, Making(0.7, shadow="drop", darkness=0.4, quality=85)),
    _Picture("wrong_pair", 2, Making(0.8), "another photograph"),
    _Picture("other_view", 2, Making(0.8), "its own, in perspective"),
)


def draw_all(folder: Path) -> Iterator[Path]:
    """Write every sheet into a folder, as ``stitch_<name>.jpg``."""
    with tempfile.TemporaryDirectory() as scratch:
        annotations, images = write_photographs(scratch, count=24)
        source = Coco(str(annotations), images=str(images))
        items = [item for part in source.plan(()) for item in source.read(part)]
        samples = [item for item in items if isinstance(item, Sample) and item.has_alpha]
        for picture in PICTURES:
            yield _drawn(folder, picture, samples)


def _drawn(folder: Path, picture: _Picture, samples: list[Sample]) -> Path:
    sample = samples[picture.sample]
    originals: dict[str, Callable[[], Image]] = {
        "its own": lambda: sample.image,
        "another photograph": coffee,
        "its own, in perspective": lambda: _in_perspective(sample.image),
    }
    original = originals[picture.photograph]()
    clip = simulate(sample.image, sample.alpha, picture.making).image
    found = align(original, clip)
    path = folder / f"stitch_{picture.name}.jpg"
    if picture.photograph != "its own":
        _expect(picture, found.reason, picture.name)
        lines = [picture.photograph, f"refused: {found.reason}"]
        return write_pair_sheet(path, original, clip, None, None, lines)
    _expect(picture, found.reason, "")
    solved = clip_matte(original, clip, found)
    lines = [_told(picture.making, original), f"score {found.score:.2f}, scale {found.scale:.3f}"]
    lines[1] += f", IoU with the outline that made it {iou(solved.alpha, sample.alpha):.3f}"
    return write_pair_sheet(path, original, clip, found.matrix, solved.alpha, lines)


def _in_perspective(image: Image) -> Image:
    """Return a photograph as from another place."""
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    moved = corners + np.array([[0.04, 0.02], [-0.03, 0], [0, -0.04], [0.02, 0]], np.float32)
    side = np.array([width, height], np.float32)
    bent = cv2.getPerspectiveTransform(corners * side, moved * side)
    return cv2.warpPerspective(image, bent, (width, height)).astype(np.uint8)


def _expect(picture: _Picture, got: str, wanted: str) -> None:
    if got != wanted:
        raise ValueError(f"stitch_{picture.name} must end as {wanted!r}, got {got!r}")


def _told(making: Making, original: Image) -> str:
    usual = Making()
    names: dict[str, Any] = {name: getattr(making, name) for name in Making.__dataclass_fields__}
    told = [f"{name} {value}" for name, value in names.items() if value != getattr(usual, name)]
    return f"{original.shape[1]} x {original.shape[0]}, {', '.join(told)}"
