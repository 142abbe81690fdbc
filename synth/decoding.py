"""Read a foreground with the transparency that the door takes off, a background in less time."""

import io
import warnings
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageOps

from maskmill.door import Refused, admit
from maskmill.images import Image, decode_image

MAX_PIXELS = 50_000_000
"""Of a foreground: as a layer, each takes 16 bytes."""

_REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_PLAIN = {"alpha_removed", "was_16bit", "re_encoded"}


def decode_foreground(data: bytes) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Decode a picture with a transparent background as upright sRGB.

    Parameters
    ----------
    data : bytes
        A PNG or any other file that `maskmill.door.admit` takes. An RGBA PNG of 16 bits keeps
        them; palettes, grey, ICC profiles and EXIF orientations come out as 8-bit sRGB.

    Returns
    -------
    ndarray, H x W x 4, uint8 or uint16
        RGBA, not premultiplied.

    Raises
    ------
    maskmill.door.Refused
        As the door does; ``no_alpha`` when nothing of it is transparent, and ``empty_alpha`` when
        everything is.

    Examples
    --------
    >>> done, data = cv2.imencode(".png", np.uint16([[[0, 0, 65535, 300], [0, 0, 0, 0]]]))
    >>> decode_foreground(data.tobytes()).tolist()
    [[[65535, 0, 0, 300], [0, 0, 0, 0]]]
    """
    admitted = admit(data, max_pixels=MAX_PIXELS)
    tags = set(admitted.tags)
    if "alpha_removed" not in tags:
        raise Refused("no_alpha", {"coverage": 1.0})
    if tags <= _PLAIN and data.startswith(b"\x89PNG") and data[25] == 6:  # 8 or 16 bits of RGBA
        levels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if levels is None or levels.shape != (admitted.height, admitted.width, 4):
            raise Refused("unreadable")
        rgba: Any = cv2.cvtColor(levels, cv2.COLOR_BGRA2RGBA)
    else:
        alpha = _transparency(data, turned="exif_rotated" in tags)
        if alpha.shape != (admitted.height, admitted.width):
            raise Refused("unreadable")
        rgba = np.dstack([decode_image(admitted.image_bytes), alpha])
    if not rgba[..., 3].any():
        raise Refused("empty_alpha", {"peak": 0.0})
    if rgba[..., 3].min() == np.iinfo(rgba.dtype).max:
        raise Refused("no_alpha", {"coverage": 1.0})
    return rgba


def decode_shrunk(data: bytes, most: int) -> Image:
    """Decode a photograph that is needed at 1/`most` of its size or larger.

    Of a JPEG only the coarse half, quarter or eighth of the coefficients is decoded, which averages
    pixels and takes a fraction of the time; the rest is averaged by area.

    Parameters
    ----------
    data : bytes
        What the door has let through.
    most : int
        Whole number by which both sides may be divided; 1 or less: as it is.

    Returns
    -------
    ndarray, H x W x 3, uint8

    Examples
    --------
    >>> done, data = cv2.imencode(".jpg", np.full((100, 60, 3), 90, np.uint8))
    >>> decode_shrunk(data.tobytes(), 5).shape, decode_shrunk(data.tobytes(), 0).shape
    ((25, 15, 3), (100, 60, 3))
    """
    coarse = max((step for step in _REDUCED if step <= most), default=1)
    if coarse > 1 and data.startswith(b"\xff\xd8\xff"):
        flags = _REDUCED[coarse] | cv2.IMREAD_IGNORE_ORIENTATION
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        if bgr is None:
            raise Refused("unreadable")
        image = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
        most //= coarse
    else:
        image = decode_image(data)
    if most < 2:
        return image
    height, width = image.shape[0] // most, image.shape[1] // most
    part = image[: height * most, : width * most]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _transparency(data: bytes, *, turned: bool) -> npt.NDArray[np.uint8]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Pillow warns of, the door has judged
        with Pillow.open(io.BytesIO(data)) as picture:
            straight = picture.convert({"La": "LA", "RGBa": "RGBA"}.get(picture.mode, picture.mode))
            alpha = straight.convert("RGBA").getchannel("A")
            if turned and picture.format != "TIFF":  # which Pillow has turned while loading it
                alpha.info["exif"] = picture.getexif().tobytes()
                alpha = ImageOps.exif_transpose(alpha)
            return np.asarray(alpha, np.uint8)
