"""Place a clip of little texture by its outline: where the photograph's object ends, too.

A coarse search compares how much of the object's colour is within the silhouette and around it, at
every place and scale; then the edges along the outline's normals pull the clip onto the object,
as in C. Harris, C. Stennett, "RAPID - a video rate object tracker", 1990.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Image

from .channels import greatest, total
from .colour_map import fitted
from .correlation import INSIDE, Place, peak, sizes
from .geometry import Matrix, corners_of, inverse, mapped, resizing, scale_of, shifting
from .photometric import TUKEY, gradients, reduced_to
from .support import Mask

SIDE = 128
"""Long side in pixels of the photograph that is searched."""
RING = 3
"""Pixels around the silhouette that are compared with it, in the search."""
ALIKE = 35.0
"""Standard deviation in levels of what counts as the object's colour."""
RECOLOURED = 60.0
"""Levels by which a studio may have changed an object's mean colour, in any channel."""
POINTS = 800
"""Points of the outline that take part."""
LEVELS = ((200, 9.0), (400, 6.0), (700, 3.0))
"""Long sides of the object in pixels, and how far from the outline edges are looked for."""
ROUNDS = 12
STEP = 0.5
WITHIN = 6.0
"""Pixels inside the support at which the clip's own colour is taken; its edge is soft."""
LEAST_POINTS = 20
STILL = 0.005
"""Pixels by which the outline moves when it has come to rest."""
LEAST_EDGE = 24.0
"""Levels by which the object must differ from what is beyond its outline."""
NEAR = 1.0
"""Pixels of the clip within which an edge agrees with the outline."""

Floats = npt.NDArray[np.float32]
Reals = npt.NDArray[np.float64]


class Outlined(NamedTuple):
    """A clip laid on a photograph by its outline.

    Parameters
    ----------
    to_clip : ndarray, 3 x 3
        From the photograph's pixel centres to the clip's.
    agreement : float
        Share of the outline at which the photograph has its edge within `NEAR` pixels of the clip.
    seen : float
        Share of the outline at which the photograph has an edge nearby at all.
    bend : float
        Pixels of the clip by which a homography would move the object's corners.
    """

    to_clip: Matrix
    agreement: float
    seen: float
    bend: float


