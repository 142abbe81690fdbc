from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskmill import Pipeline
from maskmill.curate import Coco
from maskmill.curate.annotations import Annotation, CocoContext
from maskmill.curate.held_objects import HELD, REVIEW, HeldObjects, held_objects
from maskmill.sample import Dropped, Sample
from maskmill.stage import describe

TINY = Path(__file__).resolve().parents[2] / "shared" / "data" / "tiny_coco"
needs_photographs = pytest.mark.skipif(
    not TINY.exists(), reason="the shared COCO images are not on this machine"
)


def box(left: float, top: float, right: float, bottom: float) -> list[list[float]]:
    return [[left, top, right, top, right, bottom, left, bottom]]


# A person on the left half of a frame of 100 x 200.
PERSON = Annotation(0, "person", False, box(0, 0, 100, 100))
ALPHA = np.zeros((100, 200), np.float32)
ALPHA[:, :100] = 1


def thing(category: str, segmentation: object, **facts: Any) -> Annotation:
    return replace(Annotation(1, category, False, segmentation), **facts)


def verdict(*annotations: Annotation, **parameters: Any) -> str:
    (found,) = held_objects([PERSON, *annotations], ALPHA, **parameters).objects
    return found.verdict


def sample_of(*annotations: Annotation) -> Sample:
    context = CocoContext(1, (PERSON, *annotations))
    image = np.zeros((100, 200, 3), np.uint8)
    return Sample.of(image, ALPHA, origin="a.jpg#1", context=context)


KNIFE = thing("knife", box(100, 40, 120, 60))  # a side of four at the person
BOTTLE = thing("bottle", box(100, 40, 120, 60))


def test_a_knife_at_the_hand_is_merged():
    found = held_objects([PERSON, KNIFE], ALPHA)
    (knife,) = found.objects
    assert knife.verdict == "merged"
    assert (knife.area, knife.inside) == (0.04, 0.0)
    assert 0.2 < knife.contact < 0.35
    expected = ALPHA.copy()
    expected[40:60, 100:120] = 1
    assert np.array_equal(found.alpha, expected)


def test_a_touching_bear_is_not_merged():
    bear = thing("teddy bear", box(100, 20, 140, 100))
    found = held_objects([PERSON, bear], ALPHA)
    assert found.objects[0].verdict == "uncertain"
    assert found.alpha is ALPHA


def test_a_bottle_is_at_most_uncertain():
    assert verdict(BOTTLE) == "uncertain"
    assert verdict(thing("bottle", box(100, 40, 180, 50))) == "apart"


def test_furniture_vehicles_and_animals_are_no_candidates():
    listed = {name for name, _ in HELD} | set(REVIEW)
    assert listed.isdisjoint({"chair", "couch", "bed", "bicycle", "car", "dog", "horse", "person"})
    found = held_objects([PERSON, thing("chair", box(100, 0, 120, 100))], ALPHA)
    assert found.objects == ()


def test_a_knife_with_less_contact_is_apart():
    assert verdict(thing("knife", box(100, 48, 180, 52))) == "apart"


def test_a_racket_that_touches_with_its_grip_is_merged():
    grip_and_head = [*box(100, 46, 130, 52), *box(130, 35, 160, 65)]
    assert verdict(thing("tennis racket", grip_and_head)) == "merged"
    assert verdict(thing("spoon", grip_and_head)) == "apart"


def test_a_bag_must_lie_closer_than_a_knife():
    assert verdict(replace(KNIFE, category="handbag")) == "uncertain"
    assert verdict(thing("handbag", box(100, 30, 110, 70))) == "merged"


def test_a_ball_before_a_leg_is_not_merged():
    ball = thing("sports ball", box(98, 40, 118, 60))
    found = held_objects([PERSON, ball], ALPHA).objects[0]
    assert 0.3 < found.contact < 0.5
    assert found.verdict == "uncertain"


def test_what_is_inside_is_there_already():
    found = held_objects([PERSON, thing("tie", box(40, 20, 60, 80))], ALPHA)
    assert (found.objects[0].verdict, found.objects[0].inside) == ("already", 1.0)
    assert found.alpha is ALPHA


def test_a_thing_too_large_for_its_holder_is_uncertain():
    kite = thing("surfboard", box(100, 0, 130, 100))
    assert verdict(kite) == "uncertain"
    assert verdict(kite, size=0.3) == "merged"


def test_a_racket_too_large_is_uncertain_however_little_it_touches():
    racket = thing("tennis racket", [*box(100, 46, 130, 52), *box(130, 0, 190, 80)])
    assert verdict(racket) == "uncertain"


