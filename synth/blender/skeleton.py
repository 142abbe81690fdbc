"""Bones that turn, and skin that follows them without losing its volume."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .bodies import Base, Points

Matrix = npt.NDArray[np.float64]


def turned(axis: Sequence[float] | Points, degrees: float) -> Matrix:
    """Return the 3 x 3 rotation about an axis, right-handed.

    Examples
    --------
    >>> turned((0, 0, 1), 90).round().tolist()
    [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    x, y, z = np.asarray(axis, dtype=np.float64) / np.linalg.norm(axis)
    angle = np.radians(degrees)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross


@dataclass(frozen=True)
class Stance:
    """Where the bones of a posed body are.

    Parameters
    ----------
    rotations
        bones x 3 x 3, each bone's turn from the rest pose, in the world.
    offsets
        bones x 3: a point p of a bone at rest is at rotation @ p + offset.
    """

    rotations: Matrix
    offsets: Points

    def place(self, bone: int, point: Points) -> Points:
        """Return where points of a bone at rest (... x 3) are."""
        return point @ self.rotations[bone].T + self.offsets[bone]

    def shifted(self, by: Points) -> "Stance":
        """Return the same stance elsewhere."""
        return Stance(self.rotations, self.offsets + by)


def joints(base: Base, vertices: Points) -> Points:
    """Return the head of each bone, bones x 3, of a body at rest."""
    return np.array([vertices[rows].mean(axis=0) for rows in base.heads])


def stance(
    base: Base, heads: Points, turns: Mapping[str, Matrix], root: Points | None = None
) -> Stance:
    """Turn the bones.

    Parameters
    ----------
    base
        The base mesh with its rig.
    heads
        bones x 3, as `joints` returns them.
    turns
        Rotations (3 x 3) by bone, relative to the parent, about axes that are the world's when
        the parent is at rest.
    root
        How far the root is moved, metres.

    Returns
    -------
    Stance
        Bones without a turn follow their parent.
    """
    count = len(base.bones)
    rotations, offsets = np.empty((count, 3, 3)), np.empty((count, 3))
    for i, name in enumerate(base.bones):
        parent = base.parents[i]
        if parent < 0:
            rotation = turns.get(name, np.eye(3))
            position = heads[i] + (0.0 if root is None else root)
        else:
            rotation = rotations[parent]
            position = rotation @ heads[i] + offsets[parent]
            if name in turns:
                rotation = rotation @ turns[name]
        rotations[i] = rotation
        offsets[i] = position - rotation @ heads[i]
    return Stance(rotations, offsets)


def _quaternions(rotations: Matrix) -> npt.NDArray[np.float64]:
    """Return N x 4 unit quaternions (w, x, y, z) of N x 3 x 3 rotations.

    Shepperd's method: the largest component first, so that nothing small is divided by.
    """
    m = rotations
    trace = np.trace(m, axis1=1, axis2=2)
    squares = np.stack([1.0 + trace] + [1.0 - trace + 2.0 * m[:, i, i] for i in range(3)], axis=1)
    result = np.empty((len(m), 4))
    largest = squares.argmax(axis=1)
    skew = np.stack(
        [m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]], axis=1
    )
    for row, which in enumerate(largest):
        root = np.sqrt(squares[row, which])
        if which == 0:
            result[row] = (root, *(skew[row] / root))
            continue
        i = which - 1
        j, k = (i + 1) % 3, (i + 2) % 3
        result[row, 0] = skew[row, i] / root
        result[row, 1 + i] = root
        result[row, 1 + j] = (m[row, j, i] + m[row, i, j]) / root
        result[row, 1 + k] = (m[row, k, i] + m[row, i, k]) / root
    return result / 2.0


