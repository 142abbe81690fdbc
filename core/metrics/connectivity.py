"""Connectivity error: parts of a matte that float free of the object."""

import cv2
import numpy as np
import numpy.typing as npt

from .pair import Map, Mask, check_pair, known_from

_STEPS = 10  # thresholds .1, .2, ... 1
_TOLERANCE = 0.15


def conn(prediction: Map, truth: Map, unknown: Mask | None = None) -> float:
    """Return the connectivity error, in thousands.

    At each of the thresholds .1 to 1 the source is the largest 4-connected part (the first of
    equals, in reading order) of where prediction and truth both reach it. A pixel's ``l`` is the
    highest threshold up to which it was always part of the source, or 0; its degree of connectivity
    is ``1 - d`` with ``d = value - l``, or 1 where ``d < .15``. The error is the sum of absolute
    differences of the degrees.

    Parameters
    ----------
    prediction, truth : ndarray, H x W, bool or float in [0, 1]
        A soft truth stays soft.
    unknown : ndarray, H x W, bool, optional
        The pixels that count, such as the unknown band of a trimap; all by default. Elsewhere the
        prediction is taken to be the truth.

    Returns
    -------
    float
        From 0 for equal arrays to the number of pixels / 1000. It grows with the picture.

    Raises
    ------
    ValueError
        When the arrays are not as described or `unknown` marks no pixel.

    Notes
    -----
    Compare with numbers of the same code only. This is the definition as PaddleSeg (and the code
    it names as its source) carries it out; PaddleSeg calls its own Conn some 5 % below that of
    Adobe's MATLAB code, which papers use.

    References
    ----------
    Rhemann, Rother, Wang, Gelautz, Kohli and Rott, "A perceptually motivated online benchmark for
    image matting", CVPR 2009, section 4.2 with p = 1.

    Examples
    --------
    >>> truth = np.zeros((40, 40))
    >>> truth[10:30, 10:30] = 1
    >>> floating = truth.copy()
    >>> floating[2:6, 2:7] = 0.5
    >>> conn(truth, truth), conn(floating, truth)
    (0.0, 0.01)
    """
    check_pair(prediction, truth)
    prediction = known_from(prediction, truth, unknown).astype(np.float64)
    truth = truth.astype(np.float64)
    joined = _connected_up_to(np.minimum(prediction, truth))
    difference = np.abs(_loose(truth, joined) - _loose(prediction, joined))
    return float((difference if unknown is None else difference[unknown]).sum()) / 1000


def _connected_up_to(both: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    steps = np.zeros(both.shape, np.uint8)
    joined = np.ones(both.shape, bool)
    for step in range(1, _STEPS + 1):
        reached = both >= step / _STEPS
        # Wu's algorithm numbers the parts in reading order, however many threads there are.
        _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
            reached.view(np.uint8), 4, cv2.CV_32S, cv2.CCL_WU
        )
        areas = stats[1:, cv2.CC_STAT_AREA]
        if not len(areas):
            break
        joined &= labels == 1 + int(areas.argmax())
        if not joined.any():
            break
        steps += joined
    return steps / _STEPS


def _loose(
    values: npt.NDArray[np.float64], joined: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    above = values - joined
    return np.where(above >= _TOLERANCE, above, 0.0)
