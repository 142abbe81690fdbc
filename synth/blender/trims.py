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


def rib(cloth: Sheet, loop: npt.NDArray[np.int64], width: float, low: float, high: float) -> Sheet:
    """Return a band along a rim, from `low` to `high` beyond it and `width` thick, metres."""
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
    return rib(cloth, loop, thick, -tall, 0.004)


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
            rib(bare, loop, (0.006 if ribbed else 0.0045) * u, -0.010 * u, high)
            for loop in along("cut0")
        ]
        if name == "tank_top":
            parts += [rib(bare, loop, 0.004 * u, -0.008 * u, 0.002) for loop in along("cut2")]
    if ribbed:
        parts += [rib(bare, loop, 0.009 * u, -0.045 * u, 0.002) for loop in along("cut1")]
        parts += [rib(bare, loop, 0.008 * u, -0.040 * u, 0.002) for loop in along("cut2")]
    if name == "shirt":
        parts += [rib(bare, loop, 0.006 * u, -0.045 * u, 0.001) for loop in along("cut2")]
    made: dict[str, Sheet] = {}
    if parts:
        made["rib"] = shells.joined(parts)
    if name in ("shirt", "jacket", "coat"):
        # The rim of an open front goes on down to the hem: only the neck's part bears the collar.
        rim = max(loops, key=lambda loop: int((np.abs(cloth.columns["cut0"][loop]) < 1e-3).sum()))
        neck = rim[np.abs(cloth.columns["cut0"][rim]) < 1e-3]
        made["collar"] = collar(bare, neck, size, 0.16, 1.0 if name == "shirt" else 1.25)
    if name == "hoodie":
        rim = max(loops, key=lambda loop: int((np.abs(cloth.columns["cut0"][loop]) < 1e-3).sum()))
        made["collar"] = hood(bare, rim, size)
    return made


def _around_neck(
    cloth: Sheet, neck: npt.NDArray[np.int64], size: Measures, gap: float
) -> tuple[Points, Floats, npt.NDArray[np.int64], Points]:
    """Return a path around the neck from one side of the front to the other.

    With it: its angles from the front, the nearest vertices, and horizontal directions outward.
    """
    points = cloth.points[neck]
    middle = (size.notch[0] + size.nape[0]) / 2.0
    angle = np.arctan2(points[:, 0], -(points[:, 1] - middle))
    order = np.argsort(angle)
    order = order[np.abs(angle[order]) > gap]
    at = np.linspace(angle[order[0]], angle[order[-1]], 56)
    path = np.stack([np.interp(at, angle[order], points[order, i]) for i in range(3)], axis=1)
    for _ in range(3):
        path[1:-1] = 0.5 * path[1:-1] + 0.25 * (path[:-2] + path[2:])
    nearest = neck[order][np.abs(at[:, None] - angle[order][None]).argmin(axis=1)]
    flat = (path - np.array([0.0, middle, 0.0])) * np.array([1.0, 1.0, 0.0])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    return path, at, nearest, flat


def hood(cloth: Sheet, neck: npt.NDArray[np.int64], size: Measures) -> Sheet:
    """Return a hood that lies on the back: a roll around the neck, thick behind."""
    u = size.unit
    path, at, nearest, flat = _around_neck(cloth, neck, size, 0.22)
    back = (np.abs(at) / np.pi)[:, None, None]
    turn = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
    wide = (0.011 + 0.034 * back**2.5) * u
    tall = (0.012 + 0.018 * back) * u
    section = np.concatenate(
        [
            0.004 * u + wide * (1.0 - 0.35 * back) + wide * np.cos(turn)[None, :, None],
            0.006 * u - 0.016 * u * back**2 + tall * np.sin(turn)[None, :, None],
        ],
        axis=2,
    )
    up = np.tile(np.array([0.0, 0.0, 1.0]), (len(path), 1))
    return shells.swept(
        path,
        flat,
        up,
        cloth.weights[nearest],
        section,
        {"cloth": cloth.columns["cloth"][nearest]},
        closed=False,
    )


