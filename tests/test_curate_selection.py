import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from coco_files import (
    CATEGORIES,
    SHARED,
    annotations_by_image,
    compressed,
    document,
    documents,
    examples,
    facts_of,
    faults_of,
    image,
    kept,
    oracle,
    person,
    polygons,
    reasons,
    segmentations,
    strip,
    write,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from maskmill.curate import PersonFilter, select_people
from maskmill.curate.annotations import outline, rle
from maskmill.curate.coverage import cover

PEOPLE = SHARED / "coco_person" / "person_keypoints.json"
TINY = SHARED / "tiny_coco" / "annotations"
needs_people = pytest.mark.skipif(not PEOPLE.exists(), reason="the shared images are not here")
needs_tiny = pytest.mark.skipif(not TINY.exists(), reason="the shared tiny COCO is not here")

DOT = [[0, 0, 1, 0, 1, 1, 0, 1]]
CROWDS = ["reject", "ignore", "count"]
AREAS = ["union", "sum"]
shares = st.sampled_from([0, 0.07, 0.1, 0.2, 0.25, 1 / 3, 0.5, 0.7, 1.0]) | st.floats(0, 1)
bounds = st.tuples(shares, shares).map(lambda pair: (min(pair), max(pair)))
ranges = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda p: (min(p), max(p)))
rules = st.fixed_dictionaries(
    {
        "persons": ranges,
        "coverage": bounds.filter(lambda pair: pair[0] < pair[1]),
        "crowd": st.sampled_from(CROWDS),
        "area": st.sampled_from(AREAS),
    }
)


def select(tmp_path: Path, content: object, **parameters: Any) -> pa.Table:
    return select_people(write(tmp_path / "instances.json", content), **parameters)


def row(table: pa.Table, place: int = 0) -> dict[str, Any]:
    return table.slice(place, 1).to_pylist()[0]


@examples
@given(documents(), rules)
def test_every_image_is_decided_as_judge_decides_it(
    tmp_path_factory: Any, content: dict[str, Any], parameters: dict[str, Any]
):
    table = select(tmp_path_factory.mktemp("judge"), content, **parameters)
    annotations = annotations_by_image(content)
    assert table["image_id"].to_pylist() == [one["id"] for one in content["images"]]
    for record, found in zip(content["images"], table.to_pylist(), strict=True):
        size = record["height"], record["width"]
        judged = PersonFilter(**parameters).judge(annotations[record["id"]], *size)
        assert (found["reason"], found["keep"]) == (judged.reason, judged.reason is None)
        assert found["persons"] == judged.values["persons"]
        assert found["crowds"] == judged.values["crowds"]
        assert found["coverage"] == judged.values.get("coverage")
        if "coverage_bound" in judged.values:
            assert found["coverage_bound"] == judged.values["coverage_bound"]


@examples
@given(documents(sound=True), rules)
def test_coverage_is_that_of_decoded_masks_and_never_above_its_bound(
    tmp_path_factory: Any, content: dict[str, Any], parameters: dict[str, Any]
):
    table = select(tmp_path_factory.mktemp("oracle"), content, **parameters)
    annotations = annotations_by_image(content)
    for record, found in zip(content["images"], table.to_pylist(), strict=True):
        counted = [
            one.segmentation
            for one in annotations[record["id"]]
            if one.category == "person" and (parameters["crowd"] == "count" or not one.iscrowd)
        ]
        truth = oracle(counted, record["height"], record["width"], parameters["area"])
        assert truth <= found["coverage_bound"] + 1e-12
        low, high = parameters["coverage"]
        if found["coverage"] is not None:
            assert math.isclose(found["coverage"], truth, abs_tol=1e-9)
            assert found["coverage"] <= found["coverage_bound"]
        if found["keep"]:
            assert found["coverage"] is not None
            assert low <= truth <= high
        elif found["reason"] == "too_small":
            assert truth < low
        elif found["reason"] == "too_large":
            assert truth > high


sizes = st.integers(1, 14)


@settings(examples, max_examples=200)
@given(sizes, sizes, st.data())
def test_the_bounds_of_an_outline_hold(height: int, width: int, data: Any):
    segmentation = data.draw(segmentations(height, width))
    shape = outline(segmentation, height, width)
    pixels = rle(segmentation, height, width).area
    assert pixels <= shape.hull_bound <= shape.bound


