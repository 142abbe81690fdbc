"""What a room has behind the subject: walls, doors, windows, curtains."""

from typing import Any

import numpy as np

from .choices import Choices
from .colours import (
    BROWN,
    CREAM,
    EBONY,
    OAK,
    PAINTED,
    PINE,
    WALNUT,
    WHITE,
    Colour,
    mixed,
    shade,
)
from .labels import stripes
from .paper import Paper
from .parts import Part, assembled, boxes, cords, sheet
from .shapes import block, lump, turned
from .surfaces import printed, stuff

TALL = 2.6  # metres: a room

WALLS = ("plaster", "bricks", "wallpaper", "boards", "tiles", "concrete", "two_tone")


def wall(collection: Any, choices: Choices, width: float, height: float) -> None:
    """Build a wall as wide and high as it is to be seen, with a skirting board, or a picture."""
    kind = choices.pick("kind", *WALLS)
    high = max(height, TALL)
    surface, tile = _wall_surface(choices, kind)
    corners = np.array(
        [[(-width / 2, 0, 0), (width / 2, 0, 0)], [(-width / 2, 0, high), (width / 2, 0, high)]]
    )
    face = sheet(corners, 0, repeat=(width / tile, high / tile))
    parts, materials = [face], [surface]
    if kind not in ("bricks", "concrete") and choices.pick("skirting", True, True, False):
        materials.append(stuff("skirting", list(choices.pick("board", PAINTED, OAK, WALNUT)), 3,
                               rough=0.5, bump=0.0))  # fmt: skip
        parts.append(boxes((width, 0.03, 0.11), (0, -0.016, 0.055), 1))
    assembled(collection, "wall", parts, materials)
    if choices.pick("hung", True, False):
        _hung(collection, choices)


def _wall_surface(choices: Choices, kind: str) -> tuple[Any, float]:
    """Return a wall's material and the metres that one print of it covers."""
    paint = choices.colour("paint", (0.86, 0.84, 0.78), dark=0.35)
    finish = {"rough": 0.9, "bump": 0.0, "worn": 0.06}
    if kind == "plaster":
        tones = [paint, shade(paint, 0.93)]
        return stuff("plaster", tones, 1.5, rough=0.95, bump=0.25, grain=60, worn=0.05), 1.0
    if kind == "concrete":
        grey = choices.number("grey", 0.55, 0.4, 0.7)
        tones = [shade((grey, grey, grey), by) for by in (1.0, 0.85, 1.06)]
        return stuff("concrete", tones, 1.2, rough=0.95, bump=0.2, grain=30, worn=0.1), 1.0
    if kind == "bricks":
        return printed("bricks", _bricks(choices), **finish), 0.9
    if kind == "wallpaper":
        return printed("wallpaper", _wallpaper(choices, paint), **finish), 0.8
    if kind == "boards":
        paper = Paper(choices.random, 800, 256, paint)
        tones = choices.pick("wood", PAINTED, OAK, PINE, WALNUT)
        for number in range(8):
            tone = shade(tones[number % 3], 1 + 0.08 * float(choices.random.uniform(-1, 1)))
            paper.box(number / 8, 0, (number + 1) / 8, 1, tone)
            for x in choices.random.uniform(number / 8, (number + 1) / 8, 6):
                paper.box(float(x), 0, float(x) + 0.002, 1, shade(tone, 0.9))
            paper.box(number / 8, 0, number / 8 + 0.006, 1, shade(tone, 0.45))
        return printed("boards", paper, **finish), 1.0
    if kind == "tiles":
        paper = Paper(choices.random, 480, 480, (0.75, 0.74, 0.7))
        second = choices.colour("second", WHITE, dark=0.4)
        for row in range(4):
            for column in range(4):
                tone = paint if (row + column) % 2 else second
                tone = shade(tone, 1 + 0.04 * float(choices.random.uniform(-1, 1)))
                paper.box(
                    column / 4 + 0.006,
                    row / 4 + 0.006,
                    (column + 1) / 4 - 0.006,
                    (row + 1) / 4 - 0.006,
                    tone,
                )
        return printed("tiles", paper, rough=0.25, bump=0.0, worn=0.05), 0.6
    # The print reaches over the whole height of a room.
    paper = Paper(choices.random, 8, 512, shade(paint, 1.1))
    below = choices.colour("below", (0.36, 0.42, 0.36))
    paper.box(0, 0.58, 1, 1, below)
    paper.box(0, 0.575, 1, 0.585, shade(below, 0.6))
    return printed("paint", paper, **finish), TALL


