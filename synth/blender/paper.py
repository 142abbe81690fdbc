"""Prints: labels, flowers, words and bar codes, drawn into arrays."""

import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import imbuf
import numpy as np

from .colours import BLACK, WHITE, Colour
from .shapes import curved


class Paper:
    """Something to print on: `pixels` are H x W x 3, sRGB; places are shares from the upper left.

    Heights and radii are shares of the paper's height.
    """

    def __init__(
        self, random: np.random.Generator, width: int, height: int, colour: Colour
    ) -> None:
        self.random = random
        self.pixels = np.full((height, width, 3), colour, np.float32)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill a rectangle."""
        height, width = self.pixels.shape[:2]
        rows = slice(round(top * height), max(round(bottom * height), round(top * height) + 1))
        self.pixels[rows, round(left * width) : round(right * width)] = colour

    def bloom(
        self, x: float, y: float, radius: float, colour: Colour, petals: int = 0, turn: float = 0.0
    ) -> None:
        """Fill a disc, or a flower."""
        height, width = self.pixels.shape[:2]
        middle, reach = np.array((y * height, x * width)), 1.4 * radius * height
        low = np.maximum(middle - reach, 0).astype(int)
        part = self.pixels[tuple(slice(at, int(at + 2 * reach) + 2) for at in low)]
        down, across = np.indices(part.shape[:2]) + (low - middle)[:, None, None]
        edge = 1 + (0.35 * np.cos(petals * np.arctan2(down, across) + turn) if petals else 0)
        part[np.hypot(across, down) < radius * height * edge] = colour

    def ribbon(self, path: Sequence[tuple[float, float]], width: float, colour: Colour) -> None:
        """Draw a smooth line."""
        for x, y in curved(path, 40):
            self.bloom(float(x), float(y), width / 2, colour)

    def words(self, text: str, x: float, y: float, height: float, colour: Colour) -> None:
        """Write something around (x, y)."""
        whole = lettering(text, max(6, round(height * self.pixels.shape[0])))
        rows, columns = whole.shape
        top, left = round(y * self.pixels.shape[0] - rows / 2), round(x * self.pixels.shape[1])
        left -= columns // 2
        # What does not fit on the paper is cut off.
        inside = whole[max(0, -top) :, max(0, -left) :]
        top, left = max(0, top), max(0, left)
        part = self.pixels[top : top + inside.shape[0], left : left + inside.shape[1]]
        cover = inside[: part.shape[0], : part.shape[1], None]
        part += cover * (np.array(colour) - part)

    def small_print(
        self, x: float, top: float, bottom: float, height: float, colour: Colour
    ) -> None:
        """Write lines nobody reads, around x."""
        for y in np.arange(top + height / 2, bottom, height * 1.25):
            syllables = self.random.choice(SYLLABLES, int(self.random.integers(6, 14)))
            gaps = self.random.choice(["", "", " ", " ", ", "], len(syllables))
            self.words(
                "".join(map("".join, zip(syllables, gaps, strict=True))),
                x,
                float(y),
                height,
                colour,
            )

    def bars(self, left: float, top: float, right: float, bottom: float) -> None:
        """Print a bar code."""
        self.box(left, top, right, bottom, WHITE)
        edges = np.cumsum(self.random.integers(1, 5, 60)).astype(float)
        edges = left + (right - left) * (0.06 + 0.88 * edges / edges[-1])
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            self.box(float(start), top + 0.01, float(end), bottom - 0.01, BLACK)

    def scatter(self, number: int, radius: float, colours: Sequence[Colour]) -> None:
        """Strew flowers, big and small, each another."""
        for _ in range(number):
            x, y, share = self.random.uniform(0, 1, 3)
            colour, heart = self.random.permutation(len(colours))[:2]
            size = radius * (0.35 + 0.65 * float(share))
            petals, turn = int(self.random.integers(3, 8)), float(self.random.uniform(0, 6))
            self.bloom(float(x), float(y), size, colours[int(colour)], petals, turn)
            self.bloom(float(x), float(y), size / 3, colours[int(heart)])


SYLLABLES = [first + then for first in "klmrtvdbsnfz" for then in "aeiou"]


@functools.cache
def lettering(text: str, height: int) -> Any:
    """Return the coverage of a line of text, H x W in [0, 1], by Blender's own font (Inter)."""
    import blf  # comes to be with bpy, after which it would be sorted

    blf.size(0, height)
    width = int(blf.dimensions(0, text)[0]) + 4
    buffer = imbuf.new((width, round(1.3 * height)))
    with blf.bind_imbuf(0, buffer):
        blf.color(0, 1.0, 1.0, 1.0, 1.0)
        blf.position(0, 2, round(0.3 * height), 0)
        blf.draw_buffer(0, text)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "text.png")
        imbuf.write(buffer, filepath=path)
        image = bpy.data.images.load(path)
        pixels = np.empty(image.size[0] * image.size[1] * 4, np.float32)
        image.pixels.foreach_get(pixels)
        rows, columns = image.size[1], image.size[0]
        bpy.data.images.remove(image)
    return pixels.reshape(rows, columns, 4)[::-1, :, 3].copy()


# --- products ----------------------------------------------------------------------------------
