"""How far a mask's boundary lies from the edges of its photograph.

No model and no truth is asked. The boundary is unrolled into a band, and the strongest continuous
edge along that band is where the photograph says that the boundary is: a polygon with too few
corners leaves it and comes back. A point-wise search for the strongest gradient, which texture
beside the boundary leads astray, ranks masks far worse (see ``benchmarks/curate_roughness.py``).
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Alpha, Image, check_alpha
from maskmill.sample import Dropped, Sample

from .signal import Action, act, check_action

SIDE = 640
"""Long side, in pixels, of the scale at which everything here is measured: that of COCO."""

_REACH = 16  # how far from the boundary edges are looked for; beyond lie other things' edges
_SPACING = 2.0  # between two points of the boundary
_SHORTEST = 24.0  # length of the outlines that are looked at; shorter ones leave no room
_ROOM = 6  # on both sides, up to the mask's next boundary: thinner parts have either edge in reach
_MARGIN = 3  # a boundary this close to the frame is the frame's
_BLUR = 1.0  # sigma, against JPEG's blocks and noise
_FAINT = 2.5  # colour difference per pixel under which noise and shading pass for edges
# An edge of usual strength is worth 1. To bend costs, and so does every pixel away from the mask:
# what gravel and foliage offer beside the boundary must be better than what lies on it.
_BEND = (0.0, 0.7, 2.5)  # for 0, 1, 2 pixels from one point to the next
_PULL = 0.025
_FORBIDDEN = 1e3  # more than any path that keeps to the allowed offsets pays
_FEW = 25  # points, 50 px of boundary, below which nothing is said

_OFFSETS = np.arange(-_REACH, _REACH + 1)

Points = npt.NDArray[np.float32]
Band = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Boundary:
    """What `roughness` found; pixels are those of a picture whose long side has `SIDE`.

    Parameters
    ----------
    roughness : float
        Mean distance, along the boundary's normals, from the boundary to the photograph's edge, in
        pixels from 0 to 16; NaN where too little could be judged.
    alignment : float
        Share of the judged boundary that lies within 2 pixels of the edge; NaN likewise.
    bias : float
        Mean signed distance in pixels: above 0 the edge lies outside, the mask is too small. NaN
        likewise.
    judged : float
        Share of the boundary (but for what lies at the frame) that has room on both sides and an
        edge in reach, in [0, 1]; 0 also where that is less than 50 pixels of it.
    """

    roughness: float
    alignment: float
    bias: float
    judged: float


def roughness(image: Image, alpha: Alpha) -> Boundary:
    """Estimate how far the boundary of a mask lies from the photograph's own edges.

    Image and alpha are first brought to a long side of `SIDE` pixels, so a picture's size changes
    neither the numbers nor the cost (some 50 ms). Of every boundary point the derivative of the
    colours (CIE Lab) along the normal is taken up to 16 pixels to both sides, no further than to
    the mask's next boundary; dynamic programming finds the closed path of offsets with the most
    edge and the fewest bends [1]_. What lies at the frame is left out.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
        The photograph, RGB.
    alpha : ndarray, H x W, float32 in [0, 1]
        The boundary is where it crosses .5.

    Returns
    -------
    Boundary

    Raises
    ------
    ValueError
        When the arrays are not as described.

    Notes
    -----
    88 composites of 11 mattes on 40 photographs, as JPEG, with polygons for masks as coarse as
    ``cv2.approxPolyDP`` makes them at `SIDE`; distances in pixels, median (10 % to 90 %). The
    constants were tuned on half of them.

    ==========  ===============  ===================  ===================
    polygon by  true distance    roughness            alignment
    ==========  ===============  ===================  ===================
    (exact)     0                .28 (.15 to .44)     1.00 (.98 to 1.00)
    2           .39              .30 (.16 to .54)     .99 (.95 to 1.00)
    4           .73              .58 (.35 to .81)     .98 (.92 to .99)
    8           1.47             1.34 (.91 to 1.63)   .80 (.70 to .87)
    16          2.74             2.47 (1.61 to 3.16)  .60 (.47 to .79)
    ==========  ===============  ===================  ===================

    On 150 photographs of ECSSD, on which nothing was tuned, the medians are .19, .28, .59, 1.26 and
    2.27. So it does not tell an exact mask from one that is a third of a pixel off.

    COCO's own outlines of people come to 1.54 (.70 to 3.32); they are rather too large than too
    small. Where texture or a fold beside the boundary outdoes it, an exact mask seems rough; a mask
    that is off as a whole by more than 16 pixels seems better than it is.

    References
    ----------
    .. [1] Amini, Weymouth and Jain, "Using dynamic programming for solving variational problems in
       vision", IEEE Transactions on Pattern Analysis and Machine Intelligence 12(9), 1990.

    Examples
    --------
    >>> image = np.full((480, 640, 3), 40, np.uint8)
    >>> image[120:360, 160:480] = 200
    >>> exact, shifted = np.zeros((2, 480, 640), np.float32)
    >>> exact[120:360, 160:480] = 1
    >>> shifted[125:355, 165:475] = 1
    >>> round(roughness(image, exact).roughness, 1), round(roughness(image, shifted).bias)
    (0.0, 5)
    """
    image, solid = at_scale(image, alpha)
    slopes = _slopes(image)
    found = 0
    distances: list[npt.NDArray[np.float64]] = [np.zeros(0)]
    weights: list[Band] = [np.zeros(0, np.float32)]
    for points, normals in _outlines(solid):
        inside = _inside(points, solid.shape, _MARGIN)
        found += int(inside.sum())
        allowed = _allowed(solid, points, normals)
        room = np.minimum(allowed[:, :_REACH].sum(1), allowed[:, _REACH + 1 :].sum(1))
        clear = inside & (room >= _ROOM)
        if not clear.any():
            continue
        strength = _strength(slopes, points, normals)
        path = _path(strength, allowed)
        weight = strength[np.arange(len(path)), path]
        judged = clear & (weight >= _FAINT)
        distances.append(_refined(strength, path)[judged])
        weights.append(weight[judged])
    distance, weight = np.concatenate(distances), np.concatenate(weights)
    if len(distance) < _FEW:
        return Boundary(float("nan"), float("nan"), float("nan"), 0.0)
    # A strong edge is more surely the boundary than a faint one.
    return Boundary(
        roughness=float(np.average(np.abs(distance), weights=weight)),
        alignment=float(np.average(np.abs(distance) <= 2, weights=weight)),
        bias=float(np.average(distance, weights=weight)),
        judged=len(distance) / found,
    )


def at_scale(image: Image, alpha: Alpha) -> tuple[Image, npt.NDArray[np.uint8]]:
    """Return image and mask at the scale where this room measures pixels.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
    alpha : ndarray, H x W, float32 in [0, 1]

    Returns
    -------
    image : ndarray, h x w x 3, uint8
        The longer side has `SIDE` pixels.
    solid : ndarray, h x w, uint8
        1 where the alpha is .5 and more, else 0.

    Raises
    ------
    ValueError
        When the arrays are not as described.

    Examples
    --------
    >>> image, solid = at_scale(np.zeros((1200, 1600, 3), np.uint8), np.ones((1200, 1600), "f4"))
    >>> image.shape, solid.shape
    ((480, 640, 3), (480, 640))
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image must be H x W x 3 uint8, got {image.shape} {image.dtype}")
    height, width = check_alpha(alpha, image.shape[:2]).shape
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size != (width, height):
        # cv2's convention: pixel centres at half, so both arrays stay in step.
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        image = cv2.resize(image, size, interpolation=way).astype(np.uint8, copy=False)
        alpha = cv2.resize(alpha, size, interpolation=way).astype(np.float32, copy=False)
    return image, (alpha >= 0.5).astype(np.uint8)


