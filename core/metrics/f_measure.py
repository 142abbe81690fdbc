"""F-measure: precision and recall of the foreground in one number."""

import numpy as np

from .pair import Map, check_pair
from .thresholds import Counts, Curve, Rule, check_rule, count_adaptive, count_at, count_levels


def f_beta(
    prediction: Map, truth: Map, beta2: float = 0.3, threshold: float | Rule = "max"
) -> float:
    """Return the F-measure ``(1 + beta2) P R / (beta2 P + R)`` of one pair.

    Parameters
    ----------
    prediction, truth : ndarray, H x W, bool or float in [0, 1]
        The truth is foreground from .5.
    beta2 : float
        Weight of recall, beta squared: .3 as in the saliency literature, 1 for F1.
    threshold : float or {"max", "mean", "adaptive"}
        Where the prediction becomes foreground:

        - a number above 0 and at most 1: values of that much or more;
        - ``"max"``, ``"mean"``: the highest, or the mean, of `f_curve`'s 256 values;
        - ``"adaptive"``: twice the mean of the prediction, at most 1. Only values above 0 are ever
          foreground, so an empty prediction stays empty.

    Returns
    -------
    float
        In [0, 1]. 1 where thresholded prediction and truth are both empty, 0 where only one is. (Of
        the 256 thresholds one calls every pixel foreground, so "mean" stops at 255 / 256 there.)

    Raises
    ------
    ValueError
        When the arrays are not as described or a parameter is out of range.

    Notes
    -----
    Where the truth is empty, "max" is 1 for every prediction that never reaches level 255: that
    threshold finds nothing, which is right. Judge pictures of nothing by `mae`.

    "maxF" of a *dataset* is another number: one threshold for all pairs. `evaluate` gives the three
    that papers call so. For the 300 SOD maps of DSS they are .804, .835 and .844.

    PySODMetrics 1.6 gives the same numbers, but 0 where both are empty and, under "adaptive", the
    whole frame for an empty prediction. Its curves run from the highest threshold down: ``[::-1]``.

    References
    ----------
    Achanta, Hemami, Estrada and Suesstrunk, "Frequency-tuned salient region detection", CVPR 2009:
    beta2 = .3 and the adaptive threshold.

    Examples
    --------
    >>> prediction, truth = np.array([[0.9, 0.6, 0.1]]), np.array([[True, False, False]])
    >>> f_beta(prediction, truth), round(f_beta(prediction, truth, threshold=0.5), 4)
    (1.0, 0.5652)
    """
    check_beta2(beta2)
    check_rule(threshold)
    check_pair(prediction, truth)
    if threshold == "adaptive":
        return float(f_of(count_adaptive(prediction, truth), beta2)[0])
    if isinstance(threshold, str):
        curve = f_of(count_levels(prediction, truth), beta2)
        return float(curve.max() if threshold == "max" else curve.mean())
    return float(f_of(count_at(prediction, truth, threshold), beta2)[0])


def f_curve(prediction: Map, truth: Map, beta2: float = 0.3) -> Curve:
    """Return the F-measure at each of 256 thresholds.

    Parameters
    ----------
    prediction, truth : ndarray, H x W, bool or float in [0, 1]
        The prediction is rounded to 256 levels, as a file would hold it; the truth is foreground
        from .5.
    beta2 : float
        Weight of recall, beta squared.

    Returns
    -------
    ndarray, (256,), float64 in [0, 1]
        Element ``t`` counts levels of ``t`` or more as foreground; everything is at ``t = 0``.

    Raises
    ------
    ValueError
        When the arrays are not as described or beta2 is not positive.

    Examples
    --------
    >>> curve = f_curve(np.array([[0.9, 0.6, 0.1]]), np.array([[True, False, False]]))
    >>> curve[[0, 100, 200, 255]].round(4).tolist()
    [0.3939, 0.5652, 1.0, 0.0]
    """
    check_beta2(beta2)
    check_pair(prediction, truth)
    return f_of(count_levels(prediction, truth), beta2)


def precision_recall_curve(prediction: Map, truth: Map) -> tuple[Curve, Curve]:
    """Return precision and recall at each of 256 thresholds.

    Parameters
    ----------
    prediction, truth : ndarray, H x W, bool or float in [0, 1]
        The prediction is rounded to 256 levels; the truth is foreground from .5.

    Returns
    -------
    precision, recall : ndarray, (256,), float64 in [0, 1]
        Element ``t`` counts levels of ``t`` or more as foreground. Precision is 0 where nothing is
        found, recall 0 where nothing is wanted: so the saliency toolboxes average them.

    Raises
    ------
    ValueError
        When the arrays are not as described.

    Examples
    --------
    >>> prediction, truth = np.array([[0.9, 0.6, 0.1]]), np.array([[True, False, False]])
    >>> precision, recall = precision_recall_curve(prediction, truth)
    >>> precision[[100, 200, 255]].tolist(), recall[[100, 200, 255]].tolist()
    ([0.5, 1.0, 0.0], [1.0, 1.0, 0.0])
    """
    check_pair(prediction, truth)
    return precision_recall_of(count_levels(prediction, truth))


def f_of(counts: Counts, beta2: float) -> Curve:
    """Return the F-measure at every threshold that was counted at."""
    # With P = hits / found and R = hits / wanted the definition comes down to one fraction, which
    # is 0 / 0 only where both masks are empty: agreement. Above and below are added up alike, so
    # that rounding cannot lift a perfect score over 1.
    hits = counts.hits.astype(np.float64)
    weight = counts.found + beta2 * counts.wanted
    agreed = weight == 0
    return np.where(agreed, 1.0, (hits + beta2 * hits) / np.where(agreed, 1.0, weight))


def precision_recall_of(counts: Counts) -> tuple[Curve, Curve]:
    """Return precision and recall at every threshold that was counted at."""
    return counts.hits / np.maximum(counts.found, 1), counts.hits / np.maximum(counts.wanted, 1)


def f_of_rates(precision: Curve, recall: Curve, beta2: float) -> Curve:
    """Return the F-measure of precisions and recalls that are means over pairs."""
    below = beta2 * precision + recall
    return (1 + beta2) * precision * recall / np.where(below == 0, 1.0, below)


def check_beta2(beta2: float) -> None:
    """Raise unless `beta2` is a positive number.

    Examples
    --------
    >>> check_beta2(-1)
    Traceback (most recent call last):
        ...
    ValueError: beta2 must be a positive number, got -1
    """
    if not 0 < beta2 < np.inf:
        raise ValueError(f"beta2 must be a positive number, got {beta2}")
