from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest

from maskmill import Pipeline
from maskmill.curate import PersonFilter
from maskmill.curate.annotations import Annotation, CocoContext
from maskmill.curate.people import judge
from maskmill.sample import Dropped, Sample
from maskmill.stage import describe


def person(left: float, right: float, number: int = 1, **facts: Any) -> Annotation:
    """A person as tall as a frame of 10 x 100, from column `left` to column `right`."""
    strip = [[left, 0, right, 0, right, 10, left, 10]]
    return replace(Annotation(number, "person", False, strip), **facts)


def crowd(left: float, right: float, number: int = 99) -> Annotation:
    return person(left, right, number, iscrowd=True)


def sample_of(*annotations: Annotation, alpha: float | None = 0.5) -> Sample:
    image = np.zeros((10, 100, 3), np.uint8)
    matte = None if alpha is None else np.full((10, 100), alpha, np.float32)
    return Sample.of(image, matte, origin="a.jpg#1", context=CocoContext(1, annotations))


@pytest.mark.parametrize(
    ("number", "reason", "bound"),
    [(0, "person_count", 1), (1, None, None), (2, None, None), (3, "person_count", 2)],
)
def test_the_number_of_persons_is_bounded(number: int, reason: str | None, bound: int | None):
    found = judge([person(0, 40, i) for i in range(number)], 10, 100)
    assert found.reason == reason
    assert found.values.get("bound") == bound
    assert found.values["persons"] == number


@pytest.mark.parametrize(
    ("columns", "reason", "bound"),
    [
        (19, "too_small", 0.2),
        (20, None, None),
        (70, None, None),
        (71, "too_large", 0.7),
    ],
)
def test_coverage_is_bounded_and_the_bounds_are_included(
    columns: int, reason: str | None, bound: float | None
):
    found = judge([person(0, columns)], 10, 100)
    assert found.reason == reason
    assert found.values.get("bound") == bound
    assert found.values["coverage"] == columns / 100


def test_pixels_that_two_persons_share_count_once():
    found = judge([person(0, 50), person(30, 70)], 10, 100)
    assert (found.reason, found.values["coverage"]) == (None, 0.7)


def test_a_crowd_is_rejected_whatever_else_is_wrong():
    found = judge([crowd(0, 10), *[person(0, 1)] * 9], 10, 100)
    assert found.reason == "crowd"
    assert found.values == {"persons": 9, "crowds": 1, "bound": 0}


def test_an_ignored_crowd_adds_nothing():
    found = judge([person(0, 30), crowd(50, 100)], 10, 100, crowd="ignore")
    assert found.reason is None
    assert found.values == {"persons": 1, "crowds": 1, "coverage": 0.3}


def test_a_counted_crowd_adds_to_number_and_union():
    found = judge([person(0, 30), crowd(50, 80)], 10, 100, crowd="count")
    assert found.reason is None
    assert found.values == {"persons": 2, "crowds": 1, "coverage": 0.6}
    assert found.mask is not None
    assert found.mask.alpha()[0].tolist() == [1.0] * 30 + [0.0] * 20 + [1.0] * 30 + [0.0] * 20
    assert judge([*[person(0, 30)] * 2, crowd(50, 80)], 10, 100, crowd="count").reason == (
        "person_count"
    )


def test_other_categories_are_passed_over():
    cat = person(0, 100, category="cat", iscrowd=True)
    assert judge([person(0, 30), cat], 10, 100).reason is None
    assert judge([person(0, 30), cat], 10, 100, category="cat").reason == "crowd"


def test_a_counted_mask_that_is_none_gives_its_reason():
    bad = person(0, 0, 7, segmentation=[[0, 0, float("nan"), 0, 5, 5]])
    found = judge([person(0, 30), bad], 10, 100)
    assert found.reason == "non_finite"
    assert found.values == {"persons": 2, "crowds": 0, "annotation": 7}


def test_masks_that_do_not_count_need_not_be_valid():
    broken = [person(0, 0, segmentation=None, category="cat"), crowd(0, 0)]
    assert judge([person(0, 30), *broken], 10, 100, crowd="ignore").reason is None


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"persons": (2, 1)}, "persons must be two whole numbers low <= high, got (2, 1)"),
        ({"persons": (-1, 1)}, "persons must be"),
        ({"persons": (1.0, 2)}, "persons must be"),
        ({"persons": 1}, "persons must be two whole numbers low <= high, got 1"),
        ({"persons": (1, True)}, "persons must be"),
        ({"coverage": (0.7, 0.2)}, "coverage must be two fractions low < high, got (0.7, 0.2)"),
        ({"coverage": (20, 70)}, "coverage must be"),
        ({"coverage": (float("nan"), 1)}, "coverage must be"),
        ({"coverage": ("a", "b")}, "coverage must be"),
        ({"crowd": "drop"}, "crowd must be one of reject, ignore, count, got 'drop'"),
        ({"category": ""}, "category must be a category's name, got ''"),
    ],
)
def test_a_parameter_out_of_range_is_told(parameters: dict[str, Any], message: str):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  (the message is compared below)
        PersonFilter(**parameters)
    assert str(caught.value).startswith(message)


def test_the_stage_keeps_a_sample_and_its_alpha_as_they_are():
    sample = sample_of(person(0, 30))
    assert PersonFilter()(sample) is sample


def test_the_stage_drops_with_reason_and_numbers():
    dropped = Pipeline(PersonFilter())(sample_of(person(0, 19)))
    assert isinstance(dropped, Dropped)
    assert (dropped.stage, dropped.reason) == ("person_filter", "too_small")
    assert dropped.values == {"persons": 1, "crowds": 0, "coverage": 0.19, "bound": 0.2}


def test_an_outline_that_cannot_be_large_enough_is_not_made_into_a_mask():
    dropped = PersonFilter()(sample_of(person(0, 10)))
    assert isinstance(dropped, Dropped)
    assert dropped.values == {"persons": 1, "crowds": 0, "coverage_bound": 0.144, "bound": 0.2}


def test_a_counted_crowd_becomes_part_of_the_alpha():
    kept = PersonFilter(crowd="count")(sample_of(person(0, 20), crowd(50, 70)))
    assert isinstance(kept, Sample)
    assert kept.alpha[3].tolist() == [1.0] * 20 + [0.0] * 30 + [1.0] * 20 + [0.0] * 30
    assert kept.scores == {"persons": 2, "coverage": 0.4}
    assert [step.stage for step in kept.history] == ["person_filter"]


def test_without_a_crowd_counting_them_changes_nothing():
    sample = sample_of(person(0, 30))
    assert PersonFilter(crowd="count")(sample) is sample


def test_an_image_without_persons_that_is_wanted_gets_an_empty_alpha():
    stage = PersonFilter(persons=(0, 0), coverage=(0, 1))
    kept = stage(sample_of(alpha=None))
    assert isinstance(kept, Sample)
    assert kept.alpha.max() == 0


def test_a_sample_without_annotations_is_an_error():
    sample = Sample.of(np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="sample must carry the COCO annotations of its image"):
        PersonFilter()(sample)


def test_the_stage_is_written_down_with_all_its_parameters():
    assert describe(PersonFilter(crowd="count")) == {
        "use": "person_filter",
        "class": "maskmill.curate.people:PersonFilter",
        "persons": [1, 2],
        "coverage": [0.2, 0.7],
        "crowd": "count",
        "category": "person",
        "area": "union",
    }
    with pytest.raises(FrozenInstanceError):
        PersonFilter().crowd = "count"  # pyright: ignore[reportAttributeAccessIssue]
