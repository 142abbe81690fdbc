"""Exposure, tint, monochrome tones and grain: what makes one photograph of several."""

from collections.abc import Sequence

import cv2
import numpy as np

from maskmill.images import Image
from maskmill.light import to_linear, to_srgb

_LUMINANCE = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709, of linear light
_LEVELS = np.arange(256, dtype=np.uint8)

TONES = ((1.0, 1.0, 1.0), (0.9, 1.0, 1.2), (1.08, 1.0, 0.92))
"""Exponents of red, green and blue: neutral, brown, blue."""


def exposed(pixels: Image, gain: float) -> Image:
    """Return a picture, H x W x 3 uint8, under `gain` times its light.

    Examples
    --------
    >>> exposed(np.full((1, 1, 3), 188, np.uint8), 0.5).ravel().tolist()
    [137, 137, 137]
    """
    table = to_srgb(to_linear(_LEVELS) * np.float32(gain))
    return cv2.LUT(pixels, table).astype(np.uint8)


def tinted(pixels: Image, tint: Sequence[float]) -> Image:
    """Return a grey picture, H x W x 3 uint8, in light of a colour, as bright as before.

    Examples
    --------
    >>> tinted(np.full((1, 1, 3), 100, np.uint8), (1.0, 0.5, 0.4)).ravel().tolist()
    [127, 92, 82]
    """
    weights = np.asarray(tint, np.float32) / np.float32(np.dot(tint, _LUMINANCE))
    table = to_srgb((to_linear(_LEVELS)[:, None] * weights).astype(np.float32))
    return table[pixels[..., 0]]


def toned(pixels: Image, tone: Sequence[float]) -> Image:
    """Return a picture, H x W x 3 uint8, in monochrome; `tone` is one of `TONES`.

    Examples
    --------
    >>> toned(np.uint8([[[255, 0, 0]]]), TONES[0]).ravel().tolist()
    [127, 127, 127]
    """
    grey = to_srgb(to_linear(pixels) @ np.asarray(_LUMINANCE, np.float32))
    curves = (_LEVELS[:, None] / np.float32(255)) ** np.asarray(tone, np.float32)
    return np.rint(curves * 255).astype(np.uint8)[grey]


def grained(pixels: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return a picture, H x W x 3 uint8, with grain of a standard deviation of `strength` levels.

    Layers of different sharpness look like one photograph under it.
    """
    noise = rng.standard_normal(pixels.shape[:2], dtype=np.float32) * np.float32(strength)
    return np.clip(np.rint(pixels + noise[..., None]), 0, 255).astype(np.uint8)
