"""What a clip shows of the object: where it is certainly not canvas."""

from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Image

from .channels import greatest, least, mean

Mask = npt.NDArray[np.bool_]

CANVAS = 238
"""The darkest level of a canvas that is taken for white."""
TOLERANCE = 8
"""Levels by which JPEG and noise let a canvas vary."""
SHADOW_TINT, SHADOW_DARKEST, SHADOW_STEEPEST = 0.035, 0.5, 0.05
"""Shares of the canvas's level: how far a shadow's channels differ, how dark it is, how steep."""
LEAVES = 0.5
"""Share of what is off the canvas that must be left for the rest not to count as object."""
LEAST_OPENING = 0.002
"""Share of the object from which a patch as light as the canvas may be an opening in it."""
LEAST_PART = 0.002
"""Parts smaller than this share of the largest are specks of compression."""


class Clip(NamedTuple):
    """A clip that was brought to three channels of eight bits.

    Parameters
    ----------
    image : ndarray, h x w x 3, uint8
        RGB; where it was transparent, over white.
    support : ndarray, h x w, bool
        Where the object shows.
    grey : bool
        Whether it has no colours: it is compared with the photograph's luma then.
    """

    image: Image
    support: Mask
    grey: bool


def clip_of(clipped: npt.NDArray[np.generic]) -> Clip:
    """Read a clip of any form.

    Parameters
    ----------
    clipped : ndarray, uint8 or uint16
        h x w grey, h x w x 3 RGB or h x w x 4 RGBA.

    Raises
    ------
    ValueError
        When the array is none of these.

    Examples
    --------
    >>> clipped = np.full((20, 20), 255, np.uint8)
    >>> clipped[5:15, 5:15] = 90
    >>> clip = clip_of(clipped)
    >>> clip.image.shape, int(clip.support.sum()), clip.grey
    ((20, 20, 3), 100, True)
    """
    levels = eight_bits(clipped, "clipped")
    alpha = None
    if levels.ndim == 3 and levels.shape[2] == 4:
        alpha = levels[..., 3].astype(np.float32) / np.float32(255)
        weight = alpha[..., None]
        image = np.rint(levels[..., :3] * weight + 255 * (1 - weight)).astype(np.uint8)
        if alpha.min() == 1:
            alpha = None
    else:
        image = np.ascontiguousarray(levels)
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)
    low, high = least(image), greatest(image)
    grey = bool((high - low).max() <= 2)
    support = alpha > 0.5 if alpha is not None else _object_of(image, low)
    return Clip(image, _without_specks(support), grey)


def eight_bits(array: npt.NDArray[Any], name: str) -> Any:
    """Return a picture's levels as uint8, or say what is wrong with it.

    Examples
    --------
    >>> eight_bits(np.uint16([[65535, 257]]), "original").tolist()
    [[255, 1]]
    """
    shaped = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if array.dtype.name not in ("uint8", "uint16") or not shaped or array.size == 0:
        raise ValueError(
            f"{name} must be H x W, H x W x 3 or H x W x 4 of uint8 or uint16, "
            f"got {array.shape} {array.dtype}"
        )
    if array.dtype == np.uint8:
        return array
    return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)


def rgb(original: npt.NDArray[np.generic]) -> Image:
    """Return a photograph's three channels of eight bits; what is transparent counts as it is."""
    levels = eight_bits(original, "original")
    if levels.ndim == 2:
        return cv2.cvtColor(levels, cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)
    return np.ascontiguousarray(levels[..., :3])


def canvas_of(image: Image) -> npt.NDArray[np.float64]:
    """Return the colour of a clip's canvas: the usual one along its frame, or white.

    Examples
    --------
    >>> canvas_of(np.full((9, 9, 3), 250, np.uint8)).tolist()
    [250.0, 250.0, 250.0]
    """
    frame = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    light = frame[frame.min(axis=1) >= CANVAS]
    if len(light) < 0.25 * len(frame):
        return np.full(3, 255.0)
    return np.median(light, axis=0).astype(np.float64)


def _object_of(image: Image, low: npt.NDArray[np.uint8]) -> Mask:
    support = _off_canvas(image, low)
    for left in (_without_openings(support, image, low), _without_shadow(support, image)):
        both = support & left
        if both.sum() >= LEAVES * support.sum():
            support = both
    return support


def light_grey(image: Image) -> Mask:
    """Return where a clip may show a shadow on its canvas."""
    share = image.astype(np.float32) / canvas_of(image).astype(np.float32)
    tint = greatest(share) - least(share)
    return (cv2.blur(tint, (3, 3)) < 2 * SHADOW_TINT) & (mean(share) > SHADOW_DARKEST)


def _off_canvas(image: Image, low: npt.NDArray[np.uint8]) -> Mask:
    floor = canvas_of(image).min() - TOLERANCE
    light = np.pad((low >= floor).astype(np.uint8), 1, constant_values=1)
    _, parts = cv2.connectedComponents(light, connectivity=4)
    found = (parts != parts[0, 0])[1:-1, 1:-1].astype(np.uint8)
    cross = np.ones((3, 3), np.uint8)
    return cv2.morphologyEx(found, cv2.MORPH_OPEN, cross).astype(bool)


def _without_openings(support: Mask, image: Image, low: npt.NDArray[np.uint8]) -> Mask:
    """Leave out enclosed patches that look like the canvas: between legs, under a handle.

    A white label looks the same. It says little about places; what surrounds it says enough.
    """
    light = support & (low >= canvas_of(image).min() - TOLERANCE)
    light = cv2.morphologyEx(light.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    found: Any = cv2.connectedComponentsWithStats(light, connectivity=4)
    _, parts, stats, _ = found
    large = stats[:, cv2.CC_STAT_AREA] >= max(9, LEAST_OPENING * support.sum())
    large[0] = False
    opening = cv2.dilate(large[parts].astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return support & ~opening


def _without_shadow(support: Mask, image: Image) -> Mask:
    """Leave out what may be the shadow on the canvas: grey, smooth, and next to it.

    A white object may look the same in places.
    """
    canvas = canvas_of(image)
    share = image.astype(np.float32) / canvas.astype(np.float32)
    tint = greatest(share) - least(share)
    luma: Any = cv2.GaussianBlur(mean(share), (0, 0), 1)
    steep = cv2.morphologyEx(luma, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    grey = (tint < SHADOW_TINT) & (luma > SHADOW_DARKEST) & (steep < SHADOW_STEEPEST)
    open_to = np.pad((grey & support) | ~support, 1, constant_values=True).astype(np.uint8)
    _, parts = cv2.connectedComponents(open_to, connectivity=4)
    left = support & (parts != parts[0, 0])[1:-1, 1:-1]
    return cv2.morphologyEx(left.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0


def _without_specks(support: Mask) -> Mask:
    found: Any = cv2.connectedComponentsWithStats(support.astype(np.uint8))
    count, parts, stats, _ = found
    if count < 2:
        return support
    areas = stats[:, cv2.CC_STAT_AREA]
    kept = areas >= max(16, LEAST_PART * areas[1:].max())
    kept[0] = False
    return kept[parts]
