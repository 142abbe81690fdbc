"""What grows behind the subject: trees, hedges, pots."""

from typing import Any

import numpy as np

from .choices import Choices
from .colours import shade
from .foliage import grown, leaves
from .parts import Part, assembled, boxes, cords, sheet
from .surfaces import stuff

GREENS = (
    ((0.14, 0.32, 0.1), (0.22, 0.42, 0.14), (0.32, 0.5, 0.2)),
    ((0.1, 0.27, 0.14), (0.16, 0.36, 0.2), (0.26, 0.44, 0.26)),
    ((0.36, 0.42, 0.14), (0.48, 0.5, 0.18), (0.28, 0.36, 0.12)),
    ((0.58, 0.32, 0.1), (0.68, 0.45, 0.12), (0.48, 0.22, 0.1)),
)


def _greens(choices: Choices) -> list[Any]:
    tones = choices.pick("greens", *GREENS)
    return [
        stuff(f"leaf{n}", [tone, shade(tone, 0.8)], 4, rough=0.6, bump=0.0, worn=0.15)
        for n, tone in enumerate(tones)
    ]


def tree(collection: Any, choices: Choices, width: float, height: float) -> None:
    """Grow a tree: a trunk that parts into branches and twigs, with leaves."""
    random = choices.random
    tall = choices.number("tall", 3.2, 2.4, 4.2)
    clear = choices.number("clear", 0.35, 0.2, 0.5) * tall
    wide = choices.number("wide", 0.45, 0.3, 0.6) * tall
    thick = choices.number("thick", 0.07, 0.045, 0.11)
    steps = np.linspace(0, 1, 12)
    bend = random.normal(0, 0.08, 2) * tall
    trunk = np.stack([bend[0] * steps**2, bend[1] * steps**2, tall * 0.85 * steps], axis=-1)
    count = choices.pick("limbs", 12, 9, 15)
    at = np.linspace(clear / (0.85 * tall), 0.98, count)
    roots = np.stack([np.interp(at, steps, trunk[:, axis]) for axis in range(3)], axis=-1)
    turn = np.arange(count) * 2.4 + float(random.uniform(0, 6))
    # Broad below the middle of the crown, narrow at its top.
    reach = wide * np.sin(np.pi * np.clip(0.3 + 0.65 * (at - at[0]) / (1 - at[0]), 0, 1))
    out = np.stack([np.cos(turn) * reach, np.sin(turn) * reach, 0.45 * reach + 0.1 * tall * at], -1)
    bow = np.stack([steps, steps, steps**0.8], axis=-1)
    limbs = roots[:, None] + out[:, None] * bow[None] * random.uniform(0.8, 1.1, (count, 1, 1))
    bases, ways = grown(limbs, 9, random, first=0.3)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    length = wide * random.uniform(0.25, 0.5, (len(bases), 1))
    lifted = ways * length + (0, 0, 1) * length * 0.2
    twigs = bases[:, None] + lifted[:, None] * np.linspace(0, 1, 5)[None, :, None]
    spots, heads = grown(twigs, choices.pick("leaves", 20, 16, 24), random, first=0.1)
    size = choices.number("leaf", 0.13, 0.09, 0.17)
    kinds = random.integers(0, 3, len(spots))
    blades = leaves(
        spots, heads, size * random.uniform(0.7, 1.2, len(spots)), size * 0.55, random, kinds
    )
    bark = choices.pick("bark", (0.32, 0.24, 0.17), (0.45, 0.42, 0.38), (0.22, 0.17, 0.13))
    materials = [
        *_greens(choices),
        stuff("bark", [bark, shade(bark, 0.7)], 9, (3, 3, 0.6), rough=0.95, bump=0.2),
    ]
    parts = [
        *blades,
        cords(trunk[None], (thick * (1.1 - 0.8 * steps))[None], 3, 12),
        cords(limbs, np.broadcast_to(0.4 * thick * (1 - 0.75 * steps), (count, 12)), 3, 6),
        cords(twigs, np.full((len(twigs), 5), 0.06 * thick), 3, 4),
    ]
    assembled(collection, "tree", parts, materials)


