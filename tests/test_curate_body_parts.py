from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskmill.curate import Coco, PersonFilter
from maskmill.curate.annotations import Annotation, CocoContext
from maskmill.curate.body_parts import BodyParts, body_parts
from maskmill.sample import Dropped, Sample

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
needs_photographs = pytest.mark.skipif(
    not SHARED.exists(), reason="the shared COCO images are not on this machine"
)
HEAD, SHOULDERS, HIPS = range(5), (5, 6), (11, 12)
WRIST, ANKLE = 9, 15
EVERYTHING = range(17)


def box(left: float, top: float, right: float, bottom: float) -> list[list[float]]:
    return [[left, top, right, top, right, bottom, left, bottom]]


def person(
    points: Any, outline: list[list[float]] | None = None, visibility: float = 2.0, **facts: Any
) -> Annotation:
    """A person with these keypoints, in the middle of a frame of 100 x 100 unless told."""
    numbers = [0.0] * 51
    for point in points:
        numbers[3 * point : 3 * point + 3] = [50.0, 50.0, visibility]
    body = Annotation(1, "person", False, outline or box(30, 10, 70, 90), keypoints=tuple(numbers))
    return replace(body, **facts)


def words(*people: Annotation, **parameters: Any) -> tuple[str, ...]:
    return body_parts(people, 100, 100, **parameters).words


def sample_of(*people: Annotation) -> Sample:
    image, alpha = np.zeros((100, 100, 3), np.uint8), np.ones((100, 100), np.float32)
    return Sample.of(image, alpha, origin="a.jpg#1", context=CocoContext(1, people))


WHOLE = person(EVERYTHING)
HAND = person([WRIST], box(0, 40, 40, 60))
LEGS = person([11, 12, 13, 14, 15, 16], box(30, 0, 70, 90))  # from the belt down


def test_a_whole_person_is_no_finding():
    found = body_parts([WHOLE], 100, 100)
    assert found.words == ()
    assert found.worst is not None
    assert (found.worst.head_points, found.worst.torso_points) == (5, 4)
    assert (found.worst.visible_points, found.worst.frame_edges) == (17, 0)


def test_a_hand_is_an_isolated_limb():
    assert "isolated_limb" in words(HAND)


def test_a_leg_in_the_middle_of_the_picture_is_an_isolated_limb_and_not_cut_off():
    assert words(person([ANKLE, 13])) == ("isolated_limb",)


def test_legs_below_the_frames_upper_side_are_cut_off():
    assert words(LEGS) == ("cut_off",)


def test_a_helmet_in_the_middle_of_the_picture_is_not_cut_off():
    assert words(person([*SHOULDERS, *HIPS])) == ()


def test_a_person_who_bends_down_at_the_lower_side_is_not_cut_off():
    assert words(person([*SHOULDERS, *HIPS], box(30, 40, 70, 100))) == ()


def test_a_portrait_at_three_sides_passes():
    assert words(person([*HEAD, *SHOULDERS], box(0, 10, 100, 100))) == ()


def test_half_a_person_at_the_side_is_cut_off():
    assert words(person([*HEAD, 5], box(80, 0, 100, 100))) == ("cut_off",)


def test_a_head_with_one_shoulder_that_hardly_reaches_the_frame_passes():
    assert words(person([*HEAD, 5], box(30, 10, 70, 100))) == ()


def test_points_that_are_covered_count_as_placed():
    assert words(person(EVERYTHING, visibility=1.0)) == ()


def test_the_margin_is_a_share_of_the_long_side():
    near = person([*SHOULDERS, *HIPS], box(30, 2, 70, 90))
    assert words(near) == ()
    assert words(near, margin=0.03) == ("cut_off",)


def test_the_sides_of_the_frame_are_counted():
    found = body_parts([person(EVERYTHING, box(0, 0, 100, 60))], 100, 100)
    assert found.worst is not None
    assert found.worst.frame_edges == 3
    assert found.worst.frame_share == pytest.approx(220 / 320, abs=0.05)


def test_a_person_who_covers_little_does_not_matter():
    passer_by = person([WRIST], box(0, 0, 10, 10))
    assert words(WHOLE, passer_by) == ()
    assert "isolated_limb" in words(WHOLE, passer_by, share=0)


def test_the_worst_person_gives_the_numbers():
    found = body_parts([WHOLE, HAND], 100, 100)
    assert found.worst is not None
    assert found.worst.visible_points == 1
    assert found.scores["visible_points"] == 1


def test_a_limb_comes_before_a_person_cut_off_whatever_the_order():
    limbs, back = person([13, 14, 15, 16]), person(SHOULDERS, box(30, 0, 70, 90))
    for people in ([limbs, back], [back, limbs]):
        found = body_parts(people, 100, 100)
        assert found.words == ("isolated_limb", "cut_off")
        assert found.worst is not None
        assert found.worst.visible_points == 4


