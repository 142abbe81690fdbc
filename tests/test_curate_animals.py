from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskmill.curate import Coco
from maskmill.curate.animals import Animals, animals
from maskmill.curate.annotations import Annotation, CocoContext
from maskmill.sample import Dropped, Sample

TINY = Path(__file__).resolve().parents[2] / "shared" / "data" / "tiny_coco"
needs_photographs = pytest.mark.skipif(
    not TINY.exists(), reason="the shared COCO images are not on this machine"
)


def box(left: float, top: float, right: float, bottom: float) -> list[list[float]]:
    return [[left, top, right, top, right, bottom, left, bottom]]


def cat(left: float, right: float, **facts: Any) -> Annotation:
    """A cat 10 pixels tall in a frame of 40 x 100, where the person is on the left half."""
    outline = box(left, 10, right, 20)
    return replace(Annotation(1, "cat", False, outline, supercategory="animal"), **facts)


PERSON = np.zeros((40, 100), np.float32)
PERSON[:, :50] = 1


def sample_of(*annotations: Annotation) -> Sample:
    context = CocoContext(1, annotations)
    return Sample.of(np.zeros((40, 100, 3), np.uint8), PERSON, origin="a.jpg#1", context=context)


def test_a_cat_inside_the_mask_is_found_with_its_numbers():
    found = animals([cat(20, 40)], PERSON)
    assert found.words == ("animal_inside",)
    assert (found.found, found.area, found.inside, found.contact) == (1, 0.05, 1.0, 1.0)


def test_a_cat_beside_the_person_touches():
    found = animals([cat(50, 70)], PERSON)
    assert found.words == ("animal_touching",)
    assert found.inside == 0
    assert 0.1 < found.contact < 0.3


def test_a_cat_that_shares_a_few_pixels_with_the_person_is_not_inside():
    assert animals([cat(49, 70)], PERSON).words == ("animal_touching",)


def test_a_cat_half_inside_is_inside():
    assert animals([cat(40, 60)], PERSON).words == ("animal_inside",)


def test_a_cat_apart_from_the_person_is_no_finding():
    found = animals([cat(60, 80)], PERSON)
    assert (found.words, found.found, found.area) == ((), 0, 0.0)


def test_a_gap_of_a_few_thousandths_of_the_long_side_is_a_touch():
    wide = np.zeros((100, 1000), np.float32)
    wide[:, :500] = 1
    near = Annotation(1, "dog", False, box(503, 10, 600, 90))
    far = Annotation(1, "dog", False, box(507, 10, 600, 90))
    assert animals([near], wide).words == ("animal_touching",)
    assert animals([far], wide).words == ()


def test_a_speck_of_an_animal_is_passed_over():
    assert animals([cat(20, 23)], PERSON).words == ()
    assert animals([cat(20, 23)], PERSON, area=0).words == ("animal_inside",)


def test_how_much_must_touch_is_a_parameter():
    assert animals([cat(50, 70)], PERSON, contact=0.1).words == ("animal_touching",)
    assert animals([cat(50, 70)], PERSON, contact=0.5).words == ()
    assert animals([cat(20, 40)], PERSON, contact=0.5).words == ("animal_inside",)


def test_the_gravest_animal_gives_the_numbers():
    found = animals([cat(50, 95), cat(10, 20), cat(20, 40)], PERSON)
    assert found.words == ("animal_inside", "animal_touching")
    assert (found.found, found.area) == (3, 0.05)


def test_a_category_is_an_animal_where_no_supercategory_is_known():
    assert animals([cat(20, 40, supercategory="")], PERSON).words == ("animal_inside",)
    assert animals([cat(20, 40, supercategory="", category="cup")], PERSON).words == ()


def test_an_animal_that_the_list_does_not_know_is_one_by_its_supercategory():
    assert animals([cat(20, 40, category="okapi")], PERSON).words == ("animal_inside",)


def test_a_teddy_bear_is_no_animal():
    bear = cat(20, 40, category="teddy bear", supercategory="indoor")
    assert animals([bear], PERSON).words == ()


