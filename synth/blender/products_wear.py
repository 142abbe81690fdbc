"""Shoes and bags."""

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
    GREY,
    ORANGE,
    RED,
    TEAL,
    WHITE,
    YELLOW,
    contrast,
    shade,
)
from .labels import stripes
from .paper import Paper
from .shapes import block, curved, evenly, grid, lump, tube
from .surfaces import printed, stuff

LEATHERS = ((0.36, 0.2, 0.1), (0.2, 0.12, 0.08), (0.1, 0.1, 0.11), (0.56, 0.3, 0.14),
            (0.42, 0.12, 0.12), (0.7, 0.55, 0.38))  # fmt: skip


class Last:
    """The foot that a shoe is made around: points at a share of the upper's height.

    Parameters
    ----------
    choices
        Length of the toe and width.
    tall
        Height of the upper; 1 is a trainer's.
    slack
        How fast the front falls back from the toe to the leg.
    """

    def __init__(self, choices: Choices, tall: float = 1.0, slack: float = 1.35) -> None:
        self.tall, self.slack = tall, slack
        self.toe = choices.number("toe", 0.0, -0.12, 0.12)
        self.wide = choices.number("wide", 1.0, 0.9, 1.12)
        self.blunt = choices.number("blunt", 0.85, 0.75, 0.95)

    def __call__(self, height: float, grow: float = 1.0, angle: Any = None) -> Any:
        """Return points around the foot, n x 3, heel first."""
        angle = np.linspace(0, 2 * math.pi, 96, endpoint=False) if angle is None else angle
        # A boot's leg is as straight as a trainer's ankle.
        share = height * self.tall if self.tall == 1.0 else min(1.0, height * self.tall)
        open_by = np.clip((share - 0.28) / 0.72, 0, 1)
        toe = -1.45 + 0.1 * share + self.slack * open_by * open_by * (3 - 2 * open_by)
        toe += self.toe * (1 - open_by)
        heel = 1.15 + 0.08 * math.cos(3 * share)
        across, side = np.cos(angle), np.sin(angle)
        x = (toe + heel) / 2 + grow * (heel - toe) / 2 * np.sign(across) * (
            np.abs(across) ** self.blunt
        )
        wide = (0.52 - 0.2 * share + 0.06 * np.sin(2.2 * x - 2)) * self.wide
        y = grow * wide * np.sign(side) * np.abs(side) ** 0.8
        lift = 0.2 + 1.0 * height * self.tall
        return np.stack([x, y + 0.06 * np.cos(2 * x), np.full_like(x, lift)], -1)


