"""What the report measures itself: alphas on a sample of the dataset, predictions against them."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from maskmill.images import Alpha, decode_alpha, decode_levels
from maskmill.metrics import iou, mae
from maskmill.shards import View

Numbers = npt.NDArray[np.float64]
_Levels = TypeVar("_Levels")
Progress = Callable[[str, int, int], None]
"""Called with (what is being done, steps done, steps in all)."""


def measure(view: View, positions: Sequence[int], progress: Progress) -> Mapping[str, Numbers]:
    """Measure the alphas at some positions of a view.

    Returns
    -------
    mapping of str to ndarray, N, float64
        ``coverage``, the mean of the alpha, and ``softness``, the share of its pixels between .02
        and .98; NaN where nothing was measured.

    Raises
    ------
    ValueError, OSError
        When an alpha cannot be read.
    """
    coverage, softness = np.full(len(view), np.nan), np.full(len(view), np.nan)
    for done, at in enumerate(sorted(positions), 1):
        levels = _alpha(view, at, decode_levels)
        top = np.iinfo(levels.dtype).max
        coverage[at] = levels.mean() / top
        softness[at] = np.mean((levels > 0.02 * top) & (levels < 0.98 * top))
        progress("alphas", done, len(positions))
    return {"coverage": coverage, "softness": softness}


def compare(
    view: View, predictions: Mapping[str, Alpha], progress: Progress
) -> Mapping[str, Numbers]:
    """Compare predictions, by key, with the alphas of a view.

    Returns
    -------
    mapping of str to ndarray, N, float64
        ``iou`` and ``mae``, NaN where there is no prediction; empty where there is none at all.

    Raises
    ------
    ValueError
        When a prediction does not have its image's shape.
    """
    positions = [at for at, key in enumerate(view.keys) if key in predictions]
    overlap, error = np.full(len(view), np.nan), np.full(len(view), np.nan)
    for done, at in enumerate(positions, 1):
        truth = _alpha(view, at, decode_alpha)
        prediction = predictions[view.keys[at]]
        if prediction.shape != truth.shape:
            raise ValueError(
                f"the prediction of {view.keys[at]} must have its image's shape {truth.shape}, "
                f"got {prediction.shape}"
            )
        overlap[at], error[at] = iou(prediction, truth), mae(prediction, truth)
        progress("predictions", done, len(positions))
    return {"iou": overlap, "mae": error} if positions else {}


def _alpha(view: View, at: int, decode: Callable[[bytes], _Levels]) -> _Levels:
    try:
        return decode(view.read(at)[1])
    except (ValueError, OSError) as error:
        error.add_note(f"in the alpha of {view.keys[at]}: `maskmill verify` finds all such damage")
        raise
