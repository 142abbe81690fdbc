"""Furniture and lamps, and what stands about."""

import itertools
import math
from typing import Any

import numpy as np

from .choices import Choices
from .colours import (
    BLACK,
    BLUE,
    BROWN,
    CREAM,
    GAUDY,
    GREEN,
    OAK,
    ORANGE,
    PINK,
    RED,
    TEAL,
    WALNUT,
    WHITE,
    YELLOW,
)
from .paper import Paper
from .shapes import block, grid, lump, tube, turned
from .surfaces import printed, stuff


def chair(collection: Any, choices: Choices) -> None:
    """Make a wooden chair: flowered seat and back, slats, a plaid over one arm."""
    random = choices.random
    wood = stuff("wood", OAK, 3, (6, 6, 0.6))
    rail = stuff("rail", OAK, 3, (0.6, 6, 6))
    for x in (-0.55, 0.55):
        tube(collection, [(x * 1.08, -0.58, 0), (x, -0.5, 0.5), (x, -0.5, 1.35)], 0.06, wood)
        tube(collection, [(x * 1.08, 0.65, 0), (x, 0.5, 0.9), (x, 0.72, 2.3)], 0.06, wood)
        block(collection, (0.13, 1.25, 0.07), (x, 0.02, 1.38), wood, round_by=0.03)
        block(collection, (0.05, 1.0, 0.08), (x, 0, 0.4), wood)
    for y, z in ((-0.5, 0.4), (0.5, 0.55), (-0.5, 0.8)):
        block(collection, (1.1, 0.05, 0.09), (0, y, z), rail)
    block(collection, (1.2, 1.15, 0.08), (0, 0, 0.88), rail, round_by=0.03)
    fabric = [Paper(random, 700, 600, (0.85, 0.8, 0.66)) for _ in range(3)]
    for paper, number in zip(fabric, (34, 26, 0), strict=True):
        paper.scatter(number, 0.13, [RED, PINK, TEAL, BLUE, ORANGE])
    for x in np.linspace(0.03, 0.97, 13):
        fabric[2].box(float(x), 0, float(x) + 0.03, 1, TEAL)
    cushion, back, behind = (
        printed(f"fabric{number}", paper, rough=0.9, bump=0.5, grain=90)
        for number, paper in enumerate(fabric)
    )
    piping = stuff("piping", [RED], rough=0.9)
    block(
        collection,
        (1.08, 1.05, 0.2),
        (0, -0.02, 1.0),
        *(piping, piping, piping, piping, cushion, piping),
        round_by=0.08,
    )
    slab = block(
        collection,
        (1.0, 0.14, 0.8),
        (0, 0, 0),
        *(back, rail, behind, rail, rail, rail),
        round_by=0.05,
    )
    slab.rotation_euler[0], slab.location = -0.16, (0, 0.61, 1.85)
    block(collection, (1.25, 0.09, 0.14), (0, 0.72, 2.32), rail, round_by=0.04)
    plaid = Paper(random, 400, 800, (0.15, 0.3, 0.25))
    for at in (0.1, 0.3, 0.36, 0.7, 0.9):
        plaid.box(at, 0, at + 0.05, 1, RED)
        plaid.box(0, at * 0.97, 1, at * 0.97 + 0.03, YELLOW)
    rows = []
    for drop in np.linspace(-1, 1, 30):
        y = np.linspace(-0.35, 0.25, 24)
        x = 0.55 + 0.1 * np.clip(4 * drop, -1, 1) + 0.02 * np.sin(14 * y + drop)
        z = 1.44 - 0.62 * np.maximum(np.abs(drop) - 0.12, 0) * (1 if drop > 0 else 0.6)
        rows.append(np.stack([x, y + 0.03 * np.sin(5 * drop), np.full_like(x, z)], axis=-1))
    woollen = printed("plaid", plaid, rough=0.95, bump=0.5, grain=90)
    grid(collection, np.stack(rows), woollen, closed=False)


