"""Bring a network's low-resolution map up to the picture's size without losing or inventing."""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from maskmill.images import Alpha, check_alpha
from maskmill.sample import Dropped, Sample, Step

from .outcome import with_remade

_RESTORE = 1.0
_GAIN = 1.5

_COARSEST = 48  # cells a side: below it the object's own shape looks like a grid
_LEAST = 1.6  # times that a map was enlarged, from which on it can be told
# Share of the bends on the grid, and its multiple of the median share over all grids, from which
# on it can be one; and the share from which on rows alone or columns alone will do.
_POSSIBLE, _STANDS_OUT, _CERTAIN = 0.12, 12, 0.3


def enlarge(
    soft: Alpha, height: int, width: int, *, restore: float = 0.0, gain: float = 1.0
) -> Alpha:
    """Enlarge a soft map of low resolution with a cubic kernel.

    Nothing is made hard at the low resolution, where the outline lies between the pixels: the soft
    values are what tells where. A side that shrinks is averaged.

    Parameters
    ----------
    soft : ndarray, h x w, float32 in [0, 1]
        Left as it is.
    height, width : int
        Size to come to, in pixels.
    restore : float
        Unsharp masking of the map before it is enlarged: how much of what a Gaussian of one of its
        pixels takes off is added. 0 leaves the map as it is.
    gain : float
        Steepens the enlarged edge around .5, by this factor; at least 1, which leaves it.

    Returns
    -------
    ndarray, height x width, float32 in [0, 1]
        A cubic kernel overshoots at edges; what it does is clipped.

    Raises
    ------
    ValueError
        When the map is not as described or a parameter is out of range.

    Examples
    --------
    >>> step = np.float32([[0, 0, 1, 1]])
    >>> [round(value, 2) for value in enlarge(step, 1, 8)[0].tolist()]
    [0.0, 0.0, 0.0, 0.23, 0.77, 1.0, 1.0, 1.0]
    >>> [round(value, 2) for value in enlarge(step, 1, 8, gain=1.4)[0].tolist()]
    [0.0, 0.0, 0.0, 0.12, 0.88, 1.0, 1.0, 1.0]
    """
    _check_parameters(None, restore, gain)
    if min(height, width) < 1:
        raise ValueError(f"height and width must be 1 or more, got {height} x {width}")
    return _enlarged(check_alpha(soft), height, width, restore, gain)


def sharpen(
    alpha: Alpha,
    network_size: float | None = None,
    *,
    restore: float = _RESTORE,
    gain: float = _GAIN,
) -> Alpha:
    """Enlarge again, and better, what came from a low-resolution map.

    Such an alpha is a network's map of some 128 to 1024 pixels a side, enlarged with a linear
    kernel most often. Its map is recovered (what a linear enlargement of it would give the alpha),
    sharpened by a pixel of its own, which is what networks blur by at least, enlarged with a cubic
    kernel, and steepened around .5.

    Sum of absolute differences to the truth (thousands; `degrade`'s maps and ones with half their
    blur, of 10 mattes of hair and fur / of 13 hard masks of people, long sides 800 to 850):

    =============================  ============  ============  ============  ============
    from a map of                  128           320           128, sharper  320, sharper
    =============================  ============  ============  ============  ============
    enlarged linearly              10.8 / 10.5   5.2 / 4.4     7.8 / 6.6     3.6 / 2.8
    made hard at .5                9.5 / 2.0     8.3 / .6      8.7 / 1.1     8.0 / .3
    enlarged cubically             10.2 / 9.7    4.9 / 4.0     6.8 / 5.4     3.1 / 2.3
    cubically, gain 1.5            7.1 / 5.7     4.6 / 2.3     5.2 / 3.2     3.8 / 1.3
    restore 1, cubically           8.2 / 7.2     4.0 / 3.0     5.3 / 3.4     2.5 / 1.5
    **restore 1, gain 1.5**        6.4 / 4.5     4.4 / 1.8     5.0 / 2.2     4.0 / .8
    restore 1, gain 3              7.1 / 2.6     6.0 / 1.0     6.4 / 1.3     5.9 / .3
    restore 2, gain 1.5            6.1 / 3.8     4.4 / 1.5     5.3 / 1.8     4.4 / .5
    =============================  ============  ============  ============  ============

    A larger gain suits objects with hard outlines. Evenly translucent parts are steepened too: a
    .3 becomes .2.

    Parameters
    ----------
    alpha : ndarray, H x W, float32 in [0, 1]
        Left as it is.
    network_size : float, optional
        Side of the network's square map in pixels, from 2. None: what `network_size_of` finds;
        where it finds nothing, the alpha comes back as it is. So it does where the map was not
        smaller than the picture.
    restore, gain : float
        See `enlarge`.

    Returns
    -------
    ndarray, H x W, float32 in [0, 1]

    Raises
    ------
    ValueError
        When the alpha is not as described or a parameter is out of range.

    Examples
    --------
    >>> rows, columns = np.mgrid[:256, :256]
    >>> disc = np.clip(80.5 - np.hypot(rows - 127.5, columns - 127.5), 0, 1).astype(np.float32)
    >>> small = cv2.resize(disc, (64, 64), interpolation=cv2.INTER_AREA)
    >>> linear = cv2.resize(small, (256, 256), interpolation=cv2.INTER_LINEAR)
    >>> sharp = sharpen(linear, 64)
    >>> bool(np.abs(sharp - disc).sum() < 0.5 * np.abs(linear - disc).sum())
    True
    """
    _check_parameters(network_size, restore, gain)
    check_alpha(alpha)
    size = network_size_of(alpha) if network_size is None else network_size
    height, width = alpha.shape
    if size is None or round(size) >= max(height, width):
        return alpha.copy()
    small = _map_behind(alpha, min(height, round(size)), min(width, round(size)))
    return _enlarged(small, height, width, restore, gain)


