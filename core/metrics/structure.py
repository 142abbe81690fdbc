"""S-measure: how much of the truth's structure a soft map has."""

import numpy as np
import numpy.typing as npt

from .pair import Map, Mask, check_pair, foreground

Values = npt.NDArray[np.float64]

# What the authors' code adds to a denominator, MATLAB's eps.
_TINY = float(np.spacing(1))

# A variance below this is that of a constant: what rounding a mean leaves.
_CONSTANT = 1e-28


def s_measure(prediction: Map, truth: Map, alpha: float = 0.5) -> float:
    """Return the structure measure ``alpha S_object + (1 - alpha) S_region``.

    S_object asks whether foreground and background are each bright or dark and even; S_region is
    the structural similarity of the four parts into which the truth's centre of mass divides the
    frame, weighed by their areas. No threshold: grey values count as they are.

    Parameters
    ----------
    prediction, truth : ndarray, H x W, bool or float in [0, 1]
        The truth is foreground from .5.
    alpha : float
        Weight of the object's part, in [0, 1].

    Returns
    -------
    float
        In [0, 1], 1 (to some 1e-12) for equal masks. The mean of the prediction where the truth is
        full, one less the mean where it is empty.

    Raises
    ------
    ValueError
        When the arrays are not as described or alpha is out of range.

    Notes
    -----
    PySODMetrics 1.6 gives the same numbers but for two corners: a part of constant grey has no
    variance here, where rounding may leave it 1e-33 there (which turns a similarity of 1 into 0);
    and a part without pixels (an object in the last row or column only) counts for nothing, where
    it gives NaN.

    References
    ----------
    Fan, Cheng, Liu, Li and Borji, "Structure-measure: a new way to evaluate foreground maps", ICCV
    2017, equations 1 to 9, and the authors' MATLAB code.

    Examples
    --------
    >>> truth = np.zeros((10, 10), bool)
    >>> truth[2:6, 2:6] = True
    >>> shifted = np.roll(truth, 1, axis=1)
    >>> round(s_measure(truth, truth), 9), round(s_measure(shifted, truth), 4)
    (1.0, 0.7424)
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must lie in [0, 1], got {alpha}")
    check_pair(prediction, truth)
    wanted = foreground(truth)
    share = float(wanted.mean())
    if share in (0.0, 1.0):
        mean = float(prediction.mean(dtype=np.float64))
        return mean if share else 1 - mean
    values = prediction.astype(np.float64)
    inside = _evenness(values[wanted]) * share
    outside = _evenness(1 - values[~wanted]) * (1 - share)
    return max(0.0, alpha * (inside + outside) + (1 - alpha) * _regions(values, wanted))


def _evenness(values: Values) -> float:
    mean = float(values.mean())
    spread = float(values.std(ddof=1)) if values.size > 1 else 0.0
    return 2 * mean / (mean**2 + 1 + spread + _TINY)


def _regions(values: Values, wanted: Mask) -> float:
    height, width = wanted.shape
    rows, columns = wanted.sum(axis=1), wanted.sum(axis=0)
    total = int(rows.sum())
    # The part above and left of the centre of mass has the centre's own row and column.
    bottom = round(float(rows @ np.arange(height)) / total) + 1
    right = round(float(columns @ np.arange(width)) / total) + 1
    score = 0.0
    for vertical in (slice(0, bottom), slice(bottom, height)):
        for horizontal in (slice(0, right), slice(right, width)):
            part, mask = values[vertical, horizontal], wanted[vertical, horizontal]
            if part.size:
                score += _similarity(part, mask) * part.size / wanted.size
    return score


def _similarity(values: Values, wanted: Mask) -> float:
    count = values.size
    mean, share = float(values.mean()), float(wanted.mean())
    rest, mask = values - mean, wanted - share
    # Not by dot products, which the BLAS spreads over threads: a loss at this size.
    variance, spread, shared = (
        float((a * b).sum()) for a, b in ((rest, rest), (mask, mask), (rest, mask))
    )
    if variance < _CONSTANT * count:
        variance = shared = 0.0
    above = 4 * mean * share * shared
    below = (mean**2 + share**2) * (variance + spread)
    if above == 0:
        return float(below == 0)
    return above / (below + _TINY * (count - 1))