def test_a_herd_annotated_as_a_crowd_counts():
    runs = {"size": [40, 100], "counts": [0, 40 * 60, 40 * 40]}
    herd = cat(0, 0, category="sheep", iscrowd=True, segmentation=runs)
    assert animals([herd], PERSON).words == ("animal_inside",)


def test_an_animal_without_a_mask_is_counted_and_passed_over():
    broken = cat(0, 0, segmentation=[[0, 0, float("nan"), 0, 5, 5]])
    found = animals([broken, cat(20, 40)], PERSON)
    assert (found.words, found.unread) == (("animal_inside",), 1)
    assert animals([broken], PERSON).scores["animals_unread"] == 1


def test_a_valid_outline_that_covers_no_pixel_is_no_animal():
    found = animals([cat(0, 0, segmentation=box(200, 0, 210, 10))], PERSON, area=0)
    assert (found.words, found.unread) == ((), 0)


def test_an_empty_alpha_touches_nothing():
    assert animals([cat(20, 40)], np.zeros_like(PERSON)).words == ()


def test_the_stage_drops_with_reason_and_numbers():
    dropped = Animals()(sample_of(cat(20, 40)))
    assert isinstance(dropped, Dropped)
    assert dropped.reason == "animal_inside"
    assert dropped.values == {
        "animals": 1,
        "animal_area": 0.05,
        "animal_inside": 1.0,
        "animal_contact": 1.0,
        "animals_unread": 0,
    }


def test_the_stage_tags_every_finding():
    tagged = Animals(action="tag")(sample_of(cat(20, 40), cat(50, 70)))
    assert isinstance(tagged, Sample)
    assert tagged.tags == ("animal_inside", "animal_touching")
    assert tagged.scores["animals"] == 2


def test_the_stage_only_scores_when_asked_to():
    scored = Animals(action="score")(sample_of(cat(20, 40)))
    assert isinstance(scored, Sample)
    assert (scored.tags, scored.scores["animal_inside"]) == ((), 1.0)


def test_a_sample_without_animals_is_kept_with_its_scores():
    kept = Animals()(sample_of())
    assert isinstance(kept, Sample)
    assert kept.scores["animals"] == 0
    assert kept.alpha is not None


def test_a_sample_without_alpha_is_handed_on():
    bare = Sample.of(np.zeros((40, 100, 3), np.uint8), context=CocoContext(1, (cat(20, 40),)))
    assert Animals()(bare) is bare


def test_a_sample_without_annotations_is_an_error():
    with pytest.raises(ValueError, match="sample must carry the COCO annotations of its image"):
        Animals()(Sample.of(np.zeros((4, 4, 3), np.uint8), np.ones((4, 4), np.float32)))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"classes": "cat"}, "classes must be categories' names, got 'cat'"),
        ({"area": 1}, "area must be a share of the frame from 0 to less than 1, got 1"),
        ({"inside": 0}, "inside must be a share of the animal"),
        ({"inside": float("nan")}, "inside must be"),
        ({"contact": -0.1}, "contact must be a share of the animal's outline"),
        ({"reach": 5}, "reach must be a share of the long side of at most 0.1, got 5"),
        ({"action": "remove"}, "action must be one of drop, tag, score, got 'remove'"),
    ],
)
def test_a_parameter_out_of_range_is_told(parameters: dict[str, Any], message: str):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  (the message is compared below)
        Animals(**parameters)
    assert str(caught.value).startswith(message)


@needs_photographs
def test_the_photographs_with_animals_at_people_are_dropped_and_no_others():
    dropped: dict[object, str] = {}
    for part in ("train2017", "val2017"):
        source = Coco(str(TINY / "annotations" / f"instances_{part}.json"), str(TINY / part))
        for partition in source.plan([]):
            for sample in source.read(partition):
                assert isinstance(sample, Sample)
                result = Animals()(sample)
                if isinstance(result, Dropped):
                    assert isinstance(sample.context, CocoContext)
                    dropped[sample.context.image_id] = result.reason
    assert dropped == {
        562150: "animal_inside",  # a kitten in arms
        574769: "animal_inside",  # a cat on the arm
        25560: "animal_touching",  # a cat before a man on a screen
        181666: "animal_touching",
        184613: "animal_touching",
        384553: "animal_touching",  # a mahout on his elephant
    }
