"""Bands, collars, hoods and buttons along the rims of garments."""

import numpy as np
import numpy.typing as npt

from . import shells
from .bodies import Points
from .measures import Measures
from .shells import Sheet

Floats = npt.NDArray[np.float64]


def _ring(values: Points, rounds: int) -> Points:
    """Return points along a closed path, smoothed."""
    for _ in range(rounds):
        values = 0.5 * values + 0.25 * (np.roll(values, 1, axis=0) + np.roll(values, -1, axis=0))
    return values


def _frames(cloth: Sheet, loop: npt.NDArray[np.int64]) -> tuple[Points, Points, Points]:
    """Return a rim's path, its outward normals, and where the cloth would go on beyond it."""
    normal = shells.normals(cloth.points, cloth.corners, cloth.sizes)[loop]
    path = _ring(cloth.points[loop], 2)
    along = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    outward = _ring(normal, 6)
    outward -= along * (outward * along).sum(axis=1, keepdims=True)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    # Rims run against the polygons, so that beyond lies on this side.
    return path, outward, np.cross(along, outward)


def _rounded(width: float, low: float, high: float) -> Floats:
    """Return a rounded strip: k x 2, from -width/2 to width/2 outward, low to high upward."""
    w, bevel = width / 2.0, min(width, high - low) * 0.35
    return np.array(
        [
            (-w, low),
            (-w, high - bevel),
            (-w + bevel, high),
            (w - bevel, high),
            (w, high - bevel),
            (w, low + bevel),
            (w - bevel, low),
        ]
    )[::-1]


def _rib(cloth: Sheet, loop: npt.NDArray[np.int64], width: float, low: float, high: float) -> Sheet:
    path, outward, beyond = _frames(cloth, loop)
    return shells.swept(
        path,
        outward,
        beyond,
        cloth.weights[loop],
        _rounded(width, low, high),
        {"cloth": cloth.columns["cloth"][loop]},
    )


def band(cloth: Sheet, height: float, tall: float, thick: float) -> Sheet:
    """Return a band around a garment whose upper rim is at `height`, metres."""
    loops = shells.rims(cloth)
    loop = min(loops, key=lambda rim: abs(float(cloth.points[rim, 2].mean()) - height))
    return _rib(cloth, loop, thick, -tall, 0.004)


def trimmed(name: str, cloth: Sheet, size: Measures) -> dict[str, Sheet]:
    """Return the trims of a garment by the name of their material.

    Parameters
    ----------
    name
        The garment.
    cloth
        Its sheet with the columns "cloth" and "cut0" (neck or waist), "cut1" (hem), "cut2"
        (sleeves): 0 along the rim.
    size
        The body's measures.
    """
    u = size.unit
    parts: list[Sheet] = []
    plain = {"cloth": cloth.columns["cloth"]}
    bare = shells.replace(cloth, columns=plain)
    loops = shells.rims(cloth)

    def along(column: str) -> list[npt.NDArray[np.int64]]:
        values = cloth.columns[column]
        return [loop for loop in loops if np.abs(values[loop]).mean() < 2e-3]

    ribbed = name in ("sweater", "hoodie")
    if name in ("t_shirt", "sweater", "hoodie", "tank_top", "dress"):
        high = {"sweater": 0.016, "hoodie": 0.012}.get(name, 0.007) * u
        parts += [
            _rib(bare, loop, (0.006 if ribbed else 0.0045) * u, -0.010 * u, high)
            for loop in along("cut0")
        ]
        if name == "tank_top":
            parts += [_rib(bare, loop, 0.004 * u, -0.008 * u, 0.002) for loop in along("cut2")]
    if ribbed:
        parts += [_rib(bare, loop, 0.009 * u, -0.045 * u, 0.002) for loop in along("cut1")]
        parts += [_rib(bare, loop, 0.008 * u, -0.040 * u, 0.002) for loop in along("cut2")]
    if name == "shirt":
        parts += [_rib(bare, loop, 0.006 * u, -0.045 * u, 0.001) for loop in along("cut2")]
    made: dict[str, Sheet] = {}
    if parts:
        made["rib"] = shells.joined(parts)
    if name in ("shirt", "jacket", "coat"):
        neck = along("cut0") or loops[:1]
        gap, growth = (0.10, 1.0) if name == "shirt" else (0.30, 1.35)
        made["collar"] = collar(bare, neck[0], size, gap, growth)
    return made


def collar(
    cloth: Sheet, loop: npt.NDArray[np.int64], size: Measures, gap: float, growth: float
) -> Sheet:
    """Return a collar: a stand around the neck, folded over, open by `gap` radians at the front."""
    u = size.unit * growth
    path, outward, _ = _frames(cloth, loop)
    # From one side of the front around the neck to the other.
    angle = np.arctan2(path[:, 0], -(path[:, 1] - (size.notch[0] + size.nape[0]) / 2.0))
    order = np.argsort(angle)
    order = order[np.abs(angle[order]) > gap]
    path, angle = path[order], angle[order]
    weights, columns = cloth.weights[loop][order], cloth.columns["cloth"][loop][order]
    centre = np.array([0.0, (size.notch[0] + size.nape[0]) / 2.0, 0.0])
    flat = (path - centre) * np.array([1.0, 1.0, 0.0])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    front = np.clip(1.0 - np.abs(angle) / 1.3, 0.0, 1.0)[:, None]
    up = np.array([0.0, 0.0, 1.0]) - 0.30 * flat * (1.0 - front) + 0.35 * flat * front
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    stand = (0.030 - 0.012 * front) * u
    fall = (0.044 + 0.018 * front**2) * u
    thick = 0.0022 * u
    zero = np.zeros_like(stand)

    def corner(out: Floats | float, high: Floats) -> Floats:
        return np.concatenate([zero + out, high], axis=1)

    section = np.stack(
        [
            corner(0.002 * u, zero - 0.008 * u),
            corner(0.000, stand),
            corner(0.004 * u, stand + 0.004 * u),
            corner(0.010 * u, stand + 0.002 * u),
            corner(0.018 * u + 0.006 * u * front, stand - fall),
            corner(0.018 * u - thick + 0.006 * u * front, stand - fall),
            corner(0.010 * u - thick, stand - 0.002 * u),
            corner(0.005 * u, stand - 0.002 * u),
            corner(0.004 * u, zero - 0.008 * u),
        ],
        axis=1,
    )
    return shells.swept(path, flat, up, weights, section, {"cloth": columns}, closed=False)
