"""Bring a clip onto its photograph to a fraction of a pixel, by the light of every pixel.

Gauss-Newton in the clip's grid: B. Lucas, T. Kanade, "An iterative image registration technique",
1981, with the template's gradients fixed as in S. Baker, I. Matthews, "Lucas-Kanade 20 years on",
2004; Tukey's weights keep retouched pixels out, a gain and bias for each channel and a `ColourMap`
before that keep a studio's grading out.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Image

from .channels import greatest
from .colour_map import fitted
from .geometry import Matrix, inverse, mapped, resizing, scale_of, shifting
from .support import Mask

Floats = npt.NDArray[np.float32]
Reals = npt.NDArray[np.float64]

LEVELS = ((500, (0.25, 0.5, 1.0)), (160, (0.5, 1.0)), (0, (1.0,)))
"""Above which long side of the object, in clip pixels, which reductions are gone through."""
MOST_PIXELS = 60_000
"""Pixels that take part, the steepest first: more change the result by less than .01 pixel."""
THINNED = 4
"""Of these, one in so many where a few hundredths are enough: on the way there, and for how much a
place is bent."""
LEAST_PIXELS = 50
ROUNDS = 12
LOOKED_AT, HOPELESS = 5, 0.4
"""The round after which a place is given up where photograph and clip correlate by less: true
places reach .67, others have half of theirs below."""
BLUR = 0.8
"""Standard deviation in pixels by which both are blurred: JPEG's grain goes, edges stay."""
TUKEY = 4.685
"""Residuals beyond so many standard deviations do not count: 95 % efficiency on normal ones."""
SAME_ASPECT = 0.15
"""Pixels by which the rounding of a clip's sides to whole pixels may stretch it, at its rim."""
ASPECT_WEIGHT = 100.0
FIELDS = {"similarity": 4, "resized": 5, "homography": 8}
"""Parameters of each kind of transform; a resized similarity may stretch a little."""


class Settled(NamedTuple):
    """Where the iteration came to rest.

    Parameters
    ----------
    to_clip : ndarray, 3 x 3
        From the photograph's pixel centres to the clip's.
    deviation : float
        Predicted standard deviation of a place at the object's rim, in clip pixels.
    """

    to_clip: Matrix
    deviation: float


class _Level(NamedTuple):
    """One reduction of the clip, and the photograph about as fine."""

    target: Floats  # h x w x 3
    source: Floats
    mask: Mask
    to_target: Matrix  # from the source's pixels
    from_clip: Matrix  # from the clip's pixels to the target's
    from_original: Matrix  # from the photograph's pixels to the source's


def settle(
    original: Image,
    clip: Image,
    support: Mask,
    to_clip: Matrix,
    kind: str = "resized",
    rounds: int = ROUNDS,
    reductions: tuple[float, ...] | None = None,
) -> Settled | None:
    """Refine a transform until the photograph under it looks as the clip does.

    Parameters
    ----------
    original, clip : ndarray, H x W x 3, uint8
    support : ndarray, bool
        Of the clip's shape: pixels that show the object.
    to_clip : ndarray, 3 x 3
        From the photograph's pixel centres to the clip's, off by a few per cent of its size.
    kind : str
        "similarity", "resized" (a similarity and the stretch that rounded sides make) or
        "homography".
    rounds : int
        At most so many at each reduction.
    reductions : tuple of float, optional
        Of the clip, the last 1; by default by its size.

    Returns
    -------
    Settled or None
        None where it ran away or too little of the photograph lies under the clip.
    """
    if support.sum() < LEAST_PIXELS:
        return None
    box, window = _around(support)
    clip, support = clip[window], support[window]
    local = shifting(-box[0], -box[1]) @ to_clip
    if reductions is None:
        side = max(clip.shape[:2])
        reductions = next(steps for above, steps in LEVELS if side > above)
    deviation = np.inf
    for reduction in reductions:
        level = _level(original, clip, support, local, reduction)
        run = _Run(level, kind, reduction)
        if not run.iterate(rounds, 1e-3 if reduction == 1 else 5e-3):
            return None
        deviation = run.deviation / reduction
        local = inverse(level.from_clip) @ run.to_target @ level.from_original
        local = local / local[2, 2]
    return Settled(shifting(box[0], box[1]) @ local, deviation)


def around_clip(
    original: Image, to_clip: Matrix, shape: tuple[int, ...]
) -> tuple[Image, Matrix] | None:
    """Return the part of the photograph that lies under a clip of that shape, and its transform.

    None where the photograph has nothing there.
    """
    height, width = shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    under = mapped(inverse(to_clip), corners)
    if not np.isfinite(under).all():
        return None
    low, high = under.min(axis=0), under.max(axis=0)
    margin = 0.06 * (high - low).max() + 4
    left, top = (max(0, int(v)) for v in np.clip(low - margin, 0, None))
    right = min(original.shape[1], int(np.clip(high[0] + margin, 0, 1e9)))
    bottom = min(original.shape[0], int(np.clip(high[1] + margin, 0, 1e9)))
    if right - left < 8 or bottom - top < 8:
        return None
    return original[top:bottom, left:right], shifting(-left, -top)


