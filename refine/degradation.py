"""Spoil a good alpha on purpose: the defects that masks come with, drawn from a seed.

What a refiner mends is measured on these, and what judges masks without the truth is taught on
them. Sizes follow the picture's long side and the object's area.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from maskmill.images import Alpha, check_alpha

_Mask = Any  # H x W uint8: OpenCV's stubs lose the dtype of what it returns


def degrade(alpha: Alpha, kind: str, seed: int = 0) -> Alpha:
    """Return the alpha with one kind of defect.

    =============  ===============================================================================
    kind           what it does
    =============  ===============================================================================
    ``holes``      up to 8 ellipses of .03 to 2 % of the object are cut out of its inside
    ``islands``    up to 6 ellipses of .05 to 1.5 % of the object are added to the background
    ``speckle``    1 % of the pixels are flipped, and plus-shaped dots on .08 % more
    ``polygon``    outer outlines as an annotator in a hurry would click them: simplified to 1.6 %
                   of the root of the area, corners off by .3 % of the long side, no inner outlines
    ``stairs``     a mask made hard at 128 x 128 and enlarged without interpolation
    ``net320``     a network's map at 320 x 320: blurred, unsure at its edge, enlarged linearly
    ``net128``     the same at 128 x 128
    ``mixed``      ``net320`` with holes, islands and .4 % of the pixels flipped
    ``halo``       the outline moved outwards by 6 pixels of 800
    ``bitten``     moved inwards by as much
    =============  ===============================================================================

    Parameters
    ----------
    alpha : ndarray, H x W, float32 in [0, 1]
        A good one. Left as it is; all but the network's maps begin with ``alpha >= .5``.
    kind : str
        One of `KINDS`.
    seed : int
        The same seed gives the same defect.

    Returns
    -------
    ndarray, H x W, float32 in [0, 1]
        An alpha without any foreground, or with nothing else, may come back as it was.

    Raises
    ------
    ValueError
        When the alpha is not as described or the kind is unknown.

    Examples
    --------
    >>> alpha = np.zeros((80, 80), np.float32)
    >>> alpha[20:60, 20:60] = 1
    >>> spoilt = degrade(alpha, "islands", seed=3)
    >>> bool((spoilt >= alpha).all()), bool((spoilt > alpha).any())
    (True, True)
    """
    if kind not in _MAKERS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    levels = _MAKERS[kind](np.ascontiguousarray(check_alpha(alpha)), np.random.default_rng(seed))
    return levels.astype(np.float32) / np.float32(255)


def _holes(alpha: Alpha, rng: np.random.Generator) -> _Mask:
    mask = _hard(alpha)
    inside = cv2.erode(mask, _disk(alpha, 5))
    blobs = _blobs(rng, inside, 8, (0.0003, 0.02), int(mask.sum()))
    return (mask & ~(blobs & inside) & 1) * np.uint8(255)


def _islands(alpha: Alpha, rng: np.random.Generator) -> _Mask:
    mask = _hard(alpha)
    outside = cv2.erode(1 - mask, _disk(alpha, 8))
    blobs = _blobs(rng, outside, 6, (0.0005, 0.015), int(mask.sum()))
    return (mask | (blobs & outside)) * np.uint8(255)


def _speckle(alpha: Alpha, rng: np.random.Generator) -> _Mask:
    flips = rng.random(alpha.shape) < 0.01
    seeds = (rng.random(alpha.shape) < 0.0008).astype(np.uint8)
    dots = cv2.dilate(seeds, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
    return (_hard(alpha) ^ (flips | (dots > 0))) * np.uint8(255)


def _polygon(alpha: Alpha, rng: np.random.Generator) -> _Mask:
    mask = _hard(alpha)
    area = int(mask.sum())
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = np.zeros_like(mask)
    for outline in outlines:
        if cv2.contourArea(outline) >= 0.002 * area:
            corners = cv2.approxPolyDP(outline, max(2, 0.016 * np.sqrt(area)), True)
            moved = corners + rng.normal(0, 0.003 * max(mask.shape), corners.shape)
            cv2.fillPoly(drawn, [np.rint(moved).astype(np.int32)], 255)
    return drawn


def _stairs(alpha: Alpha, rng: np.random.Generator) -> _Mask:
    small: Any = cv2.resize(alpha, (128, 128), interpolation=cv2.INTER_AREA)
    height, width = alpha.shape
    return cv2.resize(
        _hard(small) * np.uint8(255), (width, height), interpolation=cv2.INTER_NEAREST
    )


def _network(side: int) -> Callable[[Alpha, np.random.Generator], _Mask]:
    def make(alpha: Alpha, rng: np.random.Generator) -> _Mask:
        small: Any = cv2.resize(alpha, (side, side), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), 1)
        noise = rng.normal(0, 1, small.shape).astype(np.float32)
        doubt = cv2.GaussianBlur(noise, (0, 0), 1.5)
        small = np.clip(small + doubt * small * (1 - small), 0, 1)
        height, width = alpha.shape
        levels = (small * 255).astype(np.uint8)
        return cv2.resize(levels, (width, height), interpolation=cv2.INTER_LINEAR)

    return make


def _mixed(alpha: Alpha, rng: np.random.Generator) -> _Mask:
    area = int(_hard(alpha).sum())
    levels = _network(320)(alpha, rng)
    mask = (levels > 127).astype(np.uint8)
    inside, outside = cv2.erode(mask, _disk(alpha, 5)), cv2.erode(1 - mask, _disk(alpha, 8))
    levels[_blobs(rng, inside, 5, (0.0003, 0.01), area) & inside > 0] = 0
    levels[_blobs(rng, outside, 4, (0.0005, 0.01), area) & outside > 0] = 255
    flips = rng.random(alpha.shape) < 0.004
    return np.where(flips, 255 - levels, levels)


def _halo(alpha: Alpha, rng: np.random.Generator) -> _Mask:
    return cv2.dilate(_hard(alpha), _disk(alpha, 6)) * np.uint8(255)


def _bitten(alpha: Alpha, rng: np.random.Generator) -> _Mask:
    return cv2.erode(_hard(alpha), _disk(alpha, 6)) * np.uint8(255)


_MAKERS: dict[str, Callable[[Alpha, np.random.Generator], Any]] = {
    "holes": _holes,
    "islands": _islands,
    "speckle": _speckle,
    "polygon": _polygon,
    "stairs": _stairs,
    "net320": _network(320),
    "net128": _network(128),
    "mixed": _mixed,
    "halo": _halo,
    "bitten": _bitten,
}

KINDS = tuple(_MAKERS)


def _hard(alpha: Alpha) -> _Mask:
    return (alpha >= 0.5).astype(np.uint8)


def _disk(alpha: Alpha, radius: float) -> _Mask:
    """Return a disk whose radius is given in pixels of a long side of 800."""
    reach = max(1, round(radius * max(alpha.shape) / 800))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return (x * x + y * y <= reach * reach).astype(np.uint8)


def _blobs(
    rng: np.random.Generator, where: _Mask, count: int, share: tuple[float, float], area: int
) -> _Mask:
    """Draw ellipses centred on pixels of `where`, each of a share of `area`."""
    drawn = np.zeros_like(where)
    rows, columns = np.nonzero(where)
    for _ in range(count if rows.size else 0):
        size = area * np.exp(rng.uniform(*np.log(share)))
        place, stretch = rng.integers(rows.size), rng.uniform(0.5, 2)
        axes = [max(1, round(float(np.sqrt(size / np.pi * s)))) for s in (stretch, 1 / stretch)]
        centre = (int(columns[place]), int(rows[place]))
        cv2.ellipse(drawn, centre, axes, rng.uniform(0, 180), 0, 360, 1, -1)
    return drawn