def shoe(collection: Any, choices: Choices) -> None:
    """Make a trainer: stripes on one side, a number on the other, laces, a rubber sole."""
    contour = Last(choices)
    main = choices.colour("main", (0.85, 0.84, 0.8), dark=0.2)
    toe = choices.colour("toe cap", BLUE)
    accents = choices.colours("accent", [RED, ORANGE, YELLOW])
    trim = choices.colour("trim", TEAL)
    paper = Paper(choices.random, 2048, 512, main)
    paper.box(0, 0.72, 1, 1, toe)
    front = (0.75, 0.73, 0.68) if main == (0.85, 0.84, 0.8) else shade(main, 0.85)
    paper.box(0.36, 0.55, 0.64, 1, front)
    for x in np.linspace(0.4, 0.6, 14):
        for y in np.linspace(0.6, 0.76, 4):
            paper.bloom(float(x), float(y), 0.012, BLACK)
    design = choices.pick("design", "number", "stripes", "star", "wave")
    sides = ((0.69, 1), (0.31, -1)) if design != "number" else ((0.69, 1),)
    for start, way in sides:
        if design in ("number", "stripes"):
            for number, colour in enumerate(accents):
                x = start + way * 0.045 * number
                path = [(x, 1.0), (x + way * 0.03, 0.6), (x + way * 0.08, 0.1)]
                paper.ribbon(path, 0.09, colour)
        elif design == "star":
            paper.bloom(start + way * 0.08, 0.5, 0.3, accents[0], 5)
            paper.bloom(start + way * 0.08, 0.5, 0.14, accents[1])
        else:
            path = [
                (start + way * x, y) for x, y in ((0, 0.6), (0.06, 0.75), (0.14, 0.5), (0.24, 0.3))
            ]
            paper.ribbon(path, 0.14, accents[0])
            paper.ribbon(path, 0.05, accents[1])
    if design == "number":
        number = choices.pick("number", "88", "7", "23", "A1")
        paper.words(number, 0.24, 0.55, 0.5, accents[0])
        paper.words("fleet", 0.12, 0.6, 0.2, contrast(main))
    for low, high in ((0.0, 0.05), (0.95, 1.0)):
        paper.box(low, 0.0, high, 1.0, trim)
    upper = printed("upper", paper, rough=0.8, bump=0.4, grain=60)
    heights = np.linspace(0, 1, 40)
    grid(collection, np.stack([contour(float(height)) for height in heights]), upper)
    lining = stuff("lining", [(0.2, 0.2, 0.22), (0.3, 0.3, 0.33)], 20, rough=0.9)
    grid(collection, np.stack([contour(float(height), 0.96) for height in heights]), lining)
    rim = contour(1.0)
    collar = stuff("collar", [toe], rough=0.5)
    tube(collection, np.concatenate([rim, rim[:1]]), 0.045, collar, 1)
    rubber = choices.pick("rubber", WHITE, CREAM, (0.3, 0.3, 0.32), (0.72, 0.5, 0.3))
    band = Paper(choices.random, 2048, 128, rubber)
    band.box(0, 0.55, 1, 0.7, accents[0])
    band.words(f"{choices.word('FLEET 88').upper()}", 0.86, 0.35, 0.3, contrast(rubber))
    for x in np.linspace(0, 1, 90):
        band.box(float(x), 0.75, float(x) + 0.004, 1.0, GREY)
    _sole(
        collection,
        contour,
        printed("sole", band, rough=0.7),
        choices.number("sole", 0.2, 0.16, 0.3),
    )
    ahead = math.pi + np.linspace(-0.35, 0.35, 9)
    tongue = [
        contour(float(h), 1.0, ahead) + np.array((-0.02, 0, 0.03))
        for h in np.linspace(0.35, 1.12, 20)
    ]
    cloth = stuff("tongue", [trim, toe], 12, bump=0.4)
    grid(collection, np.stack(tongue), cloth, closed=False)
    lace = stuff("lace", [choices.colour("lace", WHITE, dark=0.3), accents[2]], 14, rough=0.9)
    _laces(collection, contour, np.linspace(0.42, 0.94, 6), lace)


