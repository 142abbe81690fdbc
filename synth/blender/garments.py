"""Tops, bottoms and outer layers, cut from the clothing shells of the base mesh."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from . import bodies, shells, trims
from .bodies import Base, Points
from .draws import Draws
from .grounding import Rest
from .measures import Measures, arm_weight, measured
from .shells import Sheet

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pattern:
    """How a garment is cut; lengths in metres for a body of 1.70 m.

    Parameters
    ----------
    neck
        "crew", "scoop", "shirt", "deep" or "" where it has no neck.
    sleeve
        Where sleeves end: 0 the shoulder, 1 the wrist; negative for straps.
    hem
        Where it ends below, from the `hem_from` measure downward.
    hem_from
        Name of a measure: "hip", "crotch", "knee", "ankle", "waist".
    top
        Where bottoms begin, from the waist downward; None for tops.
    ease
        Distance from the body: at the shoulders (tops) or waist (bottoms), at the hem, at the end
        of the sleeves.
    drape
        Rounds of smoothing that bridge the body's hollows.
    folds
        Depth of folds.
    skirt
        Whether it hangs from the waist as one.
    open_front
        Half the width of the opening at the hem, 0 for closed.
    lengthened
        How far legs hang straight down from the hem.
    thickness
        Of the cloth.
    """

    neck: str = "crew"
    sleeve: float = 0.4
    hem: float = 0.0
    hem_from: str = "hip"
    top: float | None = None
    ease: tuple[float, float, float] = (0.006, 0.016, 0.014)
    drape: int = 30
    folds: float = 0.003
    skirt: bool = False
    open_front: float = 0.0
    lengthened: float = 0.0
    thickness: float = 0.003


@dataclass(frozen=True)
class Garment:
    """A garment on a body at rest.

    Parameters
    ----------
    name
        As in the catalogue.
    cloth
        The fabric.
    trims
        Bands, collars, buttons: sheets by the name of their material.
    covers
        Given points (N x 3, at rest) and how much they follow an arm (N), returns how deep they
        lie under the garment, metres; what is not under it is negative.
    thickness
        Of the fabric, metres.
    """

    name: str
    cloth: Sheet
    trims: Mapping[str, Sheet]
    covers: Callable[[Points, Floats], Floats]
    thickness: float


# The hem's distance grows with what is worn below: shirt over trousers, coat over shirt.
PATTERNS: Mapping[str, Pattern] = {
    "t_shirt": Pattern(sleeve=0.40, hem=0.06, ease=(0.006, 0.021, 0.016)),
    "shirt": Pattern(neck="shirt", sleeve=0.985, hem=0.08, ease=(0.007, 0.023, 0.010), folds=0.004),
    "sweater": Pattern(sleeve=0.985, hem=0.05, ease=(0.010, 0.020, 0.010), folds=0.005),
    "hoodie": Pattern(sleeve=0.985, hem=0.07, ease=(0.012, 0.024, 0.012), folds=0.006),
    "tank_top": Pattern(neck="scoop", sleeve=-1.0, hem=0.05, ease=(0.004, 0.021, 0.004)),
    "dress": Pattern(
        neck="scoop", sleeve=0.22, hem=0.05, hem_from="waist", ease=(0.005, 0.007, 0.010)
    ),
    "jeans": Pattern(
        neck="",
        top=0.04,
        hem=-0.075,
        hem_from="ankle",
        ease=(0.006, 0.028, 0.0),
        drape=30,
        folds=0.004,
        lengthened=0.115,
    ),
    "trousers": Pattern(
        neck="",
        top=0.03,
        hem=-0.075,
        hem_from="ankle",
        ease=(0.008, 0.036, 0.0),
        drape=50,
        folds=0.003,
        lengthened=0.105,
    ),
    "shorts": Pattern(
        neck="",
        top=0.03,
        hem=-0.07,
        hem_from="knee",
        ease=(0.006, 0.024, 0.0),
        drape=20,
        folds=0.003,
    ),
    "leggings": Pattern(
        neck="",
        top=0.03,
        hem=0.022,
        hem_from="ankle",
        ease=(0.0035, 0.004, 0.0),
        drape=2,
        folds=0.0,
        thickness=0.002,
    ),
    "skirt": Pattern(
        neck="",
        top=0.02,
        hem=-0.04,
        hem_from="knee",
        ease=(0.006, 0.02, 0.0),
        drape=6,
        folds=0.010,
        skirt=True,
    ),
    "jacket": Pattern(
        neck="deep",
        sleeve=0.97,
        hem=0.10,
        ease=(0.020, 0.034, 0.020),
        folds=0.005,
        open_front=0.05,
        thickness=0.006,
    ),
    "coat": Pattern(
        neck="deep",
        sleeve=0.98,
        hem=0.12,
        ease=(0.022, 0.040, 0.024),
        drape=40,
        folds=0.005,
        open_front=0.045,
        lengthened=0.30,
        thickness=0.007,
    ),
    "vest": Pattern(
        neck="deep",
        sleeve=-0.6,
        hem=0.07,
        ease=(0.020, 0.030, 0.0),
        folds=0.004,
        open_front=0.045,
        thickness=0.008,
    ),
}


@lru_cache(maxsize=4)
def _shell(folder: Path, group: str) -> Sheet:
    """Return the topology and weights of a shell at twice its resolution; points come later."""
    base = bodies.load(folder)
    faces = base.faces[base.groups[group]]
    return shells.sheet(base.vertices, faces, base.weights)


def shell(body: Rest, group: str) -> Sheet:
    """Return a clothing shell of a body at rest, refined once."""
    base = body.base
    coarse = _shell(base.folder, group)
    used = np.unique(base.faces[base.groups[group]])
    return shells.refined(shells.moved(coarse, body.vertices[used]))


def _ramp(values: Floats, low: float, high: float) -> Floats:
    """Return 0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def neckline(kind: str, size: Measures, points: Points) -> Floats:
    """Return how far below the neckline points (N x 3) lie, metres."""
    u = size.unit
    # Front and back of the opening, how far the front drops at its middle, and half its breadth
    # in depths of the neck.
    front, back, drop, width = {
        "crew": (-0.004, 0.006, 0.012, 0.64),
        "shirt": (0.010, 0.012, 0.016, 0.62),
        "scoop": (-0.016, -0.004, 0.055, 0.86),
        "deep": (-0.002, 0.012, 0.0, 0.70),
    }[kind]
    y, z = size.notch
    depth = size.nape[0] - y
    slope = (size.nape[1] + back * u - z - front * u) / depth
    height = z + front * u + (points[:, 1] - y) * slope
    across = np.abs(points[:, 0])
    middle = np.clip(1.0 - (across / (1.1 * width * depth)) ** 2, 0.0, 1.0) ** 2
    ahead = _ramp(-(points[:, 1] - y), -0.06 * u, 0.01 * u)
    below = height - drop * u * middle * ahead - points[:, 2]
    # Shoulders beyond the opening are covered, however high they are; ears are not.
    shoulders = np.minimum(0.8 * (across - width * depth), z + 0.07 * u - points[:, 2])
    return np.maximum(below, shoulders)


