"""How alike two small pictures are when one is laid over the other as well as it can be."""

from typing import Any

import numpy as np
import numpy.typing as npt

Pictures = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.floating[Any]]  # float32 throughout

# Warps beyond this many half sides are no crop or tilt of a copy any more, but another picture
# that was bent until it fitted.
_FARTHEST = 0.2
# Pairs that correlate less than this when laid over each other coarsely are not worth the fine
# comparison: of the copies of 901 photographs (recompressed, grey, cropped, tilted) none does, of
# their distinct look-alikes nine in ten.
_HOPELESS = 0.8
_COARSE_STEPS = 3
_FINE_STEPS = 2
# A step is weighed against the picture's own contrast, which is made 1.
_RIDGE = 2e-3
# Squared grey levels of a difference of neighbours that rounding to whole levels makes up.
_ROUNDING = 0.05
_BATCH = 128  # keeps the working arrays in the processor's cache


def likeness(first: Pictures, second: Pictures) -> Floats:
    """Compare pictures pair by pair, each pair laid over each other.

    One picture is warped onto the other, which allows for crops, tilts and shifts of up to a tenth
    of a side: six parameters, found by the inverse compositional Lucas-Kanade algorithm with gain
    and offset projected out (S. Baker and I. Matthews, "Lucas-Kanade 20 Years On", IJCV 56, 2004,
    section 3.2; part 3, CMU-RI-TR-03-35, section 3.4), at half and at full resolution. What is
    compared then are the differences of neighbouring pixels where the pictures overlap: their
    correlation, 1 for a copy, about 0 for two pictures of nothing in common. Differences tell
    apart what is laid out alike, such as two shirts on a bed, where brightness alone does not.
    Either picture is warped onto the other, and the better result counts.

    Parameters
    ----------
    first, second : ndarray, n x S x S, uint8
        Grey pictures, S even.

    Returns
    -------
    ndarray, n, float32 in [-1, 1]
        0 where no warp within bounds was found, and where there is nothing in a picture to
        compare.

    Examples
    --------
    >>> photo = np.random.default_rng(0).integers(0, 256, (1, 4, 4)).repeat(8, 1).repeat(8, 2)
    >>> photo = photo.astype(np.uint8)
    >>> likeness(photo, photo // 2 + 40).round(2).item()
    1.0
    >>> likeness(photo, 255 - photo).item() < 0.1
    True
    """
    if first.ndim != 3 or first.shape != second.shape or first.shape[1] % 2:
        raise ValueError(
            f"first and second must be n x S x S with S even, got {first.shape} and {second.shape}"
        )
    parts = [
        _compare(first[at : at + _BATCH], second[at : at + _BATCH])
        for at in range(0, len(first), _BATCH)
    ]
    return np.concatenate([np.zeros(0, np.float32), *parts])


def _compare(first: Pictures, second: Pictures) -> Floats:
    n = len(first)
    one, two = _smooth(first), _smooth(second)
    # Both directions at once: the first half warps one onto two, the second two onto one.
    moving, still = np.concatenate([one, two]), np.concatenate([two, one])
    small, target = _halve(moving), _halve(still)
    warps = np.zeros((2 * n, 2, 3), np.float32)
    warps[:, 0, 0] = warps[:, 1, 1] = 1
    warps = _register(small, target, warps, _COARSE_STEPS)
    correlation = _correlation(small, target, warps)
    hopeful = np.maximum(correlation[:n], correlation[n:]) >= _HOPELESS
    chosen = np.flatnonzero(np.concatenate([hopeful, hopeful]))
    found = np.zeros(2 * n, np.float32)
    if len(chosen):
        moving, still = moving[chosen], still[chosen]
        fine = _register(moving, still, warps[chosen], _FINE_STEPS)
        bent = np.abs(fine - np.eye(2, 3, dtype=np.float32)).max(axis=(1, 2))
        found[chosen] = np.where(bent <= _FARTHEST, _agreement(moving, still, fine), 0)
    return np.maximum(found[:n], found[n:])