@examples
@given(st.data())
def test_the_bounds_hold_for_large_and_extreme_frames(data: Any):
    height, width = data.draw(st.sampled_from([(1, 3000), (3000, 1), (2, 700), (480, 640), (1, 1)]))
    segmentation = data.draw(polygons(height, width))
    shape = outline(segmentation, height, width)
    assert rle(segmentation, height, width).area <= shape.hull_bound <= shape.bound


@examples
@given(st.data(), shares)
def test_a_cover_is_exact_or_below_what_is_needed(data: Any, needed: float):
    height, width = data.draw(sizes), data.draw(sizes)
    shapes = data.draw(st.lists(segmentations(height, width), max_size=3))
    area = data.draw(st.sampled_from(AREAS))
    outlines = [outline(shape, height, width) for shape in shapes]
    found = cover(outlines, height, width, needed=needed, area=area)
    truth = oracle(shapes, height, width, area)
    assert truth <= found.bound + 1e-12
    if found.coverage is None:
        assert found.bound < needed
        assert truth < needed
    else:
        assert found.coverage == truth


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("pixels", range(1, 100))
def test_a_bound_that_is_hit_exactly_is_inside(tmp_path: Path, pixels: int, area: str):
    shape = {"size": [10, 10], "counts": [0, pixels, 100 - pixels]}
    content = document([image(1)], [person(1, shape)])
    share = pixels / 100  # 0.07 * 100 is more than 7, and 0.29 * 100 is less than 29
    for low, high in ((share, 1.0), (0, share)):
        found = row(select(tmp_path, content, coverage=(low, high), area=area))
        assert (found["reason"], found["coverage"]) == (None, share)
    if pixels < 99:
        above = select(tmp_path, content, coverage=(math.nextafter(share, 1), 1.0), area=area)
        assert row(above)["reason"] == "too_small"
    below = select(tmp_path, content, coverage=(0, math.nextafter(share, 0)), area=area)
    assert row(below)["reason"] == "too_large"


def test_columns_and_their_types_are_the_documented_ones(tmp_path: Path):
    for images in ([], [image(1)], [image("a")]):
        table = select(tmp_path, document(images, []))
        identity = pa.string() if images == [image("a")] else pa.int64()
        assert [(field.name, field.type) for field in table.schema] == [
            ("image_id", identity),
            ("file_name", pa.string()),
            ("height", pa.int64()),
            ("width", pa.int64()),
            ("persons", pa.int32()),
            ("crowds", pa.int32()),
            ("coverage", pa.float64()),
            ("coverage_bound", pa.float64()),
            ("keep", pa.bool_()),
            ("reason", pa.string()),
        ]
        assert table.num_rows == len(images)
        assert set(facts_of(table)) == {
            "category", "annotations", "faults", "decoded", "rasterised",
        }  # fmt: skip


def test_a_row_says_what_is_known_and_null_what_is_not(tmp_path: Path):
    images = [image(1), image(2), image(3), image(4, height=0), {"id": None}, image(6)]
    people = [person(1), *[person(2, number=k) for k in (2, 3, 4)], person(4), person(6, DOT)]
    table = select(tmp_path, document(images, people))
    columns = ("persons", "coverage", "coverage_bound", "keep", "reason")
    found = [tuple(one[name] for name in columns) for one in table.to_pylist()]
    assert found == [
        (1, 0.5, 0.84, True, None),
        (3, None, 1.0, False, "person_count"),
        (0, None, 0.0, False, "person_count"),
        (1, None, None, False, "bad_frame"),
        (0, None, None, False, "bad_record"),
        (1, None, 0.09, False, "too_small"),
    ]
    assert table["height"].to_pylist() == [10, 10, 10, None, None, 10]
    assert table["file_name"].to_pylist() == ["1.png", "2.png", "3.png", "4.png", "", "6.png"]


def test_ids_that_are_texts_find_each_other_in_every_spelling(tmp_path: Path):
    images = [image("a"), image("7"), image("007"), image(12.0), image(8)]
    people = [
        person(number, number=k) for k, number in enumerate(["a", 7, "007", "12", 8.0, "8.0", "b"])
    ]
    table = select(tmp_path, document(images, people))
    assert table["image_id"].to_pylist() == ["a", "7", "007", "12", "8"]
    assert table["persons"].to_pylist() == [1, 1, 1, 1, 1]
    assert faults_of(table) == {"orphan_annotation": 2}


