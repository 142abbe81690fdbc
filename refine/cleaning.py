"""Take specks, islands and holes out of an alpha where the photograph does not show them."""

from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any

import cv2
import numpy as np

from maskmill.images import Alpha, Image, check_alpha
from maskmill.sample import Dropped, Sample, Step

from .components import Parts, Plane, doubt, level
from .outcome import with_remade

PRESETS = (
    # Parts go that the photograph does not show; see `cleaned`.
    "colour",
    # What mask pipelines commonly begin with: the baseline that any other preset has to beat.
    "classic",
)

_SPECKLED = 0.2  # share of the even blocks that hold a speck
_SPECK = 12  # pixels, at every size: noise comes by the pixel
_SMALL = 0.05  # of the object (holes) or of its largest part (islands)
_TINY = 5e-5  # of the object: too small to be judged by colours
_MOST = 1000  # parts judged on either side, the largest first


def clean(
    alpha: Alpha, image: Image | None = None, *, preset: str = "colour", size: float = 5 / 800
) -> Alpha:
    """Remove specks, islands and holes.

    ``"colour"`` decides by the photograph and leaves alone what it does not remove: see `cleaned`,
    which also tells what was done.

    ``"classic"`` is a Gaussian blur, then a grey closing, then a grey opening with an ellipse, all
    of one kernel: 5 x 5 pixels where the long side has 800. The morphology is grey, so edges come
    out as soft as the blur leaves them and nothing is binarised.

    That mends specks; good masks it harms. IoU and relaxed boundary F (see `maskmill.metrics`)
    against the truth, on 21 photographs of 800 pixels whose masks were spoilt on purpose:

    ==================  =============  =============
    mask                as it came     classic
    ==================  =============  =============
    1 % speckle         .968 / .279    .988 / .936
    coarse polygon      .951 / .674    .952 / .683
    without any defect  1 / 1          .988 / .936
    holes of .03-2 %    .963 / .851    .952 / .754
    ==================  =============  =============

    Parts thinner than the kernel (hair, straps, spokes) go with the specks and gaps of that size
    close, while wider holes stay: it is kept to compare with, and for masks without a photograph.

    Parameters
    ----------
    alpha : ndarray, H x W, float32 in [0, 1]
        Left as it is.
    image : ndarray, H x W x 3, uint8, optional
        The photograph, RGB. ``"colour"`` needs it, ``"classic"`` does not look at it.
    preset : str
        One of `PRESETS`.
    size : float
        Of ``"classic"``: kernel side as a share of the long side, above 0 and at most .1; rounded
        to the nearest odd number of pixels, at least 3.

    Returns
    -------
    ndarray, H x W, float32 in [0, 1]
        ``"classic"`` takes it to go on beyond the frame as it is at the frame.

    Raises
    ------
    ValueError
        When the arrays are not as described, the preset is unknown or lacks its image, or the size
        is out of range.

    Examples
    --------
    >>> alpha = np.zeros((60, 80), np.float32)
    >>> alpha[20:40, 20:60] = 1
    >>> alpha[28:32, 38:42], alpha[5:9, 5:9] = 0, 1  # a hole and an island
    >>> image = np.full((60, 80, 3), 200, np.uint8)
    >>> image[20:40, 20:60] = 60  # which the photograph does not show
    >>> result = clean(alpha, image)
    >>> result[28:32, 38:42].min().item(), result[5:9, 5:9].max().item()
    (1.0, 0.0)
    """
    _check_parameters(preset, size)
    height, width = check_alpha(alpha).shape
    if preset == "colour" and image is None:
        raise ValueError(
            "image must be given for preset 'colour', which judges by the photograph, got None; "
            "preset='classic' does without"
        )
    if image is not None:
        _check_image(image, height, width)
        if preset == "colour":
            return cleaned(alpha, image).alpha
    side = max(3, 2 * int(size * max(height, width) / 2) + 1)
    # One fifth of the kernel is the spread of the binomial 1-4-6-4-1, the classic blur of five.
    blurred = cv2.GaussianBlur(alpha, (side, side), side / 5, borderType=cv2.BORDER_REPLICATE)
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    closed = cv2.morphologyEx(blurred, cv2.MORPH_CLOSE, ellipse)
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, ellipse)
    # Kernel weights add up to 1 only within float32 rounding, to either side: a stretch by more
    # than that, and by less than a level of any file, keeps what was solid exactly solid.
    return np.clip((opened - 0.5) * (1 + 2e-6) + 0.5, 0, 1, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Cleaned:
    """A cleaned alpha and what was taken out of it.

    Parameters
    ----------
    alpha : ndarray, H x W, float32 in [0, 1]
    specks, islands, holes : int
        How many parts changed sides.
    speck_area, island_area, hole_area : float
        Their pixels as shares of the picture.
    """

    alpha: Alpha
    specks: int = 0
    islands: int = 0
    holes: int = 0
    speck_area: float = 0.0
    island_area: float = 0.0
    hole_area: float = 0.0

    @property
    def values(self) -> dict[str, float]:
        """The numbers, as a sample's history keeps them."""
        return {
            field.name: float(getattr(self, field.name))
            for field in fields(self)
            if field.name != "alpha"
        }


def cleaned(
    alpha: Alpha,
    image: Image,
    *,
    speckle: bool | None = None,
    islands: bool = True,
    holes: bool = True,
) -> Cleaned:
    """Remove specks, islands and holes that the photograph does not show, and tell how many.

    1. **Specks**, parts of up to 12 pixels, go only where they are all over the picture: where more
       than a fifth of the blocks that the outline does not come near hold one. They take the median
       of the 5 x 5 pixels around them.
    2. **Islands**, 8-connected parts smaller than 5 % of the largest, then
    3. **holes**, 4-connected parts of the background smaller than 5 % of the object that do not
       touch the frame, are judged one by one. A part goes when it has the colours of what
       surrounds it, and the photograph has no edge along its outline; where there is too little to
       judge by, it stays.

    What goes takes its soft edge along, and what lies around it is carried on in its place.
    Everything else keeps its value exactly.

    IoU and relaxed boundary F (see `maskmill.metrics`) against the truth, on 60 photographs of
    alphamatting.com, ECSSD and CCP that the weights were not fitted to (all 360 for the first
    row), their masks spoilt by `maskmill.refine.degrade`:

    ==================  =============  =============  =============
    mask                as it came     cleaned        classic
    ==================  =============  =============  =============
    without any defect  1 / 1          1.000 / .999
    holes               .963 / .830    .998 / .991    .960 / .811
    islands             .974 / .871    1.000 / .998   .972 / .855
    speckle             .936 / .297    .998 / .996    .986 / .860
    mixed               .949 / .456    .991 / .965    .967 / .816
    ==================  =============  =============  =============

    A hole that is open to the background, or covers several things of different colours, stays.

    Parameters
    ----------
    alpha : ndarray, H x W, float32 in [0, 1]
        Left as it is.
    image : ndarray, H x W x 3, uint8
        The photograph, RGB.
    speckle : bool, optional
        Whether to remove specks. None: where they are all over the picture.
    islands, holes : bool
        Whether to remove these.

    Returns
    -------
    Cleaned

    Raises
    ------
    ValueError
        When the arrays are not as described.

    Examples
    --------
    >>> alpha = np.zeros((60, 80), np.float32)
    >>> alpha[20:40, 20:60] = 1
    >>> alpha[28:32, 38:42] = 0
    >>> image = np.full((60, 80, 3), 200, np.uint8)
    >>> image[20:40, 20:60] = 60
    >>> done = cleaned(alpha, image)
    >>> done.holes, done.hole_area, done.islands
    (1, 0.0033333333333333335, 0)
    >>> image[28:32, 38:42] = 200  # now the background shows in it
    >>> cleaned(alpha, image).holes
    0
    """
    height, width = check_alpha(alpha).shape
    _check_image(image, height, width)
    result = alpha.copy()
    mask = (alpha >= 0.5).astype(np.uint8)
    counts: dict[str, Any] = {}
    if speckle or (speckle is None and _is_speckled(mask)):
        counts["specks"], area = _remove_specks(result, mask)
        counts["speck_area"] = area / mask.size
    for name, wanted in (("island", islands), ("hole", holes)):
        if wanted:
            counts[f"{name}s"], area = _remove_parts(result, mask, image, name == "island")
            counts[f"{name}_area"] = area / mask.size
    return Cleaned(result, **counts)


def _is_speckled(mask: Plane) -> bool:
    """Tell whether single pixels are flipped everywhere, rather than along outlines or in hair.

    Blocks that lie, with their neighbours, in one side of the mask have nothing to do with its
    outline: in a speckled mask most of them hold a speck, in any other hardly one does.
    """
    height, width = mask.shape
    side = max(16, round(max(mask.shape) / 50))
    rows, columns = height // side, width // side
    if rows < 3 or columns < 3:
        return False
    mask = mask[: rows * side, : columns * side]
    specks = mask != cv2.medianBlur(mask, 5)
    share = cv2.resize(mask * np.uint8(255), (columns, rows), interpolation=cv2.INTER_AREA)
    hit = specks.reshape(rows, side, columns, side).any(axis=(1, 3))
    for flat in (share > 0.9 * 255, share < 0.1 * 255):
        deep = cv2.erode(flat.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        if np.count_nonzero(deep) >= 4 and hit[deep].mean() > _SPECKLED:
            return True
    return False


def _remove_specks(alpha: Alpha, mask: Plane) -> tuple[int, int]:
    """Give specks the median of what is around them, in place; return how many and their area."""
    levels = cv2.medianBlur(np.rint(alpha * 255).astype(np.uint8), 5)
    count, area = 0, 0
    for rising in (True, False):
        parts = Parts(mask if rising else 1 - mask, 8)
        flips = (parts.areas > 0) & (parts.areas <= _SPECK)
        if not flips.any():
            continue
        where = flips[parts.labels]
        around = levels[where]
        around = np.minimum(around, 127) if rising else np.maximum(around, 128)
        alpha[where] = around.astype(np.float32) / np.float32(255)
        mask[where] = not rising
        count += int(np.count_nonzero(flips))
        area += int(parts.areas[flips].sum())
    return count, area


def _remove_parts(alpha: Alpha, mask: Plane, image: Image, rising: bool) -> tuple[int, int]:
    """Flip the islands or holes that the photograph gives no reason for; return number and area."""
    size = int(np.count_nonzero(mask))
    parts = Parts(mask if rising else 1 - mask, 8 if rising else 4)
    largest = int(parts.areas.max()) if rising else size
    small = (parts.areas > 0) & (parts.areas < _SMALL * largest)
    if not rising:
        small &= parts.off_the_frame()
    in_doubt = np.flatnonzero(small & (parts.areas >= max(_SPECK // 2, _TINY * size)))
    flips = np.zeros(small.shape, np.bool_)
    for part in in_doubt[np.argsort(-parts.areas[in_doubt], kind="stable")][:_MOST]:
        evidence = doubt(image, parts, int(part), small, rising)
        flips[part] = evidence is not None and evidence > 0
    for part in np.flatnonzero(flips):
        level(alpha, parts, int(part), rising)
        rows, columns = parts.window(int(part), 0)
        mask[rows, columns][parts.labels[rows, columns] == part] = not rising
    return int(np.count_nonzero(flips)), int(parts.areas[flips].sum())


@dataclass(frozen=True)
class Clean:
    """Remove specks, islands and holes from a sample's alpha; see `clean` and `cleaned`.

    The history notes ``changed``, the share of pixels that crossed .5, and with ``"colour"`` the
    counts and areas of `Cleaned`; a sample that loses all its foreground is dropped as
    ``empty_alpha``.

    Parameters
    ----------
    preset : str
        One of `PRESETS`.
    size : float
        Of ``"classic"``: kernel side as a share of the long side.

    Examples
    --------
    >>> alpha = np.zeros((60, 80), np.float32)
    >>> alpha[30, 40] = 1
    >>> Clean("classic")(Sample.of(np.zeros((60, 80, 3), np.uint8), alpha)).reason
    'empty_alpha'
    """

    preset: str = "colour"
    size: float = 5 / 800

    def __post_init__(self) -> None:
        _check_parameters(self.preset, self.size)

    def __call__(self, sample: Sample) -> Sample | Dropped:
        """Return the sample with a cleaned alpha, or why it was dropped."""
        if self.preset == "colour":
            done = cleaned(sample.alpha, sample.image)
            remade = with_remade(sample, done.alpha, "clean")
            if isinstance(remade, Dropped):
                return remade
            step = Step("clean", {**remade.history[-1].values, **done.values})
            return replace(remade, history=(*sample.history, step))
        alpha = clean(sample.alpha, preset=self.preset, size=self.size)
        return with_remade(sample, alpha, "clean")


def _check_image(image: Image, height: int, width: int) -> None:
    if image.dtype != np.uint8 or image.shape != (height, width, 3):
        raise ValueError(
            f"image must be {height} x {width} x 3 uint8, as the alpha is, "
            f"got {image.shape} {image.dtype}"
        )


def _check_parameters(preset: str, size: float) -> None:
    if preset not in PRESETS:
        known = ", ".join(map(repr, PRESETS))
        near = get_close_matches(str(preset), PRESETS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"preset must be one of {known}, got {preset!r}{hint}")
    if not 0 < size <= 0.1:
        raise ValueError(
            f"size must be a share of the long side above 0 and at most 0.1, got {size}; "
            "5 pixels of 800 are 5 / 800"
        )