def network_size_of(alpha: Alpha) -> float | None:
    """Return the side of the low-resolution map that an alpha was enlarged from, if it was.

    An enlargement bends along the grid of the map's pixels and hardly anywhere between: second
    differences along the rows add up to a comb over the columns, whose period is one pixel of the
    map and whose phase is known. What is looked for is the share of all bends that goes with that
    comb, over every number of cells. Linear enlargements of 8 bits show .3 to .9 of it, cubic and
    Lanczos ones .1 to .45; true mattes .02 to .2, and rows and columns hardly ever agree on where.

    Parameters
    ----------
    alpha : ndarray, H x W, float32 in [0, 1]

    Returns
    -------
    float or None
        From 48 pixels. The larger number where rows and columns had different ones. None for hard
        masks, for true mattes, and for maps that were enlarged less than 1.6 times or have been
        compressed, rotated or resized since.

    Raises
    ------
    ValueError
        When the alpha is not as described.

    Examples
    --------
    >>> rows, columns = np.mgrid[:64, :64]
    >>> small = (np.hypot(rows - 31, columns - 31) < 20).astype(np.float32)
    >>> network_size_of(cv2.resize(small, (400, 300), interpolation=cv2.INTER_LINEAR))
    64.0
    >>> print(network_size_of(np.eye(300, dtype=np.float32)))
    None
    """
    check_alpha(alpha)
    grids = [_grid_along_rows(alpha), _grid_along_rows(alpha.T)]
    agreed = grids[0][0] == grids[1][0]
    found = [cells for cells, share in grids if share >= (_POSSIBLE if agreed else _CERTAIN)]
    return float(max(found)) if found else None