def _bricks(choices: Choices) -> Paper:
    mortar = choices.pick("mortar", (0.7, 0.68, 0.64), (0.45, 0.43, 0.4), (0.85, 0.83, 0.8))
    tone = choices.pick(
        "brick",
        (0.55, 0.25, 0.17),
        (0.66, 0.4, 0.27),
        (0.78, 0.72, 0.64),
        (0.34, 0.3, 0.3),
        (0.86, 0.84, 0.81),
    )
    paper = Paper(choices.random, 800, 800, mortar)
    for row in range(12):
        for column in range(-1, 4):
            by = 1 + 0.18 * float(choices.random.uniform(-1, 1))
            left = (column + 0.5 * (row % 2)) / 4
            right = min(1.0, left + 0.25 - 0.012)
            if right > 0:
                paper.box(max(0.0, left), row / 12, right, (row + 1) / 12 - 0.013, shade(tone, by))
    return paper


def _wallpaper(choices: Choices, paint: Colour) -> Paper:
    paper = Paper(choices.random, 640, 640, paint)
    ink, other = choices.colour("ink", (0.5, 0.6, 0.5)), choices.colour("other", (0.7, 0.4, 0.3))
    soft = mixed(ink, paint, 0.6)
    design = choices.pick("design", "stripes", "flowers", "dots", "lattice")
    if design == "stripes":
        stripes(paper, [paint, soft, paint, shade(paint, 0.93)], 0.0625)
    elif design == "dots":
        for row in range(8):
            for column in range(8):
                paper.bloom((column + 0.5 * (row % 2) + 0.25) / 8, (row + 0.5) / 8, 0.02, soft)
    elif design == "lattice":
        for at in np.arange(-1.0, 1.0, 0.25):
            paper.ribbon([(float(at), 0.0), (float(at) + 1.0, 1.0)], 0.012, soft)
            paper.ribbon([(float(at) + 1.0, 0.0), (float(at), 1.0)], 0.012, soft)
    else:
        for row in range(3):
            for column in range(3):
                x, y = (column + 0.5 * (row % 2) + 0.25) / 3, (row + 0.5) / 3
                paper.ribbon([(x, y + 0.14), (x + 0.02, y + 0.06), (x, y)], 0.012, soft)
                paper.bloom(x, y, 0.065, other if (row + column) % 2 else soft, 5)
                paper.bloom(x, y, 0.02, paint)
                paper.bloom(x + 0.04, y + 0.08, 0.03, soft, 2, 1.0)
    return paper


def _hung(collection: Any, choices: Choices) -> None:
    """Hang one to three framed pictures on a wall."""
    frame = stuff(
        "frame", list(choices.pick("frame", WALNUT, EBONY, PAINTED, OAK)), 5, rough=0.5, bump=0.0
    )
    for number in range(choices.pick("pictures", 1, 2, 3)):
        wide, tall = (
            choices.number(f"wide {number}", 0.6, 0.35, 0.9),
            choices.number(f"tall {number}", 0.5, 0.35, 0.8),
        )
        at = choices.number(f"at {number}", 0.0, -0.2, 0.2) + 1.1 * (number - 1)
        up = choices.number(f"up {number}", 1.6, 1.4, 1.75)
        paper = painting(choices, f"picture {number}", wide, tall)
        face = printed("painting", paper, rough=0.6, bump=0.0)
        block(
            collection,
            (wide, 0.03, tall),
            (at, -0.02, up),
            *(face, frame, frame, frame, frame, frame),
            round_by=0.001,
        )
        for x in (-1, 1):
            block(
                collection,
                (0.04, 0.05, tall + 0.08),
                (at + x * (wide / 2 + 0.02), -0.025, up),
                frame,
                round_by=0.005,
            )
            block(
                collection,
                (wide + 0.0, 0.05, 0.04),
                (at, -0.025, up + x * (tall / 2 + 0.02)),
                frame,
                round_by=0.005,
            )


