"""The contact sheet: samples side by side with their alphas and composites, as one picture."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from maskmill.files import write_whole
from maskmill.images import Alpha, Image, check_alpha, encode_image
from maskmill.light import composite
from maskmill.sample import Sample

from .wording import visible

Colour = tuple[int, int, int]

TITLES = {
    "image": "image",
    "alpha": "alpha",
    "composite": "on plain colour",
    "prediction": "prediction",
    "prediction_composite": "prediction on colour",
}

# A mid-tone foreign to skin, products and studios: light fringes and dark ones both show on it.
BACKDROP: Colour = (62, 142, 126)

_PAPER, _WELL, _INK, _PALE = (250, 250, 248), (236, 236, 232), (38, 38, 36), (104, 104, 98)
_Array = TypeVar("_Array", Image, Alpha)


@dataclass(frozen=True, eq=False)
class Row:
    """One sample of a contact sheet.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
        RGB.
    alpha : ndarray, H x W, float32 in [0, 1]
    caption : str
        Written under the tiles; the first line dark, further lines pale.
    prediction : ndarray, H x W, float32 in [0, 1], optional
        What a network made of the image.
    """

    image: Image
    alpha: Alpha
    caption: str = ""
    prediction: Alpha | None = None

    def __post_init__(self) -> None:
        shape = self.image.shape
        if self.image.dtype != np.uint8 or len(shape) != 3 or shape[2] != 3:
            raise ValueError(f"image must be H x W x 3 uint8, got {shape} {self.image.dtype}")
        check_alpha(self.alpha, shape[:2])
        if self.prediction is not None:
            check_alpha(self.prediction, shape[:2])

    @classmethod
    def of(cls, sample: Sample, prediction: Alpha | None = None) -> "Row":
        """Make a row of a sample, captioned with its origin and the start of its key.

        Parameters
        ----------
        sample : Sample
        prediction : ndarray, H x W, float32 in [0, 1], optional
            Of the sample's size.
        """
        caption = f"{sample.origin or sample.source}\n{sample.key[:8]}"
        return cls(sample.image, sample.alpha, caption, prediction)


def contact_sheet(
    rows: Sequence[Row],
    *,
    columns: Sequence[str] | None = None,
    across: int = 1,
    tile: int = 160,
    background: Colour = BACKDROP,
) -> Image:
    """Lay samples out in rows of tiles: image, alpha as grey, composite on a plain colour.

    Parameters
    ----------
    rows : sequence of Row
        At least one.
    columns : sequence of str, optional
        Which tiles, in order, of ``image``, ``alpha``, ``composite``, ``prediction`` and
        ``prediction_composite``. By default the first three, and all five where any row has a
        prediction.
    across : int
        Samples side by side.
    tile : int
        Side of a tile in pixels of the sheet (not relative to the pictures: it is what a screen
        shows). Larger pictures are averaged down to it and letterboxed, smaller ones stay as they
        are.
    background : tuple of int
        sRGB colour behind the composites, which are made in linear light.

    Returns
    -------
    ndarray, H x W x 3, uint8
        RGB.

    Raises
    ------
    ValueError
        On no rows, an unknown column, a background that is no colour, or a tile too small to read
        (under 32 pixels).

    Examples
    --------
    >>> grey = np.full((40, 60, 3), 128, np.uint8)
    >>> row = Row(grey, np.ones((40, 60), np.float32), "a.jpg")
    >>> contact_sheet([row, row], tile=64).shape
    (203, 214, 3)
    """
    if not rows:
        raise ValueError("rows must be at least one Row, got none")
    if across < 1 or tile < 32:
        raise ValueError(f"across must be >= 1 and tile >= 32 pixels, got {across} and {tile}")
    if columns is None:
        predicted = any(row.prediction is not None for row in rows)
        columns = list(TITLES) if predicted else list(TITLES)[:3]
    unknown = [name for name in columns if name not in TITLES]
    if unknown or not columns:
        raise ValueError(f"columns must be of {', '.join(TITLES)}, got {unknown or 'none'}")
    if len(background) != 3 or not all(0 <= level <= 255 for level in background):
        raise ValueError(f"background must be three levels from 0 to 255, got {background}")

    lines = max(len(row.caption.splitlines()) for row in rows)
    plan = _Plan(len(columns), min(across, len(rows)), tile, lines)
    sheet = np.full((*plan.size(len(rows)), 3), _PAPER, np.uint8)
    texts: list[_Text] = []
    for number in range(plan.across):
        for column, name in enumerate(columns):
            x = plan.left(number) + column * (tile + plan.gap)
            texts.append(_Text(x, plan.margin, TITLES[name], _PALE, tile))
    for number, row in enumerate(rows):
        x, y = plan.left(number), plan.top(number)
        tiles = tiles_of(row, tile, background)
        for column, name in enumerate(columns):
            at = x + column * (tile + plan.gap)
            sheet[y : y + tile, at : at + tile] = _letterboxed(tiles.get(name), tile)
        for below, text in enumerate(row.caption.splitlines()):
            down = y + tile + plan.gap + below * plan.line
            texts.append(_Text(x, down, text, _PALE if below else _INK, plan.group))
    return _written(sheet, texts, plan.font_size)


@dataclass(frozen=True)
class _Plan:
    """Where things stand on a sheet, in pixels: titles on top, then rows of captioned groups."""

    columns: int
    across: int
    tile: int
    lines: int

    @property
    def margin(self) -> int:
        return self.tile // 8

    @property
    def gap(self) -> int:
        return self.tile // 20

    @property
    def font_size(self) -> float:
        return max(10.0, self.tile * 0.075)

    @property
    def line(self) -> int:
        return round(self.font_size * 1.4)

    @property
    def group(self) -> int:
        return self.columns * (self.tile + self.gap) - self.gap

    def left(self, number: int) -> int:
        return self.margin + number % self.across * (self.group + self.margin)

    def top(self, number: int) -> int:
        caption = self.gap + self.lines * self.line if self.lines else 0
        titles = self.margin + self.line + self.gap
        return titles + number // self.across * (self.tile + caption + self.margin)

    def size(self, samples: int) -> tuple[int, int]:
        # The sheet ends where one more row of samples would begin.
        height = self.top(-(-samples // self.across) * self.across)
        return height, self.margin + self.across * (self.group + self.margin)


class _Text(NamedTuple):
    x: int
    y: int
    words: str
    ink: Colour
    width: int


def write_sheet(
    path: str | os.PathLike[str],
    rows: Sequence[Row],
    *,
    columns: Sequence[str] | None = None,
    across: int = 1,
    tile: int = 160,
    background: Colour = BACKDROP,
) -> Path:
    """Write `contact_sheet` as a PNG, whole or not at all, and return its path."""
    sheet = contact_sheet(rows, columns=columns, across=across, tile=tile, background=background)
    return write_whole(path, encode_image(sheet))


def tiles_of(row: Row, side: int, background: Colour = BACKDROP) -> Mapping[str, Image]:
    """Return the pictures of one sample, none longer than `side`, by the names of `TITLES`.

    Examples
    --------
    >>> row = Row(np.zeros((40, 60, 3), np.uint8), np.ones((40, 60), np.float32))
    >>> {name: tile.shape for name, tile in tiles_of(row, 30).items()}
    {'image': (20, 30, 3), 'alpha': (20, 30, 3), 'composite': (20, 30, 3)}
    """
    tiles = {"image": shrunk(row.image, side)}
    for name, alpha in (("", row.alpha), ("prediction", row.prediction)):
        if alpha is not None:
            grey = np.rint(shrunk(alpha, side) * np.float32(255)).astype(np.uint8)
            tiles[name or "alpha"] = np.repeat(grey[..., None], 3, axis=2)
            tiles[f"{name}_composite".strip("_")] = _composite(row.image, alpha, side, background)
    return tiles


def shrunk(array: _Array, side: int) -> _Array:
    """Return an image or an alpha averaged down (pixel areas, INTER_AREA) to at most `side`.

    A smaller one is returned as it is: enlarged pixels would show what is not there.

    Examples
    --------
    >>> shrunk(np.float32([[0, 1], [0, 1]]), 1).tolist()
    [[0.5]]
    """
    return _resized(array, _size_within(array, side))


def _size_within(array: npt.NDArray[np.generic], side: int) -> tuple[int, int]:
    height, width = array.shape[:2]
    scale = min(1.0, side / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _resized(array: _Array, size: tuple[int, int]) -> _Array:
    if size == array.shape[1::-1]:
        return array
    small = cv2.resize(array, size, interpolation=cv2.INTER_AREA)
    return small if small.dtype == np.uint8 else np.clip(small, 0, 1)  # pyright: ignore


def _composite(image: Image, alpha: Alpha, side: int, background: Colour) -> Image:
    # Averaging image and alpha apart mixes background into the edge. Done at twice the size and
    # averaged again, that fringe stays under half a pixel of the tile, at a fraction of the time.
    near, opacity = shrunk(image, 2 * side), shrunk(alpha, 2 * side)
    laid = composite(near, opacity, np.array(background, np.uint8))
    return _resized(laid, _size_within(image, side))


def _letterboxed(picture: Image | None, tile: int) -> Image:
    box = np.full((tile, tile, 3), _WELL, np.uint8)
    if picture is not None:
        height, width = picture.shape[:2]
        y, x = (tile - height) // 2, (tile - width) // 2
        box[y : y + height, x : x + width] = picture
    return box


def _written(sheet: Image, texts: Sequence[_Text], font_size: float) -> Image:
    canvas = Pillow.fromarray(sheet)
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(font_size)
    for text in texts:
        words = _fitting(text.words, text.width, font)
        draw.text((text.x, text.y), words, fill=text.ink, font=font)
    return np.asarray(canvas, np.uint8)


def _fitting(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """Shorten in the middle: paths differ at their ends."""
    text = short = visible(text)
    keep = len(text)
    while keep > 1 and font.getlength(short) > width:
        keep -= 1
        short = f"{text[: keep // 2]}…{text[len(text) - (keep + 1) // 2 :]}"
    return short


__all__ = [
    "BACKDROP",
    "TITLES",
    "Colour",
    "Row",
    "contact_sheet",
    "shrunk",
    "tiles_of",
    "write_sheet",
]