def boot(collection: Any, choices: Choices) -> None:
    """Make a laced leather boot with a heel."""
    contour = Last(choices, choices.number("tall", 1.7, 1.35, 2.1), 1.3)
    hide = choices.pick("hide", *LEATHERS)
    paper = Paper(choices.random, 1600, 800, hide)
    seam, dark = shade(hide, 1.4), shade(hide, 0.75)
    top = 1 - 0.5 / contour.tall
    paper.box(0.3, top + 0.05, 0.7, 1, dark)
    paper.box(0, 0, 1, 0.05, dark)
    for x in np.linspace(0, 1, 150):
        for y in (0.07, 0.93):
            paper.box(float(x), y, float(x) + 0.003, y + 0.008, seam)
    for y in np.linspace(top + 0.07, 0.95, 40):
        for x in (0.31, 0.69):
            paper.box(x, float(y), x + 0.004, float(y) + 0.006, seam)
    leather = printed(
        "leather", paper, rough=choices.number("gloss", 0.4, 0.3, 0.7), bump=0.35, grain=30
    )
    heights = np.linspace(0, 1, 50)
    grid(collection, np.stack([contour(float(height)) for height in heights]), leather)
    wool = choices.pick("lined", (0.45, 0.36, 0.28), (0.85, 0.8, 0.7), (0.2, 0.2, 0.22))
    lining = stuff("lining", [wool, shade(wool, 0.8)], 20, rough=0.95, bump=0.6)
    grid(collection, np.stack([contour(float(height), 0.95) for height in heights]), lining)
    rim = contour(1.0)
    collar = stuff("collar", [wool if choices.pick("furred", False, True) else dark], rough=0.9)
    tube(collection, np.concatenate([rim, rim[:1]]), 0.055, collar, 1)
    rubber = choices.pick("rubber", BLACK, (0.3, 0.2, 0.13), (0.75, 0.62, 0.4))
    sole = stuff("sole", [rubber, shade(rubber, 1.3)], 8, rough=0.8, bump=0.3)
    _sole(collection, contour, sole, 0.16)
    heel = [
        np.concatenate([(contour(0.0, grow)[contour(0.0, grow)[:, 0] > 0.3])], axis=0)
        for grow in (1.0, 1.02, 1.02)
    ]
    lifts = (-0.42, -0.4, -0.12)
    rows = [np.c_[part[:, :2], part[:, 2] + lift] for part, lift in zip(heel, lifts, strict=True)]
    middle = np.broadcast_to(rows[0].mean(axis=0), rows[0].shape)
    grid(collection, np.stack([middle, *rows]), sole)
    pad = [
        contour(0.0, grow) + np.array((0, 0, lift))
        for grow, lift in ((0.0, -0.42), (0.9, -0.42), (0.95, -0.1))
    ]
    front = [row * (0.58, 1, 1) + (-0.55, 0, 0) for row in pad]
    grid(collection, np.stack(front), sole)
    ahead = math.pi + np.linspace(-0.35, 0.35, 9)
    low = 0.42 / contour.tall
    tongue = [
        contour(float(h), 1.0, ahead) + np.array((-0.02, 0, 0.03))
        for h in np.linspace(low * 0.8, 1.06, 24)
    ]
    grid(collection, np.stack(tongue), stuff("tongue", [dark, hide], 12, bump=0.4), closed=False)
    lace = stuff("lace", [choices.pick("lace", CREAM, BLACK, (0.7, 0.4, 0.15), RED)], 14, rough=0.9)
    _laces(collection, contour, np.linspace(low, 0.96, round(5 * contour.tall)), lace)


def _sole(collection: Any, contour: Last, material: Any, thick: float) -> None:
    """Add the sole under an upper."""
    steps = (
        (0.0, -thick),
        (1.0, -thick),
        (1.05, 0.04 - thick),
        (1.06, 0.0),
        (1.0, 0.02),
        (0.0, 0.02),
    )
    sole = [contour(0.0, grow) + np.array((0, 0, lift)) for grow, lift in steps]
    grid(collection, np.stack(sole), material)


def _laces(collection: Any, contour: Last, holes: Any, lace: Any) -> None:
    """Cross laces between holes, shares of the upper's height, and tie a bow at the top."""
    for low, high in itertools.pairwise(holes):
        for side in (-0.42, 0.42):
            ends = ((low, -side, 0.0), ((low + high) / 2, 0.0, 0.1), (high, side, 0.0))
            path = [
                contour(float(h), 1.01, np.array([math.pi + at]))[0]
                + np.array((-lift * 0.6, 0, lift))
                for h, at, lift in ends
            ]
            tube(collection, path, 0.028, lace)
    top = 0.9 if contour.tall == 1.0 else float(holes[-1])
    knot = contour(top, 1.0, np.array([math.pi]))[0] + np.array((-0.08, 0, 0.08))
    for side in (-1, 1):
        loop = [(0, 0, 0), (-0.15, 0.2, 0.05), (-0.2, 0.38, -0.1), (-0.1, 0.25, -0.12), (0, 0, 0)]
        tube(collection, knot + np.array(loop) * (1, side, 1), 0.028, lace)