def _grid_along_rows(plane: Alpha) -> tuple[int, float]:
    """Return in how many cells the rows most likely bend, and what share of the bends tells so."""
    height, width = plane.shape
    cells = np.arange(_COARSEST, int(width / _LEAST) + 1)
    lines = plane[:: max(1, height // 1024)]
    soft = ((lines > 0.02) & (lines < 0.98)).sum(axis=1) >= 2
    if not cells.size or np.count_nonzero(soft) < 8:
        return 0, 0.0
    lines = lines[soft]
    lines = np.ascontiguousarray(lines[:: max(1, len(lines) // 512)])
    bends = np.abs(lines[:, 2:] - 2 * lines[:, 1:-1] + lines[:, :-2])
    bends[bends < 1.5 / 255] = 0  # what rounding to levels does
    # No bend counts for more than a soft edge's, or a hard edge somewhere would drown the others.
    profile = np.pad(np.minimum(bends, 0.1).sum(axis=0, dtype=np.float64), 1)
    if not profile.any():
        return 0, 0.0
    spectrum = np.fft.fft(profile)[cells]
    # Centres of the map's pixels, where its enlargement bends, lie at odd halves of its period.
    share = -(spectrum * np.exp(-1j * np.pi * cells / width)).real / profile.sum()
    highest = float(share.max())
    if highest < _STANDS_OUT * float(np.median(np.abs(share))):
        return 0, 0.0
    # Harmonics are as high as the fundamental, or nearly.
    return int(cells[np.flatnonzero(share >= 0.75 * highest)[0]]), highest


def _map_behind(alpha: Alpha, height: int, width: int) -> Alpha:
    """Return the map of which `alpha` is nearest to being a linear enlargement."""
    whole, small = alpha.shape[::-1], (width, height)
    # Taken at the centres of its pixels it is nearly right; twice adding what its enlargement
    # lacks leaves no difference worth having.
    recovered: Any = cv2.resize(alpha, small, interpolation=cv2.INTER_LINEAR)
    for _ in range(2):
        lack = cv2.resize(recovered, whole, interpolation=cv2.INTER_LINEAR)
        lack = cv2.subtract(alpha, lack, dst=lack)
        recovered += cv2.resize(lack, small, interpolation=cv2.INTER_LINEAR)
    return recovered


def _enlarged(soft: Alpha, height: int, width: int, restore: float, gain: float) -> Alpha:
    planned = (min(width, soft.shape[1]), min(height, soft.shape[0]))
    made: Any = soft
    if planned != soft.shape[::-1]:
        made = cv2.resize(soft, planned, interpolation=cv2.INTER_AREA)
    if restore:
        blurred = cv2.GaussianBlur(made, (0, 0), 1, borderType=cv2.BORDER_REPLICATE)
        made = cv2.addWeighted(made, 1 + restore, blurred, -restore, 0)
    made = cv2.resize(made, (width, height), interpolation=cv2.INTER_CUBIC)
    if gain > 1:
        made = cv2.addWeighted(made, gain, made, 0, (1 - gain) / 2, dst=made)
    return np.clip(made, 0, 1, out=made)


@dataclass(frozen=True)
class Sharpen:
    """Enlarge a network's alpha again, and better; see `sharpen`.

    The history notes ``changed``, the share of pixels that crossed .5, and ``network_size``, the
    side that was given or found, 0 where none was; a sample that loses all its foreground is
    dropped as ``empty_alpha``.

    Parameters
    ----------
    network_size : float, optional
        Side of the network's square map in pixels. None: what `network_size_of` finds.
    restore, gain : float
        See `enlarge`.

    Examples
    --------
    >>> alpha = np.zeros((60, 80), np.float32)
    >>> alpha[20:40, 20:60] = 1
    >>> Sharpen()(Sample.of(np.zeros((60, 80, 3), np.uint8), alpha)).history
    (Step(stage='sharpen', values={'changed': 0.0, 'network_size': 0.0}),)
    """

    network_size: float | None = None
    restore: float = _RESTORE
    gain: float = _GAIN

    def __post_init__(self) -> None:
        _check_parameters(self.network_size, self.restore, self.gain)

    def __call__(self, sample: Sample) -> Sample | Dropped:
        """Return the sample with a sharpened alpha, or why it was dropped."""
        size = self.network_size or network_size_of(sample.alpha)
        made = sample.alpha.copy()
        if size is not None:
            made = sharpen(sample.alpha, size, restore=self.restore, gain=self.gain)
        remade = with_remade(sample, made, "sharpen")
        if isinstance(remade, Dropped):
            return remade
        values = {**remade.history[-1].values, "network_size": float(size or 0)}
        return replace(remade, history=(*sample.history, Step("sharpen", values)))


def _check_parameters(network_size: float | None, restore: float, gain: float) -> None:
    if network_size is not None and not 2 <= network_size < np.inf:
        raise ValueError(
            "network_size must be the side of the network's map in pixels, 2 or more, or None to "
            f"look for it, got {network_size}"
        )
    if not 0 <= restore <= 4:
        raise ValueError(f"restore must lie in [0, 4], got {restore}; 0 leaves the map as it is")
    if not 1 <= gain < np.inf:
        raise ValueError(f"gain must be a number from 1, got {gain}; 1 leaves edges as they are")
