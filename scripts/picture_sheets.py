"""Sheets of captioned pictures for the documentation, small enough to live in the repository."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from maskmill.images import Image

Colour = tuple[int, int, int]
Mask = npt.NDArray[np.bool_]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

PEOPLE: Colour = (0, 215, 255)
OBJECT: Colour = (255, 80, 200)
ADDED: Colour = (110, 255, 90)

MOST_BYTES = 250_000
_PAPER, _WELL, _INK, _PALE = (250, 250, 248), (236, 236, 232), (30, 30, 28), (96, 96, 90)
_DARK: Colour = (20, 20, 20)
_FONT_SIZE = 14.0
_LINE = 19
_GAP, _SEAM = 14, 4
_TIE = "\N{NO-BREAK SPACE}"
_CHROMA = np.array([1.0, 1.6, 1.6], np.float32)  # a face gone grey is worse than a banded sky
_THINNING = 11  # pixels of which one is asked for its colour
_FINE = 8  # parts of a pixel in which outlines are drawn, as cv2's shift of 3


@dataclass(frozen=True, eq=False)
class Panel:
    """Pictures side by side with a title and further lines below.

    Parameters
    ----------
    pictures : sequence of ndarray, H x W x 3, uint8
    title : str
    lines : sequence of str
    """

    pictures: Sequence[Image]
    title: str
    lines: Sequence[str] = ()


def outlined(
    image: Image,
    outlines: Iterable[tuple[Mask, Colour]] = (),
    points: Iterable[tuple[float, float]] = (),
    *,
    side: int,
) -> Image:
    """Return a picture of a long side of `side` with masks outlined and points marked."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    drawn = cv2.resize(image, size, interpolation=way)
    found = [
        ([_placed(contour[:, 0], scale) for contour in _contours(mask)], colour)
        for mask, colour in outlines
    ]
    for contours, _ in found:
        cv2.polylines(drawn, contours, True, _DARK, 3, cv2.LINE_AA, shift=3)
    for contours, colour in found:
        cv2.polylines(drawn, contours, True, colour, 2, cv2.LINE_AA, shift=3)
    for x, y in points:
        centre = tuple(int(v) for v in np.rint(np.array([x, y]) * scale * _FINE))
        cv2.circle(drawn, centre, 5 * _FINE, _DARK, -1, cv2.LINE_AA, shift=3)
        cv2.circle(drawn, centre, 3 * _FINE, (255, 235, 60), -1, cv2.LINE_AA, shift=3)
    return drawn.astype(np.uint8)


def _contours(mask: Mask) -> Sequence[npt.NDArray[np.int32]]:
    padded = np.pad(mask.astype(np.uint8), 1)  # so that what lies at the frame is outlined there
    contours, _ = cv2.findContours(padded, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=(-1, -1))
    return contours  # pyright: ignore[reportReturnType]


def _placed(contour: npt.NDArray[np.int32], scale: float) -> npt.NDArray[np.int32]:
    # From pixel centres, by pixel edges, to pixel centres of the other size.
    return np.rint(((contour + 0.5) * scale - 0.5) * _FINE).astype(np.int32)


def values(numbers: Mapping[str, float]) -> str:
    """Write named numbers so that no line breaks between a name and its number."""
    return ", ".join(
        f"{name}{_TIE}{f'{number:.3f}'.rstrip('0').rstrip('.')}" for name, number in numbers.items()
    )


def sheet(panels: Sequence[Panel], *, across: int, side: int) -> Image:
    """Lay panels out, `across` in a row; pictures are of a long side of `side` at most."""
    font = ImageFont.load_default(_FONT_SIZE)
    wide = max(len(panel.pictures) for panel in panels) * (side + _SEAM) - _SEAM
    told = [_wrapped(panel, wide, font) for panel in panels]
    rows = [
        range(first, min(first + across, len(panels))) for first in range(0, len(panels), across)
    ]
    talls = [max(p.shape[0] for at in row for p in panels[at].pictures) for row in rows]
    texts = [6 + _LINE * max(len(told[at]) for at in row) for row in rows]
    height = _GAP + sum(tall + text + _GAP for tall, text in zip(talls, texts, strict=True))
    page = np.full((height, _GAP + across * (wide + _GAP), 3), _PAPER, np.uint8)
    words: list[tuple[int, int, str, Colour]] = []
    top = _GAP
    for row, tall, text in zip(rows, talls, texts, strict=True):
        for at in row:
            left = _GAP + (at - row.start) * (wide + _GAP)
            for place, picture in enumerate(panels[at].pictures):
                x = left + place * (side + _SEAM)
                page[top : top + tall, x : x + side] = _WELL
                h, w = picture.shape[:2]
                down, right = top + (tall - h) // 2, x + (side - w) // 2
                page[down : down + h, right : right + w] = picture
            for line, (said, ink) in enumerate(told[at]):
                words.append((left, top + tall + 6 + line * _LINE, said, ink))
        top += tall + text + _GAP
    canvas = Pillow.fromarray(page)
    draw = ImageDraw.Draw(canvas)
    for x, y, said, ink in words:
        draw.text((x, y), said.replace(_TIE, " "), fill=ink, font=font)
    return np.asarray(canvas, np.uint8)


def _wrapped(panel: Panel, wide: int, font: Font) -> list[tuple[str, Colour]]:
    """Break a panel's lines so that they fit."""
    broken: list[tuple[str, Colour]] = []
    for line, said in enumerate((panel.title, *panel.lines)):
        ink = _PALE if line else _INK
        kept = ""
        for word in said.split(" "):
            longer = f"{kept} {word}" if kept else word
            if kept and font.getlength(longer) > wide:
                broken.append((kept, ink))
                longer = word
            kept = longer
        broken.append((kept, ink))
    return broken


def write_sheet(path: Path, page: Image) -> None:
    """Write a sheet as a PNG of 256 colours."""
    # Without dithering, whose noise PNG cannot compress.
    few = Pillow.fromarray(page).quantize(palette=_palette(page), dither=Pillow.Dither.NONE)
    buffer = io.BytesIO()
    few.save(buffer, "PNG", optimize=True)
    if buffer.tell() > MOST_BYTES:
        raise ValueError(
            f"{path.name} must be at most {MOST_BYTES} bytes, got {buffer.tell()}: draw it smaller"
        )
    path.write_bytes(buffer.getvalue())


def _palette(page: Image) -> Pillow.Image:
    """Choose colours by their distance in CIE Lab; Pillow's own choice takes the colour out."""
    first = np.asarray(Pillow.fromarray(page).quantize(256, Pillow.Quantize.FASTOCTREE))
    lab = cv2.cvtColor(page.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) * _CHROMA
    some = np.ascontiguousarray(lab.reshape(-1, 3)[::_THINNING], np.float32)
    _, start = np.unique(first.reshape(-1)[::_THINNING], return_inverse=True)
    labels = start.reshape(-1, 1).astype(np.int32)
    rounds = (cv2.TERM_CRITERIA_MAX_ITER, 8, 0)
    # From given clusters, not from random ones: the same page gives the same file.
    _, _, centres = cv2.kmeans(
        some, int(labels.max()) + 1, labels, rounds, 1, cv2.KMEANS_USE_INITIAL_LABELS
    )
    colours = cv2.cvtColor((centres / _CHROMA).astype(np.float32)[None], cv2.COLOR_LAB2RGB)
    palette = Pillow.new("P", (1, 1))
    palette.putpalette(np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8).tobytes())
    return palette