def _bottom(pattern: Pattern, size: Measures) -> float:
    """Return the height of the hem; a top ends above the legs, where its shell parts in two."""
    bottom = float(getattr(size, pattern.hem_from) - pattern.hem * size.unit)
    return bottom if pattern.top is not None else max(bottom, size.crotch + 0.014 * size.unit)


def _fields(
    pattern: Pattern, size: Measures
) -> Callable[[Points, Floats], list[tuple[Floats, float]]]:
    """Return what gives, for points and arm weights, fields and how deep their rims hide skin."""
    u = size.unit
    bottom = _bottom(pattern, size)

    def fields(points: Points, arm: Floats) -> list[tuple[Floats, float]]:
        result = []
        on_arm = arm > 0.5
        if pattern.neck:
            result.append((np.where(on_arm, 0.2, neckline(pattern.neck, size, points)), 0.016 * u))
        if pattern.top is not None:
            below = size.waist - pattern.top * u - points[:, 2]
            result.append((np.where(on_arm, -1.0, below), 0.02 * u))
        hem = points[:, 2] - bottom
        result.append((np.where(on_arm, 0.2, hem), (0.028 if pattern.top is None else 0.05) * u))
        if pattern.top is None:
            along = size.along_arm(points)
            if pattern.sleeve >= 0.0:
                sleeve = np.where(arm > 0.3, (pattern.sleeve - along) * size.arm, 0.2)
                result.append((sleeve, 0.05 * u))
            else:
                # Straps: within a breadth of the shoulders, or below the arms.
                breadth = (0.80 if pattern.sleeve < -0.8 else 0.98) * size.shoulder[0]
                side = breadth - np.abs(points[:, 0])
                under = 0.8 * (size.shoulder[2] - 0.075 * u - points[:, 2])
                result.append((np.where(arm > 0.75, -0.05, np.maximum(side, under)), 0.012 * u))
        if pattern.open_front:
            share = np.clip((size.notch[1] - points[:, 2]) / (size.notch[1] - bottom), 0.0, 1.0)
            gap = (0.028 + (pattern.open_front - 0.028) * share) * u
            front = points[:, 1] < size.notch[0] + 0.05 * u
            torso = front & ~on_arm
            result.append((np.where(torso, np.abs(points[:, 0]) - gap, 0.2), 0.03 * u))
        return result

    return fields