def _product(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the product of quaternions, ... x 4."""
    w = a[..., 0] * b[..., 0] - (a[..., 1:] * b[..., 1:]).sum(axis=-1)
    v = a[..., :1] * b[..., 1:] + b[..., :1] * a[..., 1:] + np.cross(a[..., 1:], b[..., 1:])
    return np.concatenate([w[..., None], v], axis=-1)


def skinned(stance: Stance, weights: npt.NDArray[np.float64], points: Points) -> Points:
    """Return where points are when the bones have turned.

    Dual quaternions (Kavan et al., Geometric Skinning with Approximate Dual Quaternion Blending,
    2008) keep the girth of twisted and bent joints, which blended matrices lose.

    Parameters
    ----------
    stance
        Where the bones are.
    weights
        N x bones, rows add up to 1.
    points
        N x 3 at rest, metres.

    Returns
    -------
    numpy.ndarray
        N x 3 float64, metres.
    """
    real = _quaternions(stance.rotations)
    real *= np.where(real[:, :1] < 0.0, -1.0, 1.0)
    shift = np.concatenate([np.zeros((len(real), 1)), stance.offsets], axis=1)
    dual = 0.5 * _product(shift, real)
    # A quaternion and its negative are one rotation: each follows the bone that counts most.
    main = real[weights.argmax(axis=1)]
    signs = np.where(main @ real.T < 0.0, -1.0, 1.0) * weights
    blended_real, blended_dual = signs @ real, signs @ dual
    length = np.linalg.norm(blended_real, axis=1, keepdims=True)
    blended_real /= length
    blended_dual /= length
    conjugate = blended_real * np.array([1.0, -1.0, -1.0, -1.0])
    pure = np.concatenate([np.zeros((len(points), 1)), points], axis=1)
    rotated = _product(_product(blended_real, pure), conjugate)[:, 1:]
    return rotated + 2.0 * _product(blended_dual, conjugate)[:, 1:]


def aligned(along: Points, across: Points, along_to: Points, across_to: Points) -> Matrix:
    """Return the rotation that takes one direction to another, and a second one as near as can be.

    Parameters
    ----------
    along, across
        Directions (3), at rest.
    along_to, across_to
        Where they go (3); `across_to` only as far as it is perpendicular to `along_to`.

    Examples
    --------
    >>> x, y, z = np.eye(3)
    >>> np.allclose(aligned(x, y, y, -x) @ x, y)
    True
    """

    def frame(first: Points, second: Points) -> Matrix:
        first = first / np.linalg.norm(first)
        second = second - first * (first @ second)
        second = second / np.linalg.norm(second)
        return np.stack([first, second, np.cross(first, second)], axis=1)

    return frame(along_to, across_to) @ frame(along, across).T


def two_bones(
    root: Points, target: Points, pole: Points, upper: float, lower: float
) -> tuple[Points, Points]:
    """Return where the middle joint and the end of a two-bone chain lie.

    Parameters
    ----------
    root
        Where the chain starts (3), metres.
    target
        Where its end should be (3).
    pole
        The direction (3) to which the middle joint bends.
    upper, lower
        Lengths, metres.

    Returns
    -------
    middle, end : numpy.ndarray
        (3) each. The end is the target where the chain reaches it.

    Examples
    --------
    >>> middle, end = two_bones(np.zeros(3), np.array([0, 0, -1.0]), np.array([0, -1, 0]), 0.6, 0.6)
    >>> middle.round(2).tolist(), end.tolist()
    ([0.0, -0.33, -0.5], [0.0, 0.0, -1.0])
    """
    reach = target - root
    distance = float(np.linalg.norm(reach))
    direction = reach / distance
    # Never quite straight nor folded flat, where the bend has no direction.
    distance = float(np.clip(distance, abs(upper - lower) + 0.02 * lower, 0.9995 * (upper + lower)))
    along = (upper**2 - lower**2 + distance**2) / (2.0 * distance)
    bend = pole - direction * (direction @ pole)
    bend = bend / np.linalg.norm(bend)
    middle = root + along * direction + np.sqrt(max(upper**2 - along**2, 0.0)) * bend
    return middle, root + distance * direction