def reduced_to(image: Any, scale: float) -> tuple[Any, Matrix]:
    """Return a photograph about as fine as its clip, and the transform: no aliasing after it."""
    if scale >= 0.75:
        return image, np.eye(3)
    height, width = image.shape[:2]
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return small, resizing((width, height), size)


def gradients(image: Floats) -> tuple[Floats, Floats]:
    """Return the slopes across and down, in levels a pixel."""
    across, down = (
        cv2.Scharr(image, cv2.CV_32F, *order, scale=1 / 32) for order in ((1, 0), (0, 1))
    )
    return across.astype(np.float32, copy=False), down.astype(np.float32, copy=False)


def _around(support: Mask) -> tuple[tuple[int, int], Any]:
    rows, columns = np.flatnonzero(support.any(axis=1)), np.flatnonzero(support.any(axis=0))
    margin = 4  # pixels, for gradients at the rim
    top, left = max(0, int(rows[0]) - margin), max(0, int(columns[0]) - margin)
    return (left, top), np.s_[
        top : int(rows[-1]) + 1 + margin, left : int(columns[-1]) + 1 + margin
    ]


def _level(
    original: Image, clip: Image, support: Mask, to_clip: Matrix, reduction: float
) -> _Level:
    height, width = clip.shape[:2]
    target, mask, from_clip = clip, support, np.eye(3)
    if reduction < 1:
        size = (max(8, round(width * reduction)), max(8, round(height * reduction)))
        target = cv2.resize(clip, size, interpolation=cv2.INTER_AREA)
        levels = support.astype(np.uint8) * np.uint8(255)
        mask = cv2.resize(levels, size, interpolation=cv2.INTER_AREA) > 250
        from_clip = resizing((width, height), size)
    soft = cv2.GaussianBlur(target.astype(np.float32), (0, 0), BLUR).astype(np.float32)
    to_target = from_clip @ to_clip
    scale = scale_of(to_target)
    under = around_clip(original, to_clip, clip.shape)
    part, at = under if under is not None else (original, np.eye(3))
    source, reducing = reduced_to(part, scale)
    from_original = reducing @ at
    to_target = to_target @ inverse(from_original)
    if mask.sum() > 400:
        warped = cv2.warpPerspective(
            source, to_target, soft.shape[1::-1], borderMode=cv2.BORDER_REPLICATE
        )
        source = fitted(warped, soft, mask)(source)
    blur = BLUR if scale < 0.75 else BLUR * max(1.0, 1 / scale)
    blurred = cv2.GaussianBlur(source.astype(np.float32), (0, 0), blur).astype(np.float32)
    return _Level(soft, blurred, mask, to_target, from_clip, from_original)


