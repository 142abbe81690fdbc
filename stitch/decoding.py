"""Read a clip's file: the door's rules, with the transparency that the door takes off."""

import io
import warnings

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageOps

from maskmill.door import Admitted, Refused, admit
from maskmill.images import Image, decode_image


def decode_clip(data: bytes) -> Image:
    """Decode a clip as upright sRGB, keeping its transparency.

    Parameters
    ----------
    data : bytes
        A file of any form that `maskmill.door.admit` takes: JPEG, PNG, WebP, TIFF or BMP; grey,
        palette, CMYK, of 8 or 16 bits, with an EXIF orientation, with an ICC profile.

    Returns
    -------
    ndarray, H x W x 3 or H x W x 4, uint8
        RGB, or RGBA (not premultiplied) where a pixel of it is transparent. A transparency that is
        opaque everywhere is left out: such a clip has its canvas in its colours.

    Raises
    ------
    maskmill.door.Refused
        As the door does: ``animated``, ``truncated``, ``too_many_pixels``, ...

    Examples
    --------
    >>> import cv2
    >>> done, data = cv2.imencode(".png", np.uint8([[[0, 0, 255, 128], [0, 0, 0, 0]]]))
    >>> decode_clip(data.tobytes()).tolist()
    [[[255, 0, 0, 128], [0, 0, 0, 0]]]
    """
    return read_clip(data, admit(data))


def read_clip(data: bytes, admitted: Admitted) -> Image:
    """Return what `decode_clip` does of a file that the door has let in already."""
    image = decode_image(admitted.image_bytes)
    if "alpha_removed" not in admitted.tags:
        return image
    alpha = _transparency(data, turned="exif_rotated" in admitted.tags)
    if alpha.shape != image.shape[:2]:
        raise Refused("unreadable")
    if alpha.min() == 255:
        return image
    return np.dstack([image, alpha])


def _transparency(data: bytes, *, turned: bool) -> npt.NDArray[np.uint8]:
    """Return the alpha of a file, upright; of 16 bits the upper 8, as Pillow cuts them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Pillow warns of, the door has judged
        with Pillow.open(io.BytesIO(data)) as picture:
            straight = picture.convert({"La": "LA", "RGBa": "RGBA"}.get(picture.mode, picture.mode))
            alpha = straight.convert("RGBA").getchannel("A")
            if turned and picture.format != "TIFF":  # which Pillow has turned while loading it
                alpha.info["exif"] = picture.getexif().tobytes()
                alpha = ImageOps.exif_transpose(alpha)
            return np.asarray(alpha, np.uint8)