def _leg_coordinates(body: Rest, size: Measures, points: Points) -> Floats:
    """Return N x 2 metres on trousers: around each leg (mirrored) and along."""
    hip, ankle = body.head("upperleg01.L"), body.head("foot.L")
    share = np.clip((hip[2] - points[:, 2]) / (hip[2] - ankle[2]), 0.0, 1.0)[:, None]
    axis = hip + share * (ankle - hip)
    across, ahead = np.abs(points[:, 0]) - axis[:, 0], axis[:, 1] - points[:, 1]
    around = np.abs(np.arctan2(across, ahead)) * 0.08 * size.unit
    return np.stack([around, points[:, 2]], axis=1)


def _pattern_coordinates(size: Measures, points: Points, arm: Floats) -> Floats:
    """Return N x 2 metres on the cloth: around (mirrored, so that it closes) and along."""
    around = np.abs(np.arctan2(points[:, 0], -points[:, 1])) * size.girth
    # Over the shoulders, where the cloth lies flat, it runs on to the front and the back.
    flat = _ramp(points[:, 2], size.notch[1] - 0.10 * size.unit, size.notch[1] - 0.01 * size.unit)
    down = points[:, 2] - 0.8 * flat * np.abs(points[:, 1] - size.shoulder[1])
    along = size.along_arm(points)
    share = (arm > 0.5).astype(np.float64)
    sleeve_down = size.shoulder[2] - along * size.arm
    axis = size.shoulder + along[:, None] * (size.wrist - size.shoulder)
    mirrored = points.copy()
    mirrored[:, 0] = np.abs(mirrored[:, 0])
    across = mirrored - axis
    sleeve_around = np.abs(np.arctan2(across[:, 0] + across[:, 2], -across[:, 1])) * 0.05
    return np.stack(
        [around + share * (sleeve_around - around), down + share * (sleeve_down - down)], axis=1
    )


def _eased(pattern: Pattern, size: Measures, body: Sheet, arm: Floats, draws: Draws) -> Points:
    """Return the points of a shell moved off the body to where cloth hangs."""
    u = size.unit
    points = body.points
    normal = shells.normals(points, body.corners, body.sizes)
    table = shells.neighbours(body.corners, body.sizes, len(points))
    bottom = _bottom(pattern, size)
    head = size.notch[1] if pattern.top is None else size.waist
    near, far, cuff = (value * u for value in pattern.ease)
    down = _ramp(-points[:, 2], -(head - 0.05 * u), -bottom)
    ease = near + (far - near) * down
    if pattern.top is None:
        along = np.clip(size.along_arm(points) / max(pattern.sleeve, 0.2), 0.0, 1.0)
        ease = np.where(arm > 0.0, (1.0 - arm) * ease + arm * (near + (cuff - near) * along), ease)
        close = _ramp(neckline(pattern.neck or "crew", size, points), -0.005 * u, 0.06 * u)
        snug = (0.002 + (0.010 if pattern.open_front else 0.0)) * u
        ease = snug + (ease - snug) * close
    ease = shells.smoothed(ease, table, 6)
    generator = draws.generator("folds")
    if pattern.folds:
        # Folds run across limbs: the waves are stretched along x and y.
        squeezed = points * np.array([0.55, 0.55, 1.0])
        field_ = shells.waves(squeezed, generator, 0.10 * u)
        depth = pattern.folds * u * np.clip(ease / (0.012 * u), 0.3, 1.2)
        ease = np.maximum(ease + depth * field_, 0.35 * ease)
    placed = points + normal * ease[:, None]
    least = 0.6 * ease
    if pattern.top is None:
        placed = _hung(placed, size, arm)
    for _ in range(pattern.drape):
        placed = shells.smoothed(placed, table, 1, 0.5)
        lift = ((placed - points) * normal).sum(axis=1)
        placed += normal * np.maximum(least - lift, 0.0)[:, None]
    return placed


