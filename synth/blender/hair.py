"""Hair as curves: roots on the scalp, guides that fall around head and shoulders, strands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from mathutils.bvhtree import BVHTree

from .bodies import BODY_VERTICES, Points
from .draws import Draws
from .figures import Figure
from .heads import Head, beard, horseshoe, scalp
from .shells import normals
from .skeleton import skinned

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Strands:
    """Curves with equally many points.

    Parameters
    ----------
    points
        N x k x 3, metres.
    radius
        At the roots, metres.
    tip
        Radius of the tips as a share of it.
    """

    points: Points
    radius: float
    tip: float = 0.3


@dataclass(frozen=True)
class Roots:
    """Where hairs grow.

    Parameters
    ----------
    rest
        N x 3 on the body at rest.
    points, normals
        N x 3, posed.
    """

    rest: Points
    points: Points
    normals: Points

    def some(self, rows: Any) -> "Roots":
        """Return a part of them."""
        return Roots(self.rest[rows], self.points[rows], self.normals[rows])


@dataclass(frozen=True)
class Ground:
    """What hair grows on and falls over.

    Parameters
    ----------
    head
        Measures of the head at rest.
    turn, shift
        The head's rotation (3 x 3) and offset (3): posed = turn @ rest + shift.
    tree
        Posed skin and clothes, for the nearest point of a surface.
    """

    head: Head
    turn: Floats
    shift: Points
    tree: BVHTree

    def place(self, rest: Points) -> Points:
        """Return where points of the head at rest are."""
        return rest @ self.turn.T + self.shift

    def local(self, points: Points) -> Points:
        """Return where posed points would be with the head at rest."""
        return (points - self.shift) @ self.turn

    def pushed(self, points: Points, margins: Floats, hold: float = 0.0) -> Points:
        """Return points (N x 3) moved out of what they are in, to margins (N) above it.

        What hovers above the skull is drawn to it by a share, `hold`.
        """
        held = hold * (self.local(points)[:, 2] > float(self.head.eyes[:, 2].mean()))
        result = points.copy()
        find = self.tree.find_nearest
        for row, (point, margin) in enumerate(zip(points.tolist(), margins.tolist(), strict=True)):
            location, normal, _, distance = find(point, 0.25)
            if location is None:
                continue
            above = sum((p - q) * n for p, q, n in zip(point, location, normal, strict=True))
            if above < 0.0 or distance < margin:
                lift = margin - (above if above < 0.0 else distance)
                away = (
                    normal
                    if above <= 1e-4
                    else [(p - q) / distance for p, q in zip(point, location, strict=True)]
                )
                result[row] = [p + lift * n for p, n in zip(point, away, strict=True)]
            elif held[row] > 0.0:
                sink = held[row] * (1.0 - margin / distance)
                result[row] = [p + sink * (q - p) for p, q in zip(point, location, strict=True)]
        return result


def ground(figure: Figure, head: Head) -> Ground:
    """Return what the hair of a figure falls over: its skin and garments from the waist up."""
    body, at = figure.body, figure.stance
    bone = body.base.bone["head"]
    low = figure.stance.place(bone, head.centre)[2] - 0.75 * body.leg
    points: list[list[float]] = []
    polygons: list[list[int]] = []
    for sheet in (figure.skin, *(garment.cloth for garment in figure.layers)):
        placed = figure.posed(sheet)
        first = np.add.reduceat((placed[sheet.corners, 2] > low).astype(np.int64), sheet.starts)
        shift = len(points)
        points += placed.tolist()
        loops = sheet.polygons()
        polygons += [
            [i + shift for i in loop] for loop, keep in zip(loops, first > 0, strict=True) if keep
        ]
    tree = BVHTree.FromPolygons(points, polygons)
    return Ground(head=head, turn=at.rotations[bone], shift=at.offsets[bone], tree=tree)


def _unit(vectors: Points) -> Points:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def roots(
    figure: Figure,
    mask: Callable[[Points], Floats],
    count: int,
    generator: np.random.Generator,
    within: Callable[[Points], npt.NDArray[np.bool_]],
) -> Roots:
    """Draw places on the skin where a mask lets hair grow.

    Parameters
    ----------
    figure
        Who.
    mask
        Given points at rest (N x 3), how much grows there, 0 to 1.
    count
        How many.
    generator
        Where chance comes from.
    within
        Given points at rest, which are near enough to be asked about.
    """
    body = figure.body
    base, rest = body.base, body.vertices[:BODY_VERTICES]
    faces = base.faces[base.groups["body"]]
    faces = faces[within(rest[faces].mean(axis=1))]
    used, local = np.unique(faces, return_inverse=True)
    faces = local.reshape(faces.shape)
    at_rest = rest[used]
    posed = skinned(figure.stance, base.weights[used], at_rest)
    normal = normals(posed, faces.ravel(), np.full(len(faces), 4, dtype=np.int64))
    share = mask(at_rest)
    edge = at_rest[faces]
    area = np.linalg.norm(np.cross(edge[:, 2] - edge[:, 0], edge[:, 3] - edge[:, 1]), axis=1)
    chance = area * share[faces].max(axis=1)
    cumulative = np.cumsum(chance)
    # Twice as many as wanted, for those that fall where the mask is thin.
    tries = 2 * count
    chosen = np.searchsorted(cumulative / cumulative[-1], generator.random(tries), "right")
    u, v = generator.random((2, tries))
    corners = np.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v], axis=1)

    def mixed(values: Floats) -> Floats:
        return np.einsum("nk,nkd->nd", corners, values[faces[chosen]])

    grows = mixed(share[:, None])[:, 0] > generator.random(tries) * 0.9 + 0.05
    kept = np.flatnonzero(grows)[:count]
    return Roots(mixed(at_rest)[kept], mixed(posed)[kept], _unit(mixed(normal)[kept]))


def _resampled(paths: Points, lengths: Floats, count: int) -> Points:
    """Return paths (N x k x 3) cut at their lengths (N), with `count` points each."""
    steps = np.linalg.norm(np.diff(paths, axis=1), axis=2)
    run = np.concatenate([np.zeros((len(paths), 1)), np.cumsum(steps, axis=1)], axis=1)
    wanted = np.minimum(lengths, run[:, -1])[:, None] * np.linspace(0.0, 1.0, count)
    before = np.clip((run[:, None, :] <= wanted[:, :, None]).sum(axis=2) - 1, 0, run.shape[1] - 2)
    rows = np.arange(len(paths))[:, None]
    low, high = run[rows, before], run[rows, before + 1]
    share = ((wanted - low) / np.maximum(high - low, 1e-9))[:, :, None]
    return paths[rows, before] * (1.0 - share) + paths[rows, before + 1] * share


def _squared_distances(a: Points, b: Points) -> Floats:
    """Return |a - b|^2 for N and M points: N x M."""
    middle = b.mean(axis=0)
    a, b = a - middle, b - middle
    return (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2.0 * a @ b.T


def _interpolated(
    guides: Roots,
    paths: Points,
    sides: Ints,
    strands: Roots,
    strand_sides: Ints,
    generator: np.random.Generator,
    *,
    clump: float,
    frizz: float,
    curl: float,
    turns: float,
    uneven: float,
    gathered: float = 0.0,
) -> Points:
    """Return a path for each strand from the nearest guides on its side of the parting."""
    count = paths.shape[1]
    distance = _squared_distances(strands.rest, guides.rest)
    distance += strand_sides[:, None] != sides[None]
    nearest = np.argpartition(distance, 3, axis=1)[:, :3]
    near = np.sqrt(np.maximum(np.take_along_axis(distance, nearest, axis=1), 0.0))
    order = np.argsort(near, axis=1)
    nearest, near = np.take_along_axis(nearest, order, 1), np.take_along_axis(near, order, 1)
    share = 1.0 / (near + 0.004) ** 2
    share /= share.sum(axis=1, keepdims=True)
    offsets = paths - paths[:, :1]
    moves = np.einsum("ng,ngkd->nkd", share, offsets[nearest])
    t = np.linspace(0.0, 1.0, count)[None, :, None]
    length = 1.0 - uneven * generator.random((len(strands.points), 1, 1))
    result = strands.points[:, None] + moves * length
    if gathered:
        # Strands meet where their guides do, however far apart they grow.
        apart = strands.points - np.einsum("ng,ngd->nd", share, paths[nearest, 0])
        result -= apart[:, None] * np.minimum(t / gathered, 1.0) ** 2
    guide = paths[nearest[:, 0]]
    result += clump * t**1.2 * (guide - result)
    spread = generator.normal(size=(len(strands.points), 1, 3)) * frizz
    wander = np.cumsum(generator.normal(size=result.shape), axis=1) * frizz * 0.25
    result += spread * t**1.2 + wander * np.minimum(2.0 * t, 1.0)
    if curl:
        along = _unit(np.gradient(guide, axis=1))
        aside = _unit(np.cross(along, np.array([0.31, 0.27, 0.91])))
        other = np.cross(along, aside)
        phase = generator.random(len(guides.points))[nearest[:, 0]] * 2.0 * np.pi
        phase = phase + generator.normal(size=len(phase)) * 0.5
        speed = 1.0 + 0.25 * generator.normal(size=len(guides.points))[nearest[:, 0]]
        angle = phase[:, None] + 2.0 * np.pi * turns * t[:, :, 0] * speed[:, None]
        size = curl * np.minimum(3.0 * t, 1.0)
        result += size * (np.cos(angle)[:, :, None] * aside + np.sin(angle)[:, :, None] * other)
    # Roots stay on the skin, a little below it.
    result[:, 0] = strands.points - 0.0008 * strands.normals
    return result


@dataclass(frozen=True)
class Style:
    """How hair falls.

    Parameters
    ----------
    strands, points
        How many, and of how many points each.
    length
        Metres, shortest and longest of the style, before it is cut off at a level.
    lift
        How far hair stands off the scalp at first: 1 along the normal, 0 along the comb.
    comb
        "aside" from the parting, "back", "forward", "tie" towards a tie, "out".
    weight
        How fast it falls.
    margin
        Metres above the skin, of the lowest and the highest layer.
    level
        Where it is cut: heights of eye to crown above (below if negative) the eyes; None for not.
    clump, frizz, curl, turns, uneven
        How strands gather to guides, stray (metres), wind (metres, times), differ in length.
    radius
        Of a strand's root, metres.
    hold
        How far hair lies down on the skull, 0 to 1.
    """

    strands: int
    points: int
    length: tuple[float, float]
    lift: float
    comb: str
    weight: float
    margin: tuple[float, float]
    level: tuple[float, float] | None = None
    clump: float = 0.35
    frizz: float = 0.002
    curl: float = 0.0
    turns: float = 0.0
    uneven: float = 0.25
    radius: float = 0.00034
    hold: float = 0.0


STYLES: Mapping[str, Style] = {
    "buzz": Style(
        11000,
        3,
        (0.004, 0.009),
        0.8,
        "forward",
        0.0,
        (0.0, 0.0),
        frizz=0.0008,
        clump=0.0,
        radius=0.00022,
    ),
    "short_crop": Style(
        10000,
        6,
        (0.020, 0.042),
        0.42,
        "forward",
        0.9,
        (0.001, 0.008),
        frizz=0.003,
        clump=0.4,
        hold=0.35,
    ),
    "side_part": Style(
        10000,
        8,
        (0.045, 0.075),
        0.16,
        "aside",
        0.9,
        (0.001, 0.009),
        frizz=0.0022,
        clump=0.3,
        hold=0.6,
    ),
    "curly": Style(
        9500,
        18,
        (0.055, 0.11),
        0.8,
        "out",
        0.6,
        (0.004, 0.026),
        frizz=0.0018,
        curl=0.0075,
        turns=3.0,
        clump=0.75,
        uneven=0.3,
    ),
    "afro": Style(
        10000,
        12,
        (0.045, 0.085),
        1.6,
        "out",
        0.0,
        (0.002, 0.002),
        frizz=0.003,
        curl=0.006,
        turns=4.0,
        clump=0.25,
        uneven=0.25,
        radius=0.00045,
    ),
    "bob": Style(
        9000, 10, (0.30, 0.30), 0.35, "aside", 0.9, (0.004, 0.026), level=(-1.35, -0.85), hold=0.4
    ),
    "long": Style(
        9500,
        14,
        (0.62, 0.62),
        0.35,
        "aside",
        0.9,
        (0.004, 0.024),
        level=(-4.2, -2.2),
        frizz=0.003,
        hold=0.45,
    ),
    "ponytail": Style(9000, 16, (0.16, 0.34), 0.05, "tie", 0.9, (0.002, 0.009), clump=0.3),
    "bun": Style(8000, 9, (0.0, 0.0), 0.05, "tie", 0.9, (0.002, 0.009), clump=0.3, uneven=0.0),
    "bald": Style(
        5000,
        4,
        (0.005, 0.012),
        0.35,
        "back",
        0.2,
        (0.0, 0.0),
        frizz=0.001,
        clump=0.0,
        radius=0.0002,
    ),
}


def _combed(
    style: Style, ground: Ground, at: Roots, parting: float, tie: Points
) -> tuple[Points, Ints]:
    """Return the direction (N x 3, posed) each root is combed to, and its side of the parting."""
    head = ground.head
    rest = at.rest - head.centre
    x = rest[:, 0] / head.side
    # A parting is never a ruled line.
    sides = (x + 0.03 * np.sin(90.0 * at.rest[:, 1]) > parting).astype(np.int64)
    away = np.where(sides == 1, 1.0, -1.0)
    behind = np.clip(rest[:, 1] / (head.back - head.face) + 0.5, 0.0, 1.0)
    if style.comb == "aside":
        direction = np.stack([away * (1.0 - 0.6 * behind), 0.55 + 0.3 * behind, 0.0 * x], axis=1)
        direction[:, 2] = -0.25 - 0.3 * np.abs(x)
        if style.length[1] < 0.15:
            # Cropped sides hang; what is on top lies over to one side and back.
            direction[:, 2] -= 0.9 * np.clip(np.abs(x) - 0.55, 0.0, 1.0)
    elif style.comb == "forward":
        direction = np.stack([0.25 * np.sign(parting) + 0.5 * x, 0.0 * x - 1.0, 0.0 * x], axis=1)
        low = np.clip(-(rest[:, 2] / head.tall) + 0.45, 0.0, 1.0)[:, None]
        direction = direction * (1.0 - low) + low * np.array([0.0, 0.2, -1.0])
    elif style.comb == "back":
        direction = np.stack([0.2 * x, 0.0 * x + 0.8, 0.0 * x - 0.6], axis=1)
    elif style.comb == "tie":
        direction = tie - at.rest
    else:
        direction = rest + np.array([0.0, 0.0, 0.02])
    direction = _unit(direction) @ ground.turn.T
    along = direction - at.normals * (direction * at.normals).sum(axis=1, keepdims=True)
    return _unit(along if style.comb != "out" else direction), sides


def _grown(
    style: Style,
    ground: Ground,
    at: Roots,
    combed: Points,
    lengths: Floats,
    fringe: npt.NDArray[np.bool_],
    generator: np.random.Generator,
) -> Points:
    """Return guides (N x 20 x 3) that leave the scalp combed, fall, and lie on what they meet."""
    steps = 20
    step = (lengths / (steps - 1))[:, None]
    head = ground.head
    high = np.clip((at.rest[:, 2] - head.centre[2]) / head.tall, 0.0, 1.0)
    layer = np.clip(0.75 * high + 0.35 * generator.random(len(high)), 0.0, 1.0)
    margins = style.margin[0] + (style.margin[1] - style.margin[0]) * layer
    direction = _unit(combed + style.lift * at.normals + 0.08 * generator.normal(size=combed.shape))
    path = [at.points]
    front = ground.turn @ np.array([0.0, -1.0, 0.0])
    for index in range(1, steps):
        fall = style.weight * np.minimum(step / 0.03, 1.0) * np.array([0.0, 0.0, -1.0])
        direction = _unit(direction + fall)
        point = path[-1] + direction * step
        if style.weight > 0.0 and style.length[1] > 0.15:
            point = _off_the_face(ground, point, fringe)
        point = ground.pushed(point, margins * min(1.0, index / 3.0) + 0.001, style.hold)
        point = path[-1] + _unit(point - path[-1]) * step
        direction = _unit(point - path[-1])
        # What lies on the head does not run to its front.
        direction = np.where(
            fringe[:, None] | ((direction @ front)[:, None] < 0.5),
            direction,
            _unit(direction - 0.3 * front),
        )
        path.append(point)
    return np.stack(path, axis=1)


def _off_the_face(ground: Ground, points: Points, fringe: npt.NDArray[np.bool_]) -> Points:
    """Return points with those before the face moved to its sides."""
    head = ground.head
    local = ground.local(points)
    eye = float(head.eyes[:, 2].mean())
    high = (eye + 0.75 * head.tall - local[:, 2]) / (0.6 * head.tall)
    limit = 0.94 * head.side * np.clip(high, 0.0, 1.0)
    ahead = local[:, 1] < head.face + 0.40 * (head.back - head.face)
    above_chest = local[:, 2] > head.chin[1] - 0.6 * head.tall
    move = ahead & above_chest & ~fringe & (np.abs(local[:, 0]) < limit)
    sign = np.where(local[:, 0] >= 0.0, 1.0, -1.0)
    local[move, 0] += 0.6 * (sign * limit - local[:, 0])[move]
    return ground.place(local)


def _cut_lengths(
    ground: Ground, paths: Points, level: float, generator: np.random.Generator
) -> Floats:
    """Return the run of each path (N x k x 3) to where it passes below a level of the head."""
    head = ground.head
    steps = np.linalg.norm(np.diff(paths, axis=1), axis=2)
    run = np.concatenate([np.zeros((len(paths), 1)), np.cumsum(steps, axis=1)], axis=1)
    local = ground.local(paths.reshape(-1, 3)).reshape(paths.shape)
    height = (local[:, :, 2] - float(head.eyes[:, 2].mean())) / head.tall
    limit = level + 0.12 * generator.normal(size=(len(paths), 1))
    below = height < limit
    first = np.where(below.any(axis=1), below.argmax(axis=1), paths.shape[1] - 1)
    return run[np.arange(len(paths)), first]


def _gathered(
    style: Style,
    ground: Ground,
    at: Roots,
    tie: Points,
    back: Points,
    tail: float,
    generator: np.random.Generator,
) -> Points:
    """Return guides that run over the scalp to a tie (3, posed), and fall from it for `tail`."""
    over, after = 14, 12
    path = [at.points]
    layer = style.margin[0] + (style.margin[1] - style.margin[0]) * generator.random(len(at.points))
    disc = generator.normal(size=at.points.shape) * 0.005
    goal = tie + disc
    for index in range(1, over):
        here = path[-1]
        point = here + (goal - here) / (over - index)
        share = index / (over - 1)
        margins = layer + 0.004 * share
        point = ground.pushed(point, margins) if index < over - 1 else goal
        path.append(point)
    if tail <= 0.0:
        return np.stack(path, axis=1)
    direction = _unit(back + 0.07 * generator.normal(size=at.points.shape))
    step = tail / (after - 1)
    for index in range(1, after):
        direction = _unit(direction + 0.7 * np.array([0.0, 0.0, -1.0]))
        spread = disc * (0.55 if index < 4 else 0.10)
        point = path[-1] + direction * step + spread
        path.append(ground.pushed(point, np.full(len(point), 0.012)))
        direction = _unit(path[-1] - path[-2])
    return np.stack(path, axis=1)


def _bun(
    ground: Ground, tie: Points, axis: Points, size: float, generator: np.random.Generator
) -> Points:
    """Return strands wound around a tie (3, posed), 1800 x 12 x 3."""
    count, points = 1800, 12
    aside = _unit(np.cross(axis, np.array([0.3, 0.2, 0.93])))
    other = np.cross(axis, aside)
    start = generator.uniform(0.0, 2.0 * np.pi, (count, 1))
    turn = start + np.linspace(0.0, generator.uniform(2.2, 3.6), points)
    minor = generator.uniform(0.0, 2.0 * np.pi, (count, 1)) + np.linspace(0.0, 1.2, points)
    major, thick = 0.50 * size, 0.50 * size * generator.uniform(0.9, 1.06, (count, 1))
    ring = np.cos(turn)[..., None] * aside + np.sin(turn)[..., None] * other
    return (
        tie
        + 0.45 * size * axis
        + ring * (major + thick * np.cos(minor))[..., None]
        + axis * (thick * np.sin(minor))[..., None]
    )


def styled(
    figure: Figure, head: Head, spec: Mapping[str, Any], draws: Draws, *, bearded: float
) -> list[tuple[str, Strands]]:
    """Return the hair of a figure.

    Parameters
    ----------
    figure
        Who.
    head
        Measures of the head at rest.
    spec
        The subject's `hair`: `style` of `catalogue.HAIR_STYLES`, `length` 0 to 1.
    draws
        The draws of the hair.
    bearded
        How much beard, 0 to 1.

    Returns
    -------
    list of (str, Strands)
        By what they are: "hair", "beard".
    """
    if spec["style"] not in STYLES:
        raise ValueError(f"hair style must be one of {', '.join(STYLES)}, got {spec['style']!r}")
    style = STYLES[spec["style"]]
    floor = ground(figure, head)
    generator = draws.generator("strands")
    size = head.tall / 0.11
    near = _near_head(head)
    parts = []
    receding = (
        draws.uniform("recession", 0.0, 0.35) if spec["style"] in ("buzz", "short_crop") else 0.0
    )

    def grows(points: Points) -> Floats:
        if spec["style"] == "bald":
            return horseshoe(head, points)
        return scalp(head, points, receding)

    every = roots(figure, grows, style.strands, generator, near)
    guides = every.some(slice(0, 420))
    parting = draws.choice("parting", (-0.32, 0.0, 0.32)) if style.comb == "aside" else 0.01
    parting += draws.uniform("off centre", -0.06, 0.06)
    longest = style.length[0] + spec["length"] * (style.length[1] - style.length[0])
    if style.comb == "tie":
        parts += _tied(spec, style, floor, every, guides, longest * size, draws, generator)
    else:
        parts += _loose(
            spec, style, floor, every, guides, longest * size, parting, draws, generator
        )
    if bearded:
        parts.append(("beard", _beard(figure, head, bearded, size, generator)))
    return parts


def _near_head(head: Head) -> Callable[[Points], npt.NDArray[np.bool_]]:
    def near(points: Points) -> npt.NDArray[np.bool_]:
        return (points[:, 2] > head.chin[1] - 0.06) & (np.abs(points[:, 0]) < 1.3 * head.side)

    return near


def _loose(
    spec: Mapping[str, Any],
    style: Style,
    floor: Ground,
    every: Roots,
    guides: Roots,
    longest: float,
    parting: float,
    draws: Draws,
    generator: np.random.Generator,
) -> list[tuple[str, Strands]]:
    head = floor.head
    combed, sides = _combed(style, floor, guides, parting, head.centre)
    _, strand_sides = _combed(style, floor, every, parting, head.centre)
    height = (guides.rest[:, 2] - float(head.eyes[:, 2].mean())) / head.tall
    top = np.clip((height - 0.15) / 0.55, 0.0, 1.0)
    lengths = np.full(len(guides.points), longest)
    fringe = np.zeros(len(guides.points), dtype=bool)
    if spec["style"] in ("short_crop", "side_part"):
        sides_length = draws.uniform("sides", 0.008, 0.020)
        lengths = sides_length + (longest - sides_length) * top
    if spec["style"] in ("bob", "long", "curly") and draws.chance("fringe", 0.35):
        depth = (guides.rest[:, 1] - head.face) / (head.back - head.face)
        fringe = (depth < 0.30) & (np.abs(guides.rest[:, 0]) < 0.62 * head.side) & (height > 0.55)
        ahead = floor.turn @ np.array([0.0, -1.0, -0.35])
        combed = np.where(fringe[:, None], _unit(combed * 0.25 + ahead), combed)
    paths = _grown(style, floor, guides, combed, lengths, fringe, generator)
    if style.level is not None:
        level = style.level[1] + spec["length"] * (style.level[0] - style.level[1])
        lengths = _cut_lengths(floor, paths, level, generator)
    brow = _cut_lengths(floor, paths, 0.24, generator)
    lengths = np.where(fringe, np.minimum(lengths, brow), lengths)
    paths = _resampled(paths, lengths, style.points)
    points = _interpolated(
        guides,
        paths,
        sides + 2 * fringe,
        every,
        strand_sides + 2 * _is_fringe(every, guides, fringe),
        generator,
        clump=style.clump,
        frizz=style.frizz,
        curl=style.curl,
        turns=style.turns,
        uneven=style.uneven,
    )
    return [("hair", Strands(points, style.radius))]


def _is_fringe(every: Roots, guides: Roots, fringe: npt.NDArray[np.bool_]) -> Ints:
    if not fringe.any():
        return np.zeros(len(every.rest), dtype=np.int64)
    return fringe[_squared_distances(every.rest, guides.rest).argmin(axis=1)].astype(np.int64)


def _tied(
    spec: Mapping[str, Any],
    style: Style,
    floor: Ground,
    every: Roots,
    guides: Roots,
    longest: float,
    draws: Draws,
    generator: np.random.Generator,
) -> list[tuple[str, Strands]]:
    head = floor.head
    high = draws.uniform("tie height", 0.15, 0.75)
    size = head.tall / 0.11
    back = np.array([0.0, np.cos(high), np.sin(high)])
    reach = np.array([0.0, head.back - head.centre[1] + 0.004, 0.80 * head.tall])
    tie_rest = head.centre + back * reach + np.array([0.0, 0.008 * size, 0.0])
    tie = floor.place(tie_rest[None])
    axis = floor.turn @ back
    tail = longest if spec["style"] == "ponytail" else 0.0
    paths = _gathered(style, floor, guides, tie, axis[None], tail, generator)
    if tail:
        # Each stretch has its own points: scalp to tie, tie to tip.
        over = style.points // 2
        lengths = np.full(len(paths), 9.0)
        first, second = paths[:, :14], paths[:, 13:]
        lengths_tail = tail * generator.uniform(0.75, 1.0, len(paths))
        paths = np.concatenate(
            [
                _resampled(first, lengths, over),
                _resampled(second, lengths_tail, style.points - over + 1)[:, 1:],
            ],
            axis=1,
        )
        tied = (over - 1) / (style.points - 1)
    else:
        paths = _resampled(paths, np.full(len(paths), 9.0), style.points)
        tied = 1.0
    sides = (guides.rest[:, 0] > 0.0).astype(np.int64)
    points = _interpolated(
        guides,
        paths,
        sides,
        every,
        (every.rest[:, 0] > 0.0).astype(np.int64),
        generator,
        clump=style.clump,
        frizz=0.0012,
        curl=0.0,
        turns=0.0,
        uneven=0.0,
        gathered=tied,
    )
    if tail:
        return [("hair", Strands(points, style.radius, tip=0.5))]
    # The guides' ends lie at the tie: strands end there, whatever their roots.
    share = np.linspace(0.0, 1.0, style.points)[None, :, None] ** 2
    points += share * (tie + generator.normal(size=(len(points), 1, 3)) * 0.004 - points[:, -1:])
    wound = _bun(floor, tie[0], axis, draws.uniform("bun", 0.034, 0.046) * size, generator)
    return [("hair", Strands(points, style.radius, tip=0.8)), ("hair", Strands(wound, 0.0006, 0.9))]


def _beard(
    figure: Figure, head: Head, bearded: float, size: float, generator: np.random.Generator
) -> Strands:
    at = roots(figure, lambda points: beard(head, points), 2600, generator, _near_head(head))
    length = (0.002 + 0.013 * bearded**2) * size
    down = figure.stance.rotations[figure.body.base.bone["head"]] @ np.array([0.0, -0.1, -1.0])
    direction = _unit(
        0.55 * at.normals + 0.6 * down + 0.22 * generator.normal(size=at.points.shape)
    )
    t = np.linspace(0.0, 1.0, 4)[None, :, None]
    reach = length * generator.uniform(0.6, 1.1, (len(at.points), 1, 1))
    points = at.points[:, None] + direction[:, None] * t * reach
    points += (t**2) * reach * 0.35 * down
    return Strands(points, 0.00026, 0.4)
