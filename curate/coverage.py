"""How much of a frame outlines cover: bounds first, masks only where bounds do not decide."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

from .annotations import Outline, Rle, masks, union

Area = Literal["union", "sum"]


class Cover(NamedTuple):
    """What outlines cover.

    Parameters
    ----------
    bound : float
        Share of the frame that they do not exceed.
    coverage : float or None
        The exact share; None where the bound was enough.
    mask : Rle or None
        Their union, likewise.
    """

    bound: float
    coverage: float | None = None
    mask: Rle | None = None


def cover(
    outlines: Sequence[Outline],
    height: int,
    width: int,
    *,
    needed: float = 0.0,
    area: Area = "union",
    apart: float = 0.0,
) -> Cover:
    """Measure outlines, as exactly as a lower limit on their coverage asks for.

    Parameters
    ----------
    outlines : sequence of Outline
    height, width : int
        Frame in pixels.
    needed : float
        Share of the frame; outlines that cannot cover as much are not made into masks.
    area : {"union", "sum"}
        Where they overlap, pixels count once, or once for each of them.
    apart : float
        Pixels of objects that overlap nothing, as those of panoptic pictures; no part of the mask.

    Examples
    --------
    >>> from maskmill.curate.annotations import outline
    >>> half = outline([[0, 0, 10, 0, 10, 5, 0, 5]], 10, 10)
    >>> cover([half, half], 10, 10).coverage, cover([half, half], 10, 10, area="sum").coverage
    (0.5, 1.0)
    >>> cover([half], 10, 10, needed=0.9)
    Cover(bound=0.84, coverage=None, mask=None)
    """
    pixels = height * width
    bound = apart + sum(shape.bound for shape in outlines)
    if bound / pixels >= needed:
        bound = apart + sum(shape.hull_bound for shape in outlines)
    if area == "union":
        bound = min(bound, pixels)
    if bound / pixels < needed:
        return Cover(bound / pixels)
    if not outlines:
        covered = bound if area == "union" else apart
        return Cover(bound / pixels, covered / pixels, union([], height, width))
    parts = [shape.parts(height, width) for shape in outlines]
    mask = Rle(height, width, masks.merge([part for some in parts for part in some])["counts"])
    covered: float = mask.area
    if area == "sum":
        covered = sum(int(masks.area(masks.merge(some))) for some in parts)
    covered += apart
    if area == "union":
        covered = min(covered, pixels)
    return Cover(max(bound, covered) / pixels, covered / pixels, mask)


def check_area(area: str) -> None:
    """Raise ValueError unless `area` is one of `Area`."""
    if area not in get_args(Area):
        raise ValueError(f"area must be one of {', '.join(get_args(Area))}, got {area!r}")
