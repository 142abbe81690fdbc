"""Tell whether an outline lies where the photograph changes."""

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Alpha, Image

_SIDE = 1024
"""Long side in pixels at which larger pictures are looked at: finer edges are grain."""


def agreement(alpha: Alpha, image: Image, reach: float) -> float:
    """Return how well an outline follows the edges of the photograph.

    Along the outline (where alpha crosses .5), the steepness of the photograph's colour is divided
    by the steepest found within `reach`: 1 on top of the strongest edge around, near 0 beside it.

    Parameters
    ----------
    alpha : ndarray, H x W, float32 in [0, 1]
    image : ndarray, H x W x 3, uint8
        RGB.
    reach : float
        How far off the edge may be, as a share of the long side: two outlines are compared with
        the same.

    Returns
    -------
    float
        Mean in [0, 1]; 1 where there is no outline.

    Examples
    --------
    >>> image = np.zeros((80, 80, 3), np.uint8)
    >>> image[:, 40:] = 200
    >>> right, off = np.zeros((2, 80, 80), np.float32)
    >>> right[:, 40:], off[:, 44:] = 1, 1
    >>> agreement(right, image, 0.1) > 0.9, agreement(off, image, 0.1) < 0.2
    (True, True)
    """
    scale = min(1.0, _SIDE / max(alpha.shape))
    if scale < 1:
        size = (max(1, round(alpha.shape[1] * scale)), max(1, round(alpha.shape[0] * scale)))
        alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    inside = (alpha >= 0.5).astype(np.uint8)
    outline = cv2.morphologyEx(
        inside, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE
    )
    if not outline.any():
        return 1.0
    steep = _steepness(image)
    radius = max(2, round(reach * max(alpha.shape)))
    side = 2 * radius + 1
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    strongest = cv2.dilate(steep, disk)
    on = cv2.dilate(steep, np.ones((3, 3), np.uint8))[outline > 0]
    # Where the photograph is flat all around, nothing speaks for or against an outline.
    floor = np.float32(4)
    return float(np.mean((on + floor) / (strongest[outline > 0] + floor)))


def _steepness(image: Image) -> npt.NDArray[np.float32]:
    """Return the gradient's length in the channel where it is greatest, in levels a pixel."""
    blurred = cv2.GaussianBlur(image, (0, 0), 1).astype(np.float32)
    across = cv2.Sobel(blurred, cv2.CV_32F, 1, 0) / 8
    down = cv2.Sobel(blurred, cv2.CV_32F, 0, 1) / 8
    return np.sqrt(across * across + down * down).max(axis=2)
