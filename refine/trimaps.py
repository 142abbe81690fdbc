"""Say which pixels of an alpha are certain and which a matting method is to decide."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Alpha, check_alpha

Trimap = npt.NDArray[np.uint8]

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255
SURE = 0.05
"""Alphas nearer than this to 0 or 1 are taken for 0 or 1."""

_SOFT_FROM, _SOFT_TO = round(255 * SURE), round(255 * (1 - SURE))
_LEVELS = np.arange(256)
_KINDS = (_LEVELS > _SOFT_FROM).astype(np.uint8) + (_LEVELS >= _SOFT_TO)
_SURE = np.where(_LEVELS >= _SOFT_TO, FOREGROUND, BACKGROUND).astype(np.uint8)
_STEP = 0.955
"""What distanceTransform counts for a pixel across with its fast mask, which is 5 % exact."""
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def trimap(alpha: Alpha, width: float = 10 / 800) -> Trimap:
    """Return an alpha's certain parts, with a band of unknown pixels along every edge.

    Unknown is what lies within `width` of a soft pixel (.05 to .95) or of a place where 0 meets 1.

    Parameters
    ----------
    alpha : ndarray, H x W, float32 in [0, 1]
        A mask's edge or a matte's; left as it is.
    width : float
        Half the width of the band as a share of the long side, above 0 and at most .1; rounded to
        whole pixels, at least 1. What an object is no wider than twice that is unknown throughout.

    Returns
    -------
    ndarray, H x W, uint8
        0 background, 128 unknown, 255 foreground. The frame is no edge: what touches it is taken
        to go on beyond.

    Raises
    ------
    ValueError
        When the alpha is not as described or the width out of range.

    Examples
    --------
    >>> alpha = np.zeros((1, 80), np.float32)
    >>> alpha[:, 40:] = 1
    >>> trimap(alpha, width=2 / 80)[0, 37:43].tolist()
    [0, 128, 128, 128, 128, 255]
    """
    check_width(width)
    check_alpha(alpha)
    radius = max(1, round(width * max(alpha.shape)))
    levels = cv2.convertScaleAbs(alpha, alpha=255)
    kinds: Any = cv2.LUT(levels, _KINDS)
    edge = cv2.morphologyEx(kinds, cv2.MORPH_GRADIENT, _CROSS, borderType=cv2.BORDER_REPLICATE)
    # An edge takes 2 (between sure pixels) or 1, a soft pixel 1: what counts is that it is not 0.
    uncertain = cv2.max(edge, kinds & 1)
    result: Any = cv2.LUT(levels, _SURE)
    left, top, width_of, height_of = cv2.boundingRect(uncertain)
    if width_of:
        near = np.s_[
            max(0, top - radius) : top + height_of + radius,
            max(0, left - radius) : left + width_of + radius,
        ]
        certain = (uncertain[near] == 0).view(np.uint8)
        away = cv2.distanceTransform(certain, cv2.DIST_L2, 3)  # to the nearest 0
        result[near][away < _STEP * (radius - 0.5)] = UNKNOWN
    return result


def check_width(width: float) -> None:
    """Raise where a band's half width is not a share of the long side between 0 and .1."""
    if not 0 < width <= 0.1:
        raise ValueError(
            f"width must be a share of the long side above 0 and at most 0.1, got {width}; "
            "10 pixels of 800 are 10 / 800"
        )
