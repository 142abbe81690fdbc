"""Judge whether a clip was cut from a photograph, by everything that both show."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Image

from .channels import greatest, mean
from .colour_map import fitted
from .geometry import Matrix, corners_of, inverse, mapped, resizing, scale_of, shifting
from .photometric import around_clip, gradients, reduced_to, settle
from .support import LEAVES, Mask, light_grey

SIDE = 700
"""Long side in pixels at which larger clips are judged."""
TILES = 8
"""Tiles along the long side; they overlap by half."""
PLAIN = 2.0
"""Standard deviation in levels below which a tile shows nothing."""
DETAIL = 5.0
"""Standard deviation in pixels of the blur that is taken off: shading says nothing about places."""

HOPELESS = 0.5
"""Typical correlation at which a pair is refused whatever else it shows."""
DIFFERS = 14.0
"""Levels by which a shadow differs from what the photograph shows in its place."""
DISAGREES, SPREAD = 10.0, 3.0
"""Levels, and how many times what is usual, by which colours do not belong to the same thing."""
MOST_AMISS = 64.0
"""Levels beyond which colours do not differ any more."""

Floats = npt.NDArray[np.float32]
Reals = npt.NDArray[np.float64]

THRESHOLD = 0.5
"""Score from which an alignment is accepted; `scripts/calibrate_stitch.py` draws the curve."""
LEAST_TILES = 3
"""Tiles with detail below which a clip is judged by its shading alone."""
LIMITS = {"bend": 1.3, "bend_share": 0.012, "shift": 0.3}
"""The most that a true pair shows: clip pixels, share of the object's size, clip pixels."""
FLOORS = {"typical": 0.9, "weak": 0.3, "correlation": 0.6, "inside": 0.85, "outline": 0.7}
"""The least that a true pair shows."""
SHADED = 0.92
"""The least correlation of an object without detail."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """How a clip compares with the photograph under it.

    Of a clip that was enlarged, bend, size and shifts are in the photograph's pixels.

    Parameters
    ----------
    tiles : ndarray, n x 5, float64
        One row for each tile with detail: x and y of its centre in clip pixels, correlation of the
        detail in [-1, 1], the shift that is left in clip pixels, the detail's standard deviation in
        levels.
    correlation : float
        Of the whole object's luma.
    inside : float
        Share of the object that lies within the photograph.
    residual, residual_90 : float
        Median and 90th percentile of the colours' difference, in levels, after the colour map.
    bend : float
        Clip pixels by which a homography would move the object's corners: what a similarity cannot
        explain; infinite where the tiles rule the pair out already.
    size : float
        Long side of the object in clip pixels.
    outline : float
        Share of the outline that lies on the photograph's edges; NaN where it was not needed.
    """

    tiles: npt.NDArray[np.float64]
    correlation: float
    inside: float
    residual: float
    residual_90: float
    bend: float
    size: float
    outline: float = float("nan")

    @property
    def typical(self) -> float:
        """Median correlation of the tiles; -1 where there are none."""
        return float(np.median(self.tiles[:, 2])) if len(self.tiles) else -1.0

    @property
    def weak(self) -> float:
        """Correlation that a fifth of the tiles stay below."""
        return float(np.percentile(self.tiles[:, 2], 20)) if len(self.tiles) else -1.0

    @property
    def shift(self) -> float:
        """Clip pixels that half of the tiles are shifted by or more; 0 where no tile tells."""
        shifts = self.tiles[:, 3][np.isfinite(self.tiles[:, 3])]
        return float(np.median(shifts)) if len(shifts) else 0.0


def evidence(
    original: Image, clip: Image, support: Mask, to_clip: Matrix, bending: bool = True
) -> Evidence:
    """Lay the photograph under a clip and compare them.

    Parameters
    ----------
    original, clip : ndarray, H x W x 3, uint8
    support : ndarray, bool
        Pixels of the clip that show the object.
    to_clip : ndarray, 3 x 3
        From the photograph's pixel centres to the clip's.
    bending : bool
        Whether to tell its bend, which costs most; without, it is infinite.
    """
    size = float(np.ptp(corners_of(support), axis=0).max() + 1)
    none = Evidence(np.zeros((0, 5)), -1.0, 0.0, 255.0, 255.0, np.inf, size)
    local = _local(clip, support, to_clip)
    under = _under(original, local.to_clip, local.clip.shape)
    if under is None:
        return none
    warped, there = under
    inside = float((there & local.support).sum() / local.support.sum())
    inner = _inner(there & local.support)
    if inner.sum() < 50:
        return none
    seen = local.clip.astype(np.float32)
    expected = np.clip(fitted(warped, seen, inner)(warped), 0, 255)
    expected = np.where(inner[..., None], expected, seen)  # beyond the object nothing differs
    off = mean(np.abs(seen - expected))[inner]
    luma, other = (cv2.GaussianBlur(mean(colours), (0, 0), 0.8) for colours in (seen, expected))
    tiles = _tiles(luma, other, inner)
    tiles[:, :2] = mapped(inverse(local.from_clip), tiles[:, :2])
    tiles[:, 3] /= local.scale
    hopeful = len(tiles) < LEAST_TILES or float(np.median(tiles[:, 2])) > HOPELESS
    return Evidence(
        tiles,
        _correlation(luma[inner], other[inner]),
        inside,
        float(np.median(off)),
        float(np.percentile(off, 90)),
        _bend(original, clip, support, to_clip) if bending and hopeful else float("inf"),
        size,
    )


def without_shadow(original: Image, clip: Image, support: Mask, to_clip: Matrix) -> Mask:
    """Leave out of a clip's support what is light and grey and not what the photograph shows.

    Once a clip lies about where it belongs, a shadow on its canvas is told from a grey object.
    """
    compared = _compared(original, clip, support, to_clip)
    if compared is None:
        return support
    off, _ = compared
    wrong = (support & light_grey(clip) & (off > DIFFERS)).astype(np.uint8)
    wrong = cv2.morphologyEx(wrong, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    return _without(support, wrong, 5)


def agreeing(original: Image, clip: Image, support: Mask, to_clip: Matrix) -> Mask:
    """Leave out of a clip's support where its colours are not at all the photograph's.

    Once a clip lies nearly where it belongs, that is canvas between its parts and at its edges,
    which weigh more the smaller a clip is.
    """
    compared = _compared(original, clip, support, to_clip)
    if compared is None:
        return support
    off, inner = compared
    wrong = support & (off > max(DISAGREES, SPREAD * float(np.median(off[inner]))))
    return _without(support, wrong, 3)


def amiss(original: Image, clip: Image, support: Mask, to_clip: Matrix) -> float:
    """Return by how many levels a clip's colours differ, the mean over all of the object.

    Where a texture repeats it fits one period aside, too, but for what lies beyond the object.
    """
    compared = _compared(original, clip, support, to_clip)
    return (
        MOST_AMISS
        if compared is None
        else float(np.minimum(compared[0], MOST_AMISS)[support].mean())
    )


def margins(seen: Evidence) -> dict[str, float]:
    """Return how far within its bound each number lies: 1 is best, .5 on the bound, 0 far beyond.

    The least of them is the score: one thing that cannot be is enough to refuse.
    """
    bend = min(LIMITS["bend"], LIMITS["bend_share"] * seen.size)
    floors = FLOORS | {"correlation": SHADED} if len(seen.tiles) < LEAST_TILES else FLOORS
    values = {"correlation": seen.correlation, "inside": seen.inside}
    if np.isfinite(seen.outline):
        values["outline"] = seen.outline
    below = {"bend": seen.bend / bend}
    if len(seen.tiles) >= LEAST_TILES:
        values |= {"typical": seen.typical, "weak": seen.weak}
        below["shift"] = seen.shift / LIMITS["shift"]
    found = {name: 1 - share / 2 for name, share in below.items()}
    found |= {
        name: 0.5 + 0.5 * (value - floors[name]) / (1 - floors[name])
        for name, value in values.items()
    }
    return {name: float(np.clip(margin, 0, 1)) for name, margin in found.items()}


@dataclass(frozen=True, slots=True, eq=False)
class _Local:
    """The object's box of a clip, no larger than `SIDE`."""

    clip: Image
    support: Mask
    to_clip: Matrix
    from_clip: Matrix
    scale: float


