"""Weighted F-measure: errors count by where they are."""

from typing import Any

import cv2
import numpy as np

from .f_measure import check_beta2
from .pair import Map, check_pair, foreground

_TINY = float(np.spacing(1))


def weighted_f(prediction: Map, truth: Map, beta2: float = 1) -> float:
    """Return the weighted F-measure: errors count less beside hits, more far from the object.

    Inside the object an error is at most the Gaussian mean (7 x 7 pixels, sigma 5) of the errors
    around it; in the background it weighs from 1 at the object to 2 far from it, half of the way
    within 5 pixels. These pixels are not scaled with the picture: the measure is defined so.

    Parameters
    ----------
    prediction, truth : ndarray, H x W, bool or float in [0, 1]
        The truth is foreground from .5.
    beta2 : float
        Weight of recall, beta squared: 1 as in the paper.

    Returns
    -------
    float
        In [0, 1]. 1 where both are empty, 0 where only the truth is. (Beyond the frame is no error,
        so an empty prediction of an object at the frame scores a little above 0.)

    Raises
    ------
    ValueError
        When the arrays are not as described or beta2 is not positive.

    Notes
    -----
    Needs SciPy. PySODMetrics 1.6 gives the same numbers, but 0 where both are empty.

    References
    ----------
    Margolin, Zelnik-Manor and Tal, "How to evaluate foreground maps?", CVPR 2014, and the authors'
    MATLAB code.

    Examples
    --------
    >>> truth = np.zeros((20, 20), bool)
    >>> truth[4:12, 4:12] = True
    >>> near, far = truth.copy(), truth.copy()
    >>> near[12, 4:12], far[19, 4:12] = True, True
    >>> round(weighted_f(near, truth), 4), round(weighted_f(far, truth), 4)
    (0.9341, 0.9055)
    """
    from scipy.ndimage import distance_transform_edt

    check_beta2(beta2)
    check_pair(prediction, truth)
    wanted = foreground(truth)
    if not wanted.any():
        return float(not prediction.any())
    values = prediction.astype(np.float64)
    background = ~wanted
    transformed: Any = distance_transform_edt(background, return_indices=True)
    distance, nearest = transformed
    error = np.abs(values - wanted)
    spread = error.copy()
    spread[background] = error[nearest[0][background], nearest[1][background]]
    kernel = cv2.getGaussianKernel(7, 5.0)
    around = cv2.sepFilter2D(spread, cv2.CV_64F, kernel, kernel, borderType=cv2.BORDER_CONSTANT)
    inside = np.minimum(error, around)[wanted]
    outside = error[background] * (2 - np.exp(np.log(0.5) / 5 * distance[background]))
    hits = inside.size - float(inside.sum())
    recall = 1 - float(inside.mean())
    precision = hits / (hits + float(outside.sum()) + _TINY)
    return (1 + beta2) * recall * precision / (recall + beta2 * precision + _TINY)
