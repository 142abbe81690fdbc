"""Undo the resampling that brought a photograph's object into a clip, as far as pixels tell.

The kernel is told from what clip and photograph both show; then iterated back-projection finds the
alpha that this kernel turns into the clip's: M. Irani, S. Peleg, "Improving resolution by image
registration", 1991. Alpha's bounds make up for what no pixel of the clip tells.
"""

import math
from itertools import product
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from maskmill.images import Alpha, Image

from .channels import mean
from .geometry import Matrix, inverse, mapped, shifting
from .support import Mask

Floats = npt.NDArray[np.float32]

KERNELS = {
    "box": Pillow.Resampling.BOX,
    "bilinear": Pillow.Resampling.BILINEAR,
    "bicubic": Pillow.Resampling.BICUBIC,
    "lanczos": Pillow.Resampling.LANCZOS,
}
"""Those of studios' programs, widened by the reduction; Pillow's, which names them so."""
USUAL = "bicubic"
SPREADS = {"box": 0.45, "bilinear": 0.6, "bicubic": 0.45, "lanczos": 0.45}
"""Pixels of the clip over which a kernel and the way back spread an edge."""
UPRIGHT = 0.3
"""Pixels of the photograph that a turn must move a clip's corner by to count as one."""
SIDE = 448
"""Pixels of a clip's side in which it is compared: more tell nothing new."""
STEPS, TRIED, FARTHEST = 5, 0.05, 0.3
"""Of Gauss and Newton; pixels of the clip that slopes are tried over, and the longest step."""
ENOUGH = 0.999
"""Share of the misfit that a step must come below for another one to be worth it."""
ROUNDS, GAIN = 12, 1.5
MARGIN = 6
"""Pixels around the object that kernels reach."""
TELLING = 150
"""Pixels that must show the object alone for a kernel to be told."""
DETAIL = 1.0
"""Standard deviation in pixels of the blur over which detail tells kernels apart: what unsharp
masking, and a grading that no `ColourMap` explains, change alike for all of them, is left out."""


class Resampling(NamedTuple):
    """What a clip was made by.

    Parameters
    ----------
    matrix : ndarray, 2 x 3, float64
        From the clip's pixel centres to the photograph's: a similarity, stretched a little.
    kernel : str
        One of `KERNELS`.
    through : tuple of 2 floats
        A place of the photograph that was the centre of a pixel once it was turned. One that was
        not turned keeps its own pixels.
    """

    matrix: npt.NDArray[np.float64]
    kernel: str = USUAL
    through: tuple[float, float] = (0.0, 0.0)


class _Layer(NamedTuple):
    """The photograph's pixels, turned so that the clip's axes are theirs."""

    to_photograph: Matrix  # from the layer's pixel centres
    size: tuple[int, int]  # width, height
    box: tuple[float, float, float, float]  # the clip: left, top, right, bottom, of pixel edges
    upright: bool


def resampled(plane: Floats, shape: tuple[int, ...], by: Resampling) -> Floats:
    """Make a clip of a plane of the photograph, as a studio's program does.

    Parameters
    ----------
    plane : ndarray, H x W, float32
    shape : tuple
        h and w of the clip.
    by : Resampling

    Examples
    --------
    >>> plane = np.float32([[0, 0, 1, 1]] * 2)
    >>> by = Resampling(np.array([[2, 0, 0.5], [0, 2, 0.5]]), "box")
    >>> resampled(plane, (1, 2), by).tolist()
    [[0.0, 1.0]]
    """
    layer = _layer(by, shape)
    way = cv2.INTER_NEAREST if layer.upright else cv2.INTER_CUBIC
    turned = cv2.warpAffine(
        plane, layer.to_photograph[:2], layer.size, flags=way | cv2.WARP_INVERSE_MAP
    )
    size = (shape[1], shape[0])
    drawn = Pillow.fromarray(turned).resize(size, KERNELS[by.kernel], box=layer.box)
    return np.asarray(drawn, np.float32)


