"""Choose images by how many people are in them and how much of the frame they cover."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from maskmill.sample import Dropped, Sample
from maskmill.stage import name_of

from .annotations import Annotation, CocoContext, Outline, Rle, SegmentationError, outline
from .coverage import Area, check_area, cover

Crowd = Literal["reject", "ignore", "count"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What `judge` found.

    Parameters
    ----------
    reason : str or None
        Why the image is not taken; None: it is.
    values : mapping of str to float
        ``persons`` (those that count) and ``crowds`` always; ``coverage`` where masks were made,
        ``coverage_bound`` where their outlines were too small for that; the ``bound`` that was
        missed; the id of the ``annotation`` that describes no mask.
    mask : Rle or None
        Union of the counted persons; None where masks were not made.
    """

    reason: str | None
    values: Mapping[str, float]
    mask: Rle | None = field(default=None, repr=False)


def judge(
    annotations: Sequence[Annotation],
    height: int,
    width: int,
    *,
    persons: tuple[int, int] = (1, 2),
    coverage: tuple[float, float] = (0.2, 0.7),
    crowd: Crowd = "reject",
    category: str = "person",
    area: Area = "union",
) -> Judgement:
    """Judge an image by the people annotated in it.

    The rules in order, the first that fails gives the reason: ``crowd`` (rejected ones),
    ``person_count``, the reason of a counted mask that is none (see
    `maskmill.curate.annotations.problem`), ``too_small`` or ``too_large`` (coverage).

    Parameters
    ----------
    annotations : sequence of Annotation
        All of the image's; those of other categories are passed over.
    height, width : int
        Frame in pixels.
    persons : (int, int)
        Fewest and most, both included.
    coverage : (float, float)
        Least and largest share of the frame that their masks cover, in [0, 1], both included.
    crowd : {"reject", "ignore", "count"}
        An image with a crowd is not taken; crowds are passed over; or a crowd is one more person
        and part of the union.
    category : str
        What counts as a person.
    area : {"union", "sum"}
        Where people overlap, pixels count once, or once for each of them.

    Returns
    -------
    Judgement

    Raises
    ------
    ValueError
        When a bound is out of range.

    Examples
    --------
    >>> half = Annotation(1, "person", False, [[0, 0, 10, 0, 10, 5, 0, 5]])
    >>> judge([half], 10, 10).values
    {'persons': 1, 'crowds': 0, 'coverage': 0.5}
    >>> judge([half] * 3, 10, 10).reason
    'person_count'
    """
    _check_bounds(persons, coverage, crowd, area)
    people = [a for a in annotations if a.category == category]
    counted = [a for a in people if crowd == "count" or not a.iscrowd]
    crowds = sum(a.iscrowd for a in people)
    values: dict[str, float] = {"persons": len(counted), "crowds": crowds}
    if crowd == "reject" and crowds:
        return Judgement("crowd", {**values, "bound": 0})
    if not persons[0] <= len(counted) <= persons[1]:
        bound = persons[0] if len(counted) < persons[0] else persons[1]
        return Judgement("person_count", {**values, "bound": bound})
    outlines: list[Outline] = []
    for annotation in counted:
        try:
            outlines.append(outline(annotation.segmentation, height, width))
        except SegmentationError as bad:
            return Judgement(bad.reason, {**values, **number_of(annotation)})
    found = cover(outlines, height, width, needed=coverage[0], area=area)
    share, mask = found.coverage, found.mask
    if share is None:
        return Judgement("too_small", {**values, **small(found.bound, coverage[0])})
    values["coverage"] = share
    if share < coverage[0]:
        return Judgement("too_small", {**values, "bound": coverage[0]}, mask)
    if share > coverage[1]:
        return Judgement("too_large", {**values, "bound": coverage[1]}, mask)
    return Judgement(None, values, mask)


def small(covered: float, bound: float) -> dict[str, float]:
    """Return the values of a ``too_small`` that a bound on the coverage decided."""
    return {"coverage_bound": covered, "bound": bound}


def number_of(annotation: Annotation) -> dict[str, float]:
    """Return ``{"annotation": id}`` for a ledger's values, or nothing where the id is no number.

    Examples
    --------
    >>> number_of(Annotation(7, "person", False, None)), number_of(Annotation("a", "", False, None))
    ({'annotation': 7}, {})
    """
    number = annotation.id
    if isinstance(number, int) and abs(number) <= 2**53:  # ledgers hold 64-bit floats
        return {"annotation": number}
    return {}


@dataclass(frozen=True)
class PersonFilter:
    """Keep images with a given number of people who cover a given share of the frame.

    `maskmill.curate.Coco` answers it without opening an image when it is the first stage.
    Parameters, rules and reasons are those of `judge`. A kept sample's alpha stays as it is, with
    two exceptions: ``crowd="count"`` makes it the union of persons and crowds, and one without a
    single person, where ``persons`` allows that, gets an empty one.

    Raises
    ------
    ValueError
        When a bound is out of range, or a sample has no COCO annotations.

    Examples
    --------
    >>> PersonFilter(persons=(1, 2), coverage=(0.2, 0.7)).crowd
    'reject'
    >>> PersonFilter(coverage=(0.7, 0.2))
    Traceback (most recent call last):
        ...
    ValueError: coverage must be two fractions low < high, got (0.7, 0.2)
    """

    persons: tuple[int, int] = (1, 2)
    coverage: tuple[float, float] = (0.2, 0.7)
    crowd: Crowd = "reject"
    category: str = "person"
    area: Area = "union"

    def __post_init__(self) -> None:
        _check_bounds(self.persons, self.coverage, self.crowd, self.area)
        if not self.category:
            raise ValueError("category must be a category's name, got ''")

    def judge(self, annotations: Sequence[Annotation], height: int, width: int) -> Judgement:
        """Judge an image by its annotations alone; see `judge`."""
        return judge(
            annotations,
            height,
            width,
            persons=self.persons,
            coverage=self.coverage,
            crowd=self.crowd,
            category=self.category,
            area=self.area,
        )

    def __call__(self, sample: Sample) -> Sample | Dropped:
        context = sample.context
        if not isinstance(context, CocoContext):
            raise ValueError(
                "sample must carry the COCO annotations of its image, as those of the Coco source "
                f"do, got context {context!r}"
            )
        found = self.judge(context.annotations, sample.height, sample.width)
        if found.reason is not None:
            return Dropped(sample, found.reason, found.values)
        crowds_count = self.crowd == "count" and found.values["crowds"] > 0
        if found.mask is None or (sample.has_alpha and not crowds_count):
            return sample
        scored = sample.scored(persons=found.values["persons"], coverage=found.values["coverage"])
        return scored.with_alpha(found.mask.alpha(), step=name_of(self), **found.values)


def _check_bounds(
    persons: tuple[int, int], coverage: tuple[float, float], crowd: str, area: str
) -> None:
    if not _is_pair(persons, int) or not 0 <= persons[0] <= persons[1]:
        raise ValueError(f"persons must be two whole numbers low <= high, got {persons!r}")
    if not _is_pair(coverage, (int, float)) or not 0 <= coverage[0] < coverage[1] <= 1:
        raise ValueError(f"coverage must be two fractions low < high, got {coverage!r}")
    if crowd not in get_args(Crowd):
        raise ValueError(f"crowd must be one of {', '.join(get_args(Crowd))}, got {crowd!r}")
    check_area(area)


def _is_pair(value: object, kind: type | tuple[type, ...]) -> bool:
    return (
        isinstance(value, tuple | list)
        and len(value) == 2
        and all(isinstance(v, kind) and not isinstance(v, bool) for v in value)
    )