def painting(choices: Choices, name: str, wide: float, tall: float) -> Paper:
    """Return a painting: hills, flowers, squares, or lines."""
    random = choices.random
    paper = Paper(
        random,
        round(400 * wide),
        round(400 * tall),
        choices.colour(f"{name} sky", (0.7, 0.8, 0.85), dark=0.4),
    )
    kind = choices.pick(f"{name} kind", "hills", "flowers", "squares", "lines")
    inks = choices.colours(
        f"{name} ink", [(0.3, 0.4, 0.3), (0.7, 0.5, 0.3), (0.2, 0.25, 0.4), (0.8, 0.3, 0.2)]
    )
    if kind == "hills":
        paper.bloom(0.7, 0.25, 0.1, (0.95, 0.8, 0.4))
        for row, y in enumerate((0.5, 0.62, 0.76)):
            bumps = [
                (float(x), y + 0.06 * float(random.uniform(-1, 1)))
                for x in np.linspace(-0.1, 1.1, 7)
            ]
            for drop in np.arange(0, 0.6, 0.05):
                paper.ribbon([(x, at + float(drop)) for x, at in bumps], 0.08, inks[row])
    elif kind == "flowers":
        paper.scatter(30, 0.12, inks)
    elif kind == "squares":
        for x, y in random.uniform((0, 0), (0.8, 0.8), (14, 2)):
            paper.box(
                float(x), float(y), float(x) + 0.2, float(y) + 0.2, inks[int(random.integers(4))]
            )
    else:
        for _ in range(9):
            path = [
                (float(x), float(y))
                for x, y in zip(np.linspace(0, 1, 5), random.uniform(0, 1, 5), strict=True)
            ]
            paper.ribbon(path, 0.04, inks[int(random.integers(4))])
    return paper


def door(collection: Any, choices: Choices, width: float, height: float) -> None:
    """Build a door in a wall."""
    surface, tile = _wall_surface(
        choices, choices.pick("kind", "plaster", "wallpaper", "bricks", "boards")
    )
    wide, tall = choices.number("wide", 0.9, 0.8, 1.05), choices.number("tall", 2.05, 1.95, 2.2)
    _wall_around(collection, surface, tile, (width, max(height, TALL)), (0.0, 0.0, wide, tall))
    paint = choices.colour("paint of door", (0.9, 0.89, 0.86))
    wood = choices.pick("wooden", False, True)
    tones = list(choices.pick("wood", OAK, WALNUT, PINE)) if wood else [paint, shade(paint, 0.94)]
    leaf = stuff("leaf", tones, 3, (8, 8, 0.6), rough=0.45, bump=0.0, worn=0.08)
    frame = stuff("frame", list(PAINTED) if not wood else tones, 4, rough=0.5, bump=0.0)
    block(collection, (wide, 0.04, tall), (0, 0.05, tall / 2), leaf, round_by=0.005)
    panels = choices.pick(
        "panels", ((0.25, 0.62), (0.72, 0.3)), ((0.18, 0.36), (0.5, 0.36), (0.8, 0.3)), ()
    )
    for middle, share in panels:
        for x in (-0.22, 0.22):
            size = (wide * 0.34, 0.03, tall * share * 0.8)
            block(collection, size, (x * wide, 0.032, tall * middle), leaf, round_by=0.012)
    for x in (-1, 1):
        block(
            collection,
            (0.09, 0.06, tall + 0.09),
            (x * (wide / 2 + 0.045), -0.01, (tall + 0.09) / 2),
            frame,
            round_by=0.006,
        )
    block(collection, (wide, 0.06, 0.09), (0, -0.01, tall + 0.045), frame, round_by=0.006)
    steel = stuff("steel", [(0.75, 0.7, 0.6), (0.6, 0.56, 0.5)], rough=0.3, bump=0.0, metal=0.9)
    at = wide / 2 - 0.07
    block(collection, (0.04, 0.01, 0.2), (at, 0.025, 1.02), steel, round_by=0.004)
    block(collection, (0.13, 0.02, 0.025), (at - 0.045, -0.02, 1.05), steel, round_by=0.008)
    lump(collection, steel, 0.013, (at, 0.0, 1.05), 1.0, (16, 8))