def test_ids_beyond_64_bits_are_texts(tmp_path: Path):
    numbers = [2**63, -(2**63) - 1, 10**40, 5]
    table = select(tmp_path, document([image(k) for k in numbers], [person(k) for k in numbers]))
    assert table["image_id"].to_pylist() == [str(number) for number in numbers]
    assert table["persons"].to_pylist() == [1] * 4


def test_entries_that_repeat_a_picture_are_one_row(tmp_path: Path):
    """An entry for every annotation, as converters write them: with its id, or with another."""
    images = [image(1)] * 3 + [image(2, file_name="1.png"), image(3, file_name="3.png"), image(3)]
    people = [person(1, strip(2), 1), person(1, strip(2, 4), 2), person(2, strip(2, 7), 3)]
    table = select(tmp_path, document(images, people), persons=(3, 3), coverage=(0, 1))
    assert table["image_id"].to_pylist() == [1, 3]
    assert row(table)["persons"] == 3
    assert row(table)["coverage"] == 0.6
    assert faults_of(table) == {"merged_image": 4}


def test_an_id_under_another_file_name_is_a_row_of_its_own(tmp_path: Path):
    images = [image(1), image(1, file_name="other.png")]
    table = select(tmp_path, document(images, [person(1)]))
    assert table["reason"].to_pylist() == [None, "duplicate_image"]
    assert table["persons"].to_pylist() == [1, 0]


def test_a_picture_of_another_size_is_another_picture(tmp_path: Path):
    images = [image(1), image(2, file_name="1.png", height=20)]
    table = select(tmp_path, document(images, [person(1), person(2, number=2)]))
    assert table["image_id"].to_pylist() == [1, 2]
    assert faults_of(table) == {}


def test_an_entry_without_a_frame_does_not_keep_later_ones_from_being_merged(tmp_path: Path):
    images = [image(1, height=0), image(2, file_name="1.png"), image(3, file_name="1.png")]
    table = select(tmp_path, document(images, [person(2), person(3, strip(2, 6), 2)]))
    assert [(r["image_id"], r["reason"], r["persons"]) for r in table.to_pylist()] == [
        (1, "bad_frame", 0),
        (2, None, 2),
    ]


def test_what_belongs_to_nothing_is_counted(tmp_path: Path):
    people = [
        person(1),
        person(1),  # word for word
        person(1, strip(2), 1),  # the id again, another outline
        person(99, number=2),
        person(None, number=3),
        person(1, number=4, category_id=5),
        person(1, number=5, category_id=None),
        person(1, number=6, category_id=17),
        None,
        [],
        "x",
    ]
    table = select(tmp_path, document([image(1)], people))
    assert row(table)["persons"] == 2
    assert facts_of(table)["annotations"] == len(people)
    assert faults_of(table) == {
        "orphan_annotation": 5,
        "repeated_annotation": 1,
        "unknown_category": 5,
    }


def test_people_without_an_id_are_never_taken_for_repeated(tmp_path: Path):
    people = [{k: v for k, v in person(1).items() if k != "id"}] * 2
    assert row(select(tmp_path, document([image(1)], people)))["persons"] == 2


@pytest.mark.parametrize(
    ("name", "closest"), [("people", "person"), ("Person", "person"), ("kat", "cat"), ("", "cat")]
)
def test_an_unknown_category_is_an_error_that_names_the_closest(
    tmp_path: Path, name: str, closest: str
):
    with pytest.raises(ValueError, match=closest if name else "category must be"):
        select(tmp_path, document([image(1)], []), category=name)


def test_a_file_without_categories_is_an_error_too(tmp_path: Path):
    with pytest.raises(ValueError, match=r"category must be one of .* got 'person'"):
        select(tmp_path, document([image(1)], [person(1)], categories=[]))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"persons": (2, 1)}, "persons must be"),
        ({"coverage": (0.5, 0.5)}, "coverage must be"),
        ({"coverage": (0, 1.1)}, "coverage must be"),
        ({"coverage": (math.nan, 1)}, "coverage must be"),
        ({"crowd": "drop"}, "crowd must be"),
        ({"area": "mean"}, "area must be"),
        ({"workers": 0}, "workers must be at least 1, got 0"),
    ],
)
def test_a_parameter_out_of_range_is_told_before_the_file_is_read(
    parameters: dict[str, Any], message: str
):
    with pytest.raises(ValueError, match=message):
        select_people("there is no such file.json", **parameters)


