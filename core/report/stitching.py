"""Whether a clip lies on its photograph, and the alpha that came of it, as one picture."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from maskmill.files import write_whole
from maskmill.images import Alpha, Image, check_alpha
from maskmill.light import composite

from .wording import visible

Colour = tuple[int, int, int]
Matrix = npt.NDArray[np.float64]

MAGENTA: Colour = (196, 30, 150)
"""Behind the cut-out: seldom in photographs, and lighter than most dark fringes."""
HOT = 40.0
"""Levels of 255 that are drawn in the hottest colour."""

_PAPER, _INK, _PALE = (250, 250, 248), (38, 38, 36), (104, 104, 98)
_FRAME: Colour = (40, 225, 255)
_CHECKS = 10  # squares along the long side of a checkerboard
_AROUND = 0.06  # of the object's long side: what is shown round it
_ZOOM = 0.22  # of the object's long side: a crop's
_LIGHT = 238  # level from which a clip without alpha counts as canvas
_SURE = 0.95  # alpha from which colours are compared
_LONGEST = 2000  # pixels of a box that is worked on; more would not be seen
_QUALITY = 90  # of the JPEG

Box = tuple[int, int, int, int]


def pair_sheet(
    original: Image,
    clip: Image,
    matrix: Matrix | None,
    alpha: Alpha | None = None,
    lines: Sequence[str] = (),
    *,
    width: int = 1440,
) -> Image:
    """Draw a photograph, its clip, and how the two fit.

    The first row shows the photograph with a frame where the clip lies, the clip, a checkerboard of
    both, what differs in their colours after each channel's best line through them (black: the
    same; white: 40 levels and more), and the object on magenta. The second shows the last three and
    both pictures where most differs, larger.

    Parameters
    ----------
    original : ndarray, H x W x 3, uint8
        RGB.
    clip : ndarray, h x w x 3 or h x w x 4, uint8
        RGB on its canvas, or RGBA.
    matrix : ndarray, 2 x 3, optional
        Maps the clip's pixel centres to the photograph's. Without it only the two are drawn.
    alpha : ndarray, H x W, float32 in [0, 1], optional
        In the photograph's frame.
    lines : sequence of str
        Words under the picture; the first is its title.
    width : int
        Of the picture, in pixels, at least 300; it is made for a screen, so the photograph's size
        does not matter.

    Returns
    -------
    ndarray, height x `width` x 3, uint8
        RGB.

    Raises
    ------
    ValueError
        When the arrays are not as described.

    Examples
    --------
    >>> grey = np.full((40, 60, 3), 128, np.uint8)
    >>> pair_sheet(grey, grey, np.float64([[1, 0, 0], [0, 1, 0]]), width=300).shape[1]
    300
    """
    for name, picture, channels in (("original", original, (3,)), ("clip", clip, (3, 4))):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in channels:
            raise ValueError(
                f"{name} must be H x W x {' or '.join(map(str, channels))} uint8, got "
                f"{picture.shape} {picture.dtype}"
            )
    if alpha is not None:
        check_alpha(alpha, original.shape[:2])
    if width < 300:
        raise ValueError(f"width must be at least 300 pixels, got {width}")
    columns = 5
    margin, gap = width // 60, width // 160
    tile = (width - 2 * margin - (columns - 1) * gap) // columns
    laid = None if matrix is None else _laid(original, clip, matrix, alpha)
    shown = over(clip)
    if laid is None:
        rows = [[_fitted(original, tile), _fitted(shown, tile)]]
        titles = [["photograph", "clip"]]
    else:
        framed = _framed(_fitted(original, tile), original, clip, matrix)
        whole = _compared(laid, (0, 0, *laid.photograph.shape[1::-1]), tile)
        place = _worst(laid)
        rows = [[framed, _fitted(shown, tile), *whole]]
        rows += [[*_both(laid, place, tile), *_compared(laid, place, tile)]]
        rest = ["checkerboard", "what differs", "on magenta"][: len(whole)]
        titles = [["photograph", "clip", *rest], ["where most differs", "", *[""] * len(whole)]]
    return _page(rows, titles, lines, width, tile, margin, gap)


def write_pair_sheet(
    path: str | os.PathLike[str],
    original: Image,
    clip: Image,
    matrix: Matrix | None,
    alpha: Alpha | None = None,
    lines: Sequence[str] = (),
) -> Path:
    """Write `pair_sheet` as a JPEG, whole or not at all, and return its path."""
    sheet = cv2.cvtColor(pair_sheet(original, clip, matrix, alpha, lines), cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise ValueError(f"cannot encode {sheet.shape} {sheet.dtype} as .jpg")
    return write_whole(path, data.tobytes())


def over(clip: Image, background: Colour = (255, 255, 255)) -> Image:
    """Lay what is transparent of a clip over a colour, as a viewer does.

    Examples
    --------
    >>> over(np.uint8([[[0, 0, 0, 0]]])).tolist()
    [[[255, 255, 255]]]
    """
    if clip.shape[2] == 3:
        return clip
    weight = clip[..., 3:].astype(np.float32) / np.float32(255)
    mixed = clip[..., :3] * weight + np.array(background, np.float32) * (1 - weight)
    return np.rint(mixed).astype(np.uint8)


class _Laid(NamedTuple):
    """A part of the photograph with what lies on it."""

    photograph: Image
    clip: Image
    left: Any  # levels, H x W float32: what is left between them; NaN where nothing is compared
    alpha: Alpha | None


def _laid(original: Image, clip: Image, matrix: Matrix, alpha: Alpha | None) -> _Laid | None:
    box = _box(original, clip, matrix, alpha)
    if box is None:
        return None
    x0, y0, x1, y1 = box
    scale = min(1.0, _LONGEST / max(x1 - x0, y1 - y0))
    size = (max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale)))
    x, y = size[0] / (x1 - x0), size[1] / (y1 - y0)
    to_tile = np.array([[x, 0, (0.5 - x0) * x - 0.5], [0, y, (0.5 - y0) * y - 0.5], [0, 0, 1]])
    moved = (to_tile @ np.vstack([matrix, [0, 0, 1]]))[:2]
    # A clip that is larger than its place is averaged down first: the warp would only pick pixels.
    small, shrinking = _shrunk_to(over(clip), moved)
    warped = cv2.warpAffine(
        small,
        moved @ shrinking,
        size,
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(255, 255, 255),
    ).astype(np.uint8, copy=False)
    part = _resized(original[y0:y1, x0:x1], size)
    cut = None if alpha is None else _soft(alpha[y0:y1, x0:x1], size)
    compared = cut >= _SURE if cut is not None else warped.min(axis=2) < _LIGHT
    return _Laid(part, warped, _left(part, warped, compared), cut)


def _box(original: Image, clip: Image, matrix: Matrix, alpha: Alpha | None) -> Box | None:
    height, width = original.shape[:2]
    if alpha is not None and (alpha >= 0.5).any():
        solid = alpha >= 0.5
        rows, columns = np.nonzero(solid.any(axis=1))[0], np.nonzero(solid.any(axis=0))[0]
        x0, x1, y0, y1 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    else:
        shows = clip[..., 3] > 127 if clip.shape[2] == 4 else clip.min(axis=2) < _LIGHT
        rows, columns = np.nonzero(shows.any(axis=1))[0], np.nonzero(shows.any(axis=0))[0]
        if len(rows) == 0:
            return None
        ends = [(x, y, 1) for x in (columns[0], columns[-1]) for y in (rows[0], rows[-1])]
        corners = np.array(ends, np.float64) @ matrix.T
        (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0) + 1
    around = _AROUND * max(x1 - x0, y1 - y0)
    left, top = max(0, round(x0 - around)), max(0, round(y0 - around))
    right, bottom = min(width, round(x1 + around)), min(height, round(y1 + around))
    return (left, top, right, bottom) if right - left > 1 and bottom - top > 1 else None


def _shrunk_to(clip: Image, matrix: Matrix) -> tuple[Image, Matrix]:
    height, width = clip.shape[:2]
    factor = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if factor >= 1 or factor == 0:
        return clip, np.eye(3)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    x, y = width / size[0], height / size[1]
    return _resized(clip, size), np.array([[x, 0, 0.5 * x - 0.5], [0, y, 0.5 * y - 0.5], [0, 0, 1]])


def _left(photograph: Image, clip: Image, compared: npt.NDArray[np.bool_]) -> Any:
    """Return how far the clip's colours are from the line through them; NaN where not compared."""
    left = np.full(compared.shape, np.nan, np.float32)
    inner = cv2.erode(compared.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    where = inner if inner.any() else compared
    if not where.any():
        return left
    summed = np.zeros(int(where.sum()), np.float32)
    for channel in range(3):
        one, other = (p[..., channel][where].astype(np.float64) for p in (photograph, clip))
        spread = one.var()
        gain = float(np.mean((one - one.mean()) * (other - other.mean())) / spread) if spread else 1
        summed += np.abs(other - other.mean() - gain * (one - one.mean())).astype(np.float32)
    left[where] = summed / 3
    return left


def _worst(laid: _Laid) -> Box:
    height, width = laid.left.shape
    side = max(8, round(_ZOOM * max(height, width)))
    wide, tall = min(width, side), min(height, side)
    seen = np.nan_to_num(laid.left)
    summed = cv2.boxFilter(seen, -1, (wide, tall), borderType=cv2.BORDER_CONSTANT)
    _, _, _, (x, y) = cv2.minMaxLoc(summed)
    left = min(max(0, x - wide // 2), width - wide)
    top = min(max(0, y - tall // 2), height - tall)
    return left, top, left + wide, top + tall


def _compared(laid: _Laid, box: Box, tile: int) -> list[Image]:
    """Draw the checkerboard, what is left, and the object on magenta, of one box."""
    x0, y0, x1, y1 = box
    part = np.s_[y0:y1, x0:x1]
    rows, columns = np.mgrid[y0:y1, x0:x1]
    square = max(2, max(x1 - x0, y1 - y0) // _CHECKS)
    checks = ((rows // square + columns // square) % 2 == 0)[..., None]
    board = np.where(checks, laid.photograph[part], laid.clip[part])
    left = laid.left[part]
    levels = np.clip(np.nan_to_num(left) * (255 / HOT), 0, 255).astype(np.uint8)
    heat = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1]
    grey = cv2.cvtColor(laid.photograph[part], cv2.COLOR_RGB2GRAY)[..., None] // 3 + 150
    drawn = np.where(np.isnan(left)[..., None], np.repeat(grey, 3, axis=2), heat).astype(np.uint8)
    pictures = [board, drawn]
    if laid.alpha is not None:
        behind = np.array(MAGENTA, np.uint8)
        pictures.append(composite(laid.photograph[part], laid.alpha[part], behind))
    return [_fitted(np.ascontiguousarray(picture), tile, enlarged=True) for picture in pictures]


def _both(laid: _Laid, box: Box, tile: int) -> list[Image]:
    x0, y0, x1, y1 = box
    pictures = (laid.photograph[y0:y1, x0:x1], laid.clip[y0:y1, x0:x1])
    return [_fitted(np.ascontiguousarray(picture), tile, enlarged=True) for picture in pictures]


def _framed(drawn: Image, original: Image, clip: Image, matrix: Matrix | None) -> Image:
    if matrix is None:
        return drawn
    height, width = clip.shape[:2]
    ends = [(-0.5, -0.5, 1), (width - 0.5, -0.5, 1), (width - 0.5, height - 0.5, 1)]
    corners = np.array([*ends, (-0.5, height - 0.5, 1)]) @ matrix.T
    scale = drawn.shape[1] / original.shape[1]
    points = np.rint(((corners + 0.5) * scale - 0.5) * 8).astype(np.int32)
    drawn = np.array(drawn)
    cv2.polylines(drawn, [points], True, (20, 20, 20), 3, cv2.LINE_AA, shift=3)
    cv2.polylines(drawn, [points], True, _FRAME, 1, cv2.LINE_AA, shift=3)
    return drawn


def _fitted(picture: Image, tile: int, *, enlarged: bool = False) -> Image:
    height, width = picture.shape[:2]
    scale = tile / max(height, width)
    if scale > 1 and not enlarged:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return _resized(picture, size)


def _resized(image: Image, size: tuple[int, int]) -> Image:
    way = cv2.INTER_AREA if size[0] < image.shape[1] else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(image, size, interpolation=way), np.uint8)


def _soft(alpha: Alpha, size: tuple[int, int]) -> Alpha:
    return np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32).clip(0, 1)


def _page(
    rows: Sequence[Sequence[Image]],
    titles: Sequence[Sequence[str]],
    lines: Sequence[str],
    width: int,
    tile: int,
    margin: int,
    gap: int,
) -> Image:
    size = max(10.0, width / 96)
    font, line = ImageFont.load_default(size), round(1.5 * size)
    texts: list[tuple[int, int, str, Colour]] = []
    y = margin
    for number, text in enumerate(lines):
        texts.append(
            (margin, y, visible(text, round(1.9 * width / size)), _PALE if number else _INK)
        )
        y += line
    y += gap if lines else 0
    placed: list[tuple[int, int, Image]] = []
    for row, names in zip(rows, titles, strict=True):
        if any(names):
            texts += [(margin + at * (tile + gap), y, name, _PALE) for at, name in enumerate(names)]
            y += line
        placed += [(margin + at * (tile + gap), y, picture) for at, picture in enumerate(row)]
        y += max(picture.shape[0] for picture in row) + gap
    page = np.full((y + margin - gap, width, 3), _PAPER, np.uint8)
    for left, top, picture in placed:
        page[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    canvas = Pillow.fromarray(page)
    draw = ImageDraw.Draw(canvas)
    for left, top, text, ink in texts:
        draw.text((left, top), text, fill=ink, font=font)
    return np.asarray(canvas, np.uint8)
