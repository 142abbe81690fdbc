import dataclasses
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coco_files import (
    CATEGORIES,
    SHARED,
    Record,
    compressed,
    document,
    faults_of,
    image,
    kept,
    masks,
    person,
    reasons,
    strip,
    write,
)
from PIL import Image

from maskmill import Pipeline
from maskmill.curate import Coco, PersonFilter, select_people
from maskmill.curate.annotations import CocoContext, rle
from maskmill.sample import Dropped, Sample

TINY = SHARED / "tiny_coco"
needs_tiny = pytest.mark.skipif(not TINY.exists(), reason="the shared tiny COCO is not here")


class Files:
    """A folder with annotation files and pictures of 10 x 10."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pictures = root / "images"
        self.pictures.mkdir()

    def picture(self, *names: str) -> None:
        for seed, name in enumerate(names):
            rng = np.random.default_rng(seed)
            path = self.pictures / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (10, 10, 3), np.uint8)).save(path, "png")

    def source(self, content: object, **parameters: Any) -> Coco:
        path = write(self.root / "instances.json", content)
        return Coco(str(path), images=str(self.pictures), **parameters)

    def write(self, name: str, content: object) -> str:
        return str(write(self.root / name, content))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def read(source: Coco, *stages: Any) -> list[Sample | Dropped]:
    return [item for part in source.plan(stages) for item in source.read(part)]


def told(items: Sequence[Sample | Dropped]) -> list[tuple[Any, ...]]:
    """What the ledger and the shards would hold."""
    found: list[tuple[Any, ...]] = []
    for item in items:
        if isinstance(item, Dropped):
            origin = item.origin if item.sample is None else item.sample.origin
            found.append((origin, item.stage, item.reason, dict(item.values)))
        else:
            alpha = item.alpha.tobytes() if item.has_alpha else None
            found.append((item.origin, item.key, item.scores, item.history, alpha))
    return found


def both_ways(source: Coco, stage: PersonFilter) -> list[Sample | Dropped]:
    """Items of a source that absorbs a filter; the same as if it stood later in the pipeline."""
    absorbed = read(source, stage)
    pipeline = Pipeline(stage)
    apart = [pipeline(item) if isinstance(item, Sample) else item for item in read(source)]
    assert told(absorbed) == told(apart)
    return absorbed


def words(items: Sequence[Sample | Dropped]) -> list[str]:
    return [item.reason if isinstance(item, Dropped) else "kept" for item in items]


def context(item: Sample | Dropped) -> CocoContext:
    assert isinstance(item, Sample)
    assert isinstance(item.context, CocoContext)
    return item.context


def columns(item: Sample | Dropped) -> list[int]:
    """The columns of a frame that its alpha fills from top to bottom."""
    assert isinstance(item, Sample)
    assert set(item.alpha.ravel().tolist()) <= {0.0, 1.0}
    return [x for x in range(10) if item.alpha[:, x].all()]


def lvis(number: int, **facts: Any) -> Record:
    """An image as lvis_v1_train.json has it: no file name."""
    return {
        "id": number,
        "coco_url": f"http://images.cocodataset.org/train2017/{number:012}.jpg",
        "flickr_url": "http://farm9.staticflickr.com/1/a.jpg",
        "date_captured": "2013-11-14 22:55:09",
        "license": 1,
        "height": 10,
        "width": 10,
        "neg_category_ids": [],
        "not_exhaustive_category_ids": [],
    } | facts


LVIS = [
    {"id": 793, "name": "person", "synset": "person.n.01", "frequency": "f", "def": "a human"},
    {"id": 225, "name": "cat", "synset": "cat.n.01", "frequency": "f", "def": "a feline"},
]


def human(number: int, **facts: Any) -> Record:
    """An annotation as LVIS has it: no iscrowd."""
    one = person(number, number=number, category_id=793) | facts
    return {key: value for key, value in one.items() if key != "iscrowd"}


def test_an_lvis_image_is_found_by_its_address(files: Files):
    files.picture("train2017/000000000001.jpg")
    source = files.source(document([lvis(1)], [human(1)], categories=LVIS))
    [item] = both_ways(source, PersonFilter())
    assert columns(item) == [0, 1, 2, 3, 4]
    assert item.origin == "train2017/000000000001.jpg#1"


def test_the_folder_of_lvis_images_may_be_given_itself(files: Files):
    files.picture("train2017/000000000001.jpg", "train2017/000000000002.jpg")
    content = document([lvis(1), lvis(2)], [human(1), human(2)], categories=LVIS)
    source = files.source(content)
    within = dataclasses.replace(source, images=str(files.pictures / "train2017"))
    assert words(both_ways(within, PersonFilter())) == ["kept", "kept"]


@pytest.mark.parametrize(
    "address",
    ["http://[bad", "", None, 7, [], "http://host", "http://host/../../a.png", "x//etc/hostname",
     "http://host/images//etc/hostname", "file:///etc/hostname", "http://host/%2e%2e/secret.png",
     "http://host/a/%00.png", "http://host/images/..", "\ud800"],
)  # fmt: skip
def test_an_address_that_is_none_is_no_picture(files: Files, address: object):
    Image.new("RGB", (10, 10)).save(files.root / "secret.png")
    source = files.source(document([lvis(1, coco_url=address)], [human(1)], categories=LVIS))
    for stages in ((), (PersonFilter(),)):
        assert words(read(source, *stages))[0] in ("bad_record", "unsafe_path", "missing_file")


def test_where_not_all_people_are_annotated_an_image_is_not_taken(files: Files):
    files.picture(*[f"train2017/{k:012}.jpg" for k in range(1, 7)])
    images = [
        lvis(1, not_exhaustive_category_ids=[225]),
        lvis(2, not_exhaustive_category_ids=[225, 793]),
        lvis(3, neg_category_ids=[793]),
        lvis(4, neg_category_ids=[225]),
        lvis(5, neg_category_ids=None, not_exhaustive_category_ids=None),
        lvis(6, neg_category_ids="793", not_exhaustive_category_ids=["793"]),
    ]
    people = [human(1), human(2), human(4, category_id=225), human(6)]
    source = files.source(document(images, people, categories=LVIS))
    table = select_people(source.annotations, persons=(0, 1), coverage=(0, 1))
    assert reasons(table) == {
        1: None, 2: "not_exhaustive", 3: None, 4: "not_exhaustive", 5: None, 6: "not_exhaustive",
    }  # fmt: skip
    items = both_ways(source, PersonFilter(persons=(0, 1), coverage=(0, 1)))
    assert words(items) == [reason or "kept" for reason in table["reason"].to_pylist()]
    assert told(items)[1][1:] == (None, "not_exhaustive", {})


def test_the_ledger_of_lvis_is_one_for_every_rule(files: Files):
    numbers = range(1, 9)
    files.picture(*[f"train2017/{k:012}.jpg" for k in numbers])
    images = [
        lvis(
            k,
            neg_category_ids=[793] if k % 2 else [],
            not_exhaustive_category_ids=[793] if k % 3 == 0 else [],
        )
        for k in numbers
    ]
    people = [human(k, iscrowd=int(k == 5)) for k in numbers if k not in (1, 2)]
    source = files.source(document(images, people, categories=LVIS))
    for crowd in ("reject", "ignore", "count"):
        for persons in ((0, 1), (1, 2)):
            both_ways(source, PersonFilter(persons=persons, coverage=(0, 1), crowd=crowd))


def test_compressed_run_lengths_make_the_same_alpha_as_their_pixels(files: Files):
    files.picture("1.png", "2.png")
    pixels = np.zeros((10, 10), np.uint8, order="F")
    pixels[2:7, 1:9] = 1
    text = masks.encode(pixels)["counts"].decode()
    runs = compressed({"size": [10, 10], "counts": [12, 5, 5, 5, 73]})
    people = [person(1, {"size": [10, 10], "counts": text}), person(2, runs, 2)]
    source = files.source(document([image(1), image(2)], people))
    items = both_ways(source, PersonFilter(coverage=(0.05, 1)))
    assert [item.alpha.sum() for item in items if isinstance(item, Sample)] == [40, 10]
    assert isinstance(items[0], Sample)
    assert np.array_equal(items[0].alpha, pixels)


def test_ids_as_texts_lead_to_samples(files: Files):
    name = "images/v1/patch0/objects365_v1_00000001.jpg"
    files.picture(name, "b.png", "c.png")
    images = [
        image("obj365_1", file_name=name, isfake=0),
        image("obj365_2", file_name="b.png"),
        image("obj365_3", file_name="c.png"),
    ]
    people = [
        person("obj365_1", number="a1"),
        person("obj365_2", {}, "a2", bbox=[0, 0, 5, 10]),
        person("obj365_4", number="a3"),
    ]
    del people[1]["segmentation"]  # Objects365 has boxes alone
    people[0]["category_id"] = "1"
    items = both_ways(files.source(document(images, people)), PersonFilter())
    assert told(items)[0][0] == f"{name}#obj365_1"
    assert words(items) == ["kept", "no_segmentation", "person_count", "orphan_annotation"]
    assert context(items[0]).image_id == "obj365_1"


def test_a_name_in_capitals_is_another_category(files: Files):
    capital = [{"id": 1, "name": "Person"}]
    source = files.source(document([image(1)], [person(1)], categories=capital))
    with pytest.raises(ValueError, match="got 'person'; the closest are Person"):
        source.plan(())
    assert kept(select_people(source.annotations, category="Person")) == [1]


def panoptic(files: Files, *segments: Record, **parameters: Any) -> Coco:
    """An image whose picture of objects has 7 on the left half and 300 beside it."""
    files.picture("1.png")
    folder = files.root / "panoptic"
    folder.mkdir(exist_ok=True)
    colours(folder / "1.png", [7] * 5 + [300] * 2 + [0] * 3)
    record = {"image_id": 1, "file_name": "1.png", "segments_info": list(segments)}
    parameters = {"panoptic": str(folder)} | parameters
    return files.source(document([image(1)], [record]), **parameters)


def colours(path: Path, numbers: list[int]) -> None:
    pixels = np.zeros((10, 10, 3), np.uint8)
    for place, number in enumerate(numbers):
        pixels[:, place] = number % 256, number // 256 % 256, number // 65536
    Image.fromarray(pixels).save(path)


def segment(number: object = 7, area: object = 50, **facts: Any) -> Record:
    return {"id": number, "category_id": 1, "iscrowd": 0, "bbox": [0, 0, 5, 10], "area": area} | (
        facts
    )


def test_a_panoptic_object_has_the_pixels_of_its_colour(files: Files):
    source = panoptic(files, segment(), segment(300, 20), segment(0, 30, category_id=17))
    [item] = both_ways(source, PersonFilter())
    assert columns(item) == [0, 1, 2, 3, 4, 5, 6]
    assert isinstance(item, Sample)
    assert item.scores == {"persons": 2, "coverage": 0.7}
    assert [a.category for a in context(item).annotations] == ["person", "person", "cat"]
    assert context(item).annotations[0].bbox == (0, 0, 5, 10)


def test_the_selection_takes_the_areas_of_a_panoptic_file(files: Files):
    source = panoptic(files, segment(), segment(300, 20), segment(0, 30, category_id=17))
    [row] = select_people(source.annotations).to_pylist()
    assert (row["persons"], row["coverage"], row["keep"]) == (2, 0.7, True)


@pytest.mark.parametrize(("number", "found"), [("7", [0, 1, 2, 3, 4]), (7.0, [0, 1, 2, 3, 4])])
def test_the_number_of_an_object_is_known_in_every_spelling(
    files: Files, number: object, found: list[int]
):
    [item] = both_ways(panoptic(files, segment(number)), PersonFilter())
    assert columns(item) == found


@pytest.mark.parametrize("number", [8, None, [7, 8], {}, "a", 10**30, -1, True, 1e400])
def test_an_object_without_pixels_has_no_segmentation(files: Files, number: object):
    assert words(both_ways(panoptic(files, segment(number)), PersonFilter())) == ["no_segmentation"]


@pytest.mark.parametrize("area", [None, "50", -1, 101, float("nan"), 10**400, True, []])
def test_an_area_that_is_none_is_told(files: Files, area: object):
    source = panoptic(files, segment(area=area))
    assert reasons(select_people(source.annotations)) == {1: "segment_area"}
    assert words(read(source, PersonFilter())) == ["segment_area"]


def test_without_the_pictures_of_its_objects_a_panoptic_image_is_dropped(files: Files):
    source = panoptic(files, segment(), panoptic=None)
    assert told(both_ways(source, PersonFilter())) == [
        ("1.png#1", None, "no_segmentation", {"annotation": 7})
    ]


def test_a_panoptic_picture_that_is_none_drops_its_image(files: Files):
    source = panoptic(files, segment())
    path = files.root / "panoptic" / "1.png"
    for spoil in (
        lambda: Image.new("RGB", (20, 10), (7, 0, 0)).save(path),
        lambda: path.write_bytes(b"no picture"),
        path.unlink,
    ):
        spoil()
        assert words(both_ways(source, PersonFilter())) == ["no_segmentation"]


@pytest.mark.parametrize("name", ["../secret.png", "/etc/hostname", None, 7, "", "\ud800"])
def test_a_panoptic_picture_outside_its_folder_is_never_read(files: Files, name: object):
    colours(files.root / "secret.png", [7] * 10)
    source = panoptic(files, segment())
    record = {"image_id": 1, "file_name": name, "segments_info": [segment()]}
    files.source(document([image(1)], [record]))
    assert words(read(source)) == ["no_segmentation"]


def test_a_changed_panoptic_picture_changes_the_fingerprint(files: Files):
    source = panoptic(files, segment())
    before = [part.fingerprint for part in source.plan(())]
    assert [part.fingerprint for part in source.plan(())] == before
    colours(files.root / "panoptic" / "1.png", [7] * 6 + [0] * 4)
    os.utime(files.root / "panoptic" / "1.png", ns=(1, 1))
    assert [part.fingerprint for part in source.plan(())] != before


def test_a_record_that_looks_like_an_object_and_has_run_lengths_is_a_mask(tmp_path: Path):
    runs = {"size": [10, 10], "counts": [0, 50, 50], "id": 7, "area": 3}
    path = write(tmp_path / "a.json", document([image(1)], [person(1, runs)]))
    assert select_people(path)["coverage"].to_pylist() == [0.5]


@pytest.mark.parametrize("number", [5, "5", 5.0])
def test_what_a_record_is_does_not_depend_on_its_neighbours(tmp_path: Path, number: object):
    mixed = person(1, number=1, segments_info=[segment(9)])
    path = write(tmp_path / "a.json", document([image(1)], [mixed, person(2, number=number)]))
    assert select_people(path)["persons"].to_pylist() == [1]


def test_objects_with_strange_numbers_spoil_nothing(tmp_path: Path):
    records = [
        {"image_id": 1, "segments_info": [segment(area=float("nan")), segment(note=float("inf"))]},
        {"image_id": 2, "segments_info": [7, None, [], {}, segment()]},
        {"image_id": 3, "segments_info": {"id": 1}},
        {"image_id": 4, "segments_info": None},
        {"image_id": "5", "segments_info": [segment(category_id="1")]},
    ]
    path = write(tmp_path / "a.json", document([image(k) for k in range(1, 6)], records))
    assert reasons(select_people(path)) == {
        1: "segment_area", 2: None, 3: "person_count", 4: "person_count", 5: None,
    }  # fmt: skip


POINTS = [1, 2, 2] * 17


def test_a_keypoints_file_is_a_file_like_any(files: Files):
    files.picture("1.png")
    one = person(1, keypoints=POINTS, num_keypoints=17)
    skeleton = [{**CATEGORIES[0], "keypoints": ["nose"], "skeleton": [[16, 14]]}]
    source = files.source(document([image(1)], [one], categories=skeleton))
    [item] = both_ways(source, PersonFilter())
    assert context(item).annotations[0].keypoints == tuple(POINTS)


def test_keypoints_of_another_file_are_joined_by_annotation(files: Files):
    files.picture("1.png", "2.png")
    people = [person(1, number=11), person(1, strip(2, 6), 12), person(2, number=21)]
    points = [
        person(1, number=12, keypoints=[9] * 51),
        person(1, number=11, keypoints=POINTS),
        person(2, number=99, keypoints=[5] * 51),
        person(1, number=21, keypoints=[7] * 51),  # of another image
        {"id": 11, "image_id": 1, "category_id": 1},
    ]
    other = files.write("keypoints.json", document([image(1), image(2)], points))
    source = files.source(document([image(1), image(2)], people), keypoints=other)
    first, second = both_ways(source, PersonFilter())
    found = [a.keypoints for a in context(first).annotations]
    assert found == [tuple(POINTS), (9,) * 51]
    assert [a.keypoints for a in context(second).annotations] == [None]


def test_joined_keypoints_change_the_fingerprint_and_not_the_key(files: Files):
    files.picture("1.png")
    content = document([image(1)], [person(1)])
    plain = files.source(content)
    other = files.write("keypoints.json", document([image(1)], [person(1, keypoints=POINTS)]))
    joined = dataclasses.replace(plain, keypoints=other)
    (one,), (two,) = read(plain), read(joined)
    assert isinstance(one, Sample)
    assert isinstance(two, Sample)
    assert one.key == two.key
    assert plain.plan(())[0].fingerprint != joined.plan(())[0].fingerprint


@pytest.mark.parametrize("points", [[], [1, 2], "x", None, [1, 2, float("nan")], [1, 2, "2"]])
def test_keypoints_that_are_none_are_absent(files: Files, points: object):
    files.picture("1.png")
    other = files.write("keypoints.json", document([image(1)], [person(1, keypoints=points)]))
    [item] = read(files.source(document([image(1)], [person(1)]), keypoints=other))
    assert context(item).annotations[0].keypoints is None


def test_a_keypoints_file_that_is_none_is_an_error_that_names_it(files: Files):
    source = files.source(document([image(1)], [person(1)]), keypoints=files.write("k.json", "{"))
    with pytest.raises(ValueError, match=r"annotations must be a JSON file, got .*k\.json"):
        source.plan(())


def test_better_masks_take_the_place_of_those_they_overlap(
    files: Files, caplog: pytest.LogCaptureFixture
):
    """The refined file has ids and an order of its own, and lacks a person."""
    files.picture("1.png")
    people = [person(1, strip(3), 1), person(1, strip(3, 4), 2), person(1, strip(2, 8), 3)]
    better = [
        person(1, strip(2, 4), 900),
        person(1, compressed({"size": [10, 10], "counts": [0, 25, 75]}), 901),
        person(1, strip(3, 4), 902, category_id=17),
    ]
    refined = files.write("rem.json", document([image(1)], better))
    source = files.source(document([image(1)], people), refined=refined)
    with caplog.at_level(logging.INFO):
        [item] = both_ways(source, PersonFilter(persons=(3, 3)))
    assert "2 masks refined, 1 kept as they were" in caplog.text
    shapes = [a.segmentation for a in context(item).annotations]
    assert [rle(s, 10, 10).area for s in shapes] == [25, 20, 20]
    assert [a.id for a in context(item).annotations] == [1, 2, 3]


@pytest.mark.parametrize(("columns_of_it", "taken"), [(5, True), (4, False), (10, True)])
def test_masks_that_overlap_by_half_are_of_one_person(
    files: Files, columns_of_it: int, taken: bool
):
    files.picture("1.png")
    refined = files.write("rem.json", document([image(1)], [person(1, strip(columns_of_it), 9)]))
    whole = strip(10 if columns_of_it < 10 else 5)
    source = files.source(document([image(1)], [person(1, whole)]), refined=refined)
    [item] = read(source)
    shape = context(item).annotations[0].segmentation
    assert (shape == strip(columns_of_it)) is taken


def test_a_refined_mask_is_given_once_and_to_the_one_it_fits_best(files: Files):
    files.picture("1.png")
    people = [person(1, strip(6), 1), person(1, strip(5), 2)]
    refined = files.write("rem.json", document([image(1)], [person(1, strip(4), 9)]))
    [item] = read(files.source(document([image(1)], people), refined=refined))
    shapes = [a.segmentation for a in context(item).annotations]
    assert shapes == [strip(6), strip(4)]


def test_the_refined_masks_are_what_is_judged(files: Files):
    files.picture("1.png", "2.png")
    images = [image(1), image(2)]
    people = [person(1, strip(3)), person(2, strip(2), 2)]
    better = [person(1, strip(2), 7), person(2, strip(3), 8)]
    refined = files.write("rem.json", document(images, better))
    source = files.source(document(images, people), refined=refined)
    items = both_ways(source, PersonFilter(coverage=(0.25, 0.7)))
    assert words(items) == ["too_small", "kept"]


BAD: list[Any] = [
    None,
    [],
    [[1, 2, 3, 4]],
    {"size": [9, 9], "counts": [81]},
    [[0, 0, 2e8, 0, 5, 5]],
]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("crowd", ["reject", "ignore", "count"])
def test_a_broken_mask_on_either_side_is_treated_alike_in_every_place(
    files: Files, bad: Any, crowd: Any
):
    files.picture("1.png", "2.png", "3.png", "4.png")
    images = [image(k) for k in (1, 2, 3, 4)]
    people = [
        person(1, strip(4), 1),
        person(2, number=2) | {"segmentation": bad},
        person(3, number=3),
        person(3, number=4, iscrowd=1) | {"segmentation": bad},
        person(4, number=5),
        person(4, number=6) | {"segmentation": bad},
    ]
    better = [person(1, number=70) | {"segmentation": bad}, person(2, number=71)]
    refined = files.write("rem.json", document(images, better))
    items = both_ways(
        files.source(document(images, people), refined=refined), PersonFilter(crowd=crowd)
    )
    assert words(items)[0] == "kept"
    assert words(items)[1] not in ("kept", "too_small")


def test_a_refined_file_has_to_know_the_category_and_the_images(files: Files):
    content = document([image(1)], [person(1)])
    other = files.write("rem.json", document([image(1)], [person(1)], categories=[]))
    with pytest.raises(ValueError, match=r"category must be one of .*rem\.json"):
        files.source(content, refined=other).plan(())
    strange = files.write("rem.json", document([image(5)], [person(5)]))
    files.picture("1.png")
    [item] = read(files.source(content, refined=strange))
    assert columns(item) == [0, 1, 2, 3, 4]


def test_refined_masks_and_keypoints_may_come_together(files: Files):
    files.picture("1.png")
    refined = files.write("rem.json", document([image(1)], [person(1, strip(6), 900)]))
    points = files.write("keypoints.json", document([image(1)], [person(1, keypoints=POINTS)]))
    content = document([image(1)], [person(1)])
    [item] = both_ways(files.source(content, refined=refined, keypoints=points), PersonFilter())
    assert columns(item) == [0, 1, 2, 3, 4, 5]
    assert context(item).annotations[0].keypoints == tuple(POINTS)


@needs_tiny
def test_real_instances_laid_over_themselves_and_joined_with_their_keypoints():
    annotations = TINY / "annotations"
    path = str(annotations / "instances_val2017.json")
    points = str(annotations / "person_keypoints_val2017.json")
    folder = next(p for p in sorted(TINY.glob("**/*")) if p.is_dir() and any(p.glob("*.jpg")))
    plain = Coco(path, images=str(folder))
    whole = dataclasses.replace(plain, refined=path, keypoints=points)
    one, two = plain.plan((PersonFilter(),)), whole.plan((PersonFilter(),))
    found = [[i for part in parts for i in part.items] for parts in (one, two)]
    assert [type(i) for i in found[0]] == [type(i) for i in found[1]]
    records = {r["id"]: r for r in json.loads(Path(points).read_text())["annotations"]}
    joined = 0
    for item in found[1]:
        if isinstance(item, Dropped):
            continue
        for annotation in item.annotations:
            if annotation.category == "person" and not annotation.iscrowd:
                expected = records[annotation.id]["keypoints"]
                assert list(annotation.decoded().keypoints) == expected
                joined += 1
    assert joined > 0


@pytest.mark.parametrize("flag", ["false", "False", "0", "no", "0.0", "", None, 0, 0.0, False])
def test_a_crowd_flag_that_is_not_set_is_not_set_in_any_spelling(tmp_path: Path, flag: object):
    path = write(tmp_path / "a.json", document([image(1)], [person(1, iscrowd=flag)]))
    assert select_people(path)["crowds"].to_pylist() == [0]


def test_categories_that_share_an_id_do_not_lose_their_names(tmp_path: Path):
    twice = [*CATEGORIES, {"id": 1, "name": "man"}]
    path = write(tmp_path / "a.json", document([image(1)], [person(1)], categories=twice))
    with pytest.raises(ValueError, match="must stand for one name, got 1 for 'person' and 'man'"):
        select_people(path)


def test_a_merged_picture_keeps_the_annotations_of_all_its_entries(files: Files):
    files.picture("1.png")
    images = [image(1), image(2, file_name="1.png"), image(1)]
    people = [person(1, strip(2), 1), person(2, strip(2, 4), 2)]
    items = both_ways(files.source(document(images, people)), PersonFilter())
    assert [columns(item) for item in items] == [[0, 1, 4, 5]]
    assert faults_of(select_people(files.root / "instances.json")) == {"merged_image": 2}
