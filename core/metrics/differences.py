"""Differences pixel by pixel."""

import numpy as np

from .pair import Map, check_pair


def mae(prediction: Map, truth: Map) -> float:
    """Return the mean absolute error.

    Parameters
    ----------
    prediction, truth : ndarray, H x W, bool or float in [0, 1]
        Compared as they are: a soft truth stays soft.

    Returns
    -------
    float
        In [0, 1], 0 for equal arrays.

    Raises
    ------
    ValueError
        When the arrays are not as described.

    Examples
    --------
    >>> mae(np.array([[1.0, 0.5]]), np.array([[True, True]]))
    0.25
    """
    check_pair(prediction, truth)
    difference = np.subtract(prediction, truth, dtype=np.float64)
    return float(np.abs(difference, out=difference).mean())