def _slopes(image: Image) -> list[tuple[Band, Band]]:
    """Return the derivatives along x and y of each Lab channel, in units per pixel."""
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    smooth = cv2.GaussianBlur(lab, (0, 0), _BLUR)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    slopes = [np.asarray(slope, np.float32) for slope in (across, down)]
    x, y = ([np.ascontiguousarray(slope[..., c]) for c in range(3)] for slope in slopes)
    return list(zip(x, y, strict=True))


def _outlines(solid: npt.NDArray[np.uint8]) -> list[tuple[Points, Points]]:
    """Return points (x, y) at even distances along each outline, and the normals that point out."""
    contours, _ = cv2.findContours(solid, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    kernel = cv2.getGaussianKernel(13, 2.0).ravel()  # takes the stairs of the pixels out
    found: list[tuple[Points, Points]] = []
    for contour in contours:
        corners = np.concatenate([contour[:, 0], contour[:1, 0]]).astype(np.float64)
        way = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
        if way[-1] < _SHORTEST:
            continue
        at = np.linspace(0, way[-1], int(way[-1] / _SPACING), endpoint=False)
        smooth = [
            np.convolve(np.pad(np.interp(at, way, axis), 6, "wrap"), kernel, "valid")
            for axis in corners.T
        ]
        points = np.stack(smooth, 1)
        along = np.roll(points, -1, 0) - np.roll(points, 1, 0)
        along /= np.maximum(np.hypot(*along.T), 1e-6)[:, None]
        # OpenCV follows outlines with the inside on the left as one sees the picture, holes too.
        normals = np.stack([-along[:, 1], along[:, 0]], 1)
        # Its points are centres of pixels that are inside; the boundary is half a pixel on.
        points += 0.5 * normals
        found.append((points.astype(np.float32), normals.astype(np.float32)))
    return found


def _inside(points: Points, shape: tuple[int, ...], margin: float) -> npt.NDArray[np.bool_]:
    """Tell which points (..., 2) keep the margin to the frame."""
    far = np.array([shape[1], shape[0]]) - 1 - margin
    return np.all((points >= margin) & (points <= far), axis=-1)


def _along(points: Points, normals: Points) -> Points:
    """Return the places (N, K, 2) of the band: each point's normal from inside to outside."""
    places = points[:, None] + normals[:, None] * _OFFSETS[None, :, None]
    return places.astype(np.float32)


def _strength(slopes: list[tuple[Band, Band]], points: Points, normals: Points) -> Band:
    """Return how steeply the colour changes along the normals, N x K."""
    places = _along(points, normals)
    x, y = np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])
    total = np.zeros(x.shape, np.float32)
    for across, down in slopes:
        steep = [
            cv2.remap(slope, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for slope in (across, down)
        ]
        total += (steep[0] * normals[:, :1] + steep[1] * normals[:, 1:]) ** 2
    return np.sqrt(total)


def _allowed(
    solid: npt.NDArray[np.uint8], points: Points, normals: Points
) -> npt.NDArray[np.bool_]:
    """Tell which offsets are this side of the mask's next boundary and in the frame, N x K."""
    places = _along(points, normals)
    x, y = np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])
    mask = cv2.remap(solid, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE) > 0
    clear = (mask == (_OFFSETS < 0)) | (np.abs(_OFFSETS) <= 2)  # the mask's own stairs
    clear &= _inside(places, solid.shape, 0) | (_OFFSETS == 0)
    inward = np.minimum.accumulate(clear[:, _REACH::-1], 1)[:, ::-1]
    outward = np.minimum.accumulate(clear[:, _REACH:], 1)
    return np.concatenate([inward, outward[:, 1:]], 1)


