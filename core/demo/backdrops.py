"""Parts of the photographs that show no people, to lay cut-outs on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from maskmill.images import Image

from .scene import Scene, window
from .tones import tinted


@dataclass(frozen=True, slots=True)
class Backdrop:
    """Part of a photograph, and how it may be used.

    Parameters
    ----------
    group : str
        Backdrops that share pixels have one group: splits must not part them.
    photograph : str
    box : tuple of float
        Left, top, right and bottom, as shares of the photograph's width and height.
    zoom : (float, float)
        Least and most pixels of the picture per pixel of the photograph.
    blur : (float, float)
        Least and most standard deviation, as a share of the picture's long side: backdrops are out
        of focus.
    tint : tuple of float, optional
        Light that gives a grey photograph the colour of what it shows.
    shade : float
        How dark a shadow falls on it; none on what is far away.
    """

    group: str
    photograph: str
    box: tuple[float, float, float, float]
    zoom: tuple[float, float]
    blur: tuple[float, float]
    tint: tuple[float, float, float] | None = None
    shade: float = 0.45


def _parts(photograph: str, columns: int, rows: int, **facts: Any) -> Iterator[Backdrop]:
    """Divide a photograph into parts that share no pixel, each a group of its own."""
    for row in range(rows):
        for column in range(columns):
            box = (column / columns, row / rows, (column + 1) / columns, (row + 1) / rows)
            yield Backdrop(f"{photograph}-{row * columns + column}", photograph, box, **facts)


BACKDROPS = (
    *_parts("brick", 2, 2, zoom=(1.2, 1.8), blur=(0.0, 0.004), tint=(1.0, 0.5, 0.36)),
    *_parts("grass", 2, 2, zoom=(1.2, 1.8), blur=(0.003, 0.008), tint=(0.55, 0.8, 0.25)),
    *_parts("gravel", 2, 2, zoom=(1.2, 1.8), blur=(0.002, 0.006), tint=(1.0, 0.88, 0.74)),
    *_parts("hubble_deep_field", 2, 2, zoom=(0.8, 1.4), blur=(0.0, 0.003), shade=0.0),
    *_parts("clock", 2, 1, zoom=(1.2, 1.8), blur=(0.0, 0.004), tint=(0.75, 0.9, 1.0)),
    *_parts("coins", 2, 1, zoom=(1.2, 1.8), blur=(0.0, 0.004), tint=(1.0, 0.86, 0.66)),
    # The table top, the room behind the cat, the studio wall, the shuttle and the skyline, each
    # without what stands in front of it: small parts, so enlarged and blurred.
    Backdrop("coffee", "coffee", (0.75, 0.0, 1.0, 0.26), (2.2, 3.4), (0.006, 0.012)),
    Backdrop("chelsea", "chelsea", (0.9, 0.0, 1.0, 1.0), (3.5, 5.0), (0.01, 0.02), shade=0.0),
    Backdrop("astronaut", "astronaut", (0.61, 0.0, 0.68, 0.42), (4.0, 6.0), (0.012, 0.02)),
    Backdrop("astronaut", "astronaut", (0.69, 0.0, 1.0, 0.55), (1.8, 2.4), (0.004, 0.008)),
    Backdrop("camera", "camera", (0.66, 0.0, 1.0, 0.58), (1.6, 2.4), (0.003, 0.007), shade=0.0),
)


def chosen(rng: np.random.Generator, people: tuple[str, ...]) -> Backdrop:
    """Draw a backdrop that suits the people."""
    # A grey skyline behind a coloured person, or a black coat before a black sky, would not do.
    unfit = "hubble_deep_field" if "camera" in people else "camera"
    fitting = [backdrop for backdrop in BACKDROPS if backdrop.photograph != unfit]
    return fitting[int(rng.integers(len(fitting)))]


def backdrop_scene(
    rng: np.random.Generator, backdrop: Backdrop, photograph: Image, size: tuple[int, int]
) -> Scene:
    """Cut a picture of `size` (height, width) out of a backdrop.

    Where the backdrop is too small for it even when enlarged, it goes on as its mirror image.
    """
    height, width = photograph.shape[:2]
    shares = np.multiply(backdrop.box, [width, height, width, height])
    left, top, right, bottom = np.rint(shares).astype(int).tolist()
    part = photograph[top:bottom, left:right]
    needed = max(size[0] / part.shape[0], size[1] / part.shape[1])
    zoom = max(rng.uniform(*backdrop.zoom), min(needed, backdrop.zoom[1]))
    tall, wide = (round(side / zoom) for side in size)
    lacking = (max(0, tall - part.shape[0]), max(0, wide - part.shape[1]))
    part = cv2.copyMakeBorder(part, 0, lacking[0], 0, lacking[1], cv2.BORDER_REFLECT)
    y = int(rng.integers(part.shape[0] - tall + 1))
    x = int(rng.integers(part.shape[1] - wide + 1))
    scene = Scene(part.astype(np.uint8))
    flip = bool(rng.random() < 0.5)
    pixels = window(scene, (x, y, x + wide, y + tall), size, flip=flip).pixels
    sigma = rng.uniform(*backdrop.blur) * max(size)
    if sigma > 0.3:  # below, the kernel is a single pixel
        pixels = cv2.GaussianBlur(pixels, (0, 0), sigma).astype(np.uint8)
    return Scene(pixels if backdrop.tint is None else tinted(pixels, backdrop.tint))