def _seamed(cloth: Sheet, arm: Floats, size: Measures) -> Sheet:
    """Return a top whose sleeves are sewn on: the print does not run on across the armhole."""
    arm = np.clip(arm, 0.0, 1.0) - 0.5
    body, sleeves = shells.cut(cloth, -arm), shells.cut(cloth, arm)
    if not len(sleeves.sizes):
        return cloth
    parts = []
    for part, share in ((body, 0.0), (sleeves, 1.0)):
        places = _pattern_coordinates(size, part.points, np.full(len(part.points), share))
        parts.append(replace(part, columns={"cloth": places}))
    return shells.joined(parts)


def _hung(points: Points, size: Measures, arm: Floats) -> Points:
    """Return a top whose part below the hips hangs straight, as wide as it is there.

    The shell follows the legs; cloth hangs from hips and belly across the hollow between.
    """
    u = size.unit
    torso = arm < 0.5
    level = size.hip + 0.035 * u
    centre = np.array([0.0, float(points[torso & (points[:, 2] < size.waist), 1].mean())])
    out = points[:, :2] - centre
    angle, radius = np.arctan2(out[:, 0], -out[:, 1]), np.linalg.norm(out, axis=1)
    bins = np.linspace(-np.pi, np.pi, 49)
    middles = (bins[1:] + bins[:-1]) / 2.0
    belt = torso & (np.abs(points[:, 2] - level) < 0.05 * u)
    slot = np.clip(np.digitize(angle[belt], bins) - 1, 0, 47)
    widest = np.zeros(48)
    np.maximum.at(widest, slot, radius[belt])
    seen = widest > 0.0
    widest = np.interp(middles, middles[seen], widest[seen], period=2.0 * np.pi)
    for _ in range(3):
        widest = np.maximum(widest, 0.5 * (np.roll(widest, 1) + np.roll(widest, -1)))
    target = np.interp(angle, middles, widest, period=2.0 * np.pi)
    share = _ramp(-points[:, 2], -(level + 0.01 * u), -(level - 0.05 * u)) * torso
    wide = np.maximum(radius, radius + share * (target - radius))
    result = points.copy()
    result[:, :2] = centre + out * (wide / np.maximum(radius, 1e-6))[:, None]
    return result


def _steadied(base: Base, weights: Floats) -> Floats:
    """Return weights of trousers, which follow the shin where the skin follows the foot."""
    result = weights.copy()
    for side in "LR":
        feet = [
            i
            for i, name in enumerate(base.bones)
            if name.startswith(("foot", "toe")) and name.endswith(side)
        ]
        result[:, base.bone[f"lowerleg02.{side}"]] += result[:, feet].sum(axis=1)
        result[:, feet] = 0.0
    return result


def _depth(fields: list[tuple[Floats, float]]) -> Floats:
    return np.min([values - margin for values, margin in fields], axis=0)


def _skirt(
    body: Rest,
    size: Measures,
    *,
    top: float,
    bottom: float,
    ease: float,
    flare: float,
    folds: float,
    draws: Draws,
) -> Sheet:
    """Return a skirt from a height to another, flared, with folds that deepen downward."""
    u = size.unit
    whole = shell(body, "helper-skirt")
    points = whole.points.copy()
    down = np.clip((size.waist - points[:, 2]) / (size.waist - size.ankle), 0.0, 1.0)
    angle = np.arctan2(points[:, 0], -points[:, 1])
    out = points[:, :2] - np.array([0.0, float(points[:, 1].mean())])
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-6)
    count = int(draws.uniform("pleats", 7, 13))
    phase = draws.uniform("phase", 0.0, 6.28)
    wave = np.sin(count * angle + phase + 1.3 * np.sin(2 * angle))
    points[:, :2] += out * ((ease + flare * down + folds * 2.0 * wave * down) * u)[:, None]
    coordinates = np.stack([np.abs(angle) * size.girth * 1.2, points[:, 2]], axis=1)
    placed = replace(whole, points=points, columns={"cloth": coordinates})
    placed = shells.cut(placed, top - placed.points[:, 2])
    return shells.cut(placed, placed.points[:, 2] - bottom)


def _skirt_depth(top: float, bottom: float, points: Points, arm: Floats) -> Floats:
    """Return how deep points lie under a skirt; legs stay, for skirts are open below."""
    return np.where(arm > 0.5, -1.0, np.minimum(top - points[:, 2], points[:, 2] - bottom))


