"""Cartons and toys."""

import math
from typing import Any

from .choices import Choices
from .colours import BLACK, BLUE, BROWN, CREAM, GAUDY, GREEN, GREY, ORANGE, PINE, RED, WHITE, YELLOW
from .paper import Paper
from .shapes import block, lump, turned
from .surfaces import printed, stuff


def carton(collection: Any, choices: Choices) -> None:
    """Make a cardboard box: prints on five sides, tape, a shipping label."""
    random = choices.random
    kraft = (0.72, 0.54, 0.35)
    sides = [Paper(random, round(768 * w), 768, kraft) for w in (1.0, 0.7, 1.0, 0.7)]
    front, right, back, left = sides
    front.words("NORDVIK", 0.5, 0.2, 0.19, BLUE)
    front.words("kitchen scales", 0.5, 0.35, 0.09, BLACK)
    front.bloom(0.36, 0.68, 0.2, BLUE)
    front.bloom(0.36, 0.68, 0.17, kraft)
    front.ribbon([(0.36, 0.68), (0.43, 0.58)], 0.02, RED)
    front.words("5 kg", 0.72, 0.68, 0.13, RED)
    right.box(0.08, 0.1, 0.92, 0.5, WHITE)
    right.small_print(0.5, 0.14, 0.36, 0.035, BLACK)
    right.bars(0.2, 0.37, 0.8, 0.48)
    right.words("FRAGILE", 0.5, 0.68, 0.15, RED)
    right.ribbon([(0.2, 0.9), (0.5, 0.8), (0.8, 0.9)], 0.03, RED)
    back.box(0, 0.12, 1, 0.42, BLUE)
    back.words("weigh less, bake more", 0.5, 0.27, 0.09, WHITE)
    back.scatter(9, 0.09, [BLUE, ORANGE, BLACK])
    back.small_print(0.5, 0.78, 0.95, 0.04, BLACK)
    left.words("THIS WAY", 0.5, 0.2, 0.12, BLACK)
    for x in (0.3, 0.7):
        left.box(x - 0.04, 0.4, x + 0.04, 0.75, BLACK)
        left.ribbon([(x - 0.13, 0.5), (x, 0.35)], 0.05, BLACK)
        left.ribbon([(x + 0.13, 0.5), (x, 0.35)], 0.05, BLACK)
    left.words("lot 4471-B", 0.5, 0.87, 0.07, BLUE)
    top = Paper(random, 768, 540, kraft)
    top.box(0, 0.495, 1, 0.505, BROWN)
    top.words("NORDVIK", 0.25, 0.25, 0.14, BLUE)
    stuffs = [
        printed(f"side{number}", side, rough=0.8, bump=0.3, worn=0.18)
        for number, side in enumerate([*sides, top, top])
    ]
    block(collection, (1.6, 1.12, 1.6), (0, 0, 0.8), *stuffs, round_by=0.015)
    tape = stuff("tape", [(0.62, 0.42, 0.2), (0.7, 0.5, 0.27)], 3, rough=0.25)
    block(collection, (1.612, 0.22, 0.01), (0, 0, 1.6), tape, round_by=0.002)
    for side in (-1, 1):
        block(collection, (0.01, 0.22, 0.34), (side * 0.8, 0, 1.435), tape, round_by=0.002)


def truck(collection: Any, choices: Choices) -> None:
    """Make a toy lorry of painted wood with a load of lettered bricks."""
    random = choices.random
    wood = stuff("wood", PINE, 3, (0.6, 6, 6))
    block(collection, (2.6, 0.8, 0.14), (0, 0, 0.42), wood, round_by=0.03)
    doors = [Paper(random, 500, 500, RED) for _ in range(3)]
    for door, word in zip(doors, ("No 5", "TOM", ""), strict=True):
        door.box(0.15, 0.12, 0.85, 0.5, (0.6, 0.75, 0.85))
        door.words(word, 0.5, 0.74, 0.22, YELLOW)
    doors[2].box(0.15, 0.12, 0.85, 0.5, BLACK)
    doors[0].bloom(0.5, 0.31, 0.13, (0.95, 0.75, 0.6))
    doors[0].bloom(0.45, 0.29, 0.02, BLACK)
    right, left, behind = (
        printed(f"door{number}", door, rough=0.4, worn=0.15) for number, door in enumerate(doors)
    )
    paint = stuff("paint", [RED, (0.66, 0.09, 0.08)], 6, rough=0.4)
    face = Paper(random, 500, 500, RED)
    face.box(0.12, 0.12, 0.88, 0.48, (0.6, 0.75, 0.85))
    face.box(0.3, 0.6, 0.7, 0.85, GREY)
    grille = printed("face", face, rough=0.4, worn=0.15)
    block(
        collection, (0.7, 0.76, 0.85), (-0.9, 0, 0.9), *(right, behind, left, grille, paint, paint),
        round_by=0.06,
    )  # fmt: skip
    for y in (-0.25, 0.25):
        lump(collection, stuff("lamp", [YELLOW], rough=0.2), 0.07, (-1.26, y, 0.68))
    sides = [Paper(random, 900, 230, BLUE) for _ in range(2)]
    sides[0].words("HAUL & SONS", 0.5, 0.5, 0.5, WHITE)
    sides[1].words("bricks by the ton", 0.5, 0.5, 0.4, YELLOW)
    for y, side in zip((-0.38, 0.38), sides, strict=True):
        side.scatter(5, 0.12, [YELLOW, WHITE, ORANGE])
        board = printed("board", side, rough=0.5)
        block(collection, (1.75, 0.06, 0.4), (0.4, y, 0.69), *(board,) * 6, round_by=0.015)
    green = stuff("green", [GREEN, (0.1, 0.34, 0.18)], 6)
    for x in (-0.48, 1.27):
        block(collection, (0.06, 0.7, 0.4), (x, 0, 0.69), green)
    letters = iter(random.permutation(list("ABDEGHKMNPRSTUXYZ23456789")))
    for x, y, z in [(x, y, 0.67) for x in (-0.22, 0.18, 0.6, 1.0) for y in (-0.17, 0.17)] + [
        (-0.1, -0.1, 0.99), (0.35, 0.08, 0.99), (0.85, -0.12, 0.99), (0.4, 0.0, 1.31)
    ]:  # fmt: skip
        colour = GAUDY[int(random.integers(7))]
        letter = Paper(random, 128, 128, CREAM)
        letter.box(0, 0, 1, 1, colour)
        letter.box(0.1, 0.1, 0.9, 0.9, CREAM)
        letter.words(str(next(letters, "Q")), 0.5, 0.5, 0.7, colour)
        brick = block(collection, (0.31,) * 3, (0, 0, 0), *(printed("brick", letter),) * 6)
        brick.location, brick.rotation_euler[2] = (x, y, z), float(random.uniform(-0.25, 0.25))
    tyre, hub = stuff("tyre", [BLACK, (0.13, 0.13, 0.13)], 9), stuff("hub", [YELLOW, ORANGE], 3)
    for x in (-0.85, 0.35, 0.95):
        for y in (-0.48, 0.48):
            profile = [(0.0, -0.1), (0.27, -0.1), (0.3, -0.07), (0.3, 0.07), (0.27, 0.1), (0, 0.1)]
            for profile_of, material in ((profile, tyre), ([(0, -0.12), (0.13, -0.11)], hub)):
                wheel = turned(collection, profile_of, material, 2)
                if material is hub:
                    wheel.scale[2] = -math.copysign(1.0, y)
                wheel.rotation_euler[0], wheel.location = -math.pi / 2, (x, y, 0.3)
