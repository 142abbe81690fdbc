"""What can be measured of an alpha and its photograph when nobody knows the truth.

Finding defects and scoring quality look at the same things: outlines, parts that stand alone, how
soft the edge is, and where the photograph's own edges lie beside it.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Alpha, Image, check_alpha

SIDE = 1024
"""Largest long side at which outlines and parts are looked at: larger pictures are reduced."""

PHOTO_SIDE = 640
"""Long side at which the photograph's edges are compared with the outline, whatever the size."""

REACH = 14
"""Pixels at `PHOTO_SIDE`, to both sides of the outline, in which its edge is looked for."""

_TOUCHES = 3  # pixels from the frame that belong to it: an outline there is no edge of the object
_MOST_PARTS = 48  # of each kind, the largest first: more are speckle, and told as that
_SMALLEST = 12  # pixels at `SIDE`; a part of fewer has no inside whose colours could be told

_Mask = npt.NDArray[np.uint8]
_Floats = npt.NDArray[np.float32]
_Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pair:
    """An alpha and its photograph, no larger than `SIDE`, and what the full size alone tells.

    Parameters
    ----------
    image : ndarray, h x w x 3, uint8
    levels : ndarray, h x w, uint8
        The alpha, a median of 3 or 5 pixels over it where it is speckled.
    mask : ndarray, h x w, uint8
        1 where the levels are at least 128.
    scale : float
        Pixels of the full size for one of these, at least 1.
    specks : float
        Share of the full picture's pixels whose eight neighbours are all on the other side of .5.
    """

    image: Image
    levels: _Mask
    mask: _Mask
    scale: float
    specks: float


@dataclass(frozen=True, slots=True)
class Part:
    """A hole, or an island beside the largest component, and how it sits in the photograph.

    Parameters
    ----------
    kind : str
        "hole" or "island".
    box : (int, int, int, int)
        x, y, width, height in pixels of the pair.
    area : float
        Share of the object's.
    apart : float
        How far its colours lie from those around it, in standard deviations.
    outlined : float
        Logarithm of the photograph's mean gradient on its outline over that on both sides.
    alike : float
        Mean log-likelihood ratio that its colours belong to the other side: to the object for a
        hole, to the background for an island.
    """

    kind: str
    box: tuple[int, int, int, int]
    area: float
    apart: float
    outlined: float
    alike: float


@dataclass(frozen=True, slots=True)
class Outline:
    """The shape of the large outer outlines, and how soft they are.

    Parameters
    ----------
    runs : int
        Number of straight runs of pixel sides between foreground and background.
    single : float
        Share of these that are one pixel long: none in a mask enlarged without interpolation.
    step : float
        Usual length of the shortest of those along the long side, in pixels of the pair: the width
        of one pixel of a mask enlarged without interpolation.
    ramp : float
        Pixels of the pair that the alpha takes from 0 to 1 where it is sharp: the sharpest quarter.
    lost : float
        RMS that a reduction to a long side of 320 takes from the levels along the outline; a map of
        a network that size loses nothing. 1 where the picture is hardly larger.
    corners : (int, int)
        Corners of the outlines simplified to 1 and to 3 pixels.
    bulge : float
        Pixels by which a smooth line through the corners would leave the straight pieces: the
        deviation that an annotator allowed.
    piece : float
        Mean length of the straight pieces, as a share of the root of the object's area.
    """

    runs: int
    single: float
    step: float
    ramp: float
    lost: float
    corners: tuple[int, int]
    bulge: float
    piece: float


@dataclass(frozen=True, slots=True)
class Profile:
    """The photograph's gradient by distance from the outline, averaged along all of it.

    Parameters
    ----------
    heights : ndarray, 2 * REACH, float64
        Relative to the gradient round about; outside positive, so index `REACH` is the first pixel
        beyond the outline.
    offset : float
        Pixels at `PHOTO_SIDE` from the outline to the peak: below 0 the object ends inside the
        mask.
    prominence : float
        Height of the peak over that at the outline, at least 1.
    """

    heights: _Reals
    offset: float
    prominence: float