def handbag(collection: Any, choices: Choices) -> None:
    """Make a leather bag: stitches, flowers in front, a pocket behind, handles, a tag."""
    random = choices.random
    angle = np.linspace(0, 2 * math.pi, 4001)
    outline = np.stack([1.05 * np.cos(angle), 0.4 * np.sin(angle)], axis=-1)
    outline = np.sign(outline) * np.abs(outline) ** 0.4
    angle = evenly(outline, 128, angle)
    across, side = np.cos(angle), np.sin(angle)
    taper = choices.number("taper", 0.2, -0.1, 0.3)
    tall = choices.number("tall", 1.0, 0.75, 1.15)
    rows = []
    for height in [0, *np.linspace(0, 1, 30)]:
        wide = (1.15 - taper * height) * bool(rows)
        deep = (0.1 + 0.36 * (1 - height**2) ** 0.5) * bool(rows)
        x = wide * np.sign(across) * np.abs(across) ** 0.4
        y = deep * np.sign(side) * np.abs(side) ** 0.4
        sag = 0.05 * np.cos(3 * x + 1) * height
        rows.append(np.stack([x, y, (1.5 * height - sag) * tall], axis=-1))
    tan = choices.colour("hide", (0.66, 0.38, 0.2), dark=0.12)
    usual = tan == (0.66, 0.38, 0.2)
    trim = BROWN if usual else shade(tan, 0.5)
    grains = (
        [(0.55, 0.29, 0.13), (0.74, 0.46, 0.26)] if usual else [shade(tan, 0.85), shade(tan, 1.1)]
    )
    paper = Paper(random, 2048, 640, tan)
    design = choices.pick("design", "flowers", "plain", "quilted", "blocks", "flowers")
    if design in ("flowers", "plain"):
        paper.scatter(14, 0.09, [trim, *grains])
    elif design == "quilted":
        for start in np.arange(-0.3, 1.3, 0.055):
            paper.ribbon([(float(start), 0.0), (float(start) + 0.3, 1.0)], 0.012, grains[0])
            paper.ribbon([(float(start) + 0.3, 0.0), (float(start), 1.0)], 0.012, grains[0])
    else:
        paper.box(0, 0.5, 1, 1, choices.colour("block", TEAL))
        paper.box(0, 0.48, 1, 0.5, CREAM)
    paper.box(0, 0.93, 1, 1, trim)
    paper.box(0, 0.0, 1, 0.07, trim)
    for x in np.linspace(0, 1, 160):
        for y in (0.09, 0.91):
            paper.box(float(x), y, float(x) + 0.003, y + 0.012, CREAM)
    if design == "flowers":
        for x, y, size in random.uniform((0.6, 0.3, 0.04), (0.9, 0.85, 0.13), (11, 3)):
            petals, colour = int(random.integers(4, 8)), GAUDY[int(random.integers(7))]
            paper.bloom(float(x), float(y), float(size), colour, petals)
            paper.bloom(float(x), float(y), float(size) / 3, YELLOW)
    name = choices.word("Odela")
    paper.words(name, 0.64, 0.3, 0.12, CREAM if usual else contrast(tan))
    pocket = (
        ((0.5, 0.27, 0.12), (0.6, 0.34, 0.17)) if usual else (shade(tan, 0.72), shade(tan, 0.9))
    )
    paper.box(0.13, 0.35, 0.37, 0.85, pocket[0])
    paper.box(0.14, 0.37, 0.36, 0.83, pocket[1])
    paper.words("ODELA & SON" if usual else name.upper(), 0.25, 0.5, 0.07, trim)
    paper.words(
        choices.pick("since", "est. 1964", "est. 1988", "by hand", "No. 12"), 0.25, 0.6, 0.05, trim
    )
    grid(collection, np.stack(rows), printed("leather", paper, rough=0.45, bump=0.5, grain=25))
    deep = [BROWN, (0.28, 0.14, 0.07)] if usual else [trim, shade(trim, 0.75)]
    dark = stuff("dark", deep, 8, rough=0.5, bump=0.4)
    edge = np.array([(-0.95, 0, 1.5), (-0.4, 0, 1.46), (0.3, 0, 1.5), (0.95, 0, 1.53)])
    edge = edge * ((1.15 - taper) / 0.95, 1, tall)
    tube(collection, edge, 0.1, dark)
    metal = choices.pick(
        "metal", ((0.85, 0.65, 0.25), (0.7, 0.5, 0.18)), ((0.8, 0.8, 0.82), (0.6, 0.6, 0.62))
    )
    gold = stuff("gold", list(metal), rough=0.3, metal=1.0)
    lift = 1.5 * (tall - 1)
    arch = choices.number("arch", 0.0, -0.35, 0.35)
    for y in (-0.22, 0.22):
        arc = [(-0.5, y, 1.3), (-0.5, y * 0.8, 1.7), (-0.28, y * 0.6, 2.3 + arch)]
        arc += [(0.28, y * 0.6, 2.3 + arch), (0.5, y * 0.8, 1.7), (0.5, y, 1.3)]
        tube(collection, np.add(arc, (0, 0, lift)), 0.05, dark)
        for x in (-0.5, 0.5):
            block(collection, (0.2, 0.08, 0.3), (x, y * 1.35, 1.22 + lift), dark)
            lump(collection, gold, 0.045, (x, y * 1.6, 1.15 + lift))
    block(collection, (0.34, 0.08, 0.22), (0.05, -0.4, 1.12 + lift), gold, round_by=0.03)
    lump(collection, dark, 0.06, (0.05, -0.45, 1.12 + lift))
    if choices.pick("tag", True, False):
        string = [(0.5, -0.2, 1.75), (0.56, -0.35, 1.5), (0.6, -0.45, 1.2)]
        tube(collection, np.add(string, (0, 0, lift)), 0.015, dark)
        tag = Paper(random, 200, 300, WHITE)
        tag.words(choices.pick("price", "29.90", "149.-", "85.00"), 0.5, 0.4, 0.2, RED)
        tag.bars(0.1, 0.6, 0.9, 0.9)
        price = printed("tag", tag)
        block(collection, (0.24, 0.02, 0.36), (0.6, -0.5, 1.0 + lift), price, round_by=0.005)