def lamp(collection: Any, choices: Choices) -> None:
    """Make a table lamp: painted foot, a shade with leaves and birds, a cord to pull, a cable."""
    random = choices.random
    paper = Paper(random, 2048, 700, (0.9, 0.9, 0.84))
    for _ in range(16):
        x, y = (float(part) for part in random.uniform((0.03, 0.2), (0.97, 0.95)))
        bend = float(random.uniform(-0.06, 0.06))
        paper.ribbon([(x, 1.0), (x + bend, (1 + y) / 2), (x + bend / 2, y)], 0.012, GREEN)
        for share in np.linspace(0, 1, 7):
            at = y + (1 - y) * float(share)
            leaf = GREEN if random.uniform() < 0.6 else TEAL
            side = 0.012 * (1 if round(10 * at) % 2 else -1)
            paper.bloom(x + side + bend * (1 - float(share)) / 2, at, 0.026, leaf, 2, 6 * x)
    for number in range(6):
        x, y = (number + float(random.uniform(0.3, 0.7))) / 6, float(random.uniform(0.15, 0.5))
        colour = GAUDY[(number * 3) % 7]
        paper.bloom(x, y, 0.09, colour)
        paper.bloom(x + 0.03, y - 0.08, 0.055, colour)
        paper.ribbon([(x, y), (x - 0.04, y + 0.02), (x - 0.08, y + 0.1)], 0.05, colour)
        paper.bloom(x + 0.033, y - 0.09, 0.012, BLACK)
    paper.box(0, 0, 1, 0.04, RED)
    paper.box(0, 0.96, 1, 1, RED)
    shade = printed("shade", paper, rough=0.9, bump=0.3, grain=120, worn=0.1)
    turned(collection, [(0.95, 1.75), (0.55, 2.75)], shade, 24)
    inner = stuff("inner", [WHITE], rough=0.9)
    turned(collection, [(0.93, 1.76), (0.53, 2.74)], inner, 2)
    foot = Paper(random, 1400, 900, (0.2, 0.3, 0.45))
    foot.scatter(30, 0.07, [CREAM, YELLOW, (0.5, 0.65, 0.8)])
    for y in (0.12, 0.5, 0.88):
        foot.box(0, y, 1, y + 0.03, YELLOW)
    foot.words("aurora", 0.5, 0.4, 0.11, CREAM)
    belly = [(0.5, 0.0), (0.52, 0.08), (0.35, 0.2), (0.56, 0.6), (0.5, 0.95), (0.2, 1.3)]
    turned(collection, [*belly, (0.12, 1.45)], printed("foot", foot, rough=0.25, bump=0.05))
    brass = stuff("brass", [(0.8, 0.6, 0.3), (0.6, 0.42, 0.18)], rough=0.3, metal=1.0)
    tube(collection, [(0, 0, 1.4), (0, 0, 2.8)], 0.05, brass)
    lump(collection, brass, 0.08, (0, 0, 2.84))
    tube(collection, [(0.5, -0.35, 1.85), (0.5, -0.36, 1.5), (0.5, -0.35, 1.2)], 0.015, brass)
    lump(collection, stuff("bead", [RED], rough=0.3), 0.05, (0.5, -0.35, 1.17))
    cable = [(0, 0.48, 0.06), (0.3, 0.7, 0.03), (0.7, 0.55, 0.03), (0.95, 0.2, 0.03)]
    tube(collection, cable, 0.025, stuff("cable", [BLACK]))


def basket(collection: Any, choices: Choices) -> None:
    """Make a woven basket with a coloured pattern, a handle, fruit in it."""
    random = choices.random
    stakes, straws = 26, [(0.72, 0.54, 0.3), (0.62, 0.43, 0.22), (0.78, 0.62, 0.38)]
    withies = [stuff(f"withy{n}", [straw, straws[0]], 8) for n, straw in enumerate(straws)]
    dyed = [stuff(f"dyed{n}", [colour], 8) for n, colour in enumerate((RED, TEAL, BLUE))]
    angle = np.linspace(0, 2 * math.pi, 6 * stakes + 1)

    def radius(height: Any) -> Any:
        return 0.72 + 0.34 * height - 0.06 * np.sin(3 * height)

    for row in range(19):
        height = 0.05 + 0.05 * row
        wave = 0.035 * np.cos(stakes / 2 * angle + math.pi * row)
        reach = radius(height) + wave + 0.008 * np.sin(5 * angle + row)
        lift = height + 0.012 * np.sin(3 * angle + 2 * row)
        path = np.stack([1.2 * reach * np.cos(angle), 0.85 * reach * np.sin(angle), lift], -1)
        # Dyed withies come and go around the basket: its sides are not alike.
        cuts = sorted({0, len(angle) - 1, *random.integers(1, len(angle) - 1, 5).tolist()})
        for start, end in itertools.pairwise(cuts):
            kinds = dyed if 6 <= row <= 12 and random.uniform() < 0.55 else withies
            material = kinds[int(random.integers(3))]
            tube(collection, path[start : end + 1], 0.029, material, 1)
    for at in np.arange(stakes) * 2 * math.pi / stakes:
        heights = np.linspace(0, 1.02, 6)
        across = np.array([1.2 * math.cos(at), 0.85 * math.sin(at)]) * radius(heights)[:, None]
        tube(collection, np.c_[across, heights], 0.024, withies[1], 2)
    for strand in range(3):
        around = radius(1.03) + 0.04 * np.cos(20 * angle + strand * 2 * math.pi / 3)
        lift = 1.03 + 0.04 * np.sin(20 * angle + strand * 2 * math.pi / 3)
        path = np.stack([1.2 * around * np.cos(angle), 0.85 * around * np.sin(angle), lift], -1)
        tube(collection, path, 0.032, withies[strand], 2)
        turns = np.linspace(0, math.pi, 60)
        arc = np.stack([1.25 * np.cos(turns), 0 * turns, 0.85 + 1.15 * np.sin(turns)], axis=-1)
        twist = 14 * turns + strand * 2 * math.pi / 3
        arc += 0.035 * np.stack([np.cos(twist), np.sin(twist), 0 * twist], axis=-1)
        tube(collection, arc, 0.034, withies[strand], 1)
    turned(collection, [(0, 0.03), (0.64, 0.03)], withies[0], 2)
    for number in range(22):
        x, y = random.uniform(-0.75, 0.75), random.uniform(-0.5, 0.5)
        mixed = (RED, GREEN, YELLOW, ORANGE, (0.35, 0.12, 0.3))[number % 5]
        skin = stuff("skin", [mixed, YELLOW if number % 3 else GREEN], 3.5, rough=0.3, bump=0.05)
        place = (float(x), float(y), 0.95 - 0.2 * float(np.hypot(x, y)))
        lump(
            collection,
            skin,
            float(random.uniform(0.17, 0.27)),
            place,
            float(random.uniform(0.85, 1.2)),
        )


