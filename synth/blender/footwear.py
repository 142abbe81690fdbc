"""Shoes with soles, and socks, shaped on the feet of the clothing shell."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from . import shells, trims
from .bodies import Points
from .garments import shell
from .grounding import Rest
from .measures import measured
from .shells import Sheet

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Last:
    """A kind of shoe; metres for a body of 1.70 m.

    Parameters
    ----------
    sole, heel
        Thickness of the sole at the ball and below the heel, beyond the sole's.
    top, vamp
        Heights of the opening at the heel and at the instep, above the ankle joint.
    ease
        Thickness of the upper.
    welt
        How far the sole stands out.
    """

    sole: float
    heel: float
    top: float
    vamp: float
    ease: float
    welt: float


LASTS: Mapping[str, Last] = {
    "sneakers": Last(sole=0.024, heel=0.004, top=0.000, vamp=0.012, ease=0.006, welt=0.005),
    "boots": Last(sole=0.022, heel=0.012, top=0.085, vamp=0.095, ease=0.008, welt=0.005),
    "loafers": Last(sole=0.012, heel=0.010, top=-0.012, vamp=-0.004, ease=0.004, welt=0.003),
}


@dataclass(frozen=True)
class Shoes:
    """A pair at rest.

    Parameters
    ----------
    name
        As in the catalogue.
    upper, sole, sock
        Sheets of both feet.
    lift
        How far the sole raises the foot, metres.
    sides
        Points of the soles that belong to the left and to the right foot.
    covers
        Height below which feet are inside, metres at rest.
    """

    name: str
    upper: Sheet
    sole: Sheet
    sock: Sheet
    lift: float
    sides: Mapping[str, npt.NDArray[np.int64]]
    covers: float


def _outline(points: Floats, count: int = 44) -> Floats:
    """Return the convex outline of points (N x 2), count x 2, counter-clockwise and rounded."""
    order = points[np.lexsort((points[:, 1], points[:, 0]))]

    def chain(sequence: Floats) -> list[Floats]:
        kept: list[Floats] = []
        for point in sequence:
            while len(kept) > 1:
                (ax, ay), (bx, by) = kept[-1] - kept[-2], point - kept[-2]
                if ax * by - ay * bx > 0.0:
                    break
                kept.pop()
            kept.append(point)
        return kept[:-1]

    hull = np.array(chain(order) + chain(order[::-1]))
    closed = np.concatenate([hull, hull[:1]])
    steps = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0.0, steps[-1], count, endpoint=False)
    ring = np.stack([np.interp(at, steps, closed[:, i]) for i in (0, 1)], axis=1)
    for _ in range(2):
        ring = 0.5 * ring + 0.25 * (np.roll(ring, 1, axis=0) + np.roll(ring, -1, axis=0))
    return ring


def _nearest_weights(points: Points, among: Points, weights: Floats) -> Floats:
    distance = ((points[:, None, :2] - among[None, :, :2]) ** 2).sum(axis=2)
    return weights[distance.argmin(axis=1)]


def _sole(foot: Sheet, last: Last, unit: float) -> Sheet:
    """Return the sole below a foot: rings from the ground up, closed above and below."""
    low = foot.points[foot.points[:, 2] < 0.045 * unit]
    weights = foot.weights[foot.points[:, 2] < 0.045 * unit]
    ring = _outline(low[:, :2])
    middle = ring.mean(axis=0)
    out = ring - np.roll(ring, 1, axis=0) + (np.roll(ring, -1, axis=0) - ring)
    out = np.stack([out[:, 1], -out[:, 0]], axis=1)
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    thick, welt = last.sole * unit, (last.ease + last.welt) * unit
    back = np.clip((ring[:, 1] - ring[:, 1].min()) / np.ptp(ring[:, 1]), 0.0, 1.0)
    toe = np.clip(1.0 - back / 0.22, 0.0, 1.0)
    # The toe springs up a little; the rest lies flat.
    spring = 0.005 * unit * toe**2
    levels = (
        (-thick + spring, welt - 0.004 * unit),
        (-thick + 0.003 * unit + spring, welt),
        (-0.35 * thick + 0.5 * spring, welt),
        (0.006 * unit, welt - 0.0005),
        (0.009 * unit, welt - 0.003 * unit),
    )
    rings = [
        np.concatenate([ring + out * width, np.broadcast_to(height, len(ring))[:, None]], axis=1)
        for height, width in levels
    ]
    count = len(ring)
    points = np.concatenate([*rings, [[*middle, -thick]], [[*middle, 0.009 * unit]]])
    quads = []
    for level in range(len(levels) - 1):
        for i in range(count):
            j = (i + 1) % count
            quads += [
                level * count + i,
                level * count + j,
                (level + 1) * count + j,
                (level + 1) * count + i,
            ]
    top = (len(levels) - 1) * count
    bottom_fan, top_fan = len(points) - 2, len(points) - 1
    fans = []
    for i in range(count):
        j = (i + 1) % count
        fans += [j, i, bottom_fan, top + i, top + j, top_fan]
    return Sheet(
        points=points,
        corners=np.array(quads + fans, dtype=np.int64),
        sizes=np.array([4] * (len(quads) // 4) + [3] * (len(fans) // 3), dtype=np.int64),
        weights=_nearest_weights(points, low, weights),
        columns={"cloth": points[:, :2].copy()},
    )


def made(name: str, body: Rest, *, low_socks: bool = False) -> Shoes:
    """Make a pair of shoes on the feet of a body at rest.

    Parameters
    ----------
    name
        One of the shoes of the catalogue.
    body
        The body at rest, its feet on z = 0.
    low_socks
        Whether socks end at the ankle, under tight legs.
    """
    if name not in LASTS:
        raise ValueError(f"shoes must be one of {', '.join(LASTS)}, got {name!r}")
    last, size = LASTS[name], measured(body)
    u = size.unit
    whole = shell(body, "helper-tights")
    whole = shells.without(whole, whole.points[:, 2] > size.ankle + 0.30 * u)
    points = whole.points
    table = shells.neighbours(whole.corners, whole.sizes, len(points))
    # Toes and ankle bones vanish under leather.
    even = shells.smoothed(points, table, 6)
    normal = shells.normals(even, whole.corners, whole.sizes)
    lift = ((even - points) * normal).sum(axis=1)
    even += normal * np.maximum(0.001 - lift, 0.0)[:, None]
    upper_points = even + normal * (last.ease * u)
    upper_points[:, 2] = np.maximum(upper_points[:, 2], -0.001)
    ankle = body.head("foot.L")
    opening = size.ankle + last.top * u - points[:, 2]
    ahead = np.clip((ankle[1] + 0.02 * u - points[:, 1]) / (0.06 * u), 0.0, 1.0)
    opening = opening + (last.vamp - last.top) * u * ahead
    columns = {"cloth": np.stack([points[:, 1], points[:, 2]], axis=1), "cut0": opening}
    upper = shells.cut(replace(whole, points=upper_points, columns=columns), opening)
    collars = [
        trims.rib(upper, loop, 0.007 * u, -0.006 * u, 0.003 * u)
        for loop in shells.rims(upper)
        if np.abs(upper.columns["cut0"][loop]).mean() < 2e-3
    ]
    plain = replace(upper, columns={"cloth": upper.columns["cloth"]})
    upper = shells.joined([plain, *collars])
    sock = replace(whole, points=even + normal * 0.0015, columns={"cloth": columns["cloth"]})
    high = 0.004 if low_socks else (0.10 if name == "sneakers" else 0.14)
    sock_top = size.ankle + high * u
    sock = shells.cut(sock, sock_top - points[:, 2])
    soles, sides, at = [], {}, 0
    for side, sign in (("L", 1.0), ("R", -1.0)):
        other = sign * whole.points[:, 0] < 0.0
        part = _sole(shells.without(replace(whole, points=even, columns={}), other), last, u)
        sides[side] = np.arange(at, at + len(part.points))
        at += len(part.points)
        soles.append(part)
    return Shoes(
        name=name,
        upper=upper,
        sole=shells.joined(soles),
        sock=sock,
        lift=last.sole * u,
        sides=sides,
        covers=sock_top - 0.02 * u,
    )
