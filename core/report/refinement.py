"""Before and after: what was wrong with a mask, and what became of it, as one picture."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from maskmill.images import Alpha, Image, check_alpha
from maskmill.light import composite

from .wording import visible

Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]

COLOURS: Mapping[str, Colour] = {
    "hole": (255, 64, 64),
    "island": (255, 160, 0),
    "speckle": (255, 235, 60),
    "stairs": (190, 110, 255),
    "polygon": (255, 105, 200),
    "low_resolution": (90, 160, 255),
    "halo": (110, 255, 90),
}
"""What each defect is marked with; others are marked in grey."""

BEFORE: Colour = (255, 255, 255)
AFTER: Colour = (40, 225, 255)
MAGENTA: Colour = (196, 30, 150)
"""Behind the cut-outs: seldom in photographs, and lighter than most dark fringes."""

_PAPER, _INK, _PALE, _DARK = (250, 250, 248), (38, 38, 36), (104, 104, 98), (20, 20, 20)
_OTHER: Colour = (170, 170, 170)
_PLACES = 3
_ZOOM = 4  # at most so many pixels of the picture for one of the photograph
_CROP = 0.11  # of the long side, unless that would be enlarged further
_SHAPE = 0.56  # height of a crop, of its width
_LITTLE = 0.05  # of the change in the first place: what is less gets no place of its own
_LEAST_CHANGE = 1e-5  # mean of a place
_SEARCHED = 512  # long side in which places are looked for
_LEAST_MARK = 9  # pixels of the picture, a side
_LEAST_OUTLINE = 5
_FINE = 8  # parts of a pixel in which outlines are drawn, as cv2's shift of 3


class Marked(Protocol):
    """Where a defect lies: what `maskmill.refine.defects` gives as a region."""

    @property
    def kind(self) -> str: ...
    @property
    def x(self) -> int: ...
    @property
    def y(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Told:
    """The words under the picture.

    Parameters
    ----------
    title : str
    found : sequence of (str, str)
        Kinds of defects and a line about each, which is written beside the kind's colour.
    steps : sequence of str
        What was done, a line each.
    """

    title: str = ""
    found: Sequence[tuple[str, str]] = ()
    steps: Sequence[str] = ()


def before_after(
    image: Image,
    before: Alpha,
    after: Alpha,
    regions: Sequence[Marked] = (),
    told: Told | None = None,
    *,
    width: int = 1440,
    background: Colour = MAGENTA,
) -> Image:
    """Draw a photograph with its mask's outline and defects, and its cut-outs before and after.

    Below the whole picture come up to three places where most changed, each at up to four times its
    size: there the outline before is white, the one after light blue.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
        RGB.
    before, after : ndarray, H x W, float32 in [0, 1]
    regions : sequence of Marked
        In pixels of the alpha.
    told : Told, optional
    width : int
        Of the picture, in pixels, at least 300; the photograph's size does not matter, as it is
        made for a screen.
    background : tuple of int
        sRGB colour behind the cut-outs, which are composited in linear light.

    Returns
    -------
    ndarray, height x `width` x 3, uint8
        RGB. The height follows from the photograph's proportions and the words.

    Raises
    ------
    ValueError
        When the arrays are not as described or do not fit together, or the width is too small.

    Examples
    --------
    >>> grey = np.full((40, 60, 3), 128, np.uint8)
    >>> alpha = np.ones((40, 60), np.float32)
    >>> before_after(grey, alpha, alpha, width=300).shape[1]
    300
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image must be H x W x 3 uint8, got {image.shape} {image.dtype}")
    check_alpha(before, image.shape[:2])
    check_alpha(after, image.shape[:2])
    if width < 300:
        raise ValueError(f"width must be at least 300 pixels, got {width}")
    plan = _Plan.of(width)
    whole = (0, 0, image.shape[1], image.shape[0])
    rows = [_row(image, before, after, whole, regions, plan, background)]
    rows += [
        _row(image, before, after, box, (), plan, background)
        for box in places(before, after, plan.column)
    ]
    return _page(rows, told or Told(), plan)