def _path(strength: Band, allowed: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Return the column of the best closed path through the band, one for every row."""
    # All edges that are about as strong as this outline's usual one count the same: a very strong
    # one nearby must not draw the path away.
    usual = float(np.median(np.where(allowed, strength, 0).max(1)))
    cost = np.where(allowed, -np.minimum(strength / max(usual, _FAINT), 1), _FORBIDDEN)
    rows, columns = cost.shape
    cost = (cost + _PULL * np.abs(_OFFSETS)).astype(np.float32)
    reach = len(_BEND) - 1
    bends = np.arange(-reach, reach + 1)
    prices = np.array([_BEND[abs(bend)] for bend in bends], np.float32)[:, None]
    wall = np.full(reach, 4 * _FORBIDDEN * rows, np.float32)
    every = np.arange(columns)
    best = cost[0]
    came = np.zeros((2 * rows, columns), np.int8)
    # Twice around: what the second round finds no longer depends on where the first one began.
    for row in range(1, 2 * rows):
        walled = np.concatenate([wall, best, wall])
        ways = np.lib.stride_tricks.sliding_window_view(walled, columns) + prices
        choice = ways.argmin(0)
        came[row] = bends[choice]
        best = ways[choice, every] + cost[row % rows]
    column = int(best.argmin())
    path = np.zeros(2 * rows, np.intp)
    for row in range(2 * rows - 1, -1, -1):
        path[row] = column
        column += int(came[row, column])
    middle = rows // 2
    return np.roll(path[middle : middle + rows], middle)


def _refined(strength: Band, path: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Return the path's offsets in pixels, moved to the top of the parabola through its peaks."""
    at = np.arange(len(path))
    near = np.clip(path, 1, 2 * _REACH - 1)
    left, top, right = (strength[at, near + step].astype(np.float64) for step in (-1, 0, 1))
    bow = left - 2 * top + right
    peak = (near == path) & (top >= left) & (top >= right) & (bow < 0)
    shift = np.where(peak, 0.5 * (left - right) / np.where(peak, bow, 1), 0)
    return path.astype(np.float64) - _REACH + shift


@dataclass(frozen=True)
class Roughness:
    """Find masks whose boundary does not follow the photograph; see `roughness`.

    Scores: ``roughness`` (pixels at a long side of 640, higher is worse), ``edge_alignment``,
    ``boundary_bias`` and ``boundary_judged``; the last alone where too little could be judged. The
    word, as tag or reason, is ``rough_mask``.

    Parameters
    ----------
    most : float
        Roughness up to which a mask is fine, in pixels at a long side of `SIDE`, above 0 and at
        most 16. Of COCO's people a fifth lie above 2.5, of masks drawn pixel by pixel none.
    judged : float
        Least share of the boundary that must have been judged before a mask is called rough, in
        [0, 1].
    action : {"tag", "drop", "score"}
        What becomes of a rough mask.

    Examples
    --------
    >>> image = np.full((480, 640, 3), 40, np.uint8)
    >>> image[120:360, 160:480] = 200
    >>> alpha = np.zeros((480, 640), np.float32)
    >>> alpha[128:352, 168:472] = 1
    >>> Roughness()(Sample.of(image, alpha)).tags
    ('rough_mask',)
    """

    most: float = 2.5
    judged: float = 0.25
    action: Action = "tag"

    def __post_init__(self) -> None:
        if not 0 < self.most <= _REACH:
            raise ValueError(
                f"most must be pixels at a long side of {SIDE}, above 0 and at most {_REACH}, "
                f"got {self.most}"
            )
        if not 0 <= self.judged <= 1:
            raise ValueError(f"judged must be a share in [0, 1], got {self.judged}")
        check_action(self.action)

    def __call__(self, sample: Sample) -> Sample | Dropped:
        """Return the sample with its scores, or why it was dropped."""
        found = roughness(sample.image, sample.alpha)
        if found.judged == 0:
            return sample.scored(boundary_judged=0.0)
        scores = {
            "roughness": found.roughness,
            "edge_alignment": found.alignment,
            "boundary_bias": found.bias,
            "boundary_judged": found.judged,
        }
        rough = found.roughness > self.most and found.judged >= self.judged
        if rough and self.action == "drop":
            return Dropped(sample, "rough_mask", {**scores, "bound": self.most})
        return act(sample, scores, ("rough_mask",) if rough else (), self.action)
