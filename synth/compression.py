"""How coarsely a JPEG was compressed, and how to compress another one alike."""

import functools
import io
from typing import NamedTuple, Self

import cv2
from PIL import Image as Pillow

from maskmill.images import Image

from .compositing import check_image


@functools.cache
def _sums() -> tuple[int, ...]:
    """Return the sum of libjpeg's luminance table for every quality from 1 to 100."""
    found: list[int] = []
    for quality in range(1, 101):
        file = io.BytesIO()
        Pillow.new("L", (8, 8)).save(file, "JPEG", quality=quality)
        found.append(_table_sum(Pillow.open(file)))
    return tuple(found)


def _table_sum(picture: Pillow.Image) -> int:
    tables: dict[int, list[int]] = getattr(picture, "quantization", {})
    return sum(next(iter(tables.values()))) if tables else 0


class Compression(NamedTuple):
    """How coarsely a JPEG was quantised.

    Parameters
    ----------
    quality : float
        On libjpeg's scale of 1 to 100.
    halved : bool
        Whether its colours have half the resolution (4:2:0).
    """

    quality: float
    halved: bool

    def at(self, scale: float) -> Self:
        """Return what is left of it where the picture was shrunk to `scale` of its size.

        A mean of several pixels keeps the share ``scale`` of an error that varies from pixel to
        pixel: the steps of the table shrink by it. Enlarging changes nothing.

        Examples
        --------
        >>> Compression(75.0, True).at(0.5)
        Compression(quality=87.5, halved=False)
        """
        if scale >= 1:
            return self
        steps = _steps_of(self.quality) * max(scale, 1e-3)
        return self._replace(quality=_quality_of(steps), halved=self.halved and scale > 0.7)


def compression_of(data: bytes) -> Compression | None:
    """Return how a JPEG was compressed, by its first quantisation table; None for other files.

    A table that is not libjpeg's has the quality of the one with the nearest sum.

    Examples
    --------
    >>> file = io.BytesIO()
    >>> Pillow.new("RGB", (16, 16)).save(file, "JPEG", quality=80)
    >>> compression_of(file.getvalue())
    Compression(quality=80, halved=True)
    >>> compression_of(b"PNG") is None
    True
    """
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    try:
        with Pillow.open(io.BytesIO(data), formats=["JPEG"]) as picture:
            total = _table_sum(picture)
            layers: list[tuple[int, int, int, int]] = getattr(picture, "layer", [])
    except (OSError, SyntaxError, ValueError):
        return None
    if total == 0:
        return None
    halved = len(layers) == 3 and layers[0][1:3] == (2, 2) and layers[1][1:3] == (1, 1)
    sums = _sums()
    quality = min(range(1, 101), key=lambda quality: abs(sums[quality - 1] - total))
    return Compression(quality, halved)


def _steps_of(quality: float) -> float:
    """Return the factor on the tables of Annex K that libjpeg makes of a quality."""
    quality = min(max(quality, 1.0), 100.0)
    return 50 / quality if quality < 50 else 2 - quality / 50


def _quality_of(steps: float) -> float:
    quality = 50 / steps if steps > 1 else 100 - 50 * steps
    return min(max(quality, 1.0), 100.0)


def jpeg(image: Image, compression: Compression) -> bytes:
    """Encode a picture as a JPEG.

    Examples
    --------
    >>> import numpy as np
    >>> data = jpeg(np.zeros((16, 16, 3), np.uint8), Compression(90, False))
    >>> compression_of(data)
    Compression(quality=90, halved=False)
    """
    check_image("image", image)
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    if not compression.halved:
        sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    options = [cv2.IMWRITE_JPEG_QUALITY, round(compression.quality)]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError(f"cannot encode {image.shape} {image.dtype} as JPEG")
    return data.tobytes()
