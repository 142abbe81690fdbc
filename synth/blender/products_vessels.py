"""Bottles, mugs, vases and glasses."""

import math
from typing import Any

import numpy as np

from .choices import Choices
from .colours import BLACK, BLUE, BROWN, CREAM, GAUDY, GREEN, ORANGE, RED, TEAL, WHITE, YELLOW
from .paper import Paper
from .shapes import curved, lump, tube, turned
from .surfaces import printed, stuff


def bottle(collection: Any, choices: Choices) -> None:
    """Make a brown bottle of syrup: label, ribbed cap, neck ring."""
    random = choices.random
    glass = stuff("glass", [(0.16, 0.07, 0.03), (0.3, 0.13, 0.05)], 2.5, rough=0.2, bump=0.03)
    body = [(0.0, 0.0), (0.66, 0.0), (0.7, 0.06), (0.7, 1.0), (0.7, 1.75), (0.62, 2.05)]
    turned(collection, [*body, (0.36, 2.35), (0.25, 2.6), (0.24, 3.0)], glass)
    cap = stuff("cap", [RED, (0.6, 0.08, 0.08)], 9, rough=0.4)
    turned(collection, [(0.3, 2.78), (0.31, 2.8), (0.31, 3.2), (0.29, 3.25), (0.0, 3.26)], cap, 2)
    for angle in np.linspace(0, 2 * math.pi, 36, endpoint=False):
        x, y = 0.31 * math.cos(angle), 0.31 * math.sin(angle)
        tube(collection, [(x, y, 2.8), (x, y, 3.18)], 0.018, cap, 1)
    paper = Paper(random, 2048, 640, CREAM)
    paper.box(0, 0, 1, 0.08, GREEN)
    paper.box(0, 0.9, 1, 1, GREEN)
    paper.box(0, 0.095, 1, 0.11, YELLOW)
    for x, y in random.uniform((0.33, 0.5), (0.67, 0.85), (26, 2)):
        paper.bloom(float(x), float(y), 0.05, GREEN, 2, float(random.uniform(0, 6)))
        paper.bloom(float(x) + 0.01, float(y), 0.035, RED if x < 0.5 else ORANGE)
    paper.words("Holm & Tar", 0.5, 0.27, 0.2, RED)
    paper.words("CLOUDBERRY SYRUP", 0.5, 0.42, 0.08, BROWN)
    paper.words("500 ml", 0.3, 0.8, 0.09, BROWN)
    paper.box(0.72, 0.2, 0.98, 0.56, WHITE)
    paper.small_print(0.85, 0.22, 0.54, 0.04, BLACK)
    paper.bars(0.78, 0.62, 0.92, 0.84)
    paper.bloom(0.13, 0.4, 0.22, YELLOW, 12)
    paper.words("No. 7", 0.13, 0.4, 0.14, RED)
    paper.small_print(0.12, 0.68, 0.86, 0.045, GREEN)
    turned(collection, [(0.705, 0.35), (0.705, 1.6)], printed("label", paper, rough=0.6), 4)


def mug(collection: Any, choices: Choices) -> None:
    """Make a speckled mug with a bear on one side and a saying on the other."""
    random = choices.random
    paper = Paper(random, 2048, 700, CREAM)
    for x, y in random.uniform(0, 1, (420, 2)):
        paper.bloom(float(x), float(y), float(random.uniform(0.002, 0.007)), BROWN)
    paper.box(0, 0.9, 1, 1, TEAL)
    for ear in (-1, 1):
        paper.bloom(0.4 + 0.055 * ear, 0.33, 0.1, ORANGE)
        paper.bloom(0.4 + 0.055 * ear, 0.33, 0.05, BROWN)
    paper.bloom(0.4, 0.52, 0.24, ORANGE)
    paper.bloom(0.4, 0.62, 0.14, WHITE)
    paper.bloom(0.4, 0.58, 0.04, BLACK)
    for eye in (-1, 1):
        paper.bloom(0.4 + 0.03 * eye, 0.47, 0.03, BLACK)
    paper.words("slow", 0.66, 0.3, 0.2, BLUE)
    paper.words("mornings", 0.66, 0.5, 0.17, RED)
    paper.ribbon([(0.57, 0.68), (0.63, 0.63), (0.68, 0.7), (0.76, 0.64)], 0.02, TEAL)
    for x in (0.08, 0.16, 0.24, 0.85, 0.93):
        y = float(random.uniform(0.3, 0.7))
        paper.ribbon([(x, 0.9), (x + 0.01, 0.7), (x, y)], 0.015, GREEN)
        paper.bloom(x, y, 0.09, GAUDY[int(x * 40) % 7], 5 + int(x * 100) % 3)
        paper.bloom(x, y, 0.03, YELLOW)
    outside = printed("outside", paper, rough=0.25, bump=0.06, worn=0.1)
    turned(collection, [(0.74, 0.05), (0.8, 0.12), (0.82, 1.0), (0.8, 1.85)], outside)
    glaze = stuff("glaze", [TEAL, (0.06, 0.36, 0.4)], 4, rough=0.25, bump=0.05)
    rim = [(0.8, 1.85), (0.79, 1.88), (0.76, 1.88), (0.74, 1.85), (0.74, 0.9), (0.7, 0.2)]
    turned(collection, [*rim, (0.0, 0.15)], glaze, 3)
    turned(collection, [(0.0, 0.0), (0.7, 0.0), (0.74, 0.05)], glaze, 2)
    tube(
        collection,
        [(0.76, 0, 0.35), (1.05, 0, 0.38), (1.33, 0, 0.9), (1.1, 0, 1.5), (0.77, 0, 1.5)],
        0.11,
        glaze,
    )