def test_another_category_counts_on_demand(tmp_path: Path):
    people = [person(1, category_id=17), *[person(1, number=k) for k in range(2, 9)]]
    assert kept(select(tmp_path, document([image(1)], people), category="cat")) == [1]


def test_a_category_of_two_ids_is_one(tmp_path: Path):
    twice = [*CATEGORIES, {"id": 90, "name": "person"}]
    people = [person(1), person(1, strip(2, 6), 2, category_id=90)]
    table = select(tmp_path, document([image(1)], people, categories=twice))
    assert row(table)["persons"] == 2


def test_outlines_of_images_that_the_count_drops_are_never_decoded(tmp_path: Path):
    images = [image(k) for k in range(1, 5)]
    people = [
        *[person(1, number=k) for k in range(10, 15)],  # too many
        person(2, "no outline at all", 20, iscrowd=1),  # a crowd
        person(3, number=30),
        person(3, DOT, 31),
        person(4, DOT, 40),  # bounded
    ]
    table = select(tmp_path, document(images, people))
    assert table["reason"].to_pylist() == ["person_count", "crowd", None, "too_small"]
    facts = facts_of(table)
    assert (facts["annotations"], facts["decoded"], facts["rasterised"]) == (9, 3, 1)


@pytest.mark.parametrize("box", [[0, 0, 2, 10], [0, 0, 2, 8]])
def test_a_box_that_is_too_small_is_only_believed_on_demand(tmp_path: Path, box: list[float]):
    content = document([image(1)], [person(1, bbox=box)])
    assert kept(select(tmp_path, content)) == [1]
    trusting = row(select(tmp_path, content, coverage=(0.5, 1), trust_boxes=True))
    assert trusting["reason"] == "too_small"
    assert trusting["coverage"] is None


def test_coverage_stays_below_its_bound_when_a_box_was_wrong(tmp_path: Path):
    content = document([image(1)], [person(1, bbox=[0, 0, 2, 8])])
    found = row(select(tmp_path, content, trust_boxes=True))
    assert found["coverage"] == 0.5
    assert found["coverage"] <= found["coverage_bound"]


@pytest.mark.parametrize(
    "box",
    [None, "missing", [], [1, 2, 3], [0, 0, -5, 10], [0, 0, math.nan, 1], "x", [1, 2, "3", 4],
     [0, 0, 1e30, 1e30], [-1e300, 0, 1e308, 1e308]],
)  # fmt: skip
def test_a_box_that_is_none_decides_nothing(tmp_path: Path, box: object):
    one = person(1)
    if box != "missing":
        one["bbox"] = box
    for area in AREAS:
        table = select(tmp_path, document([image(1)], [one]), trust_boxes=True, area=area)
        assert kept(table) == [1]


@examples
@given(documents(sound=True), rules)
def test_right_boxes_change_nothing(
    tmp_path_factory: Any, content: dict[str, Any], parameters: dict[str, Any]
):
    frames = {one["id"]: (one["height"], one["width"]) for one in content["images"]}
    for one in content["annotations"]:
        mask = rle(one["segmentation"], *frames[one["image_id"]]).alpha()
        ys, xs = np.nonzero(mask)
        sides = (xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1) if len(xs) else (0, 0, 0, 0)
        one["bbox"] = [float(side) for side in sides]
    folder = tmp_path_factory.mktemp("boxes")
    plain = select(folder, content, **parameters)
    trusting = select(folder, content, trust_boxes=True, **parameters)
    assert reasons(trusting) == reasons(plain)
    for one, other in zip(trusting.to_pylist(), plain.to_pylist(), strict=True):
        if one["coverage"] is not None:
            assert one["coverage"] == other["coverage"]
            assert one["coverage"] <= one["coverage_bound"]


def test_frames_of_a_file_may_differ_in_everything(tmp_path: Path):
    images = [image(1), image(2, height=1000, width=1), image(3, height=7, width=900)]
    people = [
        person(1, number=1),
        person(2, [[0, 0, 1, 0, 1, 500, 0, 500]], 2),
        person(3, compressed({"size": [7, 900], "counts": [0, 3150, 3150]}), 3),
    ]
    table = select(tmp_path, document(images, people))
    assert table["coverage"].to_pylist() == [0.5, 0.5, 0.5]


