"""E-measure: how well a mask is aligned with the truth, pixel by pixel and as a whole."""

import numpy as np

from .pair import Map, check_pair
from .thresholds import Counts, Curve, Rule, check_rule, count_adaptive, count_at, count_levels

# What the authors' code adds to a denominator, MATLAB's eps.
_TINY = np.spacing(1)


def e_measure(prediction: Map, truth: Map, threshold: float | Rule = "max") -> float:
    """Return the enhanced-alignment measure of one pair.

    Both masks have their means taken off; each pixel is scored by ``((a + 1) / 2) ** 2``, where
    ``a = 2 p t / (p ** 2 + t ** 2)`` of what is left of prediction and truth. The sum of the scores
    is divided by the number of pixels less one.

    Parameters
    ----------
    prediction, truth : ndarray, H x W, bool or float in [0, 1]
        The truth is foreground from .5.
    threshold : float or {"max", "mean", "adaptive"}
        Where the prediction becomes foreground, as in `f_beta`.

    Returns
    -------
    float
        From 0 to ``N / (N - 1)`` for N pixels: the authors divide by ``N - 1``, so that a perfect
        mask scores a trifle over 1. Where the truth is empty, or full, it is the share of pixels
        that agree, over the same ``N - 1`` (one pixel counts as two).

    Raises
    ------
    ValueError
        When the arrays are not as described or a parameter is out of range.

    Notes
    -----
    PySODMetrics 1.6 gives the same numbers, but takes the whole frame for the adaptive mask of an
    empty prediction, and some 1e15 for a single pixel. Its curves run from the highest threshold
    down: ``[::-1]``.

    References
    ----------
    Fan, Gong, Cao, Ren, Cheng and Borji, "Enhanced-alignment measure for binary foreground map
    evaluation", IJCAI 2018, equations 2 to 5, and the authors' MATLAB code.

    Examples
    --------
    >>> truth = np.zeros((10, 10), bool)
    >>> truth[2:6, 2:6] = True
    >>> shifted = np.roll(truth, 1, axis=1)
    >>> round(e_measure(truth, truth), 4), round(e_measure(shifted, truth), 4)
    (1.0101, 0.9374)
    """
    check_rule(threshold)
    check_pair(prediction, truth)
    if threshold == "adaptive":
        return float(e_of(count_adaptive(prediction, truth))[0])
    if isinstance(threshold, str):
        curve = e_of(count_levels(prediction, truth))
        return float(curve.max() if threshold == "max" else curve.mean())
    return float(e_of(count_at(prediction, truth, threshold))[0])


def e_curve(prediction: Map, truth: Map) -> Curve:
    """Return the E-measure at each of 256 thresholds.

    Parameters
    ----------
    prediction, truth : ndarray, H x W, bool or float in [0, 1]
        The prediction is rounded to 256 levels, as a file would hold it; the truth is foreground
        from .5.

    Returns
    -------
    ndarray, (256,), float64
        Element ``t`` counts levels of ``t`` or more as foreground; everything is at ``t = 0``. The
        range is that of `e_measure`.

    Raises
    ------
    ValueError
        When the arrays are not as described.

    Examples
    --------
    >>> curve = e_curve(np.array([[0.9, 0.6, 0.1, 0.0]]), np.array([[True, False, False, False]]))
    >>> curve[[0, 100, 200]].round(4).tolist()
    [0.3333, 0.8515, 1.3333]
    """
    check_pair(prediction, truth)
    return e_of(count_levels(prediction, truth))


def e_of(counts: Counts) -> Curve:
    """Return the E-measure at every threshold that was counted at."""
    pixels, wanted = counts.pixels, counts.wanted
    found_mean, wanted_mean = counts.found / pixels, wanted / pixels
    missed, false = wanted - counts.hits, counts.found - counts.hits
    right = pixels - wanted - false
    total = (
        counts.hits * _score(1 - found_mean, 1 - wanted_mean)
        + false * _score(1 - found_mean, -wanted_mean)
        + missed * _score(-found_mean, 1 - wanted_mean)
        + right * _score(-found_mean, -wanted_mean)
    )
    total = np.where(wanted == 0, right, np.where(wanted == pixels, counts.hits, total))
    return total / np.maximum(pixels - 1, 1)


def _score(found: Curve, wanted: Curve) -> Curve:
    alike = 2 * found * wanted / (found**2 + wanted**2 + _TINY)
    return (alike + 1) ** 2 / 4