def collar(
    cloth: Sheet, neck: npt.NDArray[np.int64], size: Measures, gap: float, growth: float
) -> Sheet:
    """Return a collar: a stand around the neck, folded over, open by `gap` radians at the front."""
    u = size.unit * growth
    path, at, nearest, flat = _around_neck(cloth, neck, size, gap)
    front = np.clip(1.0 - np.abs(at) / 1.2, 0.0, 1.0)[:, None]
    # The stand leans with the neck: inward at the back and sides, outward over the collarbones.
    up = np.array([0.0, 0.0, 1.0]) + flat * (0.55 * front - 0.15)
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    stand = (0.020 - 0.006 * front) * u
    fall = (0.036 + 0.022 * front**2) * u
    zero = np.zeros_like(stand)

    def corner(out: Floats | float, high: Floats) -> Floats:
        return np.concatenate([zero + out, high], axis=1)

    thick, flare = 0.0028 * u, 0.004 * u * front
    section = np.stack(
        [
            corner(-0.001 * u, zero - 0.010 * u),
            corner(-0.001 * u, stand),
            corner(0.002 * u, stand + 0.004 * u),
            corner(0.006 * u, stand + 0.003 * u),
            corner(0.012 * u + flare, stand - 0.5 * fall),
            corner(0.019 * u + flare, stand - fall),
            corner(0.019 * u - thick + flare, stand - fall - 0.001 * u),
            corner(0.011 * u - thick + flare, stand - 0.5 * fall),
            corner(0.003 * u, stand - 0.004 * u),
            corner(0.003 * u, zero - 0.010 * u),
        ],
        axis=1,
    )
    return shells.swept(
        path,
        flat,
        up,
        cloth.weights[nearest],
        section,
        {"cloth": cloth.columns["cloth"][nearest]},
        closed=False,
    )


def _runs(
    loop: npt.NDArray[np.int64], chosen: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], bool]:
    """Return the longest run of a closed loop where `chosen` (per vertex), and if it is all."""
    inside = chosen[loop]
    if inside.all():
        return loop, True
    first = int(np.flatnonzero(~inside)[0])
    turned = np.roll(loop, -first)
    inside = chosen[turned]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(np.int64), [0]])))
    spans = edges.reshape(-1, 2)
    if not len(spans):
        return loop[:0], False
    start, end = spans[(spans[:, 1] - spans[:, 0]).argmax()]
    return turned[start:end], False


def lengthened(
    cloth: Sheet, rim: npt.NDArray[np.bool_], by: float, flare: float, rounded: float
) -> Sheet:
    """Return a garment that hangs on straight down from a rim.

    Parameters
    ----------
    cloth
        The garment with the column "cloth".
    rim
        Which vertices (N) are on the rim.
    by, flare
        How far down, and outward, metres.
    rounded
        0 as the rim is to 1 where its hollows fill as it goes down.
    """
    parts = [cloth]
    for loop in shells.rims(cloth):
        run, closed = _runs(loop, rim)
        if len(run) < 8:
            continue
        path = cloth.points[run]
        centre = (path.min(axis=0) + path.max(axis=0)) / 2.0
        out = (path - centre) * np.array([1.0, 1.0, 0.0])
        radius = np.linalg.norm(out, axis=1, keepdims=True)
        out /= np.maximum(radius, 1e-6)
        goal = radius + rounded * np.maximum(0.94 * radius.max() - radius, 0.0)
        steps = max(4, round(by / 0.03))
        rings = [path]
        for step in range(1, steps + 1):
            share = step / steps
            ring = centre + out * (radius + (goal - radius) * min(1.0, 2.0 * share) + flare * share)
            ring[:, 2] = path[:, 2] - by * share
            rings.append(ring)
        count = len(run)
        i = np.arange(count if closed else count - 1)
        quads = np.concatenate(
            [
                np.stack(
                    [
                        level * count + (i + 1) % count,
                        level * count + i,
                        (level + 1) * count + i,
                        (level + 1) * count + (i + 1) % count,
                    ],
                    axis=1,
                )
                for level in range(steps)
            ]
        )
        places = np.concatenate([cloth.columns["cloth"][run]] * (steps + 1))
        places[:, 1] -= np.repeat(np.linspace(0.0, by, steps + 1), count)
        parts.append(
            Sheet(
                points=np.concatenate(rings),
                corners=quads.ravel().astype(np.int64),
                sizes=np.full(len(quads), 4, dtype=np.int64),
                weights=np.concatenate([cloth.weights[run]] * (steps + 1)),
                columns={"cloth": places},
            )
        )
    return welded(shells.joined(parts))


def welded(whole: Sheet) -> Sheet:
    """Return a sheet whose points that coincide are one, so that it shades without a seam."""
    keys = np.round(whole.points / 1e-6).astype(np.int64)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    return Sheet(
        points=whole.points[first],
        corners=inverse[whole.corners],
        sizes=whole.sizes,
        weights=whole.weights[first],
        columns={name: values[first] for name, values in whole.columns.items()},
    )