def test_progress_goes_to_its_end(tmp_path: Path):
    seen: list[tuple[str, int, int]] = []
    content = document([image(k) for k in range(5)], [person(k, number=k) for k in range(5)])
    select(tmp_path, content, progress=lambda *step: seen.append(step))
    for label, steps in itertools.groupby(seen, lambda step: step[0]):
        done = [step[1:] for step in steps]
        assert done == sorted(done), label
        assert done[-1][0] == done[-1][1], label
    assert {step[0] for step in seen} == {"annotations", "masks"}


def large(number: int, nested: bool) -> dict[str, Any]:
    """More than the processes take in one go, records of which every cut may be a wrong one."""
    padding = [{"a": k, "p": "y" * 300} for k in range(75)] if nested else "}, {" * 6000
    images = [image(k, height=100, width=100) for k in range(number)]
    people = [
        person(k, [[0, 0, 10 + k % 89, 0, 10 + k % 89, 100, 0, 100]], k, extra=padding)
        for k in range(number)
    ]
    return document(images, people)


@pytest.mark.parametrize("nested", [True, False])
def test_several_processes_find_what_one_finds(tmp_path: Path, nested: bool):
    path = write(tmp_path / "large.json", large(3000, nested))
    assert path.stat().st_size > 2**26
    one, two = (select_people(path, workers=workers) for workers in (1, 2))
    assert facts_of(one)["annotations"] == 3000
    assert sum(one["keep"].to_pylist()) > 1000
    assert two.equals(one, check_metadata=True)


def test_several_processes_read_a_small_and_an_empty_file(tmp_path: Path):
    for content in (document([], []), document([image(1)], [person(1)])):
        assert select(tmp_path, content, workers=2).equals(select(tmp_path, content))


@needs_people
@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("crowd", CROWDS)
def test_real_people_are_counted_and_measured_as_by_pycocotools(area: str, crowd: Any):
    content = json.loads(PEOPLE.read_text())
    annotations = annotations_by_image(content)
    table = select_people(PEOPLE, persons=(1, 20), crowd=crowd, area=area)
    if area == "union":
        assert len(kept(table)) == {"reject": 47, "ignore": 49, "count": 50}[crowd]
    for record, found in zip(content["images"], table.to_pylist(), strict=True):
        people = [a for a in annotations[record["id"]] if crowd == "count" or not a.iscrowd]
        assert found["persons"] == len(people)
        truth = oracle([a.segmentation for a in people], record["height"], record["width"], area)
        assert truth <= found["coverage_bound"] + 1e-12
        if found["coverage"] is not None:
            assert abs(found["coverage"] - truth) < 1e-9


@needs_people
def test_of_the_real_people_40_images_are_kept():
    assert len(kept(select_people(PEOPLE))) == 40


SEVEN = [5802, 12448, 85329, 318219, 328757, 522418, 562150]
FRACTIONS = [0.2164, 0.5263, 0.3459, 0.4835, 0.3132, 0.2057, 0.4532]


def tiny(**parameters: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for path in sorted(TINY.glob("instances_*.json")):
        rows += select_people(path, **parameters).to_pylist()
    return rows


@needs_tiny
@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("crowd", CROWDS)
def test_tiny_coco_keeps_exactly_seven(area: str, crowd: str):
    rows = tiny(area=area, crowd=crowd)
    assert len(rows) == 100
    assert sorted(one["image_id"] for one in rows if one["keep"]) == SEVEN
    assert all(one["keep"] != (one["reason"] is not None) for one in rows)


@needs_tiny
def test_tiny_coco_covers_what_the_facts_say():
    found = {one["image_id"]: one["coverage"] for one in tiny()}
    assert [round(found[number], 4) for number in SEVEN] == FRACTIONS


@needs_tiny
def test_the_crowd_rule_moves_the_number_more_than_overlap_does():
    def share(**parameters: Any) -> float:
        rows = tiny(persons=(1, 99), coverage=(0, 1), **parameters)
        return next(one["coverage"] for one in rows if one["image_id"] == 329323)

    assert round(share(crowd="ignore"), 3) == 0.547
    assert round(share(crowd="count"), 3) == 0.645
    assert share(crowd="ignore", area="sum") > share(crowd="ignore")
