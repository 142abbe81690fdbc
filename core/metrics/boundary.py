"""How well outlines agree."""

import cv2
import numpy as np

from .f_measure import check_beta2
from .pair import Map, Mask, check_pair, foreground


def relaxed_f(prediction: Map, truth: Map, rho: float = 3, beta2: float = 0.3) -> float:
    """Return the relaxed boundary F-measure ``(1 + beta2) P R / (beta2 P + R)``.

    P is the share of predicted boundary pixels within `rho` of the true boundary, R the share of
    true boundary pixels within `rho` of the predicted one. A mask's boundary is what a 3 x 3
    erosion takes off it; where the frame cuts an object there is no boundary.

    Parameters
    ----------
    prediction, truth : ndarray, H x W, bool or float in [0, 1]
        Foreground from .5.
    rho : float
        From 1 on the Euclidean distance in pixels: the papers' 3 belongs to pictures of some 300 to
        500 pixels. Below 1 a share of the long side (no less than one pixel), such as .004, which
        means the same at every size.
    beta2 : float
        Weight of recall, beta squared: .3 as in the papers, 1 for F1.

    Returns
    -------
    float
        In [0, 1]. Where neither mask has a boundary: 1 if both are empty or both are full, else 0.
        0 where only one has none.

    Raises
    ------
    ValueError
        When the arrays are not as described or a parameter is out of range.

    References
    ----------
    Qin et al., "BASNet: Boundary-aware salient object detection", CVPR 2019, and "U2-Net", Pattern
    Recognition 2020, after Ehrig and Euzenat, "Relaxed precision and recall for ontology matching",
    2005. The authors published no code for it: this is their text.

    Examples
    --------
    >>> truth = np.zeros((12, 12), bool)
    >>> truth[4:8, 4:8] = True
    >>> shifted = np.roll(truth, 2, axis=1)
    >>> relaxed_f(shifted, truth, rho=3), round(relaxed_f(shifted, truth, rho=1), 4)
    (1.0, 0.6667)
    """
    if not 0 < rho < np.inf:
        raise ValueError(
            f"rho must be a distance in pixels from 1 on or a share of the long side, got {rho}"
        )
    check_beta2(beta2)
    check_pair(prediction, truth)
    found, wanted = foreground(prediction), foreground(truth)
    found_edge, wanted_edge = _boundary(found), _boundary(wanted)
    if not found_edge.any() or not wanted_edge.any():
        return float(np.array_equal(found, wanted))
    radius = rho if rho >= 1 else max(1.0, rho * max(truth.shape))
    precision = float(np.mean(_within(radius, wanted_edge)[found_edge]))
    recall = float(np.mean(_within(radius, found_edge)[wanted_edge]))
    if precision + recall == 0:
        return 0.0
    return (1 + beta2) * precision * recall / (beta2 * precision + recall)


def boundary_iou(prediction: Map, truth: Map, width: float = 0.02) -> float:
    """Return the intersection over union of the two masks' boundary bands.

    A mask's band is what is foreground and within `width` of its outline, the distance counted in
    steps to any of the eight neighbours. Where the frame cuts an object there is an outline too.

    Parameters
    ----------
    prediction, truth : ndarray, H x W, bool or float in [0, 1]
        Foreground from .5.
    width : float
        Share of the picture's diagonal, rounded to whole pixels and no less than one: .02 as in the
        paper.

    Returns
    -------
    float
        In [0, 1]. 1 where both are empty.

    Raises
    ------
    ValueError
        When the arrays are not as described or the width is not above 0 and at most 1.

    References
    ----------
    Cheng, Girshick, Dollar, Berg and Kirillov, "Boundary IoU: improving object-centric image
    segmentation evaluation", CVPR 2021.

    Examples
    --------
    >>> truth = np.zeros((100, 100), bool)
    >>> truth[20:80, 20:80] = True
    >>> holed = truth.copy()
    >>> holed[40:50, 40:50] = False
    >>> shifted = np.roll(truth, 1, axis=1)
    >>> round(boundary_iou(shifted, truth), 4), round(boundary_iou(holed, truth), 4)
    (0.7143, 0.8143)
    """
    if not 0 < width <= 1:
        raise ValueError(
            f"width must be a share of the diagonal above 0 and at most 1, got {width}"
        )
    check_pair(prediction, truth)
    steps = max(1, round(width * float(np.hypot(*truth.shape))))
    found, wanted = _band(foreground(prediction), steps), _band(foreground(truth), steps)
    union = np.count_nonzero(found | wanted)
    return float(np.count_nonzero(found & wanted) / union) if union else 1.0


def _band(mask: Mask, steps: int) -> Mask:
    # One erosion by a square is as many by 3 x 3 as it has pixels on a side of its centre.
    square = np.ones((2 * steps + 1, 2 * steps + 1), np.uint8)
    inner = cv2.erode(mask.view(np.uint8), square, borderType=cv2.BORDER_CONSTANT, borderValue=(0,))
    return mask & (inner == 0)


def _boundary(mask: Mask) -> Mask:
    # OpenCV erodes as if all beyond the frame were foreground.
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    return mask & (inner == 0)


# Pixels up to which a dilation by a disc takes less time than a distance transform.
_DISC = 10


def _within(radius: float, edge: Mask) -> Mask:
    if radius <= _DISC:
        offset = np.arange(-_DISC, _DISC + 1)
        offset = offset[abs(offset) <= radius]
        disc = (offset[:, None] ** 2 + offset**2 <= radius**2).astype(np.uint8)
        return cv2.dilate(edge.view(np.uint8), disc).view(np.bool_)
    # The precise mask size is the exact Euclidean transform; 3 and 5 approximate it.
    apart = cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return apart <= radius