def test_only_what_would_be_added_counts_as_large():
    assert verdict(thing("backpack", box(80, 0, 120, 100))) == "merged"


def test_size_is_that_of_the_person_who_is_touched_and_not_of_everybody():
    child = Annotation(2, "person", False, box(150, 80, 170, 100))
    alpha = ALPHA.copy()
    alpha[80:100, 150:170] = 1
    umbrella = thing("umbrella", box(150, 60, 170, 80))
    (found,) = held_objects([PERSON, child, umbrella], alpha, contact=0.2).objects
    assert (found.area, found.verdict) == (1.0, "uncertain")


def test_a_person_whose_mask_cannot_be_read_is_no_holder():
    broken = Annotation(2, "person", False, None)
    (found,) = held_objects([broken, KNIFE], ALPHA).objects
    assert (found.area, found.verdict) == (0.04, "merged")


def test_a_crowd_of_people_is_no_holder():
    crowd = Annotation(2, "person", True, box(95, 40, 100, 60))
    (found,) = held_objects([crowd, PERSON, KNIFE], ALPHA).objects
    assert found.area == 0.04


def test_a_crowd_of_things_is_never_merged():
    assert verdict(replace(KNIFE, iscrowd=True)) == "uncertain"


def test_a_slit_between_hand_and_knife_closes():
    wide, person = np.zeros((100, 800), np.float32), Annotation(0, "person", False, box(0, 0, 9, 9))
    wide[:, :400] = 1
    knife = thing("knife", box(402, 40, 420, 60))
    merged = held_objects([person, knife], wide, size=1).alpha
    assert merged[50, 395:425].tolist() == [1.0] * 25 + [0.0] * 5
    assert merged[20, 400] == 0


def test_a_knife_beyond_reach_is_no_finding():
    assert held_objects([PERSON, thing("knife", box(104, 40, 120, 60))], ALPHA).objects == ()


def test_the_cut_of_the_frame_is_no_outline():
    whole = held_objects([PERSON, thing("knife", box(100, 40, 150, 60))], ALPHA).objects[0]
    cut = held_objects([PERSON, thing("knife", box(100, 80, 150, 130))], ALPHA).objects[0]
    assert cut.contact == pytest.approx(whole.contact, abs=0.1)
    assert cut.contact > 20 / 140


def test_a_soft_alpha_is_never_lowered():
    soft = ALPHA * np.float32(0.7)
    merged = held_objects([PERSON, KNIFE], soft).alpha
    assert (merged >= soft).all()
    assert merged[50, 110] == 1
    assert merged[10, 10] == np.float32(0.7)


def test_an_object_without_a_mask_is_counted_and_passed_over():
    broken = thing("handbag", [[0, 0, float("inf"), 0, 5, 5]])
    found = held_objects([PERSON, broken, KNIFE], ALPHA)
    assert (found.unread, found.count("merged")) == (1, 1)


def test_a_broken_chair_is_nobodys_business():
    assert held_objects([PERSON, thing("chair", None)], ALPHA).unread == 0


def test_an_empty_alpha_holds_nothing():
    found = held_objects([KNIFE], np.zeros_like(ALPHA))
    assert found.objects == ()


def test_the_most_questionable_object_comes_first():
    tie = thing("tie", box(40, 20, 60, 80))
    found = held_objects([PERSON, tie, KNIFE, BOTTLE], ALPHA)
    assert [o.verdict for o in found.objects] == ["uncertain", "merged", "already"]
    assert found.scores["held_area"] == 0.04


def test_of_two_that_are_as_questionable_the_larger_comes_first():
    cup = thing("cup", box(100, 10, 105, 15))
    found = held_objects([PERSON, cup, BOTTLE], ALPHA)
    assert [o.annotation.category for o in found.objects] == ["bottle", "cup"]


def test_the_stage_merges_with_history_scores_and_tags():
    merged = HeldObjects()(sample_of(KNIFE))
    assert isinstance(merged, Sample)
    assert merged.alpha[50, 110] == 1
    (step,) = [step for step in merged.history if step.stage == "held_objects"]
    assert step.values == {"objects": 1, "added": pytest.approx(0.02)}
    assert merged.tags == ("held_merged",)
    assert {name: merged.scores[name] for name in ("held_merged", "held_area")} == {
        "held_merged": 1,
        "held_area": 0.04,
    }


def test_the_stage_tags_what_is_uncertain_and_what_is_there_already():
    tie = thing("tie", box(40, 20, 60, 80))
    tagged = HeldObjects()(sample_of(BOTTLE, tie))
    assert isinstance(tagged, Sample)
    assert tagged.tags == ("held_uncertain", "held_already")
    assert not any(step.stage == "held_objects" for step in tagged.history)


