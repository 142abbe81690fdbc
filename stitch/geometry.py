"""Plane transforms as 3 x 3 matrices over pixel centres: the first pixel's centre is (0, 0)."""

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
Points = npt.NDArray[np.float64]


def resizing(old: tuple[int, int], new: tuple[int, int]) -> Matrix:
    """Return the transform of a picture of (width, height) `old` resized to `new`.

    Examples
    --------
    >>> resizing((4, 4), (2, 2)) @ (0.5, 0.5, 1)  # the middle of the first four pixels
    array([0., 0., 1.])
    """
    x, y = new[0] / old[0], new[1] / old[1]
    return np.array([[x, 0, 0.5 * x - 0.5], [0, y, 0.5 * y - 0.5], [0, 0, 1]])


def shifting(x: float, y: float) -> Matrix:
    """Return the transform that adds (x, y).

    Examples
    --------
    >>> shifting(2, 3) @ (1, 1, 1)
    array([3., 4., 1.])
    """
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def mirroring(width: int) -> Matrix:
    """Return the transform of a picture of that width turned left to right.

    Examples
    --------
    >>> mirroring(10) @ (0, 5, 1)
    array([9., 5., 1.])
    """
    return np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]], np.float64)


def mapped(matrix: Matrix, points: Points) -> Points:
    """Return n x 2 points under a transform; perspective, too.

    Examples
    --------
    >>> mapped(shifting(1, 0), np.array([[0.0, 0.0]]))
    array([[1., 0.]])
    """
    moved = points @ matrix[:2, :2].T + matrix[:2, 2]
    if matrix[2, 0] == 0 and matrix[2, 1] == 0:
        return moved / matrix[2, 2]
    return moved / (points @ matrix[2, :2] + matrix[2, 2])[:, None]


def inverse(matrix: Matrix) -> Matrix:
    """Return the transform back.

    Examples
    --------
    >>> inverse(shifting(1, 2)) @ (1, 2, 1)
    array([0., 0., 1.])
    """
    return np.asarray(np.linalg.inv(matrix), np.float64)


def scale_of(matrix: Matrix) -> float:
    """Return the factor by which lengths grow, as the root of that of areas.

    Examples
    --------
    >>> scale_of(resizing((100, 100), (50, 50)))
    0.5
    """
    return float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))


def plausible(matrix: Matrix) -> bool:
    """Whether a clip could have been made by this: no stretch above 8 %, no absurd scale."""
    if not np.isfinite(matrix).all():
        return False
    large, small = np.linalg.svd(matrix[:2, :2], compute_uv=False)
    return bool(small > 0.01 and large < 8 and large / small < 1.08)


def corners_of(mask: npt.NDArray[np.bool_]) -> Points:
    """Return the four corners of the box around what is true, 4 x 2 as (x, y).

    Examples
    --------
    >>> corners_of(np.ones((2, 3), bool)).tolist()
    [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]]
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1], columns[0], columns[-1]
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