def radio(collection: Any, choices: Choices) -> None:
    """Make a wireless: grille, dial and knobs in front, slots and a plate behind, an aerial."""
    random = choices.random
    wood = stuff("wood", WALNUT, 3, (0.6, 5, 7))
    front = Paper(random, 1300, 800, (0.42, 0.22, 0.1))
    front.box(0.06, 0.1, 0.58, 0.9, CREAM)
    for x, y in random.uniform((0.07, 0.12), (0.57, 0.88), (900, 2)):
        front.box(float(x), float(y), float(x) + 0.012, float(y) + 0.006, BROWN)
    for x, tall in zip(np.linspace(0.12, 0.52, 6), (0.3, 0.5, 0.7, 0.6, 0.45, 0.25), strict=True):
        front.box(float(x), 0.5 - tall / 2, float(x) + 0.012, 0.5 + tall / 2, BROWN)
    front.box(0.62, 0.1, 0.94, 0.5, (0.1, 0.16, 0.14))
    for number, place in enumerate(("Ostamel", "Kaloren", "Fenby", "Dravo", "Tibor")):
        y = 0.15 + 0.07 * number
        front.words(place, 0.7 + 0.03 * (number % 3), y, 0.045, YELLOW)
        front.words(str(88 + 7 * number), 0.89, y, 0.045, WHITE)
    front.box(0.815, 0.1, 0.82, 0.5, RED)
    front.words("Sonnet 6", 0.78, 0.58, 0.1, CREAM)
    behind = Paper(random, 1300, 800, (0.3, 0.24, 0.18))
    for x in np.linspace(0.08, 0.55, 14):
        behind.box(float(x), 0.15, float(x) + 0.014, 0.6, BLACK)
    behind.box(0.62, 0.15, 0.93, 0.5, CREAM)
    behind.small_print(0.775, 0.18, 0.46, 0.035, BLACK)
    behind.words("DANGER 220 V", 0.3, 0.78, 0.11, YELLOW)
    behind.bloom(0.78, 0.75, 0.09, BLACK)
    face = printed("front", front, rough=0.5, worn=0.15)
    back = printed("behind", behind, rough=0.8)
    block(
        collection,
        (2.2, 0.8, 1.35),
        (0, 0, 0.75),
        *(face, wood, back, wood, wood, wood),
        round_by=0.09,
    )
    knob = stuff("knob", [CREAM, (0.8, 0.7, 0.5)], 5, rough=0.3)
    for x, size in ((0.42, 0.13), (0.74, 0.16)):
        disc = [(size, 0.0), (size, 0.1), (0.8 * size, 0.14), (0, 0.14)]
        thing = turned(collection, disc, knob, 2)
        thing.rotation_euler[0], thing.location = math.pi / 2, (x, -0.39, 0.36)
        block(collection, (0.025, 0.03, size), (x, -0.53, 0.36 + size / 3), stuff("mark", [RED]))
    steel = stuff("steel", [(0.8, 0.8, 0.82), (0.6, 0.6, 0.62)], rough=0.25, metal=1.0)
    tube(collection, [(0.95, 0.25, 1.3), (1.15, 0.25, 2.4)], 0.022, steel)
    lump(collection, steel, 0.04, (1.15, 0.25, 2.4))
    grip = [(-0.8, 0, 1.4), (-0.75, 0, 1.62), (0, 0, 1.68), (0.55, 0, 1.62), (0.6, 0, 1.4)]
    tube(collection, grip, 0.05, stuff("grip", [BROWN, BLACK], 9, bump=0.4))
    for x in (-0.9, 0.9):
        for y in (-0.28, 0.28):
            lump(collection, stuff("rubber", [BLACK]), 0.09, (x, y, 0.06))