def resampling_of(
    photograph: Image, clip: Image, sure: Mask, matrix: npt.NDArray[np.float64]
) -> Resampling:
    """Tell how a clip was resampled: by what explains its detail best.

    Parameters
    ----------
    photograph, clip : ndarray, H x W x 3 and h x w x 3, uint8
    sure : ndarray, h x w, bool
        Where the clip shows the object alone.
    matrix : ndarray, 2 x 3
        From the clip's pixel centres to the photograph's, within a few tenths of a pixel.

    Returns
    -------
    Resampling
        With the matrix made more exact, where the kernel can be told.
    """
    inner = cv2.erode(
        sure.astype(np.uint8), np.ones((5, 5), np.uint8), borderType=cv2.BORDER_CONSTANT
    )
    if inner.sum() < TELLING:
        return Resampling(matrix)
    compared = _Compared(photograph, clip, inner > 0)
    found = Resampling(matrix)
    turned = not _layer(found, clip.shape).upright
    for again in (False, True):  # it shows better where the clip lies better, and the other way
        ways = [found._replace(kernel=kernel) for kernel in KERNELS]
        if turned:
            ways = [on_grid for way in ways for on_grid in _nearby(way, (0.25, 0.5, 0.75))]
        best = min(ways, key=compared.misfit)
        if again and not turned and best.kernel == found.kernel:
            break
        for step in (0.125, 0.0625) if turned else ():
            best = min(_nearby(best, (-step, step)), key=compared.misfit)
        found = compared.settled(best)
    return found


def _nearby(by: Resampling, steps: tuple[float, ...]) -> list[Resampling]:
    """Return the same on other grids of the turned photograph, itself first."""
    x, y = by.through
    return [
        by._replace(through=(x + across, y + down))
        for across, down in product((0.0, *steps), repeat=2)
    ]


class _Compared:
    """The detail of a clip's object, and how far what a resampling makes is from it."""

    def __init__(self, photograph: Image, clip: Image, inner: Mask) -> None:
        rows, columns = (_most(inner.sum(axis=axis), SIDE) for axis in (1, 0))
        if inner[rows, columns].sum() < TELLING:
            rows, columns = (_most(inner.sum(axis=axis), inner.size) for axis in (1, 0))
        self.corner = (columns.start, rows.start)
        box = (rows, columns)
        self.inner = inner[box]
        self.luma = mean(photograph)
        self.wanted = _detail(mean(clip[box]))[self.inner]

    def residual(self, by: Resampling) -> npt.NDArray[np.float64]:
        local = np.vstack([by.matrix, [0, 0, 1]]) @ shifting(*self.corner)
        seen = _detail(resampled(self.luma, self.inner.shape, by._replace(matrix=local[:2])))
        # How much of it there is, and how much was added by sharpening, is not the kernel's.
        terms = np.stack([seen[self.inner], _detail(seen)[self.inner]], axis=1).astype(np.float64)
        found = np.linalg.solve(terms.T @ terms + 1e-6 * np.eye(2), terms.T @ self.wanted)
        return self.wanted - terms @ found

    def misfit(self, by: Resampling) -> float:
        return float(np.square(self.residual(by)).mean())

    def settled(self, by: Resampling) -> Resampling:
        """Move the clip to where it fits best, by Gauss-Newton's steps with tried slopes."""
        height, width = self.inner.shape
        middle = np.add(self.corner, (width / 2, height / 2))
        reach = max(width, height) / 2
        residual = self.residual(by)
        for _ in range(STEPS):
            slopes = np.stack(
                [
                    (self.residual(_moved(by, TRIED * way, middle, reach)) - residual) / TRIED
                    for way in np.eye(4)
                ],
                axis=1,
            )
            normal = slopes.T @ slopes
            normal += (1e-6 * np.trace(normal) + 1e-9) * np.eye(4)
            step = np.linalg.solve(normal, -slopes.T @ residual)
            step *= min(1.0, FARTHEST / max(float(np.abs(step).max()), 1e-9))
            for share in (1.0, 0.5, 0.25):
                moved = _moved(by, share * step, middle, reach)
                left = self.residual(moved)
                if left @ left < residual @ residual:
                    break
            else:
                break
            enough = left @ left > ENOUGH * (residual @ residual)
            by, residual = moved, left
            if enough:
                break
        return by


def _most(counts: npt.NDArray[np.int64], side: int) -> slice:
    """Return the stretch that counts most, at most so long."""
    found = np.flatnonzero(counts)
    start, stop = int(found[0]), int(found[-1]) + 1
    if stop - start > side:
        sums = np.cumsum(counts)
        start += int((sums[start + side - 1 : stop] - sums[start : stop - side + 1]).argmax())
        stop = start + side
    return slice(start, stop)