@dataclass(frozen=True, slots=True)
class Photo:
    """A pair at `PHOTO_SIDE`, where the photograph is compared with the outline.

    Parameters
    ----------
    image : ndarray, h x w x 3, uint8
    lab : ndarray, h x w x 3, float32
        CIE Lab, blurred by a pixel.
    relative : ndarray, h x w, float32
        Its gradient over the mean of that round about, at most 3.
    mask : ndarray, h x w, uint8
        0 or 1.
    distance : ndarray, h x w, float32
        Pixels from the outline, below 0 inside.
    clear : ndarray, h x w, bool
        Whether a pixel keeps clear of the frame.
    """

    image: Image
    lab: _Floats
    relative: _Floats
    mask: _Mask
    distance: _Floats
    clear: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Support:
    """How far the photograph bears the outline out.

    Parameters
    ----------
    weak : float
        Share of the outline on which the photograph is no steeper than round about.
    weak_stretch : float
        Share that lies in stretches of 25 pixels nearly all of which is so.
    apart : (float, float)
        How far the colours beside the outline lie apart, in standard deviations: the tenth and the
        fiftieth percentile.
    same : float
        Share of the outline on which that is less than one.
    alien : (float, float)
        Share of the object's pixels, within `REACH` of the outline and of all, whose colours the
        background has more of.
    alike : (float, float)
        The same of the background's pixels within `REACH`; then all of these over the object's
        area, at most 2.
    """

    weak: float
    weak_stretch: float
    apart: tuple[float, float]
    same: float
    alien: tuple[float, float]
    alike: tuple[float, float]