def vase(collection: Any, choices: Choices) -> None:
    """Make a vase with painted flowers, vines and bands, and two handles; dry twigs in it."""
    random = choices.random
    ground, ink = (0.9, 0.9, 0.88), (0.12, 0.2, 0.5)
    paper = Paper(random, 2048, 1400, ground)
    for x in np.linspace(0, 1, 8, endpoint=False):
        path = np.c_[x + random.uniform(-0.05, 0.05, 6), np.linspace(0.88, 0.3, 6)]
        paper.ribbon([(float(a), float(b)) for a, b in path], 0.008, ink)
        for a, b in path[1:]:
            size = float(random.uniform(0.03, 0.075))
            colour = (ink, (0.3, 0.42, 0.7), RED)[int(random.integers(3))]
            paper.bloom(float(a), float(b), size, colour, int(random.integers(4, 9)))
            paper.bloom(float(a), float(b), size / 3, ground)
            paper.bloom(float(a) + 0.03, float(b) + 0.05, 0.025, TEAL, 2, float(b) * 20)
    for y, colour in ((0.9, ink), (0.94, RED), (0.25, ink), (0.1, ink), (0.02, RED)):
        paper.box(0, y, 1, y + 0.02, colour)
    for x in np.linspace(0, 1, 40, endpoint=False):
        high = float(random.uniform(0.03, 0.06))
        paper.bloom(float(x), 0.185, high, ink if random.uniform() < 0.7 else RED, 3)
    glaze = printed("glaze", paper, rough=0.2, bump=0.04, worn=0.08)
    body = [(0.0, 0.0), (0.42, 0.0), (0.45, 0.1), (0.75, 0.7), (0.86, 1.15), (0.72, 1.6)]
    turned(collection, [*body, (0.35, 1.95), (0.33, 2.15), (0.46, 2.3)], glaze)
    plain_glaze = stuff("inside", [(0.25, 0.3, 0.5), (0.18, 0.22, 0.42)], rough=0.3)
    turned(
        collection, [(0.46, 2.3), (0.44, 2.32), (0.41, 2.28), (0.29, 2.1), (0.3, 1.9)], plain_glaze
    )
    for side in (-1, 1):
        ear = [(0.33, 0, 2.1), (0.62, 0, 2.15), (0.92, 0, 1.85), (0.78, 0, 1.45)]
        tube(collection, np.array(ear) * (side, 1, 1), 0.06, plain_glaze)
    bark = stuff("bark", [BROWN, (0.5, 0.36, 0.22)], 12, rough=0.9)
    berries = [stuff("berry", [colour], rough=0.4) for colour in GAUDY[:5]]
    for _ in range(7):
        lean = random.normal(0, 0.35, 2)
        path = np.array([(0, 0, 1.9), (*lean * 0.4, 2.5), (*lean, 3.0), (*lean * 1.6, 3.3)])
        tube(collection, path, 0.015, bark)
        for at in curved(path, 6)[8:]:
            berry = berries[int(random.integers(5))]
            nudge = random.normal(0, 0.04, 3)
            lump(collection, berry, float(random.uniform(0.03, 0.065)), tuple(at + nudge))
