"""A sheet of rendered pairs: each picture, and its subject on magenta."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskmill.files import write_whole
from maskmill.images import Alpha, Image
from maskmill.light import composite

MAGENTA = np.array((255, 0, 255), np.uint8)

_LONG, _GAP, _PAIRS = 240, 6, 4
_QUALITY = 88


def render_sheet(folder: str | os.PathLike[str], names: Sequence[str]) -> Image | None:
    """Draw a sheet, four pairs to a row.

    Parameters
    ----------
    folder : path-like
        With NAME.png and NAME.alpha.png.
    names : sequence of str

    Returns
    -------
    ndarray, H x W x 3, uint8, or None
        sRGB; None where no pair could be read.
    """
    cells = [cell for name in names if (cell := _pair(Path(folder), name)) is not None]
    if not cells:
        return None
    height, width = (max(cell.shape[side] for cell in cells) for side in (0, 1))
    across = min(_PAIRS, len(cells))
    rows = -(-len(cells) // across)
    shape = (rows * (height + _GAP) + _GAP, across * (width + _GAP) + _GAP, 3)
    sheet = np.full(shape, 245, np.uint8)
    for number, cell in enumerate(cells):
        top = _GAP + (number // across) * (height + _GAP)
        left = _GAP + (number % across) * (width + _GAP)
        sheet[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    return sheet


def write_render_sheet(
    path: str | os.PathLike[str], folder: str | os.PathLike[str], names: Sequence[str]
) -> bool:
    """Write a sheet as JPEG; return whether there was anything to show."""
    sheet = render_sheet(folder, names)
    if sheet is None:
        return False
    settings = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    write_whole(path, cv2.imencode(".jpg", sheet[..., ::-1], settings)[1].tobytes())
    return True


def _pair(folder: Path, name: str) -> Image | None:
    image: Image | None = _read(folder / f"{name}.png", cv2.IMREAD_COLOR)
    levels = _read(folder / f"{name}.alpha.png", cv2.IMREAD_UNCHANGED)
    if image is None or levels is None or levels.shape != image.shape[:2]:
        return None
    alpha: Alpha = levels.astype(np.float32) / (65535 if levels.dtype == np.uint16 else 255)
    image = np.ascontiguousarray(image[..., ::-1])
    own = _read(folder / f"{name}.foreground.png", cv2.IMREAD_UNCHANGED)
    # The picture's colours hold some background at the edges; the foreground's do not.
    colours = (
        image if own is None else np.ascontiguousarray((own[..., 2::-1] >> 8).astype(np.uint8))
    )
    both = np.hstack([image, composite(colours, alpha, MAGENTA)])
    scale = _LONG / max(image.shape[:2])
    height, width = (max(1, round(scale * side)) for side in both.shape[:2])
    small: Any = cv2.resize(both, (width, height), interpolation=cv2.INTER_AREA)
    return small


def _read(path: Path, flags: int) -> Any:
    return cv2.imread(str(path), flags) if path.is_file() else None  # OpenCV complains by itself