def tote(collection: Any, choices: Choices) -> None:
    """Make a cloth bag that stands open, with a print and two long handles."""
    random = choices.random
    cloth = choices.colour("cloth", (0.86, 0.81, 0.68), dark=0.25)
    ink = contrast(cloth)
    accent = choices.colour("accent", (0.78, 0.13, 0.11))
    paper = Paper(random, 2048, 900, cloth)
    design = choices.pick("design", "words", "flowers", "stripes", "sun")
    # The front is the middle of the print, the back its ends.
    if design == "words":
        paper.words(choices.word("Brisk"), 0.5, 0.42, 0.2, ink)
        paper.words(choices.pick("said", "farmers market", "book fair", "corner shop", "roastery"),
                    0.5, 0.6, 0.08, accent)  # fmt: skip
        paper.box(0.38, 0.7, 0.62, 0.72, accent)
    elif design == "flowers":
        paper.scatter(60, 0.12, [accent, ink, TEAL, YELLOW, ORANGE])
    elif design == "stripes":
        stripes(paper, [cloth, accent, cloth, choices.colour("second", BLUE)], 0.035)
    else:
        paper.bloom(0.5, 0.5, 0.2, accent, 14)
        paper.bloom(0.5, 0.5, 0.14, YELLOW)
        paper.words(choices.word("Ostara"), 0.5, 0.8, 0.1, ink)
    for x in np.linspace(0, 1, 200):
        paper.box(float(x), 0.06, float(x) + 0.0025, 0.068, ink)
    deep = choices.number("deep", 0.3, 0.2, 0.42)
    wide = choices.number("wide", 0.85, 0.75, 1.0)
    angle = np.linspace(0, 2 * math.pi, 4001) + math.pi / 2
    round_by = (np.abs(np.cos(angle)) ** 5 + np.abs(np.sin(angle)) ** 5) ** -0.2
    outline = np.stack([wide * round_by * np.cos(angle), deep * round_by * np.sin(angle)], -1)
    even = evenly(outline, 128, angle)
    round_by = (np.abs(np.cos(even)) ** 5 + np.abs(np.sin(even)) ** 5) ** -0.2
    square = round_by * np.cos(even), round_by * np.sin(even)
    phase = choices.number("folds", 1.0, 0.0, 6.0)

    def ring(height: float, grow: float = 1.0) -> Any:
        """Return the cloth around the bag at a height: it bulges below and folds above."""
        bulge = 1 + 0.16 * math.sin(math.pi * min(1.0, height / 1.3))
        fold = 0.02 * np.sin(5 * square[0] * 3 + phase + 2 * height) * height
        x = grow * wide * (1 + 0.04 * math.sin(2 * height + phase)) * square[0]
        y = grow * deep * (bulge - 0.25 * height) * square[1] + fold
        sag = 0.06 * np.cos(2.2 * x + phase) * height / 1.6
        return np.stack([x, y, np.full_like(x, height) - sag], axis=-1)

    heights = np.linspace(0.02, 1.6, 40)
    outer = [0 * ring(0.0) + (0, 0, 0.0), ring(0.0, 0.97), *(ring(float(z)) for z in heights)]
    woven = printed("cloth", paper, rough=0.95, bump=0.5, grain=110, worn=0.12)
    # The floor takes the first rows of the print.
    grid(collection, np.stack(outer), woven)
    lining = stuff("lining", [shade(cloth, 0.75), shade(cloth, 0.68)], 12, rough=0.95, bump=0.5)
    grid(collection, np.stack([ring(float(z), 0.975) for z in heights]), lining)
    rim = ring(1.6)
    hem = stuff("hem", [shade(cloth, 0.9), shade(cloth, 0.84)], 12, rough=0.95, bump=0.5)
    tube(collection, np.concatenate([rim, rim[:1]]), 0.022, hem, 1)
    tall = choices.number("handle", 1.0, 0.6, 1.2)
    for y in (-1, 1):
        at = deep * (1 - 0.25 * 1.6) * y
        drop = choices.number(f"drop {y}", 0.25, 0.0, 0.5)
        path = np.array([(-0.36, at * 1.08, 1.25), (-0.36, at * 1.08, 1.55),
                         (-0.3, at * 0.9, 1.6 + tall * 0.6), (0.0, at * (0.6 - drop), 1.6 + tall),
                         (0.3, at * 0.9, 1.6 + tall * 0.6), (0.36, at * 1.08, 1.55),
                         (0.36, at * 1.08, 1.25)])  # fmt: skip
        _strap(collection, path, 0.11, hem)


def _strap(collection: Any, path: Any, wide: float, material: Any) -> None:
    """Add a flat band along n x 3 points, whose flat side faces the front and the back."""
    middle = curved(path, 8)
    along = np.gradient(middle, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across = np.cross(along, np.array((0.0, 1.0, 0.0)))
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    thick = np.cross(across, along) * 0.018
    half = across * wide / 2
    ring = np.stack(
        [
            middle - half - thick,
            middle + half - thick,
            middle + half + thick,
            middle - half + thick,
        ],
        axis=1,
    )
    grid(collection, ring, material)