def pair_of(alpha: Alpha, image: Image) -> Pair:
    """Check both arrays and bring them to `SIDE`.

    Raises
    ------
    ValueError
        When the arrays are not as described.
    """
    height, width = check_alpha(alpha).shape
    if image.dtype != np.uint8 or image.shape != (height, width, 3):
        raise ValueError(
            f"image must be {height} x {width} x 3 uint8, as the alpha is, "
            f"got {image.shape} {image.dtype}"
        )
    specks = _specks((alpha >= 0.5).astype(np.uint8))
    scale = max(1.0, max(height, width) / SIDE)
    if scale > 1:
        size = (max(1, round(width / scale)), max(1, round(height / scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).astype("f4", copy=False)
    levels = np.ascontiguousarray(np.rint(alpha * np.float32(255)), np.uint8)
    if specks > 3e-4:
        levels = cv2.medianBlur(levels, 3 if specks < 2e-3 else 5).astype(np.uint8)
    return Pair(image, levels, (levels >= 128).astype(np.uint8), scale, specks)


def _specks(mask: _Mask) -> float:
    total = cv2.boxFilter(mask, -1, (3, 3), normalize=False, borderType=cv2.BORDER_REFLECT_101)
    # Of nine pixels, 1 are set where one stands alone, 8 where one is missing.
    alone = (total == 1) & (mask == 1)
    missing = (total == 8) & (mask == 0)
    return (np.count_nonzero(alone) + np.count_nonzero(missing)) / mask.size


def parts_of(pair: Pair) -> list[Part]:
    """Return the holes and the islands that are large enough to be judged, holes first."""
    mask, (height, width) = pair.mask, pair.mask.shape
    area = int(mask.sum())
    if area in (0, mask.size):
        return []
    unit = max(height, width) / 800
    smooth = cv2.GaussianBlur(pair.image, (0, 0), max(0.7, unit))
    gradient = _gradient(smooth.astype(np.float32))
    lab = cv2.cvtColor(pair.image, cv2.COLOR_RGB2LAB)
    sides = _likelier_inside(pair.image, mask)
    found: list[Part] = []
    for kind, where, connectivity in (("hole", 1 - mask, 4), ("island", mask, 8)):
        count, labels, stats, _ = cv2.connectedComponentsWithStats(where, connectivity=connectivity)
        order = 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")
        kept = 0
        for label in order[kind == "island" :].tolist() if count > 1 else []:
            x, y, wide, high, size = (int(value) for value in stats[label])
            framed = x == 0 or y == 0 or x + wide == width or y + high == height
            if kind == "hole" and framed:
                continue
            if size < max(_SMALLEST, 2e-4 * area) or kept == _MOST_PARTS:
                break
            kept += 1
            pad = round(8 * unit) + 2
            window = (
                slice(max(0, y - pad), min(height, y + high + pad)),
                slice(max(0, x - pad), min(width, x + wide + pad)),
            )
            inside, ring, line = _zones(labels[window] == label, where[window] > 0, unit, pad)
            if inside.sum() < 4 or ring.sum() < 4:
                continue
            towards = sides[window][inside].mean()
            found.append(
                Part(
                    kind,
                    (x, y, wide, high),
                    size / area,
                    _apart(lab[window][inside], lab[window][ring]),
                    _outlined(gradient[window], line, inside | ring),
                    float(towards if kind == "hole" else -towards),
                )
            )
    return found


def _zones(
    part: npt.NDArray[np.bool_], where: npt.NDArray[np.bool_], unit: float, pad: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return a part without its rim, the ring around it without that rim, and the rim."""
    solid = part.astype(np.uint8)
    rim = _disk(max(1, round(1.5 * unit)))
    inside = cv2.erode(solid, rim) > 0
    if inside.sum() < 8:
        inside = part
    far = cv2.dilate(solid, _disk(pad - 1)) > 0
    ring = far & (cv2.dilate(solid, rim) == 0) & ~where
    square = np.ones((3, 3), np.uint8)
    line = (cv2.dilate(solid, square) > 0) & (cv2.erode(solid, square) == 0)
    return inside, ring, line


def _apart(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    # Four is the variance of noise and JPEG that flat colours are allowed.
    spread = np.sqrt((one.var(0) + other.var(0)) / 2 + 4)
    return float((np.abs(one.mean(0) - other.mean(0)) / spread).max())


def _outlined(
    gradient: _Floats, line: npt.NDArray[np.bool_], round_about: npt.NDArray[np.bool_]
) -> float:
    return float(np.log((gradient[line].mean() + 2) / (gradient[round_about].mean() + 2)))


def _likelier_inside(image: Image, mask: _Mask) -> _Floats:
    """Return each pixel's log-likelihood ratio of the object's colours over the background's."""
    coarse = image >> 4
    codes = (coarse[..., 0].astype(np.int32) << 8) | (coarse[..., 1].astype(np.int32) << 4)
    codes |= coarse[..., 2]
    inside = mask > 0
    ratio = np.log(_colours(codes[inside])) - np.log(_colours(codes[~inside]))
    return ratio.astype(np.float32)[codes]


def _colours(codes: npt.NDArray[np.int32]) -> _Reals:
    counts = np.bincount(codes, minlength=4096).reshape(16, 16, 16).astype(np.float64)
    for axis in range(3):
        padded = np.pad(counts, [(int(a == axis),) * 2 for a in range(3)], mode="edge")
        moved = [padded.take(range(start, start + 16), axis) for start in range(3)]
        counts = 0.24 * moved[0] + 0.52 * moved[1] + 0.24 * moved[2]
    return (counts.ravel() / max(1.0, counts.sum()) + 1e-4) / (1 + 4096e-4)


def outline_of(pair: Pair) -> Outline | None:
    """Measure the large outer outlines, or return None where there is too little of them."""
    height, width = pair.mask.shape
    contours, _ = cv2.findContours(pair.mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    areas = [cv2.contourArea(contour) for contour in contours]
    large = [c for c, a in zip(contours, areas, strict=True) if a >= 0.1 * max(areas) > 0]
    if not large:
        return None
    points = np.concatenate([contour[:, 0] for contour in large])
    points = points[_off_frame(points, width, height)]
    if len(points) < 24:
        return None
    runs, across = _runs(pair.mask)
    every = np.concatenate([runs, across])
    corners, bulge, piece = _polygon(large, width, height, float(np.sqrt(sum(areas))))
    return Outline(
        runs=len(every),
        single=float((every == 1).mean()),
        step=_shortest(runs),
        ramp=_ramp(pair.levels, points),
        lost=_lost(pair.levels, large),
        corners=corners,
        bulge=bulge,
        piece=piece,
    )


def _off_frame(points: npt.NDArray[Any], width: int, height: int) -> npt.NDArray[np.bool_]:
    far = np.array([width, height]) - 1 - _TOUCHES
    return np.all((points >= _TOUCHES) & (points <= far), axis=-1)


def _runs(mask: _Mask) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the lengths of all straight runs of sides, those along the long side first."""
    height, width = mask.shape
    first, second = (mask, mask.T) if width >= height else (mask.T, mask)
    return _along(first), _along(second)


def _along(mask: _Mask) -> npt.NDArray[np.int64]:
    turns = np.diff(mask.astype(np.int8), axis=0)
    framed = np.zeros((turns.shape[0], turns.shape[1] + 2), np.int8)
    framed[:, 1:-1] = turns
    # Read row by row, every change begins a run of one value, and the next one ends it.
    row, column = np.nonzero(np.diff(framed, axis=1))
    value = framed[row, column + 1]
    length = np.append(column[1:], 0) - column
    return length[value != 0]


def _shortest(runs: npt.NDArray[np.int64]) -> float:
    if not runs.size:
        return 1.0
    # Pixels enlarged by 6.25 are 6 or 7 wide, and two in a row 12 or 13.
    return float(runs[runs <= 1.5 * np.percentile(runs, 20)].mean())


def _ramp(levels: _Mask, points: npt.NDArray[Any]) -> float:
    across = cv2.Sobel(levels, cv2.CV_32F, 1, 0, scale=1 / 8 / 255)
    down = cv2.Sobel(levels, cv2.CV_32F, 0, 1, scale=1 / 8 / 255)
    steep = cv2.dilate(cv2.magnitude(across, down), np.ones((3, 3), np.uint8))
    return float(1 / max(1e-3, np.percentile(steep[points[:, 1], points[:, 0]], 75)))


def _lost(levels: _Mask, contours: list[Any]) -> float:
    height, width = levels.shape
    scale = 320 / max(height, width)
    if scale > 0.85:
        return 1.0
    small = cv2.resize(
        levels,
        (max(1, round(width * scale)), max(1, round(height * scale))),
        interpolation=cv2.INTER_AREA,
    )
    again = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    line = cv2.drawContours(np.zeros(levels.shape, np.uint8), contours, -1, 1, 7)
    apart = cv2.absdiff(levels, again)[line > 0].astype(np.float64) / 255
    return float(np.sqrt(np.mean(apart**2)))


def _polygon(
    contours: list[Any], width: int, height: int, root: float
) -> tuple[tuple[int, int], float, float]:
    counts: list[int] = []
    bulges: list[_Reals] = []
    lengths: list[_Reals] = []
    for tolerance in (1.0, 3.0):
        count = 0
        for contour in contours:
            corners = cv2.approxPolyDP(contour, tolerance, closed=True)[:, 0].astype(np.float64)
            if len(corners) < 3:
                continue
            after = np.roll(corners, -1, 0) - corners
            before = np.roll(after, 1, 0)
            # A piece along the frame is no piece of the object's outline.
            off = _off_frame(corners, width, height)
            count += int((off | np.roll(off, -1)).sum())
            if tolerance == 1:
                length = np.hypot(*after.T)
                lengths.append(length[off | np.roll(off, -1)])
                turn = np.abs(
                    np.angle(
                        np.exp(1j * (np.arctan2(*after.T[::-1]) - np.arctan2(*before.T[::-1])))
                    )
                )
                # An arc through two pieces of length l that turn by t stands out by l t / 8.
                bulges.append((turn * (length + np.roll(length, 1)) / 16)[off])
        counts.append(count)
    bulge, length = np.concatenate([*bulges, np.zeros(0)]), np.concatenate([*lengths, np.zeros(0)])
    return (
        (counts[0], counts[1]),
        float(np.median(bulge)) if bulge.size else 0.0,
        float(length.mean() / max(root, 1)) if length.size else 0.0,
    )


def photo_of(pair: Pair) -> Photo:
    """Bring a pair to `PHOTO_SIDE` and take the photograph's gradient there."""
    height, width = pair.mask.shape
    scale = PHOTO_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    image = cv2.resize(pair.image, size, interpolation=way).astype(np.uint8, copy=False)
    mask = cv2.resize(pair.mask * np.uint8(255), size, interpolation=way)
    mask = (mask >= 128).astype(np.uint8)
    lab = cv2.cvtColor(image.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    lab = cv2.GaussianBlur(lab, (0, 0), 1.0).astype(np.float32, copy=False)
    gradient = _gradient_of_all(lab)
    # Relative, so that a strong edge nearby counts no more than a faint one on the outline.
    usual = cv2.boxFilter(gradient, -1, (33, 33)) + np.float32(0.5)
    within = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5)
    beyond = cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_5)
    distance = np.where(mask > 0, 0.5 - within, beyond - 0.5).astype(np.float32)
    clear = np.ones(mask.shape, bool)
    clear[:_TOUCHES], clear[-_TOUCHES:], clear[:, :_TOUCHES], clear[:, -_TOUCHES:] = (False,) * 4
    relative = np.minimum(gradient / usual, 3).astype(np.float32, copy=False)
    return Photo(image, lab, relative, mask, distance, clear)


def profile_of(photo: Photo) -> Profile | None:
    """Look for the photograph's edge along the outline, or return None where there is none."""
    near = photo.clear & (np.abs(photo.distance) < REACH)
    places = np.floor(photo.distance[near] + REACH).astype(np.intp)
    count = np.bincount(places, minlength=2 * REACH)
    if count[REACH - 1] + count[REACH] < 48:
        return None
    total = np.bincount(places, photo.relative[near], minlength=2 * REACH)
    heights = total / np.maximum(count, 1)
    smooth = np.convolve(np.pad(heights, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    peak = int(smooth.argmax())
    here = float(smooth[REACH - 1 : REACH + 1].max())
    return Profile(heights, peak + 0.5 - REACH, float(smooth[peak]) / max(here, 1e-6))


def sharpness(profile: Profile) -> float:
    """Return the logarithm of the gradient at the outline over that at either side of it."""
    heights = profile.heights
    beside = np.concatenate([heights[REACH - 7 : REACH - 3], heights[REACH + 3 : REACH + 7]])
    return float(np.log(heights[REACH - 2 : REACH + 2].mean() / max(beside.mean(), 1e-6)))


def support_of(photo: Photo) -> Support | None:
    """Ask the colours on both sides of the outline, or return None where there is no outline."""
    mask = photo.mask
    line = photo.clear & (np.abs(photo.distance) < 1)
    if np.count_nonzero(line) < 48:
        return None
    weak = line & (cv2.dilate(photo.relative, np.ones((3, 3), np.uint8)) < 1)
    window = (25, 25)
    share = cv2.boxFilter(weak.astype(np.float32), -1, window) / np.maximum(
        cv2.boxFilter(line.astype(np.float32), -1, window), 1e-6
    )
    inside = mask.astype(np.float32)
    apart = _apart_beside(photo, inside, line)
    towards = _likelier_inside(photo.image, mask)
    near = photo.clear & (np.abs(photo.distance) < REACH) & (np.abs(photo.distance) > 1.5)
    within, beyond = near & (mask > 0), near & (mask == 0)
    area = max(1, int(mask.sum()))
    return Support(
        weak=float(weak.sum() / line.sum()),
        weak_stretch=float((share[line] > 0.8).mean()),
        apart=(float(np.percentile(apart, 10)), float(np.percentile(apart, 50))),
        same=float((apart < 1).mean()),
        alien=(_share(towards[within] < -0.5), _share(towards[mask > 0] < -1)),
        alike=(
            _share(towards[beyond] > 0.5),
            min(2.0, np.count_nonzero((towards > 1) & (mask == 0)) / area),
        ),
    )


def _share(flags: npt.NDArray[np.bool_]) -> float:
    return float(flags.mean()) if flags.size else 0.0


def _apart_beside(photo: Photo, inside: _Floats, line: npt.NDArray[np.bool_]) -> _Floats:
    """Return how far the colours inside lie from those outside at each point of the outline."""
    window = (21, 21)
    means: list[npt.NDArray[Any]] = []
    spreads: list[npt.NDArray[Any]] = []
    for weight in (inside, 1 - inside):
        # The mixed pixels of the edge belong to neither side.
        weight = weight * (np.abs(photo.distance) > 1.5)
        count = np.maximum(cv2.boxFilter(weight, -1, window)[line], 1e-3)[:, None]
        mean = cv2.boxFilter(photo.lab * weight[..., None], -1, window)[line] / count
        square = cv2.boxFilter(photo.lab**2 * weight[..., None], -1, window)[line] / count
        means.append(mean)
        spreads.append(np.maximum(square - mean**2, 0))
    spread = np.sqrt((spreads[0] + spreads[1]) / 2 + 4)
    return (np.abs(means[0] - means[1]) / spread).max(1)


def _gradient(picture: _Floats) -> _Floats:
    """Return the largest gradient of the channels, in levels per pixel times 8."""
    across, down = (cv2.Sobel(picture, cv2.CV_32F, *way) for way in ((1, 0), (0, 1)))
    return cv2.magnitude(across, down).max(2).astype(np.float32, copy=False)


def _gradient_of_all(lab: Any) -> _Floats:
    """Return the gradient of CIE Lab in units per pixel."""
    across, down = (cv2.Sobel(lab, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1)))
    return np.sqrt((across * across + down * down).sum(2))


def _disk(radius: int) -> _Mask:
    side = 2 * radius + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)).astype(np.uint8)