@pytest.mark.parametrize("points", [None, (0.0,) * 51, (5.0, 5.0, 2.0) * 5])
def test_a_person_without_keypoints_is_told_and_kept(points: tuple[float, ...] | None):
    unknown = replace(WHOLE, keypoints=points)
    kept = BodyParts()(sample_of(unknown))
    assert isinstance(kept, Sample)
    assert kept.tags == ("no_keypoints",)
    assert kept.scores == {"bodies_unjudged": 1, "bodies_unread": 0}


def test_a_person_without_keypoints_does_not_hide_a_limb_beside():
    dropped = BodyParts()(sample_of(replace(WHOLE, keypoints=None), HAND))
    assert isinstance(dropped, Dropped)
    assert dropped.reason == "isolated_limb"


def test_crowds_and_other_categories_are_passed_over():
    found = body_parts(
        [replace(HAND, iscrowd=True), replace(HAND, category="doll"), WHOLE], 100, 100
    )
    assert (found.words, found.unjudged) == ((), 0)


def test_a_person_without_a_mask_is_counted_and_passed_over():
    broken = replace(HAND, segmentation=[[0, 0, float("nan"), 0, 5, 5]])
    found = body_parts([broken, WHOLE], 100, 100)
    assert (found.words, found.unread) == ((), 1)


def test_a_picture_without_people_has_nobody_to_judge():
    found = body_parts([], 100, 100)
    assert (found.words, found.worst) == ((), None)


def test_the_stage_drops_with_reason_and_numbers():
    dropped = BodyParts()(sample_of(HAND))
    assert isinstance(dropped, Dropped)
    assert dropped.reason == "isolated_limb"
    assert dropped.values == {
        "head_points": 0,
        "torso_points": 0,
        "visible_points": 1,
        "frame_edges": 1,
        "frame_share": pytest.approx(20 / 116),
        "bodies_unjudged": 0,
        "bodies_unread": 0,
    }


def test_the_stage_tags_or_scores_when_asked_to():
    tagged = BodyParts(action="tag")(sample_of(HAND))
    assert isinstance(tagged, Sample)
    assert tagged.tags == ("isolated_limb", "cut_off")
    scored = BodyParts(action="score")(sample_of(HAND, replace(WHOLE, keypoints=None)))
    assert isinstance(scored, Sample)
    assert scored.tags == ()
    assert (scored.scores["visible_points"], scored.scores["bodies_unjudged"]) == (1, 1)


def test_a_sample_without_annotations_is_an_error():
    with pytest.raises(ValueError, match="sample must carry the COCO annotations of its image"):
        BodyParts()(Sample.of(np.zeros((4, 4, 3), np.uint8), np.ones((4, 4), np.float32)))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"share": -1}, "share must be a share of everybody's area from 0 to 1, got -1"),
        ({"frame_share": 0}, "frame_share must be a share of the outline above 0"),
        ({"frame_share": float("nan")}, "frame_share must be"),
        ({"margin": 6}, "margin must be a share of the long side from 0 to 0.1, got 6"),
        ({"category": ""}, "category must be a category's name, got ''"),
        ({"action": "flag"}, "action must be one of drop, tag, score, got 'flag'"),
    ],
)
def test_a_parameter_out_of_range_is_told(parameters: dict[str, Any], message: str):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  (the message is compared below)
        BodyParts(**parameters)
    assert str(caught.value).startswith(message)


def flagged(annotations: Path, images: Path, *stages: PersonFilter) -> dict[object, str]:
    """Return what `BodyParts` drops of a source, by image."""
    found: dict[object, str] = {}
    source = Coco(str(annotations), str(images))
    for partition in source.plan(stages):
        for sample in source.read(partition):
            result = BodyParts()(sample) if isinstance(sample, Sample) else None
            if isinstance(result, Dropped) and isinstance(sample, Sample):
                assert isinstance(sample.context, CocoContext)
                found[sample.context.image_id] = result.reason
    return found


@needs_photographs
def test_of_the_seven_that_pass_the_filter_one_is_cut_off():
    found: dict[object, str] = {}
    for part in ("train2017", "val2017"):
        tiny = SHARED / "tiny_coco"
        annotations = tiny / "annotations" / f"person_keypoints_{part}.json"
        found |= flagged(annotations, tiny / part, PersonFilter())
    assert found == {522418: "cut_off"}


@needs_photographs
def test_hands_and_feet_among_photographs_of_people_are_found():
    folder = SHARED / "coco_person"
    found = flagged(folder / "person_keypoints.json", folder / "images")
    limbs = {number for number, word in found.items() if word == "isolated_limb"}
    assert limbs == {3553, 32038, 117425, 118367, 137106, 276434, 309678, 311303, 377368, 399296,
                     427034, 502737, 577539, 579321, 581206}  # fmt: skip
    assert set(found) - limbs == {67534, 160012, 290843, 329323, 500716}