def _smooth(pictures: Pictures) -> Floats:
    """Blur by 1-2-1: what shrinking has left of aliasing differs between a picture and its crop."""
    padded = np.pad(pictures.astype(np.float32), ((0, 0), (1, 1), (1, 1)), "edge")
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    return (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 16


def _halve(pictures: Floats) -> Floats:
    n, side, _ = pictures.shape
    return pictures.reshape(n, side // 2, 2, side // 2, 2).mean(axis=(2, 4))


def _centres(side: int) -> Floats:
    """Return where the pixels' centres lie when the picture reaches from -1 to 1."""
    return (np.arange(side, dtype=np.float32) + 0.5) / side * 2 - 1


def _warp(pictures: Floats, warps: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Sample pictures at warped places, linearly; tell which places lie within them."""
    n, side, _ = pictures.shape
    at = _centres(side)
    # Rows of a warp are the factors of x, y and 1, for x and for y.
    x, y = (
        warps[:, i, 0, None, None] * at
        + warps[:, i, 1, None, None] * at[:, None]
        + warps[:, i, 2, None, None]
        for i in (0, 1)
    )
    x, y = (x + 1) * (side / 2) - 0.5, (y + 1) * (side / 2) - 0.5
    inside = (x >= -0.5) & (x <= side - 0.5) & (y >= -0.5) & (y <= side - 0.5)
    np.clip(x, 0, side - 1.001, out=x)
    np.clip(y, 0, side - 1.001, out=y)
    column, row = x.astype(np.int32), y.astype(np.int32)
    x -= column
    y -= row
    corner = row * side + column + (np.arange(n, dtype=np.int32) * side * side)[:, None, None]
    flat = pictures.ravel()
    upper, lower = flat.take(corner), flat.take(corner + side)
    upper += (flat.take(corner + 1) - upper) * x
    lower += (flat.take(corner + side + 1) - lower) * x
    upper += (lower - upper) * y
    return upper.reshape(n, -1), inside.reshape(n, -1)


def _standard(values: Floats, weights: Floats) -> Floats:
    """Shift and scale each row to mean 0 and variance 1 under its weights."""
    total = np.maximum(weights.sum(1, keepdims=True), 1)
    values = values - (values * weights).sum(1, keepdims=True) / total
    spread = (values * values * weights).sum(1, keepdims=True) / total
    return values / np.sqrt(np.maximum(spread, 1e-6))


def _register(moving: Floats, still: Floats, warps: Floats, steps: int) -> Floats:
    """Improve warps of `moving` onto `still`, n x 2 x 3, by so many steps."""
    n, side, _ = moving.shape
    pixels = side * side
    target = _standard(still.reshape(n, -1), np.ones((n, pixels), np.float32))
    descent = np.concatenate(
        [
            _descent(target.reshape(n, side, side)),
            target[:, None],  # gain and offset, so that they do not pass for a warp
            np.ones((n, 1, pixels), np.float32),
        ],
        axis=1,
    )
    hessian = descent @ descent.transpose(0, 2, 1) / pixels
    hessian[:, range(6), range(6)] += _RIDGE
    hessian[:, range(6, 8), range(6, 8)] += 1e-6  # an even picture has no gain
    solve = np.linalg.inv(hessian.astype(np.float64)).astype(np.float32)[:, :6]
    whole = np.zeros((n, 3, 3), np.float32)
    whole[:, 2, 2] = 1
    for _ in range(steps):
        values, inside = _warp(moving, warps)
        weights = inside.astype(np.float32)
        total = np.maximum(weights.sum(1, keepdims=True), 1)
        found, wanted = _standard(values, weights), _standard(target, weights)
        # Pictures that lie off each other agree less than they will: the step is too short by that.
        gain = np.maximum((found * wanted * weights).sum(1, keepdims=True) / total, 0.2)
        error = (found - wanted) * weights
        step = (solve @ (descent @ error[:, :, None]))[:, :, 0] / (pixels * gain)
        np.clip(step, -0.12, 0.12, out=step)
        increment = np.zeros((n, 3, 3), np.float32)
        increment[:, :2] = step.reshape(n, 2, 3)
        increment[:, range(3), range(3)] += 1
        whole[:, :2] = warps
        warps = (whole @ np.linalg.inv(increment))[:, :2]
    return warps


def _descent(pictures: Floats) -> Floats:
    """Return what a little of each warp parameter does to the pictures, n x 6 x pixels."""
    side = pictures.shape[1]
    down, across = np.gradient(pictures, axis=(1, 2))
    down, across = down * (side / 2), across * (side / 2)  # per half side, as warps are
    at = _centres(side)
    parts = [across * at, across * at[:, None], across, down * at, down * at[:, None], down]
    return np.stack(parts, axis=1).reshape(len(pictures), 6, -1)


def _correlation(moving: Floats, still: Floats, warps: Floats) -> Floats:
    values, inside = _warp(moving, warps)
    weights = inside.astype(np.float32)
    product = _standard(values, weights) * _standard(still.reshape(len(still), -1), weights)
    return (product * weights).sum(1) / np.maximum(weights.sum(1), 1)


def _agreement(moving: Floats, still: Floats, warps: Floats) -> Floats:
    """Correlate the differences of neighbouring pixels where the pictures overlap."""
    values, inside = _warp(moving, warps)
    values, inside = values.reshape(still.shape), inside.reshape(still.shape)
    product = energy = other = pairs = np.zeros(len(still), np.float32)
    for axis in (1, 2):
        a, b = np.diff(values, axis=axis), np.diff(still, axis=axis)
        size = inside.shape[axis]
        both = inside.take(range(1, size), axis) & inside.take(range(size - 1), axis)
        a, b = a * both, b * both
        product = product + (a * b).sum(axis=(1, 2))
        energy = energy + (a * a).sum(axis=(1, 2))
        other = other + (b * b).sum(axis=(1, 2))
        pairs = pairs + both.sum(axis=(1, 2))
    floor = _ROUNDING * pairs + 1e-6
    return (product / np.sqrt((energy + floor) * (other + floor))).astype(np.float32)
