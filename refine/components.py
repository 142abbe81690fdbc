"""Parts of a mask too small to be the object or the background: judged by the photograph."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Alpha, Image

Plane = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int32]
Window = tuple[slice, slice]

_NEAR = 0.03  # of the long side: as far as "the colours around it" go
_REACH = 0.015  # of the long side: as far as the soft edge of a part may reach
_ENOUGH = 200  # pixels whose colours make a histogram
_PATCH = 256  # pixels: a larger surrounding is looked at more coarsely
_THREE = np.ones((3, 3), np.uint8)

# Bias and weights of `doubt`, by logistic regression over islands and holes, true ones and false
# ones, of 75 ECSSD and 50 CCP photographs; per unit of likeness, log contrast and log texture. The
# bias for holes is .7 higher than fitted: that mends a third of what was left, and costs true masks
# less than .0001 of IoU.
_ISLAND = (19.82, 2.85, -8.43, 3.72)
_HOLE = (7.48, 0.354, -3.37, 1.58)


class Parts:
    """The connected parts of one side of a mask.

    Parameters
    ----------
    plane : ndarray, H x W, uint8
        1 on the side whose parts are meant, 0 on the other.
    connectivity : int
        4 or 8.
    """

    def __init__(self, plane: Plane, connectivity: int) -> None:
        found: Any = cv2.connectedComponentsWithStats(
            plane, connectivity=connectivity, ltype=cv2.CV_32S
        )
        self.labels: Numbers = found[1]
        self.boxes: Numbers = found[2]
        self.areas = self.boxes[:, cv2.CC_STAT_AREA]
        self.areas[0] = 0  # label 0 is the other side

    def off_the_frame(self) -> Flags:
        """Return which parts do not touch the frame."""
        left, top, width, height, _ = self.boxes.T
        rows, columns = self.labels.shape
        return (left > 0) & (top > 0) & (left + width < columns) & (top + height < rows)

    def window(self, part: int, margin: int) -> Window:
        """Return the part's box with a margin, within the frame."""
        left, top, width, height, _ = (int(value) for value in self.boxes[part])
        return (
            slice(max(0, top - margin), top + height + margin),
            slice(max(0, left - margin), left + width + margin),
        )