def _made_skirt(body: Rest, size: Measures, draws: Draws) -> Garment:
    u = size.unit
    top = size.waist - 0.03 * u
    cloth = _skirt(
        body,
        size,
        top=top,
        bottom=size.knee + draws.uniform("length", -0.12, 0.14) * u,
        ease=0.010,
        flare=draws.uniform("flare", 0.0, 0.09),
        folds=0.010,
        draws=draws,
    )

    def covers(points: Points, arm: Floats) -> Floats:
        return _skirt_depth(top - 0.025 * u, size.crotch + 0.01 * u, points, arm)

    return Garment(
        name="skirt",
        cloth=cloth,
        trims={"band": trims.band(cloth, top, 0.03 * u, 0.005 * u)},
        covers=covers,
        thickness=PATTERNS["skirt"].thickness,
    )


def made(name: str, body: Rest, draws: Draws, *, folded: bool = False) -> Garment:
    """Cut a garment for a body.

    Parameters
    ----------
    name
        One of the tops, bottoms or outer layers of the catalogue.
    body
        The body at rest.
    draws
        The draws of this garment.
    folded
        Whether the body will bend far at the hips: tops then end above the thighs.

    Returns
    -------
    Garment
        At rest, with the weights that pose it.

    Raises
    ------
    ValueError
        For a name that is no garment.
    """
    if name not in PATTERNS:
        raise ValueError(f"garment must be one of {', '.join(PATTERNS)}, got {name!r}")
    pattern = PATTERNS[name]
    if folded and pattern.top is None and pattern.hem_from == "hip" and not pattern.lengthened:
        pattern = replace(pattern, hem=-0.03)
    size, base = measured(body), body.base
    if name == "skirt":
        return _made_skirt(body, size, draws)
    u = size.unit
    fields = _fields(pattern, size)
    bottom = _bottom(pattern, size)
    whole = shell(body, "helper-tights")
    arm = arm_weight(base, whole.weights)
    near = _depth([(values, -0.06 * u) for values, _ in fields(whole.points, arm)])
    whole = shells.without(whole, near < 0.0)
    arm = arm_weight(base, whole.weights)
    placed = _eased(pattern, size, whole, arm, draws)
    columns: dict[str, Floats] = {
        "cloth": _pattern_coordinates(size, whole.points, arm)
        if pattern.top is None
        else _leg_coordinates(body, size, whole.points)
    }
    cuts = [values for values, _ in fields(whole.points, arm)]
    for index, values in enumerate(cuts):
        columns[f"cut{index}"] = values
    weights = whole.weights if pattern.top is None else _steadied(base, whole.weights)
    cloth = replace(whole, points=placed, weights=weights, columns=columns)
    for index in range(len(cuts)):
        cloth = shells.cut(cloth, cloth.columns[f"cut{index}"])
    extras = trims.trimmed(name, cloth, size)
    rim = np.abs(cloth.columns["cut1"]) < 1e-3
    cloth = replace(cloth, columns={"cloth": cloth.columns["cloth"]})
    if pattern.lengthened:
        coat = name == "coat"
        cloth = trims.lengthened(
            cloth,
            rim,
            pattern.lengthened * u * (draws.uniform("length", 0.7, 1.5) if coat else 1.0),
            (0.05 if coat else 0.004) * u,
            0.0 if coat else 1.0,
        )
    elif pattern.top is None:
        cloth = _seamed(cloth, arm_weight(base, cloth.weights), size)
    skirted = name == "dress"
    waist = bottom + 0.020 * u
    if skirted:
        hanging = _skirt(
            body,
            size,
            top=waist,
            bottom=size.knee + draws.uniform("length", -0.06, 0.10) * u,
            ease=0.008,
            flare=draws.uniform("flare", 0.03, 0.12),
            folds=0.010,
            draws=draws,
        )
        extras["belt"] = trims.band(hanging, waist, 0.04 * u, 0.007 * u)
        cloth = shells.joined([cloth, hanging])

    def covers(points: Points, arm: Floats) -> Floats:
        depth = _depth(fields(points, arm))
        if skirted:
            skirt = _skirt_depth(waist + 0.03 * u, size.crotch + 0.01 * u, points, arm)
            depth = np.maximum(depth, skirt)
        return depth

    return Garment(name, cloth, extras, covers, pattern.thickness)