def window(collection: Any, choices: Choices, width: float, height: float) -> None:
    """Build a window in a wall, with daylight in it, a sill and glazing bars."""
    surface, tile = _wall_surface(
        choices, choices.pick("kind", "plaster", "bricks", "wallpaper", "concrete")
    )
    wide, tall = choices.number("wide", 1.2, 0.9, 1.7), choices.number("tall", 1.3, 1.0, 1.5)
    low = choices.number("low", 0.85, 0.6, 1.0)
    _wall_around(collection, surface, tile, (width, max(height, TALL)), (0.0, low, wide, tall))
    paint = choices.pick("paint", WHITE, BROWN, (0.2, 0.22, 0.24), (0.3, 0.4, 0.35))
    frame = stuff("frame", [paint, shade(paint, 0.94)], 4, rough=0.4, bump=0.0, worn=0.06)
    view = Paper(choices.random, 256, 256, (0.78, 0.86, 0.95))
    for y in np.linspace(0.0, 0.6, 30):
        fade = float(y) / 0.6
        view.box(0, float(y), 1, float(y) + 0.03, (0.62 + 0.3 * fade, 0.78 + 0.15 * fade, 0.95))
    for _ in range(40):
        x, y = choices.random.uniform((0, 0.55), (1, 0.9))
        green = 0.3 + 0.2 * float(choices.random.uniform())
        view.bloom(float(x), float(y), 0.1, (green * 0.7, green, green * 0.5))
    pane = printed("pane", view, rough=0.1, bump=0.0, worn=0.0)
    block(collection, (wide, 0.01, tall), (0, 0.09, low + tall / 2), pane, round_by=0.001)
    columns, rows = choices.pick("bars", (2, 2), (1, 1), (2, 1), (3, 3))
    for x in np.linspace(-0.5, 0.5, columns + 1):
        edge = abs(x) > 0.49
        size = (0.07 if edge else 0.03, 0.05, tall)
        block(collection, size, (float(x) * wide, 0.06, low + tall / 2), frame, round_by=0.006)
    for z in np.linspace(0, 1, rows + 1):
        edge = z in (0.0, 1.0)
        size = (wide, 0.05, 0.07 if edge else 0.03)
        block(collection, size, (0, 0.06, low + float(z) * tall), frame, round_by=0.006)
    block(collection, (wide + 0.2, 0.2, 0.03), (0, -0.06, low - 0.04), frame, round_by=0.008)
    if choices.pick("pot", True, False):
        clay = stuff("clay", [choices.colour("clay", (0.65, 0.35, 0.22))], 6, rough=0.7, bump=0.0)
        thing = turned(
            collection, [(0, 0), (0.06, 0), (0.08, 0.13), (0.07, 0.13), (0, 0.12)], clay, 2
        )
        thing.location = (wide * 0.25, -0.07, low - 0.02)
        leaf = stuff("leaf", [(0.2, 0.42, 0.2), (0.3, 0.5, 0.25)], 9, rough=0.6, bump=0.0)
        for _ in range(9):
            x, y, z = choices.random.normal(0, 0.05, 3)
            lump(
                collection,
                leaf,
                0.05,
                (wide * 0.25 + float(x), -0.07 + float(y), low + 0.17 + float(z)),
                1.0,
                (12, 8),
            )


