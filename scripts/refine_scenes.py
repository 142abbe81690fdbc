"""Pictures whose alpha and foreground colours are known: hair before blue light, a mat of cane.

They are drawn at several times their size, strand over strand, in linear light, and averaged: the
share of a pixel that strands cover is its alpha, the mean of their light its colour.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Alpha, Image
from maskmill.light import composite, to_srgb

_FINE = 4  # drawn pixels per pixel and axis
_SHIFT = 4  # bits of a pixel's fraction, in OpenCV's drawing

_Light = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Truth:
    """A photograph, and what is true about it.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
    alpha : ndarray, H x W, float32 in [0, 1]
    foreground : ndarray, H x W x 3, uint8
        Its own colours; only where alpha is above 0.
    """

    image: Image
    alpha: Alpha
    foreground: Image


def before(truth: tuple[Image, Alpha], backdrop: Image) -> Truth:
    """Return a foreground as it is photographed before a backdrop."""
    foreground, alpha = truth
    return Truth(composite(foreground, alpha, backdrop), alpha, foreground)


def lamps(size: int, colour: tuple[int, int, int]) -> Image:
    """Return a wall that a coloured lamp lights from below, dark above."""
    rows, columns = np.mgrid[:size, :size].astype(np.float32) / np.float32(size)
    light = np.exp(-((columns - 0.5) ** 2 + (rows - 0.55) ** 2) / 0.18)
    linear = (np.array(colour, np.float32) / 255) ** 2.2
    return to_srgb((0.01 + light[..., None] * linear).astype(np.float32))


def hair(size: int, seed: int = 0) -> tuple[Image, Alpha]:
    """Draw a head from behind, with brown hair and loose strands; return colours and alpha."""
    rng = np.random.default_rng(seed)

    def strands() -> Iterator[tuple[npt.NDArray[np.float64], tuple[float, ...], int]]:
        along = np.linspace(0, 1, 24)[:, None]
        for number in range(5200):
            loose = number > 3600 and rng.random() < 0.28
            angle = rng.uniform(-2.0, 2.0)
            root = np.array([np.sin(angle) * 0.19, -np.cos(angle) * 0.23]) * rng.uniform(0.1, 1)
            out = np.array([np.sin(angle), -np.cos(angle)])
            down = np.array([rng.normal(0, 0.04), rng.uniform(0.3, 0.5)])
            reach = rng.uniform(0.10, 0.34) if loose else rng.uniform(0.03, 0.11)
            path = root + out * reach * np.sin(along * rng.uniform(1.5, 2.4)) + down * along**1.6
            wave = rng.uniform(0.002, 0.016) * (2 if loose else 1)
            phase, turns = rng.uniform(0, 2 * np.pi), rng.uniform(3, 9)
            path[:, :1] += wave * along * np.sin(phase + turns * along)
            shade = rng.uniform(0.5, 1.15) * (0.55 + 0.45 * number / 5200)
            brown = np.array([0.23, 0.115, 0.05]) * shade * rng.uniform(0.9, 1.1, 3)
            yield path + np.array([0.5, 0.4]), tuple(brown), 1 if loose or number > 3000 else 3

    def under(light: _Light, cover: npt.NDArray[np.uint8]) -> None:
        side = light.shape[0]
        for centre, axes in (((0.5, 0.44), (0.2, 0.26)), ((0.5, 1.06), (0.44, 0.24))):
            middle = tuple(round(part * side) for part in centre)
            half = tuple(round(part * side) for part in axes)
            colour = (0.05, 0.025, 0.012) if centre[1] < 0.5 else (0.2, 0.05, 0.06)
            cv2.ellipse(light, middle, half, 0, 0, 360, colour, -1)
            cv2.ellipse(cover, middle, half, 0, 0, 360, 255, -1)

    return _drawn(size, strands(), under)


def basket(size: int, seed: int = 0) -> tuple[Image, Alpha]:
    """Draw a mat of cane with gaps of some pixels; return colours and alpha."""
    rng = np.random.default_rng(seed)

    def canes() -> Iterator[tuple[npt.NDArray[np.float64], tuple[float, ...], int]]:
        along = np.linspace(0, 1, 60)
        straight = 0.1 + 0.8 * along
        number = 56
        for order in (1, -1):
            for index in range(number):
                at = 0.12 + 0.76 * (index + 0.5) / number
                bent = at + 0.003 * np.sin(2 * np.pi * (along * 3 + rng.uniform()))
                cane = np.array([0.5, 0.3, 0.13]) * rng.uniform(0.4, 1.2)
                yield np.stack((straight, bent)[::order], axis=1), tuple(cane), 8

    def under(light: _Light, cover: npt.NDArray[np.uint8]) -> None:
        side = light.shape[0]
        frame = (round(0.1 * side), round(0.9 * side))
        cv2.rectangle(light, frame[:1] * 2, frame[1:] * 2, (0.22, 0.1, 0.04), side // 40)
        cv2.rectangle(cover, frame[:1] * 2, frame[1:] * 2, 255, side // 40)

    return _drawn(size, canes(), under)


def _drawn(
    size: int,
    lines: Iterator[tuple[npt.NDArray[np.float64], tuple[float, ...], int]],
    under: Callable[[_Light, npt.NDArray[np.uint8]], None],
) -> tuple[Image, Alpha]:
    """Draw lines (points as shares of the side, linear colour, width) over what is under them."""
    side = size * _FINE
    light = np.zeros((side, side, 3), np.float32)
    cover = np.zeros((side, side), np.uint8)
    under(light, cover)
    for path, colour, width in lines:
        points = np.rint(path * side * (1 << _SHIFT)).astype(np.int32)
        cv2.polylines(light, [points], False, colour, width, shift=_SHIFT)
        cv2.polylines(cover, [points], False, 255, width, shift=_SHIFT)
    small = (size, size)
    amount = np.asarray(cv2.resize(cover, small, interpolation=cv2.INTER_AREA), np.float32)
    alpha = amount / np.float32(255)
    mean = np.asarray(cv2.resize(light, small, interpolation=cv2.INTER_AREA), np.float32)
    colours = mean / np.maximum(alpha, np.float32(1e-3))[..., None]
    return to_srgb(colours.astype(np.float32, copy=False)), alpha
