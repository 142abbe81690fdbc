"""Pictures inside a page: small, encoded, as data URLs."""

import base64
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Image

_QUALITIES = (80, 60, 40, 20)


@dataclass(frozen=True)
class Picture:
    """One picture of the page as a data URL, with its size and the text that stands in for it."""

    source: str
    width: int
    height: int
    alt: str


def picture(image: Image, alt: str, budget: int) -> Picture:
    """Encode a picture, RGB H x W x 3 uint8, as WebP of at most `budget` bytes.

    Quality goes first, then resolution: foliage and noise must not make the page heavy. The picture
    keeps its nominal size.

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    >>> small = picture(noise, "noise", 4000)
    >>> len(small.source) < 4000 * 4 / 3 + 40, small.width
    (True, 256)
    """
    height, width = image.shape[:2]
    bgr = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)
    data = _within(bgr, budget)
    text = base64.b64encode(data).decode()
    return Picture(f"data:image/webp;base64,{text}", width, height, alt)


def _within(bgr: npt.NDArray[np.uint8], budget: int) -> bytes:
    while True:
        for quality in _QUALITIES:
            done, data = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])
            if not done:
                raise ValueError(f"cannot encode {bgr.shape} {bgr.dtype} as WebP")
            if data.size <= budget or max(bgr.shape) <= 16:
                return data.tobytes()
        size = max(1, bgr.shape[1] // 2), max(1, bgr.shape[0] // 2)
        bgr = np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), np.uint8)
