"""Sheets of polygons that are cut along fields, eased off the body and smoothed, in numpy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from .bodies import Points

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sheet:
    """Polygons over points that follow bones.

    Parameters
    ----------
    points
        N x 3, metres.
    corners
        Vertices of the polygons one after the other.
    sizes
        Number of corners of each polygon.
    weights
        N x bones, rows add up to 1.
    columns
        Further values by name, N or N x k each, carried through cuts.
    """

    points: Points
    corners: Ints
    sizes: Ints
    weights: Floats
    columns: Mapping[str, Floats] = field(default_factory=dict[str, Floats])

    @property
    def starts(self) -> Ints:
        """Where each polygon begins in `corners`."""
        return np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(np.int64)

    def polygons(self) -> list[list[int]]:
        """Return the vertices of each polygon."""
        ends = np.cumsum(self.sizes)
        flat = self.corners.tolist()
        return [flat[end - size : end] for end, size in zip(ends, self.sizes, strict=True)]


def sheet(points: Points, faces: Ints, weights: Floats, **columns: Floats) -> Sheet:
    """Return a sheet of equal polygons (F x k vertices), without the points none of them uses."""
    used, compact = np.unique(faces, return_inverse=True)
    return Sheet(
        points=points[used],
        corners=compact.reshape(-1).astype(np.int64),
        sizes=np.full(len(faces), faces.shape[1], dtype=np.int64),
        weights=weights[used],
        columns={name: values[used] for name, values in columns.items()},
    )


def _edges(faces: Ints) -> tuple[Ints, Ints]:
    """Return unique edges (E x 2) of quads and the edge (F x 4) that follows each corner."""
    pairs = np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2)
    pairs.sort(axis=1)
    count = int(faces.max()) + 1
    _, first, inverse = np.unique(
        pairs[:, 0] * count + pairs[:, 1], return_index=True, return_inverse=True
    )
    return pairs[first], inverse.reshape(faces.shape)


def refined(whole: Sheet) -> Sheet:
    """Return a sheet of quads with each split in four (Catmull and Clark, 1978).

    Weights and columns are averaged, points are smoothed.
    """
    faces = whole.corners.reshape(-1, 4)
    edges, following = _edges(faces)
    count = len(whole.points)
    middles = whole.points[faces].mean(axis=1)
    uses = np.bincount(following.ravel(), minlength=len(edges))
    sums = np.zeros((len(edges), 3))
    np.add.at(sums, following.ravel(), np.repeat(middles, 4, axis=0))
    halves = whole.points[edges].mean(axis=1)
    inner = (uses == 2)[:, None]
    edge_points = np.where(inner, (2.0 * halves + sums) / 4.0, halves)
    valence = np.bincount(faces.ravel(), minlength=count)[:, None]
    around = np.zeros((count, 3))
    np.add.at(around, faces.ravel(), np.repeat(middles, 4, axis=0))
    spokes, rims = np.zeros((count, 3)), np.zeros((count, 3))
    degree, on_rim = np.zeros((count, 1)), np.zeros(count, dtype=bool)
    for end in (0, 1):
        np.add.at(spokes, edges[:, end], halves)
        np.add.at(degree, edges[:, end], 1.0)
        rim = edges[~inner[:, 0], end]
        np.add.at(rims, rim, halves[~inner[:, 0]])
        on_rim[rim] = True
    smooth = (around / valence + 2.0 * spokes / degree + (valence - 3.0) * whole.points) / valence
    border = whole.points / 2.0 + rims / 4.0
    points = np.where(on_rim[:, None], border, smooth)
    first_edge, first_face = count, count + len(edges)
    incoming = np.roll(following, 1, axis=1)
    quads = np.stack(
        [
            faces,
            first_edge + following,
            np.broadcast_to(first_face + np.arange(len(faces))[:, None], faces.shape),
            first_edge + incoming,
        ],
        axis=2,
    ).reshape(-1, 4)

    def averaged(values: Floats) -> Floats:
        return np.concatenate([values, values[edges].mean(axis=1), values[faces].mean(axis=1)])

    return Sheet(
        points=np.concatenate([points, edge_points, middles]),
        corners=quads.ravel(),
        sizes=np.full(len(quads), 4, dtype=np.int64),
        weights=averaged(whole.weights),
        columns={name: averaged(values) for name, values in whole.columns.items()},
    )


def normals(points: Points, corners: Ints, sizes: Ints) -> Points:
    """Return unit normals of the vertices, weighted by the area of the polygons around."""
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    result = np.zeros_like(points)
    for size in np.unique(sizes):
        loops = corners[starts[sizes == size][:, None] + np.arange(size)]
        corner = points[loops]
        face = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
        if size == 4:
            face = np.cross(corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1])
        for k in range(size):
            np.add.at(result, loops[:, k], face)
    length = np.linalg.norm(result, axis=1, keepdims=True)
    return result / np.maximum(length, 1e-12)


def neighbours(corners: Ints, sizes: Ints, count: int) -> Ints:
    """Return for each vertex the ones it shares an edge with, count x k, itself as filling."""
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    following = np.arange(len(corners)) + 1
    following[starts + sizes - 1] = starts
    pairs = np.stack([corners, corners[following]], axis=1)
    pairs = _unique_pairs(np.concatenate([pairs, pairs[:, ::-1]]))
    degree = np.bincount(pairs[:, 0], minlength=count)
    place = np.arange(len(pairs)) - np.repeat(np.cumsum(degree) - degree, degree)
    table = np.repeat(np.arange(count)[:, None], max(int(degree.max(initial=1)), 1), axis=1)
    table[pairs[:, 0], place] = pairs[:, 1]
    return table


def smoothed(values: Floats, table: Ints, rounds: int, share: float = 0.5) -> Floats:
    """Return values (N or N x k) that have moved towards the mean of their neighbours."""
    own = np.arange(len(values))
    real = (table != own[:, None]).sum(axis=1)
    real = np.maximum(real, 1).reshape(-1, *([1] * (values.ndim - 1)))
    filling = table.shape[1] - (table != own[:, None]).sum(axis=1)
    filling = filling.reshape(real.shape)
    for _ in range(rounds):
        mean = (values[table].sum(axis=1) - filling * values) / real
        values = values + share * (mean - values)
    return values


def _unique_pairs(pairs: Ints) -> Ints:
    """Return the distinct rows of E x 2 indices, sorted."""
    count = int(pairs.max(initial=0)) + 1
    keys = np.unique(pairs[:, 0] * count + pairs[:, 1])
    return np.stack([keys // count, keys % count], axis=1)


def cut(whole: Sheet, keep: Floats) -> Sheet:
    """Return the part of a sheet where a field is positive, its rim along the field's zero.

    Parameters
    ----------
    whole
        The sheet.
    keep
        N values, a length where that makes sense: cuts near a vertex move the vertex.

    Returns
    -------
    Sheet
        Polygons of 3 to 6 corners along the rim, the others as they were.
    """
    if (keep > 0.0).all():
        return whole
    field_ = keep.astype(np.float64).copy()
    corners, sizes, starts = whole.corners, whole.sizes, whole.starts
    following = np.arange(len(corners)) + 1
    following[starts + sizes - 1] = starts
    pairs = _unique_pairs(np.sort(np.stack([corners, corners[following]], axis=1), axis=1))
    crossing = pairs[(field_[pairs[:, 0]] > 0.0) != (field_[pairs[:, 1]] > 0.0)]
    # Rows of the result as mixtures of two old ones: first, second, share of the second.
    old = np.arange(len(field_))
    second, portion = old.copy(), np.zeros(len(field_))
    for a, b in crossing.tolist():
        if (field_[a] > 0.0) == (field_[b] > 0.0) or field_[a] == field_[b]:
            continue
        share = field_[a] / (field_[a] - field_[b])
        near, far, along = (a, b, share) if share < 0.5 else (b, a, 1.0 - share)
        if along < 0.25 and portion[near] == 0.0:
            # A vertex this near the rim is drawn onto it: no slivers.
            second[near], portion[near] = far, along
            field_[near] = 0.0
    inside, on_rim = field_ >= 0.0, field_ == 0.0
    counts = np.add.reduceat(inside[corners].astype(np.int64), starts)
    rim_counts = np.add.reduceat(on_rim[corners].astype(np.int64), starts)
    wholly = (counts == sizes) & (rim_counts < sizes)
    partly = np.flatnonzero((counts > 0) & (counts < sizes))
    added: dict[tuple[int, int], int] = {}
    mixtures: list[tuple[int, int, float]] = []

    def between(a: int, b: int) -> int:
        key = (a, b) if a < b else (b, a)
        if key not in added:
            share = float(field_[key[0]] / (field_[key[0]] - field_[key[1]]))
            mixtures.append((*key, share))
            added[key] = len(field_) + len(mixtures) - 1
        return added[key]

    kept: list[list[int]] = []
    for index in partly.tolist():
        loop = corners[starts[index] : starts[index] + sizes[index]].tolist()
        made: list[int] = []
        for here, there in zip(loop, [*loop[1:], loop[0]], strict=True):
            if inside[here]:
                made.append(here)
            if inside[here] != inside[there] and not on_rim[here] and not on_rim[there]:
                made.append(between(here, there))
        if len(made) >= 3 and any(i >= len(field_) or field_[i] > 0.0 for i in made):
            kept.append(made)
    flat = np.concatenate(
        [
            corners[np.repeat(wholly, sizes)],
            np.array([i for loop in kept for i in loop], dtype=np.int64),
        ]
    )
    new = np.array(mixtures, dtype=np.float64).reshape(-1, 3)
    first = np.concatenate([old, new[:, 0].astype(np.int64)])
    other = np.concatenate([second, new[:, 1].astype(np.int64)])
    share = np.concatenate([portion, new[:, 2]])
    used, compact = np.unique(flat, return_inverse=True)
    first, other, share = first[used], other[used], share[used]
    blended = np.flatnonzero(share)

    def mixed(values: Floats) -> Floats:
        result = values[first]
        part = share[blended].reshape(-1, *([1] * (values.ndim - 1)))
        result[blended] += part * (values[other[blended]] - values[first[blended]])
        return result

    return Sheet(
        points=mixed(whole.points),
        corners=compact.reshape(-1).astype(np.int64),
        sizes=np.concatenate([sizes[wholly], np.array([len(loop) for loop in kept], np.int64)]),
        weights=mixed(whole.weights),
        columns={name: mixed(values) for name, values in whole.columns.items()},
    )


def without(whole: Sheet, gone: npt.NDArray[np.bool_]) -> Sheet:
    """Return a sheet without the polygons whose vertices are all `gone` (N)."""
    lost = np.add.reduceat(gone[whole.corners].astype(np.int64), whole.starts) == whole.sizes
    corners = whole.corners[np.repeat(~lost, whole.sizes)]
    used, compact = np.unique(corners, return_inverse=True)
    return Sheet(
        points=whole.points[used],
        corners=compact.reshape(-1).astype(np.int64),
        sizes=whole.sizes[~lost],
        weights=whole.weights[used],
        columns={name: values[used] for name, values in whole.columns.items()},
    )


def joined(sheets: Sequence[Sheet]) -> Sheet:
    """Return one sheet made of several with the same columns."""
    shift = np.cumsum([0, *(len(part.points) for part in sheets)])
    return Sheet(
        points=np.concatenate([part.points for part in sheets]),
        corners=np.concatenate(
            [part.corners + at for part, at in zip(sheets, shift, strict=False)]
        ),
        sizes=np.concatenate([part.sizes for part in sheets]),
        weights=np.concatenate([part.weights for part in sheets]),
        columns={
            name: np.concatenate([part.columns[name] for part in sheets])
            for name in sheets[0].columns
        },
    )


def moved(whole: Sheet, points: Points) -> Sheet:
    """Return the sheet with its points (N x 3) elsewhere."""
    return replace(whole, points=points)


def rims(whole: Sheet) -> list[Ints]:
    """Return the open borders of a sheet as closed loops of vertices, longest first."""
    corners, sizes, starts = whole.corners, whole.sizes, whole.starts
    following = np.arange(len(corners)) + 1
    following[starts + sizes - 1] = starts
    ahead = set(zip(corners.tolist(), corners[following].tolist(), strict=True))
    onward = {a: b for a, b in ahead if (b, a) not in ahead}
    loops: list[Ints] = []
    while onward:
        first, here = onward.popitem()
        loop = [first]
        while here != first and here in onward:
            loop.append(here)
            here = onward.pop(here)
        if len(loop) > 4:
            loops.append(np.array(loop, dtype=np.int64))
    return sorted(loops, key=len, reverse=True)


def waves(points: Points, generator: np.random.Generator, length: float, count: int = 8) -> Floats:
    """Return a smooth random field about 0 of deviation 1.

    Parameters
    ----------
    points
        N x 3, metres.
    generator
        Where directions and phases come from.
    length
        Typical wavelength, metres.
    count
        Number of waves that are summed.

    Returns
    -------
    numpy.ndarray
        N float64.
    """
    directions = generator.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    directions *= 2.0 * np.pi / (length * generator.uniform(0.7, 1.6, size=(count, 1)))
    phases = generator.uniform(0.0, 2.0 * np.pi, size=count)
    return np.sin(points @ directions.T + phases).sum(axis=1) * np.sqrt(2.0 / count)


def swept(
    path: Points,
    outward: Points,
    upward: Points,
    weights: Floats,
    profile: Floats,
    columns: Mapping[str, Floats],
    *,
    closed: bool = True,
) -> Sheet:
    """Return a band along a path.

    Parameters
    ----------
    path
        N x 3, metres, in order.
    outward, upward
        N x 3 unit vectors across the path.
    weights
        N x bones.
    profile
        N x k x 2 or k x 2: a closed cross-section, metres outward and upward, in order.
    columns
        N or N x k values by name.
    closed
        Whether the path returns to its start; otherwise its ends are capped.
    """
    count = len(path)
    section = np.broadcast_to(profile, (count, *profile.shape[-2:]))
    around = section.shape[1]
    points = (
        path[:, None] + section[:, :, :1] * outward[:, None] + section[:, :, 1:] * upward[:, None]
    )
    i = np.arange(count if closed else count - 1)
    j = np.arange(around)
    a = i[:, None] * around + j
    b = i[:, None] * around + (j + 1) % around
    c = ((i[:, None] + 1) % count) * around + (j + 1) % around
    d = ((i[:, None] + 1) % count) * around + j
    quads = np.stack([a, b, c, d], axis=2).reshape(-1, 4)
    corners, sizes = quads.ravel(), np.full(len(quads), 4, dtype=np.int64)
    if not closed:
        last = (count - 1) * around + np.arange(around)
        corners = np.concatenate([corners, np.arange(around)[::-1], last])
        sizes = np.concatenate([sizes, [around, around]])
    return Sheet(
        points=points.reshape(-1, 3),
        corners=corners.astype(np.int64),
        sizes=sizes.astype(np.int64),
        weights=np.repeat(weights, around, axis=0),
        columns={name: np.repeat(values, around, axis=0) for name, values in columns.items()},
    )
