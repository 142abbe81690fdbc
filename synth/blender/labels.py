"""What is printed around a bottle."""

from typing import Any

import numpy as np

from .choices import Choices
from .colours import (
    BLACK,
    BROWN,
    CREAM,
    GREEN,
    ORANGE,
    RED,
    WHITE,
    YELLOW,
    contrast,
    readable,
    shade,
)
from .paper import Paper

CONTENTS = (
    "CLOUDBERRY SYRUP", "OAT MILK SOAP", "HOUSE DRESSING", "COLD PRESSED OIL", "SEA SALT & DILL",
    "PINE TAR SHAMPOO", "APPLE VINEGAR", "GINGER CORDIAL", "HAND LOTION", "SMOKED PEPPER",
    "BARLEY MALT", "LINSEED CLEANER",
)  # fmt: skip


def label(choices: Choices, design: str) -> Paper:
    """Return a label, 2048 x 640 pixels, whose middle is the front.

    Parameters
    ----------
    choices
        Colours and words.
    design
        `fruit`, `bands`, `badge`, `blooms` or `slant`.
    """
    random = choices.random
    ground = choices.colour("label", CREAM, dark=0.15)
    accent, second = choices.colour("accent", RED), choices.colour("second", GREEN)
    ink = readable(accent, ground)
    third = choices.colour("third", YELLOW)
    paper = Paper(random, 2048, 640, ground)
    if design in ("fruit", "blooms"):
        paper.box(0, 0, 1, 0.08, second)
        paper.box(0, 0.9, 1, 1, second)
        paper.box(0, 0.095, 1, 0.11, third)
    if design == "fruit":
        for x, y in random.uniform((0.33, 0.5), (0.67, 0.85), (26, 2)):
            paper.bloom(float(x), float(y), 0.05, second, 2, float(random.uniform(0, 6)))
            berry = accent if x < 0.5 else choices.colour("other", ORANGE)
            paper.bloom(float(x) + 0.01, float(y), 0.035, berry)
    elif design == "blooms":
        paper.scatter(45, 0.12, [accent, second, third, shade(accent, 0.7)])
        paper.box(0.34, 0.14, 0.66, 0.5, ground)
    elif design == "bands":
        for number, y in enumerate(np.arange(0.5, 0.95, 0.09)):
            paper.box(0, float(y), 1, float(y) + 0.06, (accent, second, third)[number % 3])
    elif design == "badge":
        paper.box(0, 0.0, 1, 0.05, accent)
        paper.box(0, 0.95, 1, 1, accent)
        paper.bloom(0.5, 0.66, 0.3, accent, choices.pick("points", 0, 12, 16))
        paper.bloom(0.5, 0.66, 0.2, third)
        paper.words(choices.pick("number", "No. 7", "1892", "42", "XL", "bio"), 0.5, 0.66, 0.16,
                    contrast(third))  # fmt: skip
    else:
        for x in np.arange(-0.2, 1.1, 0.1):
            paper.ribbon([(float(x), 1.0), (float(x) + 0.2, 0.5)], 0.12, accent)
            paper.ribbon([(float(x) + 0.05, 1.0), (float(x) + 0.25, 0.5)], 0.05, third)
    paper.words(choices.word("Holm & Tar"), 0.5, 0.27, 0.2, ink)
    said = choices.pick("contents", *CONTENTS)
    quiet = BROWN if ground == CREAM else contrast(ground)
    paper.words(said, 0.5, 0.42, 0.08, quiet)
    paper.words(
        choices.pick("volume", "500 ml", "250 ml", "0,33 l", "75 cl"), 0.3, 0.8, 0.09, quiet
    )
    paper.box(0.72, 0.2, 0.98, 0.56, WHITE)
    paper.small_print(0.85, 0.22, 0.54, 0.04, BLACK)
    paper.bars(0.78, 0.62, 0.92, 0.84)
    if design == "fruit":
        paper.bloom(0.13, 0.4, 0.22, third, 12)
        paper.words("No. 7", 0.13, 0.4, 0.14, accent)
    paper.small_print(0.12, 0.68, 0.86, 0.045, second if design == "fruit" else quiet)
    return paper


def stripes(paper: Paper, colours: Any, width: float) -> None:
    """Cover a paper with upright stripes of one width, a share of the paper's."""
    for number, x in enumerate(np.arange(0.0, 1.0, width)):
        paper.box(float(x), 0, float(x) + width, 1, colours[number % len(colours)])