def _wall_around(
    collection: Any,
    surface: Any,
    tile: float,
    size: tuple[float, float],
    hole: tuple[float, float, float, float],
) -> None:
    """Add a wall with a hole: middle and lower edge of it, width, height."""
    (wide, high), (middle, low, across, up) = size, hole
    left, right = middle - across / 2, middle + across / 2
    parts: list[Part] = []
    for x0, x1, z0, z1 in (
        (-wide / 2, left, 0.0, high),
        (right, wide / 2, 0.0, high),
        (left, right, low + up, high),
        (left, right, 0.0, low),
    ):
        if x1 - x0 < 1e-3 or z1 - z0 < 1e-3:
            continue
        points = np.array([(x0, 0, z0), (x1, 0, z0), (x1, 0, z1), (x0, 0, z1)], float)
        places = points[None, :, (0, 2)] / tile
        parts.append(Part(points, np.array([(0, 1, 2, 3)]), 0, places))
    # What the wall is thick.
    for x in (left, right):
        points = np.array([(x, 0, low), (x, 0.12, low), (x, 0.12, low + up), (x, 0, low + up)])
        parts.append(Part(points, np.array([(0, 1, 2, 3)]), 0))
    points = np.array(
        [(left, 0, low + up), (right, 0, low + up), (right, 0.12, low + up), (left, 0.12, low + up)]
    )
    parts.append(Part(points, np.array([(0, 1, 2, 3)]), 0))
    assembled(collection, "wall", parts, [surface])


def curtain(collection: Any, choices: Choices, width: float, height: float) -> None:
    """Hang one or two curtains from a rod, in folds."""
    ground = choices.colour("ground", (0.6, 0.3, 0.28), dark=0.2)
    paper = Paper(choices.random, 512, 512, ground)
    design = choices.pick("design", "plain", "stripes", "flowers", "plain")
    if design == "stripes":
        stripes(paper, [ground, choices.colour("second", CREAM)], 0.125)
    elif design == "flowers":
        paper.scatter(40, 0.1, choices.colours("flower", [CREAM, (0.3, 0.4, 0.3), (0.8, 0.6, 0.3)]))
    cloth = printed("curtain", paper, rough=0.95, bump=0.0, worn=0.08)
    high = choices.number("high", 2.4, 2.2, 2.6)
    wide = choices.number("wide", 1.6, 1.2, 2.4)
    spans = choices.pick(
        "spans", ((-0.5, 0.5),), ((-0.5, -0.05), (0.05, 0.5)), ((-0.5, -0.2), (0.2, 0.5))
    )
    columns, rows = np.linspace(0, 1, 180), np.linspace(0, 1, 14)
    for number, (start, end) in enumerate(spans):
        folds = choices.number(f"folds {number}", 7, 5, 11) * (end - start) * 2
        phase = choices.number(f"phase {number}", 0, 0, 6.3)
        x = wide * (start + (end - start) * columns)[None] * np.ones((14, 1))
        x += 0.03 * np.sin(3 * rows[:, None] + phase) * (1 - rows[:, None])
        wave = np.sin(folds * 2 * np.pi * columns[None] + phase + 0.5 * np.sin(4 * rows[:, None]))
        y = (
            0.05
            * (0.6 + 0.4 * (1 - rows[:, None]))
            * (wave + 0.3 * np.sin(2 * folds * 6.3 * columns[None]))
        )
        z = np.broadcast_to(0.01 + (high - 0.01) * rows[:, None], x.shape)
        part = sheet(np.stack([x, y, z], axis=-1), 0, repeat=((end - start) * wide * 1.5, high))
        assembled(collection, "curtain", [part], [cloth])
    rod = stuff(
        "rod",
        list(choices.pick("rod", WALNUT, EBONY, ((0.75, 0.62, 0.35), (0.6, 0.48, 0.25)))),
        5,
        rough=0.4,
        bump=0.0,
    )
    line = np.linspace(-wide / 2 - 0.15, wide / 2 + 0.15, 3)
    assembled(
        collection,
        "rod",
        [cords(np.c_[line, 0 * line, 0 * line + high + 0.02][None], 0.016, 0, 10)],
        [rod],
    )
    for x in (line[0], line[-1]):
        lump(collection, rod, 0.03, (float(x), 0.0, high + 0.02), 1.0, (16, 8))
