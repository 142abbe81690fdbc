"""Find a clip of little texture in its photograph: colour correlation at every place and scale.

Normalised cross-correlation under a mask, by Fourier transforms: D. Padfield, "Masked object
registration in the Fourier domain", IEEE TIP 2012, equations 14 to 23, with the mask on the clip.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np

from maskmill.images import Image

from .channels import total
from .geometry import Matrix, corners_of, inverse, resizing, shifting
from .support import Mask

SIDE = 160
"""Long side in pixels of the photograph that is searched."""
SCALES = 32
STEP = 0.055
"""Logarithm of the ratio of neighbouring scales: 32 of them reach down to a sixth."""
LEAST_PIXELS = 40
INSIDE = 0.9
"""Share of the clip that must lie within the photograph."""


class Place(NamedTuple):
    """A transform from the photograph to the clip, and the correlation there."""

    correlation: float
    to_clip: Matrix


def sizes(within: tuple[int, int], width: int, height: int) -> Iterator[tuple[int, int]]:
    """Yield the sizes at which something of width x height is looked for, the largest first."""
    largest = 1.1 * min(within[0] / width, within[1] / height)
    for scale in largest * np.exp(-STEP * np.arange(SCALES)):
        wide, high = max(6, round(width * scale)), max(6, round(height * scale))
        if wide * high >= 150:
            yield wide, high


def peak(values: Any, size: tuple[int, int]) -> tuple[int, int, float]:
    """Return the shift (across, down) of the greatest value, and it; shifts wrap beyond `size`."""
    y, x = np.unravel_index(int(values.argmax()), values.shape)
    down = int(y) if y < size[1] else int(y) - values.shape[0]
    across = int(x) if x < size[0] else int(x) - values.shape[1]
    return across, down, float(values[y, x])


def places(original: Image, clip: Image, support: Mask, most: int = 4) -> list[Place]:
    """Return the best place at each of the best scales, the best first."""
    from scipy import fft

    (left, top), _, (right, bottom), _ = corners_of(support).astype(int)
    box = np.s_[top : bottom + 1, left : right + 1]
    part, mask = clip[box], support[box].astype(np.uint8) * np.uint8(255)
    height, width = mask.shape
    shrink = min(1.0, SIDE / max(original.shape[:2]))
    size = (max(1, round(original.shape[1] * shrink)), max(1, round(original.shape[0] * shrink)))
    small = cv2.resize(original, size, interpolation=cv2.INTER_AREA).astype(np.float32) - 128
    shape: Any = tuple(fft.next_fast_len(int(1.6 * side), True) for side in size[::-1])

    def spectrum(array: Any) -> Any:
        return fft.rfft2(np.asarray(array, np.float32), shape)

    def back(array: Any) -> Any:
        return fft.irfft2(array, shape)

    colours = [spectrum(small[..., channel]) for channel in range(3)]
    powers = spectrum(total(small * small))
    ones = spectrum(np.ones(small.shape[:2]))
    found: list[Place] = []
    for wide, high in sizes(size, width, height):
        target = cv2.resize(part, (wide, high), interpolation=cv2.INTER_AREA).astype(np.float32)
        shown = (cv2.resize(mask, (wide, high), interpolation=cv2.INTER_AREA) > 200).astype("f4")
        count = float(shown.sum())
        if count < LEAST_PIXELS:
            continue
        target -= (target * shown[..., None]).sum(axis=(0, 1)) / count
        target *= shown[..., None]
        where = np.conj(spectrum(shown))
        under = back(ones * where)
        products = back(
            sum(colours[channel] * np.conj(spectrum(target[..., channel])) for channel in range(3))
        )
        means = sum(np.square(back(colour * where)) for colour in colours) / count
        spread = np.maximum(back(powers * where) - means, 0)
        alike = products / np.sqrt(np.maximum(spread * float((target * target).sum()), 0.1))
        alike[under < INSIDE * count] = -1
        across, down, value = peak(alike, size)
        to_small = shifting(across, down) @ resizing((width, height), (wide, high))
        from_clip = to_small @ shifting(-left, -top)
        reducing = resizing((original.shape[1], original.shape[0]), size)
        to_clip = inverse(inverse(reducing) @ from_clip)
        found.append(Place(value, to_clip))
    return sorted(found, key=lambda place: -place.correlation)[:most]