class _Run:
    """The iteration at one reduction.

    Places are measured from the middle of the pixels that take part, in units of their reach, so
    that every parameter is in pixels at the rim.
    """

    def __init__(self, level: _Level, kind: str, reduction: float) -> None:
        self.level, self.kind, self.reduction = level, kind, reduction
        self.to_target = level.to_target
        self.deviation = np.inf
        height, width = level.target.shape[:2]
        rounds = 2 if min(height, width) > 60 else 1
        inner = cv2.erode(
            level.mask.astype(np.uint8),
            np.ones((3, 3), np.uint8),
            iterations=rounds,
            borderType=cv2.BORDER_CONSTANT,
            borderValue=0,
        ).astype(bool)
        mask = inner if inner.sum() >= 60 else level.mask
        across, down = gradients(level.target)
        rows, columns = _steepest(mask, np.abs(across) + np.abs(down))
        if len(rows) > MOST_PIXELS / THINNED and (reduction < 1 or kind == "homography"):
            rows, columns = rows[::THINNED], columns[::THINNED]
        self.places = np.stack([columns, rows], axis=1).astype(np.float64)
        self.wanted = level.target[rows, columns]
        if len(rows):
            self.centre = self.places.mean(axis=0)
            self.reach = max(1.0, float(np.hypot(*(self.places - self.centre).T).max()))
            unit = ((self.places - self.centre) / self.reach).astype(np.float32)
            self.slopes = _slopes(across[rows, columns], down[rows, columns], unit, kind)

    def iterate(self, rounds: int, enough: float) -> bool:
        """Step until parameters move by less than `enough` pixels; False where it runs away."""
        if len(self.places) < LEAST_PIXELS:
            return False
        weights: list[Floats] = []
        most = 0.25 * max(self.level.target.shape[:2])
        for done in range(rounds):
            found = self._sampled()
            there = found[:, 0] > -50
            if there.sum() < LEAST_PIXELS:
                return False
            if done == LOOKED_AT and self._alike(found[there], self.wanted[there]) < HOPELESS:
                return False
            normal, right, weights = self._equations(found, there, weights)
            if self.kind == "resized":
                self._keep_aspect(normal, right)
            try:
                step = np.linalg.solve(normal + 1e-9 * np.trace(normal) * np.eye(len(right)), right)
                spread = np.linalg.inv(normal)
            except np.linalg.LinAlgError:
                return False
            self.deviation = float(np.sqrt(max(0.0, np.trace(spread))))
            self.to_target = self._moved(step) @ self.to_target
            length = float(np.abs(step).max())
            if not length < most:
                return False
            if length < enough:
                break
        return True

    def _sampled(self) -> Floats:
        """Return the source under the places, n x 3; far below 0 where it has none."""
        under = mapped(inverse(self.to_target), self.places).astype(np.float32)
        row = 1024  # OpenCV remaps no picture wider than 32767
        count = len(under)
        padded = np.zeros((-(-count // row) * row, 2), np.float32)
        padded[:count] = under
        found = cv2.remap(
            self.level.source,
            padded.reshape(-1, row, 2),
            np.empty(0),
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(-1e4,) * 3,
        )
        flat = found.reshape(-1, 3)[:count].astype(np.float32, copy=False)
        flat[(flat < -50).any(axis=1)] = -1e4
        return flat

    @staticmethod
    def _alike(found: Floats, wanted: Floats) -> float:
        """Return the correlation, the mean over the channels."""
        one, two = found - found.mean(axis=0), wanted - wanted.mean(axis=0)
        power = np.sqrt(np.square(one).sum(axis=0) * np.square(two).sum(axis=0))
        return float(((one * two).sum(axis=0) / np.maximum(power, 1e-3)).mean())

    def _equations(
        self, found: Floats, there: Mask, before: list[Floats]
    ) -> tuple[Reals, Reals, list[Floats]]:
        size = FIELDS[self.kind]
        normal, right = np.zeros((size, size)), np.zeros(size)
        weights: list[Floats] = []
        known = there.astype(np.float32)
        some = np.flatnonzero(there)[::7]
        for channel, slopes in enumerate(self.slopes):
            weight = before[channel] * known if before else known
            whole = max(float(weight.sum()), 1e-6)
            x, y = found[:, channel], self.wanted[:, channel]
            x = x - float(weight @ x) / whole
            y = y - float(weight @ y) / whole
            weighed = weight * x
            gain = float(weighed @ y) / max(float(weighed @ x), 1e-3 * whole)
            residual = np.float32(np.clip(gain, 0.4, 2.5)) * x - y
            sigma = 1.4826 * float(np.median(np.abs(residual[some]))) + 0.3
            bounded = residual / np.float32(TUKEY * sigma)
            weight = np.square(np.maximum(1 - bounded * bounded, 0)) * known
            whole = max(float(weight.sum()), 1e-6)
            middle = (weight @ slopes) / whole
            weighted = slopes * weight[:, None]
            normal += (weighted.T @ slopes - whole * np.outer(middle, middle)) / sigma**2
            right += (residual @ weighted - float(weight @ residual) * middle) / sigma**2
            weights.append(weight)
        return normal, right, weights

    def _keep_aspect(self, normal: Reals, right: Reals) -> None:
        """Hold the stretch near what the rounding of sides allows."""
        whole = inverse(self.level.from_clip) @ self.to_target @ self.level.from_original
        stretch = np.hypot(*whole[0, :2]) / np.hypot(*whole[1, :2])
        weight = ASPECT_WEIGHT / (SAME_ASPECT * self.reduction) ** 2
        normal[4, 4] += weight
        right[4] -= weight * self.reach * (stretch - 1) / 2

    def _moved(self, step: Reals) -> Matrix:
        """Return the transform of the target's plane that a step stands for."""
        x, y, *rest = (step / self.reach).tolist()
        if self.kind == "homography":
            a, b, c, d, e, f = rest
            unit = np.array([[1 + a, b, x], [c, 1 + d, y], [e, f, 1]])
        else:
            grow, turn, *stretch = rest
            wide = stretch[0] if stretch else 0.0
            unit = np.array([[1 + grow + wide, -turn, x], [turn, 1 + grow - wide, y], [0, 0, 1]])
        to_unit = np.diag([1 / self.reach, 1 / self.reach, 1]) @ shifting(*-self.centre)
        return inverse(to_unit) @ unit @ to_unit


def _steepest(mask: Mask, steepness: Floats) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    rows, columns = np.nonzero(mask)
    if len(rows) > MOST_PIXELS:
        values = greatest(steepness)[rows, columns]
        least = np.partition(values, -MOST_PIXELS)[-MOST_PIXELS]
        kept = values >= least
        rows, columns = rows[kept], columns[kept]
    return rows, columns


def _slopes(across: Floats, down: Floats, unit: Floats, kind: str) -> list[Floats]:
    """Return, channel by channel, by how many levels each parameter changes each pixel; n x k."""
    u, v = unit[:, 0], unit[:, 1]
    slopes: list[Floats] = []
    for x, y in zip(across.T, down.T, strict=True):
        if kind == "homography":
            flow = x * u + y * v
            columns = [x, y, x * u, x * v, y * u, y * v, -u * flow, -v * flow]
        else:
            columns = [x, y, x * u + y * v, y * u - x * v]
            if kind == "resized":
                columns.append(x * u - y * v)
        slopes.append(np.stack(columns, axis=-1))
    return slopes
