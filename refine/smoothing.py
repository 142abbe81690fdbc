"""Give an alpha's outline one even, narrow edge."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Alpha, check_alpha
from maskmill.sample import Dropped, Sample

from .outcome import with_remade


def smooth(alpha: Alpha, edge_width: float = 2.0, sigma: float = 2 / 800) -> Alpha:
    r"""Smooth an outline and give it an edge of known width: binarise, blur, stretch.

    With ``b`` the Gaussian blur of ``alpha >= .5``::

        out = clip((b - .5) g + .5, 0, 1),   g = max(1, sigma sqrt(2 pi) / edge_width)

    A blurred straight edge has the slope 1 / (sigma sqrt(2 pi)) in its middle, so ``g`` makes it
    1 / edge_width whatever sigma is: sigma alone says how strongly corners and stairs are rounded,
    edge_width alone how soft the edge is.

    It evens out stairs and jagged outlines. It also puts that one edge in place of every soft
    region (hair, fur, glass) and rounds corners off: at a sigma of 3 of 800 pixels, masks without
    any defect fall from an IoU and relaxed boundary F of 1 / 1 to .984 / .926 (21 photographs).

    Parameters
    ----------
    alpha : ndarray, H x W, float32 in [0, 1]
        Left as it is.
    edge_width : float
        Pixels that a straight edge takes from 0 to 1 (between 10 and 90 % of a ramp lie .8 of it).
        In pixels because the width of an edge is a property of the pixel grid: a sharp edge that
        the grid has sampled is one or two pixels wide at every picture size.
    sigma : float
        Standard deviation of the blur as a share of the long side, above 0 and at most .1. Where
        ``sigma sqrt(2 pi)`` pixels are less than edge_width the edge stays that narrow: it is
        never stretched wider.

    Returns
    -------
    ndarray, H x W, float32 in [0, 1]
        Within one level of 255 of the formula. Beyond the frame the mask is taken to go on as it
        is at the frame.

    Raises
    ------
    ValueError
        When the alpha is not as described or a parameter is out of range.

    References
    ----------
    A. Houdbert, "How to create your own AI background removal tool?", Vestiaire Connected: the
    post-processing. The gain is worked out here, from the slope of a blurred step.

    Examples
    --------
    >>> alpha = np.zeros((1, 800), np.float32)
    >>> alpha[:, 400:] = 1
    >>> smooth(alpha, edge_width=2)[0, 398:402].round(2).tolist()
    [0.0, 0.25, 0.75, 1.0]
    """
    _check_parameters(edge_width, sigma)
    mask = (check_alpha(alpha) >= 0.5).view(np.uint8)
    spread = sigma * max(alpha.shape)
    gain = max(1.0, spread * float(np.sqrt(2 * np.pi)) / edge_width)
    blurred = _blur(mask, spread, gain)
    # One pass, x * gain + (.5 - gain / 2): four times as fast as the formula as it stands.
    stretched: Any = cv2.addWeighted(blurred, gain, blurred, 0, 0.5 - gain / 2)
    return np.clip(stretched, 0, 1, out=stretched)


def _blur(mask: npt.NDArray[np.uint8], spread: float, gain: float) -> Alpha:
    """Blur a mask with a Gaussian, wide ones on a pyramid.

    A pyramid's steps down and up blur too, each by one pixel of variance on the finer of its two
    levels; the Gaussian on the coarsest level gives the rest. What that differs from one Gaussian
    by (the steps' fourth cumulants, and the aliasing of steps down) goes with the sum of their
    fourth powers over sigma^4; .18 of it, times the gain, is the most that was seen on noise and
    outlines at any size. The pyramid is as high as keeps this within a level of 255.
    """
    levels, variance, fourth = 0, 0.0, 0.0
    while True:
        finer = 4**levels
        next_variance, next_fourth = variance + 2 * finer, fourth + finer**2
        error = 0.18 * gain * next_fourth / spread**4
        if error > 1 / 255 or spread**2 - next_variance < 2 * 4 * finer:
            break
        levels, variance, fourth = levels + 1, next_variance, next_fourth
    if levels == 0:
        kept: Any = mask.astype(np.float32)
        kept = cv2.GaussianBlur(kept, (0, 0), spread, borderType=cv2.BORDER_REPLICATE)
        return kept
    height, width = mask.shape
    block = 2**levels
    margin = 8 * block  # beyond it nothing of what a pyramid does at its borders is seen
    bottom, right = margin + -height % block, margin + -width % block
    edges = (margin, bottom, margin, right)
    step: Any = cv2.copyMakeBorder(mask, *edges, cv2.BORDER_REPLICATE).astype(np.float32)
    for _ in range(levels):
        step = cv2.pyrDown(step, borderType=cv2.BORDER_REPLICATE)
    coarse = float(np.sqrt(spread**2 - variance)) / block
    step = cv2.GaussianBlur(step, (0, 0), coarse, borderType=cv2.BORDER_REPLICATE)
    for _ in range(levels):
        step = cv2.pyrUp(step)
    return step[margin : margin + height, margin : margin + width]


@dataclass(frozen=True)
class Smooth:
    """Give a sample's alpha one even edge; see `smooth`.

    The history notes ``changed``, the share of pixels that crossed .5; a sample that loses all its
    foreground is dropped as ``empty_alpha``.

    Parameters
    ----------
    edge_width : float
        Pixels that a straight edge takes from 0 to 1.
    sigma : float
        Standard deviation of the blur as a share of the long side.

    Examples
    --------
    >>> alpha = np.zeros((60, 80), np.float32)
    >>> alpha[20:40, 20:60] = 1
    >>> Smooth()(Sample.of(np.zeros((60, 80, 3), np.uint8), alpha)).history
    (Step(stage='smooth', values={'changed': 0.0}),)
    """

    edge_width: float = 2.0
    sigma: float = 2 / 800

    def __post_init__(self) -> None:
        _check_parameters(self.edge_width, self.sigma)

    def __call__(self, sample: Sample) -> Sample | Dropped:
        """Return the sample with a smoothed alpha, or why it was dropped."""
        return with_remade(sample, smooth(sample.alpha, self.edge_width, self.sigma), "smooth")


def _check_parameters(edge_width: float, sigma: float) -> None:
    if not 0 < edge_width < np.inf:
        raise ValueError(f"edge_width must be a positive number of pixels, got {edge_width}")
    if not 0 < sigma <= 0.1:
        raise ValueError(
            f"sigma must be a share of the long side above 0 and at most 0.1, got {sigma}; "
            "2 pixels of 800 are 2 / 800"
        )
