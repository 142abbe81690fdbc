"""The door: every encoded picture becomes upright 8-bit sRGB here, once, or is refused with a reason.

What already is upright 8-bit sRGB in a JPEG, PNG or WebP passes byte for byte.
"""

import contextlib
import functools
import io
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageFile

from .images import decode_image, encode_image

_PASSING = ("JPEG", "MPO", "PNG", "WEBP")
_READABLE = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
_PNG = b"\x89PNG\r\n\x1a\n"

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# The sRGB profiles of HP, Canon and Nikon differ from each other by one level of 255; the profiles
# that are nearest to sRGB without being it (gamma 2.2 on its primaries) by six.
_SRGB_TOLERANCE = 2

_quiet = threading.Lock()


@dataclass(frozen=True, slots=True)
class Admitted:
    """A picture that the door let through.

    Parameters
    ----------
    image_bytes : bytes
        Upright sRGB, 8 bits per channel: the file as it came, or a PNG where it had to be changed.
    height, width : int
        Size in pixels, upright.
    tags : tuple of str
        What was done: ``exif_rotated``, ``was_grey``, ``was_palette``, ``was_cmyk``, ``was_16bit``,
        ``icc_converted``, ``icc_ignored`` (a profile that is broken or of another kind of picture),
        ``alpha_removed``, and ``re_encoded`` whenever the bytes are not those of the file.
    """

    image_bytes: bytes = field(repr=False)
    height: int
    width: int
    tags: tuple[str, ...] = ()


class Refused(Exception):  # noqa: N818  (bad data is an everyday answer of the door, not an error)
    """The picture cannot be used, and why.

    Parameters
    ----------
    reason : str
        ``empty_file``, ``unreadable`` (none of the formats, or broken), ``truncated``,
        ``too_many_pixels``, ``animated`` (or of several pages) or ``unsupported_mode``
        (float, 32-bit and Lab pixels).
    values : mapping of str to float
        The numbers behind it.
    """

    def __init__(self, reason: str, values: Mapping[str, float] | None = None) -> None:
        super().__init__(reason, values)
        self.reason = reason
        self.values: Mapping[str, float] = dict(values or {})


def admit(data: bytes, *, max_pixels: int = 100_000_000) -> Admitted:
    """Let an encoded picture in.

    An upright 8-bit sRGB (or untagged) RGB picture in a JPEG, PNG or WebP passes byte for byte.
    A rotated, grey, palette, CMYK or 16-bit one, one with alpha, with another ICC profile, or in a
    TIFF or BMP is made upright 8-bit sRGB and encoded losslessly, once. Everything is decoded
    completely, so what passes decodes later.

    Parameters
    ----------
    data : bytes
        The file. The first picture of a multi-picture JPEG (MPO) counts.
    max_pixels : int
        Above it a picture is refused from its header, before any pixel is decoded. Pillow's own
        ceiling of 179 million pixels holds as well.

    Returns
    -------
    Admitted

    Raises
    ------
    Refused
        With the reason and its numbers.

    Notes
    -----
    ICC conversion: relative colorimetric with black point compensation. CMYK JPEGs are inverted, as
    Adobe writes them; without a profile CMYK becomes RGB by complement. 16-bit levels are rounded
    to the nearest 8-bit level, except in colour TIFFs, whose upper byte is taken. Alpha is dropped,
    not composited.

    Examples
    --------
    >>> data = encode_image(np.zeros((2, 3, 3), np.uint8))
    >>> door = admit(data)
    >>> door.image_bytes == data, door.height, door.width, door.tags
    (True, 2, 3, ())
    >>> admit(data[:-20])
    Traceback (most recent call last):
        ...
    maskmill.door.Refused: ('truncated', None)
    """
    if max_pixels < 1:
        raise ValueError(f"max_pixels must be at least 1, got {max_pixels}")
    if not data:
        raise Refused("empty_file")
    with _strict_and_quiet():
        picture = _open(data, max_pixels)
        tags = ["exif_rotated"] if _orientation(picture) in _UPRIGHT else []
        _load(picture, data)
        picture = _eight_bits(picture, data, tags)
        picture = _colours(picture, tags)
        turn = _UPRIGHT.get(_orientation(picture))  # TIFFs have been turned while loading
        changed = tags != [tag for tag in tags if tag == "icc_ignored"]
        if picture.format in _PASSING and not changed:
            _check_decodes(data, picture)
            return Admitted(data, picture.height, picture.width, tuple(tags))
        upright = picture if turn is None else picture.transpose(turn)
        pixels = np.asarray(upright)
    return Admitted(encode_image(pixels), *pixels.shape[:2], (*tags, "re_encoded"))