def doubt(image: Image, parts: Parts, part: int, small: Flags, rising: bool) -> float | None:
    """Return the log odds that a small part is a mistake of the mask.

    Three things are weighed: whether the part has the colours of the other side around it or those
    of its own (mean log ratio of histograms of 16 x 16 x 16 bins), how much the photograph's colour
    changes across the part's outline, and how much it varies within the part anyway. A true island
    or hole ends where the picture changes; a false one has an outline that the picture knows
    nothing of.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
    parts : Parts
    part : int
    small : ndarray, bool
        Which parts of that side are in doubt themselves: they tell nothing about their side.
    rising : bool
        Whether the part is foreground (an island), else background (a hole).

    Returns
    -------
    float or None
        Above 0 it is rather a mistake. None where there is too little around it to judge by.
    """
    long_side = max(parts.labels.shape)
    margin = max(8, round(_NEAR * long_side))
    while True:
        rows, columns = parts.window(part, margin)
        labels = parts.labels[rows, columns]
        step = max(1, round(max(labels.shape) / _PATCH))
        labels = labels[step // 2 :: step, step // 2 :: step]
        other, own = labels == 0, ~small[labels] & (labels > 0)
        least = min(np.count_nonzero(other), np.count_nonzero(own))
        if least >= _ENOUGH or margin >= long_side / 2:
            break
        margin *= 2
    within = labels == part
    if least < _ENOUGH / 4 or not within.any():
        return None
    patch = image[rows, columns][step // 2 :: step, step // 2 :: step]
    bins = _bins(patch)
    ratio = np.log(_histogram(bins[other])) - np.log(_histogram(bins[own]))
    likeness = float(ratio[bins[within]].mean())
    contrast = _contrast(patch, within, other)
    if contrast is None:
        return None
    texture = float(patch[within].std(axis=0, dtype=np.float32).mean())
    bias, *weights = _ISLAND if rising else _HOLE
    return bias + float(np.dot(weights, (likeness, np.log(contrast + 3), np.log(texture + 3))))


def _contrast(image: Image, within: Flags, beyond: Flags) -> float | None:
    """Return how far the mean colours of 7 x 7 pixels on either side of an outline lie apart."""
    outline = cv2.dilate(within.astype(np.uint8), _THREE).astype(bool) & ~within
    colours = image.astype(np.float32)
    means: list[Any] = []
    for side in (within, beyond):
        weight = side.astype(np.float32)
        count = cv2.boxFilter(weight, -1, (7, 7), normalize=False)
        outline &= count >= 4
        total = cv2.boxFilter(colours * weight[..., None], -1, (7, 7), normalize=False)
        means.append((total, count))
    if not outline.any():
        return None
    inner, outer = (total[outline] / count[outline][:, None] for total, count in means)
    return float(np.linalg.norm(inner - outer, axis=1).mean())


def _bins(image: Image) -> Numbers:
    return (image >> 4).astype(np.int32) @ np.array([256, 16, 1], np.int32)


def _histogram(bins: Numbers) -> npt.NDArray[np.float32]:
    """Return the density of each bin, smoothed over its neighbours and nowhere 0."""
    counts = np.bincount(bins, minlength=4096).reshape(16, 16, 16).astype(np.float32)
    for axis in range(3):
        line: Any = np.pad(np.moveaxis(counts, axis, 0), ((1, 1), (0, 0), (0, 0)), mode="edge")
        counts = np.moveaxis((line[:-2] + 2 * line[1:-1] + line[2:]) / 4, 0, axis)
    density = counts.ravel() / counts.sum()
    return (density + np.float32(1e-4)) / np.float32(1 + 1e-4 * density.size)


def level(alpha: Alpha, parts: Parts, part: int, rising: bool) -> None:
    """Take a part out of an alpha, in place, with its soft edge.

    The part is a peak of the alpha (or, where it is a hole, of its opposite). It comes down at
    least to the height of the pass that leads from it to anything else (the opening by
    reconstruction of that one peak), and below that to what lies around it, interpolated: in hair
    it leaves hair's softness, on plain ground nothing. Nothing nearer to another part is touched.

    Parameters
    ----------
    alpha : ndarray, H x W, float32 in [0, 1]
        Changed.
    parts : Parts
    part : int
    rising : bool
        Whether the part is foreground (an island), else background (a hole).
    """
    reach = max(2, round(_REACH * max(alpha.shape)))
    window = parts.window(part, reach + 1)
    labels, values = parts.labels[window], alpha[window]
    peak = labels == part
    heights = values if rising else 1 - values
    away = cv2.distanceTransform((~peak).astype(np.uint8), cv2.DIST_L2, 5)
    zone = away <= reach
    nobody = (peak | (labels == 0)).astype(np.uint8)
    if not nobody.all():
        zone &= away < cv2.distanceTransform(nobody, cv2.DIST_L2, 5)
    lowered = np.where(zone, np.float32(0), heights)
    while True:
        risen = np.minimum(cv2.dilate(lowered, _THREE), heights)
        if np.array_equal(risen, lowered):
            break
        lowered = risen
    fallen = lowered < heights
    if lowered[fallen].any():
        lowered = np.minimum(lowered, _bridged(heights, ~fallen))
    alpha[window][fallen] = (lowered if rising else 1 - lowered)[fallen]


def _bridged(values: Alpha, known: Flags) -> Alpha:
    """Return values with what is not known interpolated from around it, over a pyramid."""
    if known.all() or not known.any():
        return values
    weight = known.astype(np.float32)
    shares: Any = cv2.pyrDown(weight)
    coarse: Any = cv2.pyrDown(values * weight) / np.maximum(shares, np.float32(1e-6))
    coarse = _bridged(coarse, shares > 0)
    return np.where(known, values, cv2.pyrUp(coarse, dstsize=values.shape[::-1]))
