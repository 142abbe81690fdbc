"""Find animals that the mask of a person has swallowed, or that it cuts off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from maskmill.images import Alpha, check_alpha
from maskmill.sample import Dropped, Sample

from .annotations import Annotation
from .contact import annotations_of, check_reach, mask_of, near, reach_of, touch
from .signal import Action, act, check_action

ANIMALS: tuple[str, ...] = (
    *("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"),
)
"""COCO's animals, for files that name no supercategory."""


@dataclass(frozen=True, slots=True)
class AnimalFinding:
    """What `animals` found.

    Parameters
    ----------
    words : tuple of str
        ``animal_inside``, ``animal_touching`` or both, the graver first.
    found : int
        Animals inside or at the foreground.
    area, inside, contact : float
        Of the gravest one, the largest of those inside or else of those that touch: share of the
        frame that it covers, share of it inside the foreground, share of its outline at the
        foreground. 0 where there is none.
    unread : int
        Animals whose segmentation describes no mask.
    """

    words: tuple[str, ...] = ()
    found: int = 0
    area: float = 0.0
    inside: float = 0.0
    contact: float = 0.0
    unread: int = 0

    @property
    def scores(self) -> Mapping[str, float]:
        """The numbers under the names that samples carry."""
        return {
            "animals": self.found,
            "animal_area": self.area,
            "animal_inside": self.inside,
            "animal_contact": self.contact,
            "animals_unread": self.unread,
        }


def animals(
    annotations: Sequence[Annotation],
    alpha: Alpha,
    *,
    classes: Sequence[str] = ANIMALS,
    area: float = 0.01,
    inside: float = 0.1,
    contact: float = 0.0,
    reach: float = 0.005,
) -> AnimalFinding:
    """Find animals inside or at the foreground.

    Annotators draw a person's outline around the cat in the arms, so the cat becomes a person; and
    they leave out the horse below the rider, so the cut runs through what anybody would call one
    thing. Herds annotated as a crowd count like a single animal. Of 210 COCO photographs with
    people, 15 are flagged; two have the animal inside.

    Parameters
    ----------
    annotations : sequence of Annotation
        All of the image's; animals are those of supercategory ``animal`` and of `classes`.
    alpha : ndarray, H x W, float32 in [0, 1]
        The people, of the annotations' frame; foreground from .5.
    classes : sequence of str
        Categories that are animals whatever the file says of their supercategory.
    area : float
        Smallest animal to mind, as a share of the frame. Below a hundredth of it an animal is a
        speck beside a person who covers a fifth.
    inside : float
        From this share inside the foreground an animal is ``animal_inside``. Those that only touch
        share up to .03 with it, those in somebody's arms .99.
    contact : float
        Least share of its outline at the foreground for an animal to be ``animal_touching``; at 0 a
        single pixel will do, at 1 hardly any animal touches that is not inside.
    reach : float
        How far an animal may be from the foreground and still touch, as a share of the long side.

    Returns
    -------
    AnimalFinding

    Raises
    ------
    ValueError
        When the alpha is not as described or a parameter out of range.

    Examples
    --------
    >>> import numpy as np
    >>> cat = Annotation(1, "cat", False, [[2, 2, 6, 2, 6, 6, 2, 6]], "animal")
    >>> alpha = np.zeros((20, 20), np.float32)
    >>> alpha[:, :5] = 1
    >>> found = animals([cat], alpha)
    >>> found.words, found.area, found.inside
    (('animal_inside',), 0.04, 0.75)
    """
    _check_parameters(classes, area, inside, contact, reach)
    height, width = check_alpha(alpha).shape
    foreground = alpha >= 0.5
    around = near(foreground, reach_of(reach, height, width))
    within: list[tuple[float, float, float]] = []
    beside: list[tuple[float, float, float]] = []
    unread = 0
    for annotation in annotations:
        if annotation.supercategory != "animal" and annotation.category not in classes:
            continue
        mask = mask_of(annotation, height, width)
        if mask is None:
            unread += 1
            continue
        found = touch(mask, foreground, around)
        share = found.pixels / (height * width)
        if share < area:
            continue
        numbers = (share, found.inside, found.contact)
        if found.inside >= inside:
            within.append(numbers)
        elif found.contact and found.contact >= contact:
            beside.append(numbers)
    words = (
        *(("animal_inside",) if within else ()),
        *(("animal_touching",) if beside else ()),
    )
    gravest = max(within or beside, default=(0.0, 0.0, 0.0))
    return AnimalFinding(words, len(within) + len(beside), *gravest, unread)


@dataclass(frozen=True)
class Animals:
    """Drop, tag or score samples with an animal inside or at the foreground.

    Parameters other than `action` and rules are those of `animals`. Reasons and tags:
    ``animal_inside`` and ``animal_touching``. A sample without an alpha has nobody to judge and is
    handed on.

    Scores: ``animals`` (how many), ``animal_area``, ``animal_inside`` and ``animal_contact`` of the
    gravest one, and ``animals_unread``, how many describe no mask: nobody looked at those.

    Parameters
    ----------
    action : {"drop", "tag", "score"}
        Either way the alpha is not what a person would cut out, so it is dropped by default.

    Raises
    ------
    ValueError
        When a parameter is out of range, or a sample has no COCO annotations.

    Examples
    --------
    >>> Animals(action="tag").area
    0.01
    >>> Animals(inside=0)
    Traceback (most recent call last):
        ...
    ValueError: inside must be a share of the animal above 0 and at most 1, got 0
    """

    classes: tuple[str, ...] = ANIMALS
    area: float = 0.01
    inside: float = 0.1
    contact: float = 0.0
    reach: float = 0.005
    action: Action = "drop"

    def __post_init__(self) -> None:
        _check_parameters(self.classes, self.area, self.inside, self.contact, self.reach)
        check_action(self.action)

    def __call__(self, sample: Sample) -> Sample | Dropped:
        annotations = annotations_of(sample)
        if not sample.has_alpha:
            return sample
        found = animals(
            annotations,
            sample.alpha,
            classes=self.classes,
            area=self.area,
            inside=self.inside,
            contact=self.contact,
            reach=self.reach,
        )
        return act(sample, found.scores, found.words, self.action)


def _check_parameters(
    classes: Sequence[str], area: float, inside: float, contact: float, reach: float
) -> None:
    if isinstance(classes, str) or not all(classes):
        raise ValueError(f"classes must be categories' names, got {classes!r}")
    if not 0 <= area < 1:
        raise ValueError(f"area must be a share of the frame from 0 to less than 1, got {area!r}")
    if not 0 < inside <= 1:
        raise ValueError(
            f"inside must be a share of the animal above 0 and at most 1, got {inside!r}"
        )
    if not 0 <= contact <= 1:
        raise ValueError(
            f"contact must be a share of the animal's outline from 0 to 1, got {contact!r}"
        )
    check_reach(reach)
