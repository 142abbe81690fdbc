"""Eyes that look one way, brows and lashes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from mathutils.bvhtree import BVHTree

from .bodies import BODY_VERTICES, Points
from .draws import Draws
from .figures import Figure
from .hair import Strands
from .heads import Head

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Eye:
    """An eyeball, posed.

    Parameters
    ----------
    centre
        Where it is (3), metres.
    turn
        Its rotation (3 x 3); unturned it looks along -y.
    radius
        Metres.
    """

    centre: Points
    turn: Floats
    radius: float


def eyes(figure: Figure, head: Head, draws: Draws) -> tuple[Eye, Eye]:
    """Return both eyes, which look at one point.

    Parameters
    ----------
    figure, head
        Who.
    draws
        The draws of the subject: where it looks, within what lids allow.
    """
    bone = figure.body.base.bone["head"]
    turn = figure.stance.rotations[bone]
    aside, up = draws.uniform("aside", -0.22, 0.22), draws.uniform("up", -0.10, 0.03)
    away = draws.uniform("distance", 1.2, 4.0)
    between = head.eyes.mean(axis=0)
    target = between + away * np.array([np.sin(aside), -np.cos(aside), np.sin(up)])
    pair = []
    for centre in head.eyes:
        gaze = target - centre
        gaze /= np.linalg.norm(gaze)
        across = np.cross(np.array([0.0, 0.0, 1.0]), -gaze)
        across /= np.linalg.norm(across)
        across *= np.sign(across[0])
        look = np.stack([across, -gaze, np.cross(across, -gaze)], axis=1)
        pair.append(Eye(figure.stance.place(bone, centre), turn @ look, head.ball))
    return pair[0], pair[1]


def brows(figure: Figure, head: Head, draws: Draws) -> Strands:
    """Return eyebrows, posed, as strands that lie on the skin."""
    generator = draws.generator("brows")
    body = figure.body
    faces = body.base.faces[body.base.groups["body"]]
    skin = body.vertices[:BODY_VERTICES]
    middles = skin[faces].mean(axis=1)
    eye = float(head.eyes[:, 2].mean())
    unit = head.tall / 0.11
    near = (np.abs(middles[:, 2] - eye - 0.02 * unit) < 0.03 * unit) & (
        middles[:, 1] < head.eyes[:, 1].max()
    )
    tree = BVHTree.FromPolygons(skin.tolist(), faces[near].tolist())
    count = 260
    thick = draws.uniform("thickness", 0.0018, 0.0042) * unit
    arch = draws.uniform("arch", 0.001, 0.005) * unit
    base_height = draws.uniform("height", 0.0165, 0.0195) * unit
    bone = body.base.bone["head"]
    turn, shift = figure.stance.rotations[bone], figure.stance.offsets[bone]
    made = []
    for centre, sign in zip(head.eyes, (1.0, -1.0), strict=True):
        along = generator.beta(1.1, 1.2, count)
        x = centre[0] + sign * (-0.0165 + 0.041 * along) * unit
        taper = np.clip(1.25 - along, 0.25, 1.0) * np.clip(0.5 + 4.0 * along, 0.5, 1.0)
        rise = (
            arch * np.sin(np.pi * np.clip(along / 1.25, 0.0, 1.0)) * 1.6
            - 0.006 * unit * (np.clip(along - 0.68, 0.0, 1.0) / 0.32) ** 2
        )
        z = centre[2] + base_height + rise + thick * taper * generator.uniform(-1.0, 1.0, count)
        lean = np.stack([sign * (0.35 + 0.75 * along), 0.0 * along, 0.85 - 1.25 * along], axis=1)
        for start_x, start_z, direction in zip(x, z, lean, strict=True):
            hit, normal, _, _ = tree.ray_cast((start_x, head.face - 0.1, start_z), (0.0, 1.0, 0.0))
            if hit is None:
                continue
            point, up = np.array(hit), np.array(normal)
            direction = direction + 0.25 * generator.normal(size=3)
            direction -= up * (direction @ up)
            direction /= np.linalg.norm(direction)
            length = generator.uniform(0.005, 0.0085) * unit
            rise_off = (0.0, 0.0009, 0.0013, 0.0010)
            made.append(
                [
                    point + direction * length * t + up * (lift * unit - 0.0003)
                    for t, lift in zip((0.0, 0.35, 0.7, 1.0), rise_off, strict=True)
                ]
            )
    return Strands(np.array(made) @ turn.T + shift, 0.00015 * unit, 0.35)


def lashes(figure: Figure, head: Head, draws: Draws) -> Strands:
    """Return eyelashes, posed: from the lids outward along the base mesh's strips."""
    generator = draws.generator("lashes")
    body = figure.body
    bone = body.base.bone["head"]
    turn, shift = figure.stance.rotations[bone], figure.stance.offsets[bone]
    made = []
    for side, centre in zip("lr", head.eyes, strict=True):
        for strip, count, reach in ((2, 46, 0.8), (1, 26, 0.55)):
            faces = body.base.faces[body.base.groups[f"helper-{side}-eyelashes-{strip}"]]
            points = body.vertices[np.unique(faces)] - centre
            away = np.linalg.norm(points, axis=1)
            rim = points[(away > head.ball * 0.98) & (away < head.ball * 1.16)]
            tips = points[away > np.quantile(away, 0.72)]
            if len(rim) < 4 or len(tips) < 4:
                continue
            tips = tips[np.argsort(tips[:, 0])]
            place = np.sort(generator.random(count)) * (len(tips) - 1)
            low = np.minimum(place.astype(np.int64), len(tips) - 2)
            share = (place - low)[:, None]
            end = tips[low] * (1.0 - share) + tips[low + 1] * share
            cosine = (end @ rim.T) / np.linalg.norm(rim, axis=1)
            start = rim[cosine.argmax(axis=1)]
            end = start + reach * (end - start)
            middle = (start + end) / 2.0 - np.array([0.0, 0.0, 0.0008 if strip == 2 else -0.0005])
            made.append(np.stack([start, middle, end], axis=1) + centre)
    return Strands(np.concatenate(made) @ turn.T + shift, 0.00016, 0.2)
