"""Take the old background's colour out of soft edges."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Alpha, Image, check_alpha
from maskmill.light import to_linear, to_srgb
from maskmill.sample import Sample

Floats = npt.NDArray[np.float32]

CERTAIN = 0.5 / 255
"""Alphas nearer than this to 0 or 1 are 0 or 1 in any file of 8 bits."""
REACH = 0.01
"""How far beyond the soft edge colours are replaced, as a share of the long side."""
SMOOTHNESS = 0.05
"""Weight of agreeing with the neighbours, by the difference of alpha. The paper has 1, which is
kind to alphas that are wrong; here 1 leaves a third more error than .05 does, and
is no better on alphas with noise or blur added."""
LEAST_SMOOTHNESS = 1e-5
SWEEPS = 8
_ENCODED = np.linspace(0, 1, 256, dtype=np.float32)
_LINEAR = to_linear(np.arange(256, dtype=np.uint8))
WHOLE = 256
"""Up to this long side a level is estimated in all its pixels, above it around soft edges only."""


def decontaminate(image: Image, alpha: Alpha, *, linear: bool = True) -> Image:
    """Estimate the foreground's own colours: what `maskmill.light.composite` lays over another.

    A soft pixel of a photograph is ``alpha F + (1 - alpha) B`` in linear light; composited as it
    is, it carries a fringe of the old background B. F and B are estimated together, both smooth and
    both in agreement with the photograph, at ever larger sizes: a size starts from what the last
    one found.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
        RGB, the photograph.
    alpha : ndarray, H x W, float32 in [0, 1]
        True coverage; what is wrong with it comes out as wrong colour.
    linear : bool
        Light adds up in linear light, so photographs and what maskmill composites have mixed there.
        False for pictures that an editor has composited in their sRGB values.

    Returns
    -------
    ndarray, H x W x 3, uint8
        RGB: the photograph where alpha is 1; the foreground's colour where it is soft, and carried
        on for another hundredth of the long side, so that resizing or blurring the layer draws no
        old background in; beyond that the photograph.

    Raises
    ------
    ValueError
        When the arrays are not as described.

    References
    ----------
    T. Germer, T. Uelwer, S. Conrad, S. Harmeling, "Fast multi-level foreground estimation", ICPR
    2020: equation and levels. In linear light here, with less smoothing, more sweeps and, at large
    sizes, only around soft edges.

    Examples
    --------
    >>> alpha = np.zeros((20, 20), np.float32)
    >>> alpha[:, 9:], alpha[:, 8] = 1, 0.5
    >>> image = np.zeros((20, 20, 3), np.uint8)  # white on black
    >>> image[alpha == 1], image[alpha == 0.5] = 255, 188
    >>> decontaminate(image, alpha)[5, 8].tolist()
    [255, 255, 255]
    """
    _check_image(image, alpha)
    check_alpha(alpha)
    result = image.copy()
    soft = (alpha > CERTAIN) & (alpha < 1 - CERTAIN)
    if not soft.any():
        return result
    reach = max(2, round(REACH * max(alpha.shape)))
    near: Any = cv2.dilate(soft.view(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    left, top, width, height = cv2.boundingRect(near)
    box = np.s_[top : top + height, left : left + width]
    near = near[box]
    foreground = _foreground(image[box], alpha[box], near, _LINEAR if linear else _ENCODED)
    replaced = (near > 0) & (alpha[box] < 1 - CERTAIN)
    colours = foreground[replaced]
    result[box][replaced] = to_srgb(colours) if linear else np.rint(colours * 255)
    return result


def _foreground(image: Image, alpha: Alpha, near: npt.NDArray[np.uint8], curve: Floats) -> Floats:
    """Return H x W x 3, values of the curve, estimated where `near` is not 0."""
    sweep = _compiled()
    strides = [1]
    while max(alpha.shape) > 4 * strides[-1]:
        strides.append(2 * strides[-1])
    foreground = background = np.full((1, 1, 3), 0.5, np.float32)
    for stride in reversed(strides):
        # Samples, not means: each of them still is alpha F + (1 - alpha) B.
        weight = np.ascontiguousarray(alpha[::stride, ::stride])
        light = curve[image[::stride, ::stride]]
        foreground = _twice(foreground, weight.shape)
        background = _twice(background, weight.shape)
        active = near[::stride, ::stride]
        if max(weight.shape) <= WHOLE:
            active = np.ones_like(active)
        np.copyto(foreground, light, where=(weight == 1)[..., None])
        np.copyto(background, light, where=(weight == 0)[..., None])
        active = np.ascontiguousarray(active)
        sweep(light, weight, active, foreground, background, SWEEPS)
    return foreground


def _twice(smaller: Floats, shape: tuple[int, ...]) -> Floats:
    """Enlarge by repeating rows and columns, then cut to `shape`."""
    height, width = shape[:2]
    rows = np.minimum(np.arange(height) // 2, smaller.shape[0] - 1)
    columns = np.minimum(np.arange(width) // 2, smaller.shape[1] - 1)
    return smaller[rows[:, None], columns]


@cache
def _compiled() -> Callable[..., None]:
    """Return the sweep, compiled by numba: a second or two, once in a process.

    numba's cache on disk stays off: it is keyed by the file and holds the module's name, and fails
    for good where one file has been imported by two names.
    """
    from numba import njit

    least, smoothness = np.float32(LEAST_SMOOTHNESS), np.float32(SMOOTHNESS)

    def sweep(
        light: Any, alpha: Any, active: Any, foreground: Any, background: Any, sweeps: Any
    ) -> None:
        """Solve for each active pixel's F and B, given its neighbours', in place."""
        height, width = alpha.shape
        for _ in range(sweeps):
            for y in range(height):
                for x in range(width):
                    if active[y, x] == 0:
                        continue
                    a = alpha[y, x]
                    b = np.float32(1) - a
                    aa, ab, bb = a * a, a * b, b * b
                    f0, f1, f2 = a * light[y, x, 0], a * light[y, x, 1], a * light[y, x, 2]
                    b0, b1, b2 = b * light[y, x, 0], b * light[y, x, 1], b * light[y, x, 2]
                    for side in range(4):
                        v = min(max(y + (side == 0) - (side == 1), 0), height - 1)
                        u = min(max(x + (side == 2) - (side == 3), 0), width - 1)
                        weight = least + smoothness * abs(a - alpha[v, u])
                        aa += weight
                        bb += weight
                        f0 += weight * foreground[v, u, 0]
                        f1 += weight * foreground[v, u, 1]
                        f2 += weight * foreground[v, u, 2]
                        b0 += weight * background[v, u, 0]
                        b1 += weight * background[v, u, 1]
                        b2 += weight * background[v, u, 2]
                    scale = np.float32(1) / (aa * bb - ab * ab)
                    zero, one = np.float32(0), np.float32(1)
                    foreground[y, x, 0] = min(max(scale * (bb * f0 - ab * b0), zero), one)
                    foreground[y, x, 1] = min(max(scale * (bb * f1 - ab * b1), zero), one)
                    foreground[y, x, 2] = min(max(scale * (bb * f2 - ab * b2), zero), one)
                    background[y, x, 0] = min(max(scale * (aa * b0 - ab * f0), zero), one)
                    background[y, x, 1] = min(max(scale * (aa * b1 - ab * f1), zero), one)
                    background[y, x, 2] = min(max(scale * (aa * b2 - ab * f2), zero), one)

    types = "void(f4[:,:,::1], f4[:,::1], u1[:,::1], f4[:,:,::1], f4[:,:,::1], i8)"
    return njit(types, nogil=True)(sweep)  # pyright: ignore


def _check_image(image: npt.NDArray[np.generic], alpha: npt.NDArray[np.generic]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape != (*alpha.shape, 3):
        raise ValueError(
            f"image must be H x W x 3 uint8 of the alpha's size {alpha.shape}, "
            f"got {image.shape} {image.dtype}"
        )


@dataclass(frozen=True)
class Decontaminate:
    """Replace a sample's photograph by its foreground colours; see `decontaminate`.

    For samples that will be composited over other backgrounds, or kept as cut-outs: with its own
    background, what remains is no longer a photograph. The history notes ``soft``, the share of
    pixels that are neither 0 nor 1, and ``shift``, the mean change there, in levels of 255.

    Parameters
    ----------
    linear : bool
        False for pictures composited in sRGB values.

    Examples
    --------
    >>> alpha = np.zeros((20, 20), np.float32)
    >>> alpha[:, 9:], alpha[:, 8] = 1, 0.5
    >>> image = np.zeros((20, 20, 3), np.uint8)
    >>> image[alpha == 1], image[alpha == 0.5] = 255, 188
    >>> Decontaminate()(Sample.of(image, alpha)).history
    (Step(stage='decontaminate', values={'soft': 0.05, 'shift': 67.0}),)
    """

    linear: bool = True

    def __call__(self, sample: Sample) -> Sample:
        """Return the sample with the colours its foreground has."""
        alpha = sample.alpha
        foreground = decontaminate(sample.image, alpha, linear=self.linear)
        soft = (alpha > 0) & (alpha < 1)
        moved = np.abs(foreground[soft].astype(np.int16) - sample.image[soft])
        shift = float(moved.mean()) if moved.size else 0.0
        return sample.with_image(
            foreground, step="decontaminate", soft=float(soft.mean()), shift=shift
        )
