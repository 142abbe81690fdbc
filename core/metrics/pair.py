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
    check_map("prediction", prediction)
    check_map("truth", truth)
    if prediction.shape != truth.shape:
        raise ValueError(
            f"prediction must have the truth's shape {truth.shape}, got {prediction.shape}; "
            "resize the prediction, never the truth"
        )


def check_map(name: str, values: Map) -> tuple[float, float]:
    """Return the least and the largest value of what is H x W bool or float in [0, 1], else raise.

    Examples
    --------
    >>> check_map("prediction", np.array([[np.nan]]))
    Traceback (most recent call last):
        ...
    ValueError: prediction must lie in [0, 1], got values from nan to nan
    """
    is_float = np.issubdtype(values.dtype, np.floating)
    if values.ndim != 2 or values.size == 0 or not (is_float or values.dtype == np.bool_):
        hint = "; divide levels by 255" if values.dtype == np.uint8 else ""
        raise ValueError(
            f"{name} must be H x W bool or float in [0, 1], got {values.shape} {values.dtype}{hint}"
        )
    low, high = float(values.min()), float(values.max())
    if not (low >= 0.0 and high <= 1.0):  # also false for NaN
        raise ValueError(f"{name} must lie in [0, 1], got values from {low} to {high}")
    return low, high


def foreground(values: Map) -> Mask:
    """Return where `values` are .5 or more.

    Examples
    --------
    >>> foreground(np.array([[0.49, 0.5]])).tolist()
    [[False, True]]
    """
    return values if values.dtype == np.bool_ else values >= 0.5  # pyright: ignore[reportReturnType]


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


def check_unknown(unknown: Mask, shape: tuple[int, ...]) -> None:
    """Raise unless `unknown` is bool, of `shape`, and marks a pixel.

    Examples
    --------
    >>> check_unknown(np.zeros((2, 2), bool), (2, 2))
    Traceback (most recent call last):
        ...
    ValueError: unknown must mark at least one pixel, got none of (2, 2)
    """
    if unknown.dtype != np.bool_ or unknown.shape != shape:
        hint = "; a trimap's band is trimap == 128" if unknown.dtype == np.uint8 else ""
        raise ValueError(
            f"unknown must be bool of the truth's shape {shape}, "
            f"got {unknown.shape} {unknown.dtype}{hint}"
        )
    if not unknown.any():
        raise ValueError(f"unknown must mark at least one pixel, got none of {shape}")


def known_from(prediction: Map, truth: Map, unknown: Mask | None) -> Map:
    """Return the prediction with the truth where `unknown` says that it is known.

    Examples
    --------
    >>> known_from(np.array([[0.2, 0.3]]), np.array([[1.0, 1.0]]), np.array([[True, False]]))
    array([[0.2, 1. ]])
    """
    if unknown is None:
        return prediction
    check_unknown(unknown, truth.shape)
    return np.where(unknown, prediction, truth)


def normalised(prediction: Map) -> npt.NDArray[np.float64]:
    """Return a prediction stretched to [0, 1]: its least value becomes 0, its largest 1.

    PySODMetrics and the MATLAB codes behind it do so to every map before any measure; maskmill's
    metrics do not, because a network that is sure of nothing should not be scored as if it were.
    Stretch first to compare with their numbers.

    Parameters
    ----------
    prediction : ndarray, H x W, bool or float in [0, 1]
        For equal bits, divide 8-bit levels by 255 in float64.

    Returns
    -------
    ndarray, H x W, float64 in [0, 1]
        A constant map is returned as it is.

    Raises
    ------
    ValueError
        When the array is not as described.

    Notes
    -----
    For their curves PySODMetrics then cuts stretched values down to 256 levels, where `f_curve`
    and `e_curve` round: ``np.floor(255 * normalised(p)) / 255`` gives them exactly. (`evaluate`
    with ``stretch=True`` does both.) It calls a truth foreground from level 129, maskmill from 128.

    Examples
    --------
    >>> normalised(np.array([[0.2, 0.3, 0.6]])).round(3).tolist()
    [[0.0, 0.25, 1.0]]
    """
    low, high = check_map("prediction", prediction)
    values = prediction.astype(np.float64)
    if low < high and (low, high) != (0.0, 1.0):
        values -= low
        values /= high - low
    return values
