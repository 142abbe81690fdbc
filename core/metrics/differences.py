"""Differences pixel by pixel."""

import numpy as np
import numpy.typing as npt

from .pair import Map, Mask, check_pair, check_unknown


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
    return float(_apart(prediction, truth, None).mean())


def sad(prediction: Map, truth: Map, unknown: Mask | None = None) -> float:
    """Return the sum of absolute differences, in thousands.

    Parameters
    ----------
    prediction, truth : ndarray, H x W, bool or float in [0, 1]
        Compared as they are: a soft truth stays soft.
    unknown : ndarray, H x W, bool, optional
        The pixels that count, such as the unknown band of a trimap; all by default.

    Returns
    -------
    float
        From 0 for equal arrays to the number of pixels / 1000. It grows with the picture.

    Raises
    ------
    ValueError
        When the arrays are not as described or `unknown` marks no pixel.

    References
    ----------
    Rhemann, Rother, Wang, Gelautz, Kohli and Rott, "A perceptually motivated online benchmark for
    image matting", CVPR 2009.

    Examples
    --------
    >>> sad(np.full((20, 50), 0.75), np.ones((20, 50)))
    0.25
    """
    check_pair(prediction, truth)
    return float(_apart(prediction, truth, unknown).sum()) / 1000


def mse(prediction: Map, truth: Map, unknown: Mask | None = None) -> float:
    """Return the mean squared error.

    Parameters
    ----------
    prediction, truth : ndarray, H x W, bool or float in [0, 1]
        Compared as they are: a soft truth stays soft.
    unknown : ndarray, H x W, bool, optional
        The pixels that count, such as the unknown band of a trimap; all by default.

    Returns
    -------
    float
        In [0, 1], 0 for equal arrays. (Papers often print it times 1000.)

    Raises
    ------
    ValueError
        When the arrays are not as described or `unknown` marks no pixel.

    References
    ----------
    Rhemann, Rother, Wang, Gelautz, Kohli and Rott, "A perceptually motivated online benchmark for
    image matting", CVPR 2009.

    Examples
    --------
    >>> prediction, truth = np.array([[1.0, 0.5]]), np.array([[True, True]])
    >>> mse(prediction, truth), mse(prediction, truth, unknown=prediction < 1)
    (0.125, 0.25)
    """
    check_pair(prediction, truth)
    difference = _apart(prediction, truth, unknown)
    return float(np.square(difference, out=difference).mean())


def _apart(prediction: Map, truth: Map, unknown: Mask | None) -> npt.NDArray[np.float64]:
    if unknown is not None:
        check_unknown(unknown, truth.shape)
        prediction, truth = prediction[unknown], truth[unknown]
    difference = np.subtract(prediction, truth, dtype=np.float64)
    return np.abs(difference, out=difference)
