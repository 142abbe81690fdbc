"""Region overlap."""

import numpy as np

from .pair import Map, check_pair, check_threshold, foreground


def iou(prediction: Map, truth: Map, threshold: float = 0.5) -> float:
    """Return the intersection over union (Jaccard index) of the foregrounds.

    Parameters
    ----------
    prediction, truth : ndarray, H x W, bool or float in [0, 1]
    threshold : float
        Prediction of this value or more is foreground, above 0 and at most 1. The truth is
        foreground from .5.

    Returns
    -------
    float
        In [0, 1]. 1 where both are empty.

    Raises
    ------
    ValueError
        When the arrays are not as described or the threshold is out of range.

    Examples
    --------
    >>> iou(np.array([[0.9, 0.6, 0.1]]), np.array([[True, False, False]]))
    0.5
    >>> iou(np.array([[0.9, 0.6, 0.1]]), np.array([[True, False, False]]), threshold=0.8)
    1.0
    """
    check_pair(prediction, truth)
    check_threshold(threshold)
    found, wanted = prediction >= threshold, foreground(truth)
    union = np.count_nonzero(found | wanted)
    return float(np.count_nonzero(found & wanted) / union) if union else 1.0
