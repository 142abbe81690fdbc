"""Shoes and bags."""

import itertools
import math
from typing import Any

import numpy as np

from .choices import Choices
from .colours import BLACK, BLUE, BROWN, CREAM, GAUDY, GREY, ORANGE, RED, TEAL, WHITE, YELLOW
from .paper import Paper
from .shapes import block, grid, lump, tube
from .surfaces import printed, stuff


def shoe(collection: Any, choices: Choices) -> None:
    """Make a trainer: stripes on one side, a number on the other, laces, a rubber sole."""
    random = choices.random

    def contour(height: float, grow: float = 1.0, angle: Any = None) -> Any:
        """Return points around the foot, heel first, at a share of the upper's height."""
        angle = np.linspace(0, 2 * math.pi, 96, endpoint=False) if angle is None else angle
        open_by = np.clip((height - 0.28) / 0.72, 0, 1)
        toe = -1.45 + 0.1 * height + 1.35 * open_by * open_by * (3 - 2 * open_by)
        heel = 1.15 + 0.08 * math.cos(3 * height)
        across, side = np.cos(angle), np.sin(angle)
        x = (toe + heel) / 2 + grow * (heel - toe) / 2 * np.sign(across) * np.abs(across) ** 0.85
        wide = 0.52 - 0.2 * height + 0.06 * np.sin(2.2 * x - 2)
        y = grow * wide * np.sign(side) * np.abs(side) ** 0.8
        return np.stack([x, y + 0.06 * np.cos(2 * x), np.full_like(x, 0.2 + 1.0 * height)], -1)

    paper = Paper(random, 2048, 512, (0.85, 0.84, 0.8))
    paper.box(0, 0.72, 1, 1, BLUE)
    paper.box(0.36, 0.55, 0.64, 1, (0.75, 0.73, 0.68))
    for x in np.linspace(0.4, 0.6, 14):
        for y in np.linspace(0.6, 0.76, 4):
            paper.bloom(float(x), float(y), 0.012, BLACK)
    for number, colour in enumerate((RED, ORANGE, YELLOW)):
        x = 0.69 + 0.045 * number
        paper.ribbon([(x, 1.0), (x + 0.03, 0.6), (x + 0.08, 0.1)], 0.09, colour)
    paper.words("88", 0.24, 0.55, 0.5, RED)
    paper.words("fleet", 0.12, 0.6, 0.2, BLACK)
    for low, high in ((0.0, 0.05), (0.95, 1.0)):
        paper.box(low, 0.0, high, 1.0, TEAL)
    upper = printed("upper", paper, rough=0.8, bump=0.4, grain=60)
    heights = np.linspace(0, 1, 40)
    grid(collection, np.stack([contour(float(height)) for height in heights]), upper)
    lining = stuff("lining", [(0.2, 0.2, 0.22), (0.3, 0.3, 0.33)], 20, rough=0.9)
    grid(collection, np.stack([contour(float(height), 0.96) for height in heights]), lining)
    rim = contour(1.0)
    tube(collection, np.concatenate([rim, rim[:1]]), 0.045, stuff("collar", [BLUE]), 1)
    band = Paper(random, 2048, 128, WHITE)
    band.box(0, 0.55, 1, 0.7, RED)
    band.words("FLEET 88", 0.86, 0.35, 0.3, BLACK)
    for x in np.linspace(0, 1, 90):
        band.box(float(x), 0.75, float(x) + 0.004, 1.0, GREY)
    steps = ((0.0, -0.2), (1.0, -0.2), (1.05, -0.16), (1.06, 0.0), (1.0, 0.02), (0.0, 0.02))
    sole = [contour(0.0, grow) + np.array((0, 0, lift)) for grow, lift in steps]
    grid(collection, np.stack(sole), printed("sole", band, rough=0.7))
    ahead = math.pi + np.linspace(-0.35, 0.35, 9)
    tongue = [
        contour(float(h), 1.0, ahead) + np.array((-0.02, 0, 0.03))
        for h in np.linspace(0.35, 1.12, 20)
    ]
    grid(collection, np.stack(tongue), stuff("tongue", [TEAL, BLUE], 12, bump=0.4), closed=False)
    lace = stuff("lace", [WHITE, YELLOW], 14, rough=0.9)
    holes = np.linspace(0.42, 0.94, 6)
    for low, high in itertools.pairwise(holes):
        for side in (-0.42, 0.42):
            ends = ((low, -side, 0.0), ((low + high) / 2, 0.0, 0.1), (high, side, 0.0))
            path = [
                contour(float(h), 1.01, np.array([math.pi + at]))[0]
                + np.array((-lift * 0.6, 0, lift))
                for h, at, lift in ends
            ]
            tube(collection, path, 0.028, lace)
    knot = contour(0.9, 1.0, np.array([math.pi]))[0] + np.array((-0.08, 0, 0.08))
    for side in (-1, 1):
        loop = [(0, 0, 0), (-0.15, 0.2, 0.05), (-0.2, 0.38, -0.1), (-0.1, 0.25, -0.12), (0, 0, 0)]
        tube(collection, knot + np.array(loop) * (1, side, 1), 0.028, lace)