def _moved(
    by: Resampling, step: npt.NDArray[np.float64], middle: npt.NDArray[Any], reach: float
) -> Resampling:
    """Return it after a shift, growth and stretch of the clip, in its pixels at its rim."""
    x, y, wide, high = step
    local = np.array([[1 + wide / reach, 0, x], [0, 1 + high / reach, y], [0, 0, 1]])
    moving = shifting(*middle) @ local @ shifting(*-middle)
    return by._replace(matrix=(np.vstack([by.matrix, [0, 0, 1]]) @ moving)[:2])


def restored(shown: Floats, shape: tuple[int, ...], by: Resampling) -> Alpha:
    """Bring a clip's alpha to its photograph's grid.

    Parameters
    ----------
    shown : ndarray, h x w, float32 in [0, 1]
        The clip's.
    shape : tuple
        H and W of the photograph.
    by : Resampling
        What made the clip.

    Examples
    --------
    >>> shown = np.zeros((8, 8), np.float32)
    >>> shown[2:6, 2:6] = 1
    >>> by = Resampling(np.array([[2, 0, 0.5], [0, 2, 0.5]]), "box")
    >>> restored(shown, (16, 16), by)[8].round().tolist()
    [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    """
    alpha = np.zeros(shape[:2], np.float32)
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    if not len(rows):
        return alpha
    top, left = max(0, int(rows[0]) - MARGIN), max(0, int(columns[0]) - MARGIN)
    part = shown[top : int(rows[-1]) + 1 + MARGIN, left : int(columns[-1]) + 1 + MARGIN]
    whole = np.vstack([by.matrix, [0, 0, 1]]) @ shifting(left, top)
    height, width = part.shape
    corners = np.array([[-1, -1], [width, -1], [width, height], [-1, height]], np.float64)
    under = mapped(whole, corners)
    low = np.clip(np.floor(under.min(axis=0)), 0, None).astype(int)
    high = np.clip(np.ceil(under.max(axis=0)) + 1, 0, shape[1::-1]).astype(int)
    if (high <= low).any():
        return alpha
    x, y = (np.array(by.through) - low).tolist()
    local = Resampling((shifting(*-low) @ whole)[:2], by.kernel, (x, y))
    window = np.s_[low[1] : high[1], low[0] : high[0]]
    alpha[window] = _restored(part, (int(high[1] - low[1]), int(high[0] - low[0])), local)
    return alpha


def _restored(shown: Floats, shape: tuple[int, int], by: Resampling) -> Floats:
    size = (shape[1], shape[0])
    matrix = by.matrix
    reduction = math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
    alpha: Any = cv2.warpAffine(shown, matrix, size, flags=cv2.INTER_CUBIC)
    # A photograph's edges are about a pixel wide: begin with that, and let the clip object.
    steeper = math.hypot(1, SPREADS[by.kernel] * reduction)
    alpha = np.clip(0.5 + steeper * (alpha - 0.5), 0, 1)
    for _ in range(ROUNDS):
        again = np.clip(resampled(alpha, shown.shape, by), 0, 1)
        left = cv2.warpAffine(shown - again, matrix, size, flags=cv2.INTER_CUBIC)
        alpha = np.clip(alpha + GAIN * left, 0, 1)
    return alpha.astype(np.float32, copy=False)


def _layer(by: Resampling, shape: tuple[int, ...]) -> _Layer:
    height, width = shape[:2]
    across, down = (float(np.hypot(*by.matrix[:, axis])) for axis in (0, 1))
    wide, high = width * across, height * down
    unit = np.array(
        [[1 / across, 0, 0.5 / across - 0.5], [0, 1 / down, 0.5 / down - 0.5], [0, 0, 1]]
    )
    turn = np.vstack([by.matrix, [0, 0, 1]]) @ unit
    upright = abs(float(turn[1, 0])) * max(wide, high) / 2 < UPRIGHT
    on_grid = np.array([by.through])
    if upright:
        middle = np.array([[(wide - 1) / 2, (high - 1) / 2]])
        flat = np.diag([np.sign(turn[0, 0]), 1.0, 1.0])
        flat[:2, 2] = (mapped(turn, middle) - mapped(flat, middle))[0]
        on_grid = np.round(flat[:2, 2])[None]
        turn = flat
    start = mapped(inverse(turn), np.asarray(on_grid, np.float64))[0] % 1 - MARGIN
    size = (math.ceil(wide) + 2 * MARGIN + 1, math.ceil(high) + 2 * MARGIN + 1)
    left, top = -start
    return _Layer(turn @ shifting(*start), size, (left, top, left + wide, top + high), upright)


def _detail(plane: Floats) -> Floats:
    soft: Any = cv2.GaussianBlur(plane, (0, 0), DETAIL)
    return plane - soft
