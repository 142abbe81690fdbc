"""Where things stand between camera and subject and behind it, and how much of it they cover."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from mathutils import Matrix

from .parts import Part
from .subject import Frame

Vector = npt.NDArray[np.float64]

MOST = 0.6  # of the outline: more would not show what the picture is of
_CELLS = 64


@dataclass(frozen=True)
class Spot:
    """A place on the ground, upright and turned to the camera.

    Parameters
    ----------
    origin
        Metres, z = 0.
    right, away
        Horizontal unit vectors: to the right of the picture, and away from the camera.
    scale
        Metres here for one metre at the subject.
    width, height
        Metres of the picture here.
    bottom
        Height above the ground of the picture's lower edge here, metres; may be below 0.
    """

    origin: Vector
    right: Vector
    away: Vector
    scale: float
    width: float
    height: float
    bottom: float

    def world(self, points: Any) -> Vector:
        """Return points (n x 3: right, away, up from the spot) in the world."""
        points = np.asarray(points, float)
        up = np.array((0.0, 0.0, 1.0))
        return self.origin + points @ np.stack([self.right, self.away, up])

    @property
    def matrix(self) -> Any:
        """The matrix that puts an object here."""
        up = np.array((0.0, 0.0, 1.0))
        turn = np.stack([self.right, self.away, up], axis=1)
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = turn, self.origin
        return Matrix(matrix.tolist())


def forward(frame: Frame) -> Vector:
    """Return the unit vector along which the camera looks."""
    return np.cross(frame.up, frame.right)


def distance(frame: Frame) -> float:
    """Return how far the middle of the subject lies from the camera, along its sight, metres."""
    middle = (frame.low + frame.high) / 2
    return float((middle - frame.camera) @ forward(frame))


def spot(frame: Frame, depth: float, side: float = 0.0) -> Spot:
    """Return the spot at a depth from the camera.

    Parameters
    ----------
    frame
    depth
        Metres from the camera along its sight.
    side
        Shares of the picture's width from its middle, -0.5 to 0.5.
    """
    sight = forward(frame)
    far = distance(frame)
    scale = depth / far
    right = frame.right * (1.0, 1.0, 0.0)
    right /= np.linalg.norm(right)
    away = np.array((-right[1], right[0], 0.0))
    middle = frame.camera + sight * depth
    at = middle + frame.right * side * frame.width * scale
    return Spot(
        origin=at * (1.0, 1.0, 0.0),
        right=right,
        away=away,
        scale=scale,
        width=frame.width * scale,
        height=frame.height * scale,
        bottom=float(middle[2] - frame.height * scale / 2 * frame.up[2]),
    )


def seen(frame: Frame, points: Any) -> Vector:
    """Return where points (n x 3, metres) lie in the picture, n x 2: -0.5 to 0.5 across and up."""
    apart = np.asarray(points, float) - frame.camera
    depth = np.maximum(apart @ forward(frame), 1e-3) / distance(frame)
    across = apart @ frame.right / depth / frame.width
    return np.stack([across, apart @ frame.up / depth / frame.height], axis=-1)


@dataclass(frozen=True)
class Outline:
    """An ellipse in the subject's box as the picture sees it: shares of the picture."""

    low: Vector
    high: Vector

    @classmethod
    def of(cls, frame: Frame) -> "Outline":
        """Return the outline of the subject of a frame; what lies off the picture is left out."""
        ends = np.stack([frame.low, frame.high])
        corners = np.array(
            [(ends[i, 0], ends[j, 1], ends[k, 2]) for i, j, k in np.ndindex(2, 2, 2)]
        )
        places = seen(frame, corners)
        return cls(np.clip(places.min(axis=0), -0.5, 0.5), np.clip(places.max(axis=0), -0.5, 0.5))

    def covered(self, places: Vector) -> float:
        """Return the share of the ellipse within quads (f x 4 x 2) of the picture."""
        size = np.maximum(self.high - self.low, 1e-6)
        corners = (places - self.low) / size * _CELLS
        low, high = corners.min(axis=1), corners.max(axis=1)
        near = (high > 0).all(axis=1) & (low < _CELLS).all(axis=1)
        corners = corners[near]
        grid = np.zeros((_CELLS, _CELLS), bool)
        for corners_of, across, up in _stepped(corners):
            weights = np.stack(
                [(1 - across) * (1 - up), across * (1 - up), across * up, (1 - across) * up]
            )
            at = np.floor(np.einsum("sk,fsc->fkc", weights, corners_of)).astype(int)
            at = at.reshape(-1, 2)
            at = at[(at >= 0).all(axis=1) & (at < _CELLS).all(axis=1)]
            grid[at[:, 1], at[:, 0]] = True
        middle = (np.arange(_CELLS) + 0.5) / _CELLS * 2 - 1
        ellipse = middle[:, None] ** 2 + middle[None] ** 2 <= 1
        return float(grid[ellipse].mean())


def _stepped(corners: Vector) -> Iterator[tuple[Vector, Vector, Vector]]:
    """Yield quads (f x 4 x 2, cells) of like size, and where on each to look: across and up."""
    if not len(corners):
        return
    first, second, third, fourth = np.moveaxis(corners, 1, 0)
    sides = [
        np.maximum(np.abs(end - start).max(axis=1), np.abs(last - begin).max(axis=1))
        for start, end, begin, last in (
            (first, second, fourth, third),
            (first, fourth, second, third),
        )
    ]
    steps = [2 ** np.ceil(np.log2(np.clip(1.5 * side, 1, 256))).astype(int) for side in sides]
    for wide, tall in np.unique(np.stack(steps, axis=1), axis=0):
        own = (steps[0] == wide) & (steps[1] == tall)
        across, up = np.meshgrid((np.arange(wide) + 0.5) / wide, (np.arange(tall) + 0.5) / tall)
        yield corners[own], across.ravel(), up.ravel()


def share_of(frame: Frame, where: Spot, parts: Sequence[Part]) -> float:
    """Return the share of the subject's outline that parts at a spot cover."""
    outline = Outline.of(frame)
    quads = [seen(frame, where.world(part.points))[part.quads] for part in parts]
    return outline.covered(np.concatenate(quads))


def fitted(
    frame: Frame, where: Spot, make: Callable[[float], list[Part]], share: float
) -> tuple[list[Part], float]:
    """Return the parts, made of a strength of [0, 1], that cover a share of the outline.

    Parameters
    ----------
    frame, where
    make
        Makes the parts; more strength covers more.
    share
        Wanted, at most 0.6.

    Returns
    -------
    parts : list of Part
    share : float
        The one they cover: what cannot be reached is as near as it gets.
    """
    share = min(share, MOST)
    low, high = 0.0, 1.0
    parts = make(high)
    found = share_of(frame, where, parts)
    if found <= share:
        return parts, found
    for _ in range(9):
        middle = (low + high) / 2
        parts = make(middle)
        found = share_of(frame, where, parts)
        if abs(found - share) < 0.01:
            break
        low, high = (middle, high) if found < share else (low, middle)
    return parts, found
