"""Find a clip in its photograph by what both show: RootSIFT, mutual matches, a similarity."""

from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Image

from .geometry import Matrix, Points, inverse, mapped, resizing, shifting
from .support import Mask

ORIGINAL_SIDE, CLIP_SIDE = 720, 560
"""Long sides at which keypoints are found: more pixels give more of them, not better ones."""
SMALL = 220
"""Long side below which a clip is doubled first: SIFT's first octave sees nothing there."""
KEYPOINTS = 4000
CONTRAST = 0.02
"""SIFT's threshold: half of OpenCV's, since products are plainer than landscapes."""
RATIO = 0.85
"""Lowe's ratio; generous, as matches must be mutual and RANSAC follows."""
THRESHOLD = 2.0
"""Pixels of the clip as it was searched within which a match supports a similarity."""
LEAST = 5
"""Inliers below which a similarity is chance."""


class Keypoints(NamedTuple):
    """Places (n x 2, in full-size pixels) and their descriptors (n x 128, RootSIFT)."""

    places: Points
    descriptors: npt.NDArray[np.float32]


class Match(NamedTuple):
    """A similarity from the photograph to the clip, and how many matches bear it out."""

    to_clip: Matrix
    inliers: int


def keypoints_of(image: Image, mask: Mask | None, side: int, *, doubled: bool = False) -> Keypoints:
    """Find keypoints where the mask is true, in at most `side` pixels along the long side."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    factor = 2.0 if doubled else min(1.0, side / max(height, width))
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    if factor != 1:
        way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        grey = cv2.resize(grey, size, interpolation=way)
    shown: Any = None
    if mask is not None:
        levels = mask.astype(np.uint8) * np.uint8(255)
        shown = cv2.resize(levels, grey.shape[::-1], interpolation=cv2.INTER_NEAREST)
    finder = cv2.SIFT.create(nfeatures=KEYPOINTS, contrastThreshold=CONTRAST)
    points, found = finder.detectAndCompute(grey, shown)
    descriptors: Any = found
    if descriptors is None or len(points) < 2:
        return Keypoints(np.zeros((0, 2)), np.zeros((0, 128), np.float32))
    places = np.array([point.pt for point in points], np.float64)
    back = inverse(resizing((width, height), grey.shape[::-1]))
    lengths = np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-7)
    return Keypoints(mapped(back, places), np.sqrt(descriptors / lengths))


def clip_keypoints(image: Image, support: Mask) -> Keypoints:
    """Find the keypoints of a clip's object, whose canvas may be large."""
    rows, columns = np.flatnonzero(support.any(axis=1)), np.flatnonzero(support.any(axis=0))
    around = 12  # pixels: what a descriptor at the object's edge sees of the canvas
    top, left = max(0, int(rows[0]) - around), max(0, int(columns[0]) - around)
    box = np.s_[top : int(rows[-1]) + 1 + around, left : int(columns[-1]) + 1 + around]
    inner = cv2.erode(support[box].astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    mask = inner if inner.sum() >= 100 else support[box]
    doubled = max(image[box].shape[:2]) < SMALL
    found = keypoints_of(image[box], mask, CLIP_SIDE, doubled=doubled)
    return Keypoints(mapped(shifting(left, top), found.places), found.descriptors)


def matched(original: Keypoints, clip: Keypoints, clip_side: int) -> Match | None:
    """Return the similarity that most mutual matches agree on, or None where fewer than `LEAST` do.

    `clip_side` is the long side of the clip's object: keypoints are as exact as it was searched.
    """
    if min(len(original.places), len(clip.places)) < 4:
        return None
    pairs = _mutual(clip.descriptors, original.descriptors)
    if len(pairs) < LEAST:
        return None
    cv2.setRNGSeed(0)
    reach = THRESHOLD * max(1.0, clip_side / CLIP_SIDE)
    found: Any = cv2.estimateAffinePartial2D(
        original.places[pairs[:, 1]],
        clip.places[pairs[:, 0]],
        method=cv2.RANSAC,
        ransacReprojThreshold=reach,
        maxIters=5000,
        confidence=0.9999,
        refineIters=20,
    )
    matrix, inliers = found
    if matrix is None or inliers.sum() < LEAST:
        return None
    return Match(np.vstack([matrix, [0, 0, 1]]), int(inliers.sum()))


def _mutual(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """Return pairs that are each other's nearest, the second nearest clearly farther; n x 2."""
    alike = one @ other.T
    rows = np.arange(len(alike))
    best = alike.argmax(axis=1)
    theirs = alike.argmax(axis=0)
    first = alike[rows, best]
    alike[rows, best] = -1
    second = alike.max(axis=1)
    near = np.sqrt(np.maximum(2 - 2 * first, 0))
    far = np.sqrt(np.maximum(2 - 2 * second, 1e-9))
    kept = (near < RATIO * far) & (theirs[best] == rows)
    return np.stack([rows[kept], best[kept]], axis=1)