def test_the_stage_drops_only_what_is_uncertain():
    dropped = Pipeline(HeldObjects(action="drop"))(sample_of(KNIFE, BOTTLE))
    assert isinstance(dropped, Dropped)
    assert (dropped.stage, dropped.reason) == ("held_objects", "held_uncertain")
    assert dropped.values["held_uncertain"] == 1
    kept = HeldObjects(action="drop")(sample_of(KNIFE))
    assert isinstance(kept, Sample)
    assert (kept.alpha[50, 110], kept.tags) == (1, ())


def test_the_stage_merges_without_a_tag_when_it_only_scores():
    scored = HeldObjects(action="score")(sample_of(KNIFE, BOTTLE))
    assert isinstance(scored, Sample)
    assert (scored.alpha[50, 110], scored.tags) == (1, ())
    assert (scored.scores["held_merged"], scored.scores["held_uncertain"]) == (1, 1)


def test_a_sample_that_holds_nothing_keeps_its_alpha_and_gets_scores():
    sample = sample_of()
    kept = HeldObjects()(sample)
    assert isinstance(kept, Sample)
    assert kept.alpha is sample.alpha
    assert set(kept.scores.values()) == {0}


def test_a_sample_without_alpha_is_handed_on():
    bare = Sample.of(np.zeros((100, 200, 3), np.uint8), context=CocoContext(1, (KNIFE,)))
    assert HeldObjects()(bare) is bare


def test_a_sample_without_annotations_is_an_error():
    with pytest.raises(ValueError, match="sample must carry the COCO annotations of its image"):
        HeldObjects()(Sample.of(np.zeros((4, 4, 3), np.uint8), np.ones((4, 4), np.float32)))


def test_the_stage_is_written_down_with_its_table():
    told: Mapping[str, Any] = describe(HeldObjects(held=(("cane", 0.1),)))
    assert told["held"] == [["cane", 0.1]]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"held": (("knife", 0),)}, "held must be pairs of a category's name and a share"),
        ({"held": (("", 0.1),)}, "held must be pairs"),
        ({"held": (("knife",),)}, "held must be pairs"),
        ({"review": "cup"}, "review must be categories' names, got 'cup'"),
        ({"contact": 0}, "contact must be a share of the object's outline above 0"),
        ({"inside": 2}, "inside must be a share of the object's area above 0 and at most 1, got 2"),
        ({"size": float("nan")}, "size must be a share of the holder's area"),
        ({"reach": -1}, "reach must be a share of the long side"),
        ({"category": ""}, "category must be a category's name"),
        ({"action": "merge"}, "action must be one of drop, tag, score, got 'merge'"),
    ],
)
def test_a_parameter_out_of_range_is_told(parameters: dict[str, Any], message: str):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  (the message is compared below)
        HeldObjects(**parameters)
    assert str(caught.value).startswith(message)


@pytest.fixture(scope="module")
def photographs() -> dict[object, Sample]:
    found: dict[object, Sample] = {}
    for part in ("train2017", "val2017"):
        source = Coco(str(TINY / "annotations" / f"instances_{part}.json"), str(TINY / part))
        for partition in source.plan([]):
            for sample in source.read(partition):
                assert isinstance(sample, Sample)
                assert isinstance(sample.context, CocoContext)
                found[sample.context.image_id] = sample
    return found


@needs_photographs
@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (12448, {"teddy bear": "uncertain"}),
        (522418, {"knife": "merged"}),
        (85329, {"tie": "already"}),
        (328757, {"spoon": "merged"}),  # in her hand and at her lips
        (318219, {}),  # two boys at keyboards
        (5802, {}),
        (562150, {}),
        (574769, {"handbag": "uncertain"}),  # on the floor beside her feet
        (456496, {"handbag": "merged"}),
    ],
)
def test_photographs_get_the_verdict_that_one_sees_in_them(
    photographs: dict[object, Sample], image: int, expected: dict[str, str]
):
    sample = photographs[image]
    assert isinstance(sample.context, CocoContext)
    found = held_objects(sample.context.annotations, sample.alpha)
    told = {o.annotation.category: o.verdict for o in found.objects if o.verdict != "apart"}
    assert told == expected


@needs_photographs
def test_the_knife_of_a_photograph_joins_the_hand(photographs: dict[object, Sample]):
    merged = HeldObjects()(photographs[522418])
    assert isinstance(merged, Sample)
    (step,) = [step for step in merged.history if step.stage == "held_objects"]
    assert 0.012 < step.values["added"] < 0.016
    assert merged.scores["held_contact"] == pytest.approx(0.22, abs=0.02)
    assert merged.scores["held_inside"] == pytest.approx(0.02, abs=0.01)
