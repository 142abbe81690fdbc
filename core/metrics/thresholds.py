"""A prediction cut at thresholds: the counts that F-measure, E-measure and curves come from.

Who calls these functions has checked the pair.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt

from .pair import Map, Mask, check_threshold, foreground

Rule = Literal["max", "mean", "adaptive"]
Curve = npt.NDArray[np.float64]

LEVELS = 256

# Pixels that are counted together: a strip that stays in the cache.
_STRIP = 1 << 16


@dataclass(frozen=True, slots=True)
class Counts:
    """Pixels of one pair, or of several along the leading axes, by threshold.

    Parameters
    ----------
    hits, found : ndarray, (..., number of thresholds)
        Pixels of the thresholded prediction: those that are foreground in truth too, and all.
    wanted, pixels : ndarray, (..., 1)
        Foreground pixels of the truth, and all pixels there are.
    """

    hits: npt.NDArray[np.int64]
    found: npt.NDArray[np.int64]
    wanted: npt.NDArray[np.int64]
    pixels: npt.NDArray[np.int64]


def stack(counts: list[Counts]) -> Counts:
    """Return the counts of several pairs as one, pairs along the first axis."""
    return Counts(
        np.stack([one.hits for one in counts]),
        np.stack([one.found for one in counts]),
        np.stack([one.wanted for one in counts]),
        np.stack([one.pixels for one in counts]),
    )


def count_levels(prediction: Map, truth: Map, *, round_down: bool = False) -> Counts:
    """Count at each of the 256 levels: from ``level / 255`` on is foreground.

    The prediction is rounded to levels, as a file would hold it, or cut down to them.
    """
    found, hits = np.zeros(LEVELS, np.int64), np.zeros(LEVELS, np.int64)
    rows = max(1, _STRIP // prediction.shape[1])
    for top in range(0, prediction.shape[0], rows):
        part = slice(top, top + rows)
        levels = np.multiply(prediction[part], 255, dtype=np.float64)
        levels = (levels if round_down else np.rint(levels, out=levels)).astype(np.uint8)
        # OpenCV counts in float32: exact up to sixteen million.
        counted = cv2.calcHist(
            [levels, foreground(truth[part]).view(np.uint8)],
            [0, 1],
            None,
            [LEVELS, 2],
            [0, LEVELS, 0, 2],
        ).astype(np.int64)
        found += counted.sum(axis=1)
        hits += counted[:, 1]
    return Counts(
        np.cumsum(hits[::-1])[::-1],
        np.cumsum(found[::-1])[::-1],
        hits.sum(keepdims=True),
        found.sum(keepdims=True),
    )


def count_adaptive(prediction: Map, truth: Map) -> Counts:
    """Count at twice the prediction's mean, at most 1; only values above 0 are ever foreground.

    References
    ----------
    Achanta, Hemami, Estrada and Suesstrunk, "Frequency-tuned salient region detection", CVPR 2009.
    """
    cut = min(2 * float(prediction.mean(dtype=np.float64)), 1.0)
    return _count(prediction >= cut if cut > 0 else np.zeros(prediction.shape, bool), truth)


def count_at(prediction: Map, truth: Map, threshold: float) -> Counts:
    """Count at one threshold: values of that much or more are foreground."""
    check_threshold(threshold)
    return _count(prediction >= threshold, truth)


def check_rule(threshold: object) -> None:
    """Raise unless `threshold` is a number or the name of a rule.

    Examples
    --------
    >>> check_rule("median")
    Traceback (most recent call last):
        ...
    ValueError: threshold must be a number above 0 and at most 1, 'max', 'mean' or 'adaptive', \
got 'median'
    """
    if isinstance(threshold, str) and threshold not in get_args(Rule):
        raise ValueError(
            "threshold must be a number above 0 and at most 1, 'max', 'mean' or 'adaptive', "
            f"got {threshold!r}"
        )


def _count(found: Mask, truth: Map) -> Counts:
    wanted = foreground(truth)
    numbers = (found & wanted, found, wanted)
    hits, marked, true = (np.array([np.count_nonzero(mask)]) for mask in numbers)
    return Counts(hits, marked, true, np.array([truth.size]))
