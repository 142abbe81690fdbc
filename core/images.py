"""Encoded bytes to arrays and back: the one place that says how maskmill decodes.

Images are RGB, H x W x 3, uint8. Alphas are H x W, float32 in [0, 1] in numeric code and 8- or
16-bit single-channel PNG in files. Arrays that are handed out are read-only, so that samples can
share them.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Alpha = npt.NDArray[np.float32]


def decode_image(data: bytes) -> Image:
    """Decode an encoded photograph.

    Parameters
    ----------
    data : bytes
        JPEG, PNG or WebP. EXIF orientation is ignored: the door has applied it already.

    Returns
    -------
    ndarray, H x W x 3, uint8
        RGB, read-only.

    Raises
    ------
    ValueError
        When the bytes are not a picture that OpenCV can decode.

    Examples
    --------
    >>> red = np.zeros((2, 3, 3), np.uint8); red[..., 0] = 255
    >>> decode_image(encode_image(red))[0, 0].tolist()
    [255, 0, 0]
    """
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    if bgr is None:
        raise ValueError(f"image must be an encoded JPEG, PNG or WebP, got {len(data)} bytes")
    image = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, dst=bgr).astype(np.uint8, copy=False)
    image.setflags(write=False)
    return image


def encode_image(image: Image) -> bytes:
    r"""Encode RGB, H x W x 3, uint8 losslessly as PNG.

    Examples
    --------
    >>> encode_image(np.zeros((2, 2, 3), np.uint8))[:4]
    b'\x89PNG'
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image must be H x W x 3 uint8, got {image.shape} {image.dtype}")
    return _encode_png(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


def decode_alpha(data: bytes) -> Alpha:
    """Decode a single-channel 8- or 16-bit alpha.

    Parameters
    ----------
    data : bytes
        Encoded single-channel picture, usually PNG.

    Returns
    -------
    ndarray, H x W, float32 in [0, 1]
        Read-only.

    Examples
    --------
    >>> decode_alpha(encode_alpha(np.float32([[0, 0.5, 1]]), bits=16)).round(4).tolist()
    [[0.0, 0.5, 1.0]]
    """
    levels = decode_levels(data)
    alpha = levels.astype(np.float32) / np.float32(np.iinfo(levels.dtype).max)
    alpha.setflags(write=False)
    return alpha


def decode_levels(data: bytes) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Decode an alpha to its stored integer levels, H x W, uint8 or uint16.

    Examples
    --------
    >>> decode_levels(encode_alpha(np.float32([[0, 1]]))).tolist()
    [[0, 255]]
    """
    flags = cv2.IMREAD_UNCHANGED
    levels: Any = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    if levels is None:
        raise ValueError(f"alpha must be an encoded picture, got {len(data)} bytes")
    if levels.ndim != 2 or levels.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"alpha must be one channel of 8 or 16 bits, got {levels.shape} {levels.dtype}"
        )
    return levels


def encode_alpha(alpha: Alpha, bits: int = 8) -> bytes:
    """Quantise an alpha and encode it as PNG.

    Parameters
    ----------
    alpha : ndarray, H x W, float32 in [0, 1]
        Rounded to the nearest level.
    bits : int
        8 or 16.

    Examples
    --------
    >>> decode_alpha(encode_alpha(np.float32([[0.25]]))).tolist()
    [[0.250980406999588]]
    """
    if bits not in (8, 16):
        raise ValueError(f"bits must be 8 or 16, got {bits}")
    top = (1 << bits) - 1
    levels = np.rint(check_alpha(alpha) * np.float32(top))
    return _encode_png(levels.astype(np.uint8 if bits == 8 else np.uint16))


def check_alpha(alpha: npt.NDArray[np.generic], shape: tuple[int, int] | None = None) -> Alpha:
    """Return `alpha` if it is H x W float32 in [0, 1] (and of `shape`, if given), else raise.

    Examples
    --------
    >>> check_alpha(np.uint8([[255]]))
    Traceback (most recent call last):
        ...
    ValueError: alpha must be H x W float32 in [0, 1], got (1, 1) uint8; divide levels by 255
    """
    if alpha.dtype != np.float32 or alpha.ndim != 2 or alpha.size == 0:
        hint = "; divide levels by 255" if alpha.dtype == np.uint8 else ""
        raise ValueError(
            f"alpha must be H x W float32 in [0, 1], got {alpha.shape} {alpha.dtype}{hint}"
        )
    if shape is not None and alpha.shape != shape:
        raise ValueError(f"alpha must have the image's shape {shape}, got {alpha.shape}")
    low, high = float(alpha.min()), float(alpha.max())
    if not (low >= 0.0 and high <= 1.0):  # also false for NaN
        raise ValueError(f"alpha must lie in [0, 1], got values from {low} to {high}")
    return alpha  # pyright: ignore[reportReturnType]  (the dtype was just checked)


def _encode_png(array: Any) -> bytes:
    done, data = cv2.imencode(".png", array)
    if not done:
        raise ValueError(f"cannot encode {array.shape} {array.dtype} as PNG")
    return data.tobytes()