def handbag(collection: Any, choices: Choices) -> None:
    """Make a leather bag: stitches, flowers in front, a pocket behind, handles, a tag."""
    random = choices.random
    angle = np.linspace(0, 2 * math.pi, 4001)
    outline = np.stack([1.05 * np.cos(angle), 0.4 * np.sin(angle)], axis=-1)
    outline = np.sign(outline) * np.abs(outline) ** 0.4
    # A print keeps its proportions where the columns are evenly spaced.
    along = np.cumsum(np.hypot(*np.diff(outline, axis=0, prepend=outline[:1]).T))
    angle = np.interp(np.linspace(0, along[-1], 128, endpoint=False), along, angle)
    across, side = np.cos(angle), np.sin(angle)
    rows = []
    for height in [0, *np.linspace(0, 1, 30)]:
        wide = (1.15 - 0.2 * height) * bool(rows)
        deep = (0.1 + 0.36 * (1 - height**2) ** 0.5) * bool(rows)
        x = wide * np.sign(across) * np.abs(across) ** 0.4
        y = deep * np.sign(side) * np.abs(side) ** 0.4
        sag = 0.05 * np.cos(3 * x + 1) * height
        rows.append(np.stack([x, y, 1.5 * height - sag], axis=-1))
    tan = (0.66, 0.38, 0.2)
    paper = Paper(random, 2048, 640, tan)
    paper.scatter(14, 0.09, [BROWN, (0.55, 0.29, 0.13), (0.74, 0.46, 0.26)])
    paper.box(0, 0.93, 1, 1, BROWN)
    paper.box(0, 0.0, 1, 0.07, BROWN)
    for x in np.linspace(0, 1, 160):
        for y in (0.09, 0.91):
            paper.box(float(x), y, float(x) + 0.003, y + 0.012, CREAM)
    for x, y, size in random.uniform((0.6, 0.3, 0.04), (0.9, 0.85, 0.13), (11, 3)):
        petals, colour = int(random.integers(4, 8)), GAUDY[int(random.integers(7))]
        paper.bloom(float(x), float(y), float(size), colour, petals)
        paper.bloom(float(x), float(y), float(size) / 3, YELLOW)
    paper.words("Odela", 0.64, 0.3, 0.12, CREAM)
    paper.box(0.13, 0.35, 0.37, 0.85, (0.5, 0.27, 0.12))
    paper.box(0.14, 0.37, 0.36, 0.83, (0.6, 0.34, 0.17))
    paper.words("ODELA & SON", 0.25, 0.5, 0.07, BROWN)
    paper.words("est. 1964", 0.25, 0.6, 0.05, BROWN)
    grid(collection, np.stack(rows), printed("leather", paper, rough=0.45, bump=0.5, grain=25))
    dark = stuff("dark", [BROWN, (0.28, 0.14, 0.07)], 8, rough=0.5, bump=0.4)
    tube(collection, [(-0.95, 0, 1.5), (-0.4, 0, 1.46), (0.3, 0, 1.5), (0.95, 0, 1.53)], 0.1, dark)
    gold = stuff("gold", [(0.85, 0.65, 0.25), (0.7, 0.5, 0.18)], rough=0.3, metal=1.0)
    for y in (-0.22, 0.22):
        arc = [(-0.5, y, 1.3), (-0.5, y * 0.8, 1.7), (-0.28, y * 0.6, 2.3), (0.28, y * 0.6, 2.3)]
        tube(collection, [*arc, (0.5, y * 0.8, 1.7), (0.5, y, 1.3)], 0.05, dark)
        for x in (-0.5, 0.5):
            block(collection, (0.2, 0.08, 0.3), (x, y * 1.35, 1.22), dark)
            lump(collection, gold, 0.045, (x, y * 1.6, 1.15))
    block(collection, (0.34, 0.08, 0.22), (0.05, -0.4, 1.12), gold, round_by=0.03)
    lump(collection, dark, 0.06, (0.05, -0.45, 1.12))
    tube(collection, [(0.5, -0.2, 1.75), (0.56, -0.35, 1.5), (0.6, -0.45, 1.2)], 0.015, dark)
    tag = Paper(random, 200, 300, WHITE)
    tag.words("29.90", 0.5, 0.4, 0.2, RED)
    tag.bars(0.1, 0.6, 0.9, 0.9)
    block(collection, (0.24, 0.02, 0.36), (0.6, -0.5, 1.0), printed("tag", tag), round_by=0.005)