def hedge(collection: Any, choices: Choices, width: float, height: float) -> None:
    """Grow a clipped hedge as wide as the picture."""
    random = choices.random
    wide, deep = min(width, 6.0), 0.5
    tall = choices.number("tall", 1.4, 0.8, 2.2)
    size = choices.number("leaf", 0.1, 0.07, 0.13)
    count = int(min(14000, 4.5 * (wide * tall + wide * deep) / size**2))
    front = random.uniform(size=count) < tall / (tall + deep)
    x = random.uniform(-wide / 2, wide / 2, count)
    rough = 0.03 * (1 + np.sin(5 * x + 1)) + 0.02 * (1 + np.sin(13 * x))
    y = np.where(
        front,
        -deep / 2 + random.normal(0, 0.035, count),
        random.uniform(-deep / 2, deep / 2, count),
    )
    z = (
        np.where(front, random.uniform(0.02, tall, count), tall + random.normal(0, 0.03, count))
        + rough
    )
    out = np.where(front[:, None], (0.0, -1.0, 0.3), (0.0, -0.2, 1.0)) + random.normal(
        0, 0.5, (count, 3)
    )
    kinds = random.integers(0, 3, count)
    lengths = size * random.uniform(0.8, 1.4, count)
    blades = leaves(np.stack([x, y, z], -1), out, lengths, size * 0.7, random, kinds, 0.2)
    inner = stuff("within", [(0.1, 0.17, 0.08), (0.05, 0.09, 0.04)], 9, rough=1.0, bump=0.0)
    core = boxes((wide - 0.1, deep - 0.16, tall - 0.04), (0, 0.02, (tall - 0.04) / 2), 3)
    assembled(collection, "hedge", [*blades, core], [*_greens(choices), inner])


def potted(collection: Any, choices: Choices, width: float, height: float) -> None:
    """Stand one to three plants in pots."""
    random = choices.random
    count = choices.pick("count", 2, 1, 3)
    for number in range(count):
        own = np.array(((number - (count - 1) / 2) * 0.7, float(random.uniform(-0.2, 0.2)), 0.0))
        size = choices.number(f"size {number}", 0.17, 0.12, 0.24)
        tall = choices.number(f"tall {number}", 1.0, 0.6, 1.6)
        angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
        profile = (
            (0.0, 0),
            (0.72, 0),
            (1.0, 1.6),
            (1.08, 1.6),
            (1.08, 1.85),
            (0.93, 1.85),
            (0, 1.6),
        )
        rows = [
            np.stack([r * size * np.cos(angle), r * size * np.sin(angle), 0 * angle + z * size], -1)
            for r, z in profile
        ]
        stems = int(random.integers(6, 13))
        lean = random.normal(0, 0.25, (stems, 2)) * tall
        steps = np.linspace(0, 1, 9)[None, :, None]
        tips = np.c_[lean, tall * random.uniform(0.6, 1.0, stems)]
        paths = tips[:, None] * np.concatenate([steps**1.6, steps**1.6, steps], axis=2)
        paths = np.add(paths, (0, 0, 1.6 * size))
        spots, heads = grown(paths, int(random.integers(7, 13)), random, first=0.25)
        long = choices.number(f"long {number}", 0.2, 0.12, 0.34)
        slim = choices.number(f"slim {number}", 0.45, 0.25, 0.7)
        blades = leaves(spots, heads, long * random.uniform(0.7, 1.2, len(spots)), long * slim,
                        random, random.integers(0, 3, len(spots)), 0.45)  # fmt: skip
        thin = np.broadcast_to(0.009 * (1 - 0.6 * steps[..., 0]), paths.shape[:2])
        clay = choices.pick(
            f"pot {number}",
            (0.62, 0.32, 0.2),
            (0.88, 0.86, 0.82),
            (0.22, 0.24, 0.28),
            (0.4, 0.5, 0.5),
        )
        materials = [*_greens(choices), stuff("stem", [(0.3, 0.34, 0.16)], 9, bump=0.0),
                     stuff("pot", [clay, shade(clay, 0.88)], 6, rough=0.6, bump=0.0)]  # fmt: skip
        parts: list[Part] = [
            *blades,
            cords(paths, thin, 3, 5),
            sheet(np.stack(rows), 4, closed=True),
        ]
        thing = assembled(collection, "potted", parts, materials)
        thing.location = tuple(own.tolist())