def silhouettes(original: Image, clip: Image, support: Mask, most: int = 2) -> list[Place]:
    """Return the places where the object's colour fills the silhouette and does not surround it.

    Their `correlation` is by how much more of the colour is within than around, in [-1, 1].
    """
    shrink = min(1.0, SIDE / max(original.shape[:2]))
    size = (max(1, round(original.shape[1] * shrink)), max(1, round(original.shape[0] * shrink)))
    small: Any = cv2.resize(original, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    colour: Any = clip[support].mean(axis=0)
    found: list[Place] = []
    for _ in range(2):  # the second time with the photograph's own colour, before any grading
        found = _searched(original, small, support, colour, most)
        if not found:
            break
        under = cv2.warpPerspective(original, found[0].to_clip, support.shape[1::-1])
        seen = np.median(under[support], axis=0)
        if np.abs(seen - clip[support].mean(axis=0)).max() > RECOLOURED:
            break
        colour = seen
    return found


def _searched(original: Image, small: Floats, support: Mask, colour: Any, most: int) -> list[Place]:
    from scipy import fft

    (left, top), _, (right, bottom), _ = corners_of(support).astype(int)
    mask = support[top : bottom + 1, left : right + 1].astype(np.uint8) * np.uint8(255)
    height, width = mask.shape
    if max(height, width) > 2 * SIDE:  # each size is made of one that is not much larger
        shrink = 2 * SIDE / max(height, width)
        coarse = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        mask = cv2.resize(mask, coarse, interpolation=cv2.INTER_AREA)
    size = (small.shape[1], small.shape[0])
    shape: Any = tuple(fft.next_fast_len(int(1.7 * side), True) for side in small.shape[:2])
    off = total(np.square(small - np.asarray(colour, np.float32)))
    alike = np.exp(-off / (2 * ALIKE * ALIKE))

    def spectrum(array: Any) -> Any:
        return fft.rfft2(np.asarray(array, np.float32), shape)

    def back(array: Any) -> Any:
        return fft.irfft2(array, shape)

    like, there = spectrum(alike), spectrum(np.ones_like(alike))
    reducing = resizing((original.shape[1], original.shape[0]), size)
    found: list[Place] = []
    for wide, high in sizes(size, width, height):
        inner = cv2.resize(mask, (wide, high), interpolation=cv2.INTER_AREA) > 127
        core = np.pad(inner.astype(np.uint8), RING)
        ring = cv2.dilate(core, np.ones((2 * RING + 1,) * 2, np.uint8)) - core
        if core.sum() < 20:
            continue
        filling, around = np.conj(spectrum(core)), np.conj(spectrum(ring))
        inside = back(there * filling) / float(core.sum())
        value = back(like * filling) / float(core.sum()) - back(like * around) / float(ring.sum())
        value[inside < INSIDE] = -1
        across, down, best = peak(value, size)
        to_small = shifting(across + RING, down + RING) @ resizing((width, height), (wide, high))
        to_clip = inverse(inverse(reducing) @ to_small @ shifting(-left, -top))
        found.append(Place(best, to_clip))
    return sorted(found, key=lambda place: -place.correlation)[:most]


def outlined(original: Image, clip: Image, support: Mask, to_clip: Matrix) -> Outlined | None:
    """Move a clip until its outline lies on the photograph's edges.

    Parameters
    ----------
    original, clip : ndarray, H x W x 3, uint8
    support : ndarray, bool
        Pixels of the clip that show the object.
    to_clip : ndarray, 3 x 3
        Where to begin: at most a tenth of the object's size away.

    Returns
    -------
    Outlined or None
        None where hardly any of the outline can be seen.
    """
    side = _side(support)
    for level, reach in LEVELS:
        fit = _Fit(original, clip, support, min(1.0, level / side))
        local = fit.reducing @ to_clip
        for _ in range(ROUNDS):
            edges = fit.edges(local, reach)
            if edges is None:
                return None
            step = _step(*edges, "similarity")
            local = step @ local
            moved = mapped(step, fit.points[:4]) - fit.points[:4]
            if np.abs(moved).max() < STILL:
                break
        to_clip = inverse(fit.reducing) @ local
    return outline_of(original, clip, support, to_clip)


def outline_of(original: Image, clip: Image, support: Mask, to_clip: Matrix) -> Outlined | None:
    """Return how a clip's outline compares with the photograph's edges where it lies."""
    level, reach = LEVELS[-1]
    fit = _Fit(original, clip, support, min(1.0, level / _side(support)))
    edges = fit.edges(fit.reducing @ to_clip, reach)
    if edges is None:
        return None
    near = np.abs(edges[2]) < NEAR * max(fit.factor, 0.5)
    corners = corners_of(support)
    bent = inverse(fit.reducing) @ _step(*edges, "homography") @ fit.reducing
    moved = mapped(bent, corners) - corners
    count = len(fit.points)
    bend = float(np.hypot(*moved.T).max())
    return Outlined(to_clip, float(near.sum() / count), len(near) / count, bend)


def _side(support: Mask) -> float:
    return float(np.ptp(corners_of(support), axis=0).max() + 1)


class _Fit:
    """A clip at one reduction, the points of its outline and their normals."""

    def __init__(self, original: Image, clip: Image, support: Mask, factor: float) -> None:
        height, width = support.shape
        size = (max(8, round(width * factor)), max(8, round(height * factor)))
        self.factor = factor
        self.reducing = resizing((width, height), size)
        area = cv2.INTER_AREA
        self.clip: Any = cv2.resize(clip, size, interpolation=area).astype(np.float32)
        levels = support.astype(np.uint8) * np.uint8(255)
        self.support = cv2.resize(levels, size, interpolation=area) > 127
        self.original = original
        soft: Any = cv2.GaussianBlur(self.support.astype(np.float32), (0, 0), 1.5)
        across, down = gradients(soft)
        found: Any = cv2.findContours(
            self.support.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
        )
        points = np.concatenate([line.reshape(-1, 2) for line in found[0]] or [np.zeros((0, 2))])
        points = points[:: max(1, len(points) // POINTS)].astype(int)
        rows, columns = points[:, 1], points[:, 0]
        normals = -np.stack([across[rows, columns], down[rows, columns]], axis=1)
        lengths = np.hypot(*normals.T)
        kept = lengths > 0.02
        self._on_edge(points[kept].astype(np.float64), normals[kept] / lengths[kept, None])

    def _on_edge(self, points: Reals, normals: Reals) -> None:
        """Take the outline to where the clip's own colours are half canvas."""
        if not len(points):
            self.points, self.normals, self.inside = points, normals, np.zeros((0, 3), np.float32)
            return
        ways = np.arange(-WITHIN, WITHIN / 2 + STEP / 2, STEP)
        shown = _sampled(self.clip, points[:, None] + ways[None, :, None] * normals[:, None])
        inside = shown[:, : round(WITHIN / 2 / STEP)].mean(axis=1)
        edge = _crossing(greatest(np.abs(shown - inside[:, None])), ways)
        told = np.isfinite(edge)
        self.points = points[told] + edge[told, None] * normals[told]
        self.normals, self.inside = normals[told], inside[told]

    def edges(self, to_clip: Matrix, reach: float) -> tuple[Reals, Reals, Reals] | None:
        """Return points, normals and by how much the photograph's edge lies farther out."""
        source, reduced = reduced_to(self.original, scale_of(to_clip))
        back = reduced @ inverse(to_clip)
        inner = cv2.erode(self.support.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        if inner.sum() < 50 or len(self.points) < LEAST_POINTS:
            return None
        size = self.clip.shape[1::-1]
        under = cv2.warpPerspective(
            source, inverse(back), size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        grading = fitted(under, self.clip, inner)
        ways = np.arange(-reach, reach + STEP / 2, STEP)
        places = self.points[:, None] + ways[None, :, None] * self.normals[:, None]
        photograph = _sampled(source, mapped(back, places.reshape(-1, 2)).reshape(places.shape))
        photograph = np.clip(grading(photograph), 0, 255)
        farther = _crossing(greatest(np.abs(photograph - self.inside[:, None])), ways)
        told = np.isfinite(farther)
        if told.sum() < LEAST_POINTS:
            return None
        return self.points[told], self.normals[told], farther[told]


def _sampled(image: Any, places: Reals) -> Floats:
    found = cv2.remap(
        image,
        places[..., 0].astype(np.float32),
        places[..., 1].astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return found.astype(np.float32)


def _crossing(off: Floats, ways: Reals) -> Reals:
    """Return where each row first reaches half of its step; NaN where there is none."""
    rows = np.arange(len(off))
    step = off.max(axis=1)
    told = (step >= LEAST_EDGE) & (off[:, 0] < 0.5 * step)
    place = np.zeros(len(off))
    for _ in range(2):
        over = off >= 0.5 * step[:, None]
        told &= over[:, 1:].any(axis=1)
        after = np.maximum(over.argmax(axis=1), 1)
        low, high = off[rows, after - 1], off[rows, after]
        share = np.clip((0.5 * step - low) / np.maximum(high - low, 1e-3), 0, 1)
        place = ways[after - 1] + share * (ways[after] - ways[after - 1])
        beyond = np.minimum(after + round(1.5 / STEP), off.shape[1] - 1)
        step = np.maximum(off[rows, beyond], LEAST_EDGE)
    return np.where(told, place, np.nan)


def _step(points: Reals, normals: Reals, farther: Reals, kind: str) -> Matrix:
    """Return the transform that brings the photograph's edges to the outline's."""
    middle = points.mean(axis=0)
    half = max(1.0, float(np.abs(points - middle).max()))
    x, y = ((points - middle) / half).T
    u, v = normals.T
    flow = x * u + y * v
    if kind == "similarity":
        slopes = np.stack([u, v, flow, y * u - x * v], axis=1)
    else:
        slopes = np.stack([u, v, x * u, x * v, y * u, y * v, -x * flow, -y * flow], axis=1)
    spread = 1.4826 * float(np.median(np.abs(farther - np.median(farther)))) + 0.1
    found = np.zeros(slopes.shape[1])
    for _ in range(5):
        off = (-farther - slopes @ found) / (TUKEY * spread)
        weights = np.square(np.maximum(1 - off * off, 0))
        if weights.sum() < slopes.shape[1] + 4:
            break
        normal = slopes.T @ (slopes * weights[:, None])
        normal += 1e-3 * np.trace(normal) / len(found) * np.eye(len(found))
        found = np.linalg.solve(normal, slopes.T @ (weights * -farther))
    if kind == "similarity":
        a, b, s, r = found
        local = np.array([[1 + s / half, r / half, a], [-r / half, 1 + s / half, b], [0, 0, 1]])
    else:
        a, b, xx, xy, yx, yy, px, py = found
        local = np.array(
            [
                [1 + xx / half, yx / half, a],
                [xy / half, 1 + yy / half, b],
                [px / half**2, py / half**2, 1],
            ]
        )
    return shifting(*middle) @ local @ shifting(*-middle)
