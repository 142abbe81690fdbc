"""What every metric asks of its two arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt

Map = npt.NDArray[np.bool_ | np.floating[Any]]
Mask = npt.NDArray[np.bool_]


def check_pair(prediction: Map, truth: Map) -> None:
    """Raise unless both are H x W, of one shape, and bool or floating point in [0, 1].

    Raises
    ------
    ValueError
        With the name of the array, what was expected and what came.

    Examples
    --------
    >>> check_pair(np.array([[True]]), np.array([[255]], np.uint8))
    Traceback (most recent call last):
        ...
    ValueError: truth must be H x W bool or float in [0, 1], got (1, 1) uint8; divide levels by 255
    """
    for name, values in (("prediction", prediction), ("truth", truth)):
        is_float = np.issubdtype(values.dtype, np.floating)
        if values.ndim != 2 or values.size == 0 or not (is_float or values.dtype == np.bool_):
            hint = "; divide levels by 255" if values.dtype == np.uint8 else ""
            raise ValueError(
                f"{name} must be H x W bool or float in [0, 1], "
                f"got {values.shape} {values.dtype}{hint}"
            )
        low, high = float(values.min()), float(values.max())
        if not (low >= 0.0 and high <= 1.0):  # also false for NaN
            raise ValueError(f"{name} must lie in [0, 1], got values from {low} to {high}")
    if prediction.shape != truth.shape:
        raise ValueError(
            f"prediction must have the truth's shape {truth.shape}, got {prediction.shape}; "
            "resize the prediction, never the truth"
        )


def check_threshold(threshold: float) -> None:
    """Raise unless `threshold` can part foreground from background.

    Examples
    --------
    >>> check_threshold(0)
    Traceback (most recent call last):
        ...
    ValueError: threshold must be above 0 and at most 1, got 0
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be above 0 and at most 1, got {threshold}")