def places(before: Alpha, after: Alpha, column: int = 450) -> list[Box]:
    """Return up to three boxes (left, top, right, bottom) where most changed, the most first.

    Parameters
    ----------
    before, after : ndarray, H x W, float32 in [0, 1]
    column : int
        Width in pixels at which a box is going to be shown: no pixel is to be larger than four.

    Examples
    --------
    >>> before = np.zeros((800, 800), np.float32)
    >>> after = before.copy()
    >>> after[600:610, 700:710] = 1
    >>> [(left, top, right, bottom)] = places(before, after)
    >>> left <= 700 and right >= 710 and top <= 600 and bottom >= 610
    True
    """
    height, width = before.shape
    wide = min(width, max(column // _ZOOM, round(_CROP * max(width, height))))
    tall = min(height, max(1, round(_SHAPE * wide)))
    scale = min(1.0, _SEARCHED / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    change = cv2.resize(cv2.absdiff(before, after), size, interpolation=cv2.INTER_AREA)
    window = (max(1, round(wide * scale)) | 1, max(1, round(tall * scale)) | 1)
    half = (window[0] // 2 | 1, window[1] // 2 | 1)
    found: list[Box] = []
    first = 0.0
    for _ in range(_PLACES):
        summed = change
        for _ in range(2):  # a tent: what changed is to lie in the middle, not just inside
            summed = cv2.boxFilter(summed, -1, half, borderType=cv2.BORDER_CONSTANT)
        _, most, _, (x, y) = cv2.minMaxLoc(summed)
        first = first or most
        if most < _LEAST_CHANGE or most < _LITTLE * first:
            break
        # Nothing is lost by moving a window that reaches beyond the frame back into it.
        left = min(max(0, round((x + 0.5) / scale - wide / 2)), width - wide)
        top = min(max(0, round((y + 0.5) / scale - tall / 2)), height - tall)
        found.append((left, top, left + wide, top + tall))
        taken = (round(left * scale), round(top * scale))
        change[taken[1] : taken[1] + window[1], taken[0] : taken[0] + window[0]] = 0
    return found


class _Plan(NamedTuple):
    """Sizes in pixels of the picture."""

    width: int
    margin: int
    gap: int
    column: int
    font: float

    @classmethod
    def of(cls, width: int) -> "_Plan":
        margin, gap = width // 60, width // 120
        return cls(width, margin, gap, (width - 2 * margin - 2 * gap) // 3, max(10.0, width / 84))

    @property
    def line(self) -> int:
        return round(self.font * 1.5)


def _row(
    image: Image,
    before: Alpha,
    after: Alpha,
    box: Box,
    regions: Sequence[Marked],
    plan: _Plan,
    background: Colour,
) -> list[Image]:
    """Draw the photograph, the cut-out before and the one after, of one box."""
    left, top, right, bottom = box
    part = np.s_[top:bottom, left:right]
    # A tall photograph is letterboxed: three of them would fill the screen's height several times.
    scale = min(plan.column / (right - left), plan.column / (bottom - top))
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    photograph = _resized(image[part], size)
    whole = (right - left, bottom - top) == (image.shape[1], image.shape[0])
    outlines = [(before[part], BEFORE)] if whole else [(before[part], BEFORE), (after[part], AFTER)]
    for alpha, colour in outlines:
        _outline(photograph, alpha, scale, colour, thickness=2 if plan.width > 800 else 1)
    boxes: Counter[Box] = Counter()
    for region in regions:
        box = (region.x, region.y, region.width, region.height)
        _mark(photograph, region, scale, 3.0 + 5 * boxes[box])  # one round the other, all seen
        boxes[box] += 1
    # Composited at twice the size it is shown in: averaged apart, edges would gain a fringe.
    larger = (min(right - left, 2 * size[0]), min(bottom - top, 2 * size[1]))
    near = _resized(image[part], larger)
    behind = np.array(background, np.uint8)
    cut = [
        _resized(composite(near, _soft(alpha[part], larger), behind), size)
        for alpha in (before, after)
    ]
    return [_centred(picture, plan.column) for picture in (photograph, *cut)]


def _resized(image: Image, size: tuple[int, int]) -> Image:
    way = cv2.INTER_AREA if size[0] < image.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=way), np.uint8)


def _soft(alpha: Alpha, size: tuple[int, int]) -> Alpha:
    way = cv2.INTER_AREA if size[0] < alpha.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(alpha, size, interpolation=way), np.float32).clip(0, 1)


def _outline(drawn: Image, alpha: Alpha, scale: float, colour: Colour, thickness: int) -> None:
    beyond = int(np.ceil(3 / scale)) + 1  # where the frame cuts an object off is no outline
    mask = cv2.copyMakeBorder(
        (alpha >= 0.5).astype(np.uint8), *[beyond] * 4, borderType=cv2.BORDER_REPLICATE
    )
    shifted = (-beyond, -beyond)
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=shifted)
    # Specks would hide the picture under their outlines.
    large = [c for c in contours if max(cv2.boundingRect(c)[2:]) * scale >= _LEAST_OUTLINE]
    lines = [_placed(np.asarray(contour[:, 0], np.int32), scale) for contour in large]
    cv2.polylines(drawn, lines, True, _DARK, thickness + 1, cv2.LINE_AA, shift=3)
    cv2.polylines(drawn, lines, True, colour, thickness, cv2.LINE_AA, shift=3)


def _placed(contour: npt.NDArray[np.int32], scale: float) -> npt.NDArray[np.int32]:
    # From pixel centres, by pixel edges, to pixel centres of the other size.
    return np.rint(((contour + 0.5) * scale - 0.5) * _FINE).astype(np.int32)


def _mark(drawn: Image, region: Marked, scale: float, apart: float) -> None:
    """Draw a frame round a region, a little apart and never too small to be seen."""
    edges = np.array([region.x, region.y, region.x + region.width, region.y + region.height], float)
    left, top, right, bottom = edges * scale
    apart_x = max(apart, (_LEAST_MARK - (right - left)) / 2)
    apart_y = max(apart, (_LEAST_MARK - (bottom - top)) / 2)
    height, width = drawn.shape[:2]
    first = (max(1, round(left - apart_x)), max(1, round(top - apart_y)))
    last = (min(width - 2, round(right + apart_x)), min(height - 2, round(bottom + apart_y)))
    cv2.rectangle(drawn, first, last, _DARK, 4)
    cv2.rectangle(drawn, first, last, COLOURS.get(region.kind, _OTHER), 2)


def _centred(picture: Image, column: int) -> Image:
    height, width = picture.shape[:2]
    placed = np.full((height, column, 3), _PAPER, np.uint8)
    left = (column - width) // 2
    placed[:, left : left + width] = picture
    return placed


def _page(rows: Sequence[Sequence[Image]], told: Told, plan: _Plan) -> Image:
    font = ImageFont.load_default(plan.font)
    words: list[tuple[int, int, str, Colour]] = []
    swatches: list[tuple[int, int, Colour]] = []
    x, y = plan.margin, plan.margin
    across = [plan.margin + place * (plan.column + plan.gap) for place in range(3)]
    if told.title:
        words.append((x, y, _fitting(told.title, plan.width - 2 * plan.margin, font), _INK))
        y += plan.line + plan.gap
    for left, title in zip(across, ("photograph and mask", "before", "after"), strict=True):
        words.append((left, y, title, _PALE))
    y += plan.line
    tops: list[int] = []
    for number, row in enumerate(rows):
        if number == 1:
            words.append((x, y, "where most changed", _PALE))
            keys = ((BEFORE, "outline before"), (AFTER, "after"))
            at = x + round(font.getlength("where most changed")) + 3 * plan.gap
            for colour, key in keys:
                swatches.append((at, y, colour))
                words.append((at + plan.line, y, key, _PALE))
                at += plan.line + round(font.getlength(key)) + 2 * plan.gap
            y += plan.line
        tops.append(y)
        y += row[0].shape[0] + plan.gap
    for kind, line in told.found:
        swatches.append((x, y, COLOURS.get(kind, _OTHER)))
        for said in _wrapped(line, plan.width - 2 * plan.margin - plan.line, font):
            words.append((x + plan.line, y, said, _INK))
            y += plan.line
    for step in told.steps:
        for said in _wrapped(step, plan.width - 2 * plan.margin, font):
            words.append((x, y, said, _PALE))
            y += plan.line
    page = np.full((y + plan.margin - plan.gap, plan.width, 3), _PAPER, np.uint8)
    for top, row in zip(tops, rows, strict=True):
        for left, picture in zip(across, row, strict=True):
            page[top : top + picture.shape[0], left : left + plan.column] = picture
    side = round(plan.font * 0.8)
    for left, top, colour in swatches:
        page[top + 2 : top + 2 + side, left : left + side] = _DARK
        page[top + 3 : top + 1 + side, left + 1 : left + side - 1] = colour
    canvas = Pillow.fromarray(page)
    draw = ImageDraw.Draw(canvas)
    for left, top, said, ink in words:
        draw.text((left, top), said, fill=ink, font=font)
    return np.asarray(canvas, np.uint8)


_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _fitting(text: str, width: int, font: _Font) -> str:
    """Shorten in the middle: paths differ at their ends."""
    longest = 160
    said = visible(text, longest)
    while longest > 8 and font.getlength(said) > width:
        longest -= 4
        said = visible(text, longest)
    return said


def _wrapped(text: str, width: int, font: _Font) -> list[str]:
    lines, kept = list[str](), ""
    for word in visible(text, 400).split(" "):
        longer = f"{kept} {word}" if kept else word
        if kept and font.getlength(longer) > width:
            lines.append(kept)
            longer = word
        kept = longer
    return [*lines, kept]