def _local(clip: Image, support: Mask, to_clip: Matrix) -> _Local:
    (left, top), _, (right, bottom), _ = corners_of(support).astype(int)
    box = np.s_[top : bottom + 1, left : right + 1]
    from_clip = shifting(-left, -top)
    part, mask = clip[box], support[box]
    height, width = mask.shape
    scale = min(1.0, SIDE / max(height, width))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        levels = mask.astype(np.uint8) * np.uint8(255)
        mask = cv2.resize(levels, size, interpolation=cv2.INTER_AREA) > 200
        from_clip = resizing((width, height), size) @ from_clip
    return _Local(part, mask, from_clip @ to_clip, from_clip, scale)


def _under(original: Image, to_clip: Matrix, shape: tuple[int, ...]) -> tuple[Any, Mask] | None:
    """Return the photograph in the clip's grid and where it has anything; None where nowhere."""
    found = around_clip(original, to_clip, shape)
    if found is None:
        return None
    part, at = found
    source, reducing = reduced_to(part, scale_of(to_clip))
    to_clip = to_clip @ inverse(reducing @ at)
    size = (shape[1], shape[0])
    warped = cv2.warpPerspective(
        source, to_clip, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    whole = np.full(source.shape[:2], 255, np.uint8)
    return warped, cv2.warpPerspective(whole, to_clip, size, flags=cv2.INTER_NEAREST) > 0


def _compared(
    original: Image, clip: Image, support: Mask, to_clip: Matrix
) -> tuple[Floats, Mask] | None:
    """Return by how many levels colours differ, locally, and where they were fitted."""
    under = _under(original, to_clip, clip.shape)
    if under is None:
        return None
    warped, there = under
    inner = _inner(there & support)
    if inner.sum() < 50:
        return None
    expected = fitted(warped, clip, inner)(warped)
    return cv2.blur(greatest(np.abs(clip - expected)), (3, 3)), inner


def _without(support: Mask, wrong: Mask, around: int) -> Mask:
    """Return the support without what is wrong and around it; whole where too little is left."""
    near = cv2.dilate(wrong.astype(np.uint8), np.ones((around, around), np.uint8)) > 0
    left = support & ~near
    return left if left.sum() >= LEAVES * support.sum() else support


def _inner(mask: Mask) -> Mask:
    rounds = 2 if min(mask.shape) > 100 else 1
    return cv2.erode(
        mask.astype(np.uint8),
        np.ones((3, 3), np.uint8),
        iterations=rounds,
        borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    ).astype(bool)


def _tiles(seen: Floats, expected: Floats, inner: Mask) -> npt.NDArray[np.float64]:
    """Compare detail tile by tile; rows as `Evidence.tiles`, in pixels of the arrays."""
    detail = seen - cv2.GaussianBlur(seen, (0, 0), DETAIL)
    other = expected - cv2.GaussianBlur(expected, (0, 0), DETAIL)
    across, down = gradients(expected)
    height, width = seen.shape
    side = int(np.clip(max(height, width) / TILES, 14, 64))
    top, left = np.meshgrid(
        *(np.arange(0, max(1, whole - side // 2), side // 2) for whole in (height, width)),
        indexing="ij",
    )
    box = (top, left, np.minimum(top + side, height), np.minimum(left + side, width))
    count = _sums(inner.astype(np.float32), box)
    enough = (count >= 0.4 * side * side) & (count > 0)
    box = tuple(edge[enough] for edge in box)
    count = count[enough]

    def average(values: npt.NDArray[Any]) -> Reals:
        return _sums(np.where(inner, values, np.float32(0)), box) / count

    middle = [average(np.broadcast_to(axis, inner.shape)) for axis in _axes(height, width)]
    one, two = average(detail), average(other)
    spread = np.sqrt(np.maximum(average(detail * detail) - one * one, 0))
    power = np.maximum(average(other * other) - two * two, 0)
    common = average(detail * other) - one * two
    alike = common / np.maximum(spread * np.sqrt(power), 0.5)
    gain = np.clip(common / np.maximum(power, 1e-3), 0.5, 2)
    slopes = np.array([[average(a * b) for b in (across, down)] for a in (across, down)])
    pull = np.array(
        [
            average(slope * detail)
            - gain * average(slope * other)
            - (one - gain * two) * average(slope)
            for slope in (across, down)
        ]
    )
    rows = np.stack([*middle, alike, _shifts(slopes, pull, gain), spread], axis=1)
    return rows[spread >= PLAIN]


def _axes(height: int, width: int) -> tuple[Floats, Floats]:
    return np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]


def _sums(values: Floats, box: tuple[npt.NDArray[np.intp], ...]) -> Reals:
    """Return the sum of what lies in each box: top, left, bottom, right."""
    table = cv2.integral(values)
    top, left, bottom, right = box
    within = table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]
    return within.astype(np.float64, copy=False)


def _shifts(slopes: Reals, pull: Reals, gain: Reals) -> Reals:
    """Return by how far each tile has to move to fit, where its gradients tell; else NaN.

    Slopes are 2 x 2 x n, mean products of the gradients; pull is 2 x n, those with what differs.
    """
    values, ways = np.linalg.eigh(np.moveaxis(slopes * gain * gain, -1, 0))
    told = values > 1.5
    along = np.einsum("nij,in->nj", ways, pull * gain) / np.maximum(values, 1e-6)
    length = np.hypot(*np.where(told, along, 0).T)
    return np.where(told.any(axis=1), length, np.nan)


def _bend(original: Image, clip: Image, support: Mask, to_clip: Matrix) -> float:
    settled = settle(original, clip, support, to_clip, "homography", rounds=8, reductions=(1.0,))
    if settled is None:
        return float("inf")
    corners = corners_of(support)
    moved = mapped(settled.to_clip @ inverse(to_clip), corners)
    return float(np.hypot(*(moved - corners).T).max())


def _correlation(one: Floats, two: Floats) -> float:
    if one.std() < 0.3 or two.std() < 0.3:
        return 0.0
    return float(np.corrcoef(one, two)[0, 1])
