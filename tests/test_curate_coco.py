import dataclasses
import gzip
import json
import logging
import os
import pickle
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from maskmill import Pipeline
from maskmill.curate import Coco, PersonFilter
from maskmill.curate.annotations import MAX_PIXELS, CocoContext
from maskmill.sample import Dropped, Sample
from maskmill.source import Partition, Source

PEOPLE = Path(__file__).resolve().parents[2] / "shared" / "data" / "coco_person"
needs_people = pytest.mark.skipif(
    not PEOPLE.exists(), reason="the shared COCO images are not on this machine"
)
CATEGORIES: list[dict[str, Any]] = [
    {"id": 1, "name": "person", "supercategory": "person"},
    {"id": 17, "name": "cat", "supercategory": "animal"},
]
Record = dict[str, Any]


class Folder:
    """A small COCO dataset on disk: pictures of 10 x 100."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pictures = root / "images"
        self.pictures.mkdir()
        self.images: list[Any] = []
        self.annotations: list[Any] = []
        self.rest: Record = {"categories": CATEGORIES}

    def image(self, number: Any, *annotations: Record, **facts: Any) -> Record:
        """Add an image and its annotations; its file is written unless it is there."""
        record: Record = {"id": number, "file_name": f"{number}.png", "height": 10, "width": 100}
        record |= facts
        self.images.append(record)
        for annotation in annotations:
            self.annotations.append({"id": len(self.annotations), "image_id": number} | annotation)
        path = self.pictures / str(record["file_name"])
        if not path.exists():
            self.picture(path, number)
        return record

    def picture(self, path: Path, seed: object, height: int = 10, width: int = 100) -> None:
        rng = np.random.default_rng(zlib.crc32(str(seed).encode()))
        Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(path)

    def source(self, **parameters: Any) -> Coco:
        path = self.root / "instances.json"
        document = {"images": self.images, "annotations": self.annotations, **self.rest}
        path.write_text(json.dumps(document))
        return Coco(str(path), images=str(self.pictures), **parameters)

    def read(self, *stages: Any, **parameters: Any) -> list[Sample | Dropped]:
        return read(self.source(**parameters), *stages)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def person(left: float = 0, right: float = 50, **facts: Any) -> Record:
    strip = [[left, 0, right, 0, right, 10, left, 10]]
    return {"category_id": 1, "iscrowd": 0, "segmentation": strip} | facts


def read(source: Source, *stages: Any) -> list[Sample | Dropped]:
    return [item for part in source.plan(stages) for item in source.read(part)]


def reason_of(item: Sample | Dropped) -> str:
    return item.reason if isinstance(item, Dropped) else "kept"


def kept(item: Sample | Dropped) -> Sample:
    assert isinstance(item, Sample)
    return item


def origin_of(item: Sample | Dropped) -> str:
    seen = item if isinstance(item, Sample) else item.sample
    origin = item.origin if seen is None else seen.origin
    assert origin is not None
    return origin


def row(item: Sample | Dropped) -> tuple[Any, ...]:
    """What the ledger and the shard would hold of an item."""
    if isinstance(item, Dropped):
        return origin_of(item), item.stage, item.reason, dict(item.values)
    return item.origin, item.key, item.scores, item.tags, item.history, item.alpha.tobytes()


def test_it_is_a_source_of_plain_values(folder: Folder):
    source = folder.source()
    assert isinstance(source, Source)
    assert pickle.loads(pickle.dumps(source)) == source  # noqa: S301
    assert dataclasses.asdict(source)["samples_per_partition"] == 128


def test_an_image_becomes_a_sample_with_its_facts(folder: Folder):
    folder.rest["licenses"] = [{"id": 4, "name": "Attribution License"}]
    folder.image(7, person(10, 40), license=4, group="studio 3", split="val")
    sample = kept(folder.read()[0])
    assert (sample.origin, sample.source) == ("7.png#7", "")
    assert (sample.height, sample.width) == (10, 100)
    assert sample.image_bytes == (folder.pictures / "7.png").read_bytes()
    assert sample.alpha[4].tolist() == [0.0] * 10 + [1.0] * 30 + [0.0] * 60
    assert (sample.licence, sample.group, sample.split) == (
        "Attribution License",
        "studio 3",
        "val",
    )
    assert sample.scores == {"persons": 1, "coverage": 0.3}
    assert len(sample.key) == 32


def test_the_context_brings_the_annotations_of_every_category(folder: Folder):
    cat = person(category_id=17, bbox=[1, 2, 3, 4], keypoints=[5, 6, 2])
    folder.image(7, person(), cat)
    context = kept(folder.read()[0]).context
    assert isinstance(context, CocoContext)
    assert context.image_id == 7
    assert [a.category for a in context.annotations] == ["person", "cat"]
    assert context.annotations[1].supercategory == "animal"
    assert context.annotations[1].bbox == (1, 2, 3, 4)
    assert context.annotations[1].keypoints == (5, 6, 2)


def test_the_alpha_is_the_union_of_persons_without_crowds_and_others(folder: Folder):
    folder.image(1, person(0, 30), person(20, 40), person(50, 60, iscrowd=1))
    folder.annotations.append(person(80, 90, image_id=1, category_id=17))
    sample = kept(folder.read()[0])
    assert sample.alpha[0].tolist() == [1.0] * 40 + [0.0] * 60
    assert sample.scores == {"persons": 2, "coverage": 0.4}


def test_an_image_without_persons_has_no_alpha(folder: Folder):
    folder.image(1)
    folder.image(2, person(iscrowd=1))
    assert [kept(item).has_alpha for item in folder.read()] == [False, False]


def test_another_category_can_make_the_alpha(folder: Folder):
    folder.image(1, person(0, 30), person(50, 60, category_id=17))
    assert kept(folder.read(category="cat")[0]).scores == {"persons": 1, "coverage": 0.1}


def test_every_image_comes_out_once(folder: Folder):
    for number in range(20):
        folder.image(number, *[person()] * (number % 4))
    (folder.pictures / "3.png").unlink()
    for stages in ((), (PersonFilter(),)):
        items = folder.read(*stages, samples_per_partition=3)
        assert sorted(map(origin_of, items)) == sorted(f"{n}.png#{n}" for n in range(20))


def test_a_missing_file_is_dropped(folder: Folder):
    folder.image(1, person())
    folder.image(2, person())
    (folder.pictures / "1.png").unlink()
    first, second = folder.read()
    assert row(first) == ("1.png#1", None, "missing_file", {})
    assert reason_of(second) == "kept"


def test_what_the_door_refuses_is_dropped_with_its_reason(folder: Folder):
    folder.image(1, person())
    whole = (folder.pictures / "1.png").read_bytes()
    (folder.pictures / "1.png").write_bytes(whole[:-30])
    folder.image(2, person())
    (folder.pictures / "2.png").write_bytes(b"")
    assert [reason_of(item) for item in folder.read()] == ["truncated", "empty_file"]


def test_what_the_door_mended_is_tagged_and_keeps_the_key_of_the_file(folder: Folder):
    folder.image(1, person())
    path = folder.pictures / "1.png"
    Image.open(path).convert("L").save(path)
    sample = kept(folder.read()[0])
    assert sample.tags == ("was_grey", "re_encoded")
    assert sample.image_bytes != path.read_bytes()


def test_a_frame_that_disagrees_with_the_picture_is_dropped(folder: Folder):
    folder.image(1, person(), height=100, width=10)
    values = {"height": 100, "width": 10, "image_height": 10, "image_width": 100}
    assert row(folder.read()[0]) == ("1.png#1", None, "frame_mismatch", values)


def test_the_frame_is_compared_with_the_upright_picture(folder: Folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (10, 100)).save(folder.pictures / "1.png", exif=exif)
    folder.image(1, person())
    sample = kept(folder.read()[0])
    assert sample.tags == ("exif_rotated", "re_encoded")
    assert sample.alpha.shape == (10, 100)


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png",
        "/etc/hostname",
        "a/../../secret.png",
        "",
        ".",
        "..",
        "a\0b.png",
        "\ud800.png",
    ],
)
def test_a_name_that_leaves_the_folder_is_never_read(folder: Folder, name: str):
    folder.picture(folder.root / "secret.png", 1)
    folder.images.append({"id": 1, "file_name": name, "height": 10, "width": 100})
    item = folder.read()[0]
    assert reason_of(item) == "unsafe_path"
    origin_of(item).encode()  # half a surrogate pair would not


def test_a_link_that_leaves_the_folder_is_never_read(folder: Folder):
    folder.picture(folder.root / "secret.png", 1)
    (folder.pictures / "1.png").symlink_to(folder.root / "secret.png")
    (folder.pictures / "out").symlink_to(folder.root)
    folder.image(1, person())
    folder.image(2, person(), file_name="out/secret.png")
    assert [reason_of(item) for item in folder.read()] == ["unsafe_path", "unsafe_path"]


def test_a_link_that_stays_in_the_folder_is_followed(folder: Folder):
    folder.picture(folder.pictures / "real.png", 1)
    (folder.pictures / "1.png").symlink_to("real.png")
    folder.image(1, person())
    (folder.root / "alias").symlink_to(folder.pictures)
    source = dataclasses.replace(folder.source(), images=str(folder.root / "alias"))
    assert reason_of(read(source)[0]) == "kept"


def test_folders_pipes_and_circles_are_not_read(folder: Folder):
    (folder.pictures / "1.png").mkdir()
    os.mkfifo(folder.pictures / "2.png")
    (folder.pictures / "3.png").symlink_to("3.png")
    for number in (1, 2, 3):
        folder.images.append(
            {"id": number, "file_name": f"{number}.png", "height": 10, "width": 100}
        )
    assert [reason_of(item) for item in folder.read()] == ["unreadable_file"] * 3


def test_a_name_too_long_for_any_file_is_missing(folder: Folder):
    folder.images.append({"id": 1, "file_name": "x" * 300, "height": 10, "width": 100})
    assert reason_of(folder.read()[0]) == "missing_file"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "must be an object with images, annotations and categories, got a list"),
        ({"images": [], "annotations": []}, "must have a list of categories, got nothing"),
        ({"images": [], "categories": []}, "must have a list of annotations, got nothing"),
        (
            {"images": {}, "annotations": [], "categories": []},
            "must have a list of images, got dict",
        ),
        ({"images": [], "annotations": [], "categories": [{}]}, "must have an id and a name"),
        ({"images": [], "annotations": [], "categories": ["person"]}, "must have an id and a name"),
    ],
)
def test_a_file_that_is_not_in_cocos_form_is_an_error(
    tmp_path: Path, document: object, message: str
):
    (tmp_path / "a.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match=message):
        Coco(str(tmp_path / "a.json"), images=str(tmp_path)).plan(())


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000])
def test_a_file_that_is_no_json_is_an_error(tmp_path: Path, text: bytes):
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(ValueError, match=r"annotations must be a JSON file, got .*a\.json"):
        Coco(str(tmp_path / "a.json"), images=str(tmp_path)).plan(())


def test_a_compressed_file_is_read(folder: Folder):
    folder.image(1, person())
    source = folder.source()
    packed = folder.root / "instances.json.gz"
    packed.write_bytes(gzip.compress(Path(source.annotations).read_bytes()))
    zipped = dataclasses.replace(source, annotations=str(packed))
    assert kept(read(zipped)[0]).key == kept(read(source)[0]).key
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(ValueError, match="annotations must be a JSON file"):
        zipped.plan(())


def test_a_missing_images_folder_is_an_error(folder: Folder):
    source = dataclasses.replace(folder.source(), images=str(folder.root / "nowhere"))
    with pytest.raises(ValueError, match=r"images must be a folder, got .*nowhere"):
        source.plan(())


def test_an_unknown_category_is_an_error_with_the_closest_names(folder: Folder):
    folder.image(1, person())
    with pytest.raises(ValueError, match="got 'people'; the closest are person"):
        folder.source(category="people").plan(())


def test_a_filter_of_another_category_is_an_error(folder: Folder):
    with pytest.raises(ValueError, match="must be the source's, 'person'"):
        folder.source().plan((PersonFilter(category="cat"),))


def test_partitions_hold_at_least_one_sample(folder: Folder):
    with pytest.raises(ValueError, match="samples_per_partition must be at least 1, got 0"):
        folder.source(samples_per_partition=0)


@pytest.mark.parametrize("size", [0, -5, 10.0, "10", None, True])
@pytest.mark.parametrize("side", ["height", "width"])
def test_a_frame_that_is_none_is_dropped(folder: Folder, side: str, size: object):
    folder.image(1, person(), **{side: size})
    assert reason_of(folder.read()[0]) == "bad_frame"


def test_a_giant_frame_is_dropped_before_a_mask_is_made(folder: Folder):
    folder.image(1, person(), height=10**12, width=10**12)
    item = folder.read()[0]
    assert row(item)[2:] == ("too_many_pixels", {"pixels": 2**53, "limit": MAX_PIXELS})


@pytest.mark.parametrize(
    "record", [None, 7, "a.png", [], {}, {"id": 1}, {"file_name": "1.png"}, {"id": None}]
)
def test_a_record_that_is_none_is_dropped(folder: Folder, record: object):
    folder.images = [record]
    assert row(folder.read()[0]) == ("images[0]", None, "bad_record", {})


def test_of_a_repeated_image_the_first_wins_and_the_same_picture_is_merged(folder: Folder):
    folder.image(1, person())
    folder.image("1", file_name="2.png")
    folder.image(1.0, file_name="1.png")
    items = folder.read()
    assert [reason_of(item) for item in items] == ["kept", "duplicate_image"]
    assert [origin_of(item) for item in items] == ["1.png#1", "2.png#1@1"]
    assert kept(items[0]).scores["persons"] == 1


def test_numbers_as_text_and_as_fractions_are_joined(folder: Folder):
    folder.image("12", file_name="a.png")
    folder.image(13.0, file_name="b.png")
    folder.image("left", file_name="c.png")
    folder.annotations = [
        person(image_id=12),
        person(image_id="13", category_id="1"),
        person(image_id="left", category_id=1.0),
    ]
    assert [kept(item).scores["persons"] for item in folder.read()] == [1, 1, 1]


def test_numbers_with_leading_zeros_stay_apart(folder: Folder):
    folder.image("007", person(), file_name="a.png")
    folder.image(7, file_name="b.png")
    assert [kept(item).scores["persons"] for item in folder.read()] == [1, 0]


def test_annotations_without_an_image_are_counted(folder: Folder, caplog: pytest.LogCaptureFixture):
    folder.image(1, person())
    folder.annotations += [person(image_id=99), person(), {"image_id": None}, "x", None]
    with caplog.at_level(logging.WARNING):
        sample, lost = folder.read()
    assert kept(sample).scores["persons"] == 1
    assert "5 times orphan_annotation" in caplog.text
    origin = "annotations: orphan_annotation"
    assert row(lost) == (origin, None, "orphan_annotation", {"annotations": 5})
    assert row(folder.read(PersonFilter())[1]) == row(lost)


def test_an_annotation_repeated_word_for_word_counts_once(
    folder: Folder, caplog: pytest.LogCaptureFixture
):
    folder.image(1, person(0, 10, id=5), person(0, 10, id=5), person(20, 30, id=5))
    with caplog.at_level(logging.WARNING):
        assert kept(folder.read()[0]).scores["persons"] == 2
    assert "1 times repeated_annotation" in caplog.text


def test_an_annotation_of_an_unknown_category_is_nobody(folder: Folder):
    folder.image(1, person(category_id=999), person(category_id=None), {"segmentation": 7})
    assert kept(folder.read()[0]).scores["persons"] == 0


def test_absent_facts_have_their_defaults(folder: Folder):
    folder.image(1, {"category_id": 1, "segmentation": person()["segmentation"]})
    sample = kept(folder.read(PersonFilter())[0])
    assert (sample.licence, sample.group, sample.split, sample.tags) == ("", None, None, ())


@pytest.mark.parametrize("iscrowd", [1, 1.0, "1", True])
def test_a_crowd_is_known_in_every_spelling(folder: Folder, iscrowd: object):
    folder.image(1, person(iscrowd=iscrowd))
    assert reason_of(folder.read(PersonFilter())[0]) == "crowd"


@pytest.mark.parametrize(
    ("licence", "name"),
    [(4, "BY"), ("4", "BY"), (4.0, "BY"), (5, ""), ("CC0", "CC0"), (None, ""), ([], "")],
)
def test_the_licence_is_found_in_every_spelling(folder: Folder, licence: object, name: str):
    folder.rest["licenses"] = [{"id": "4", "name": "BY"}, {"name": "no id"}, None]
    folder.image(1, person(), license=licence)
    assert kept(folder.read()[0]).licence == name


def test_a_broken_mask_drops_its_image_with_its_reason(folder: Folder):
    bad = person(segmentation=[[0, 0, float("nan"), 0, 5, 5]], id=42)
    folder.image(1, person(), bad)
    folder.image(2, person(), person(segmentation=None, category_id=17))
    for stages in ((), (PersonFilter(),)):
        first, second = folder.read(*stages)
        assert row(first) == ("1.png#1", None, "non_finite", {"annotation": 42})
        assert reason_of(second) == "kept"


def mixed(folder: Folder) -> None:
    folder.image(1, person(0, 30))
    folder.image(2, person(0, 10))
    folder.image(3, person(0, 90))
    folder.image(4, *[person(0, 30)] * 3)
    folder.image(5, person(0, 30), person(40, 70, iscrowd=1))
    folder.image(6, person(40, 70, iscrowd=1))
    folder.image(7)
    folder.image(8, person(0, 30), person(20, 60))
    folder.image(9, person(segmentation=[[1, 2, 3, 4]]))
    folder.image(10, person(0, 40), person(segmentation=[], iscrowd=1))
    folder.image(11, person(0, 40), height=-1)


@pytest.mark.parametrize("crowd", ["reject", "ignore", "count"])
@pytest.mark.parametrize("persons", [(1, 2), (0, 9)])
def test_the_ledger_is_the_same_whether_the_filter_is_absorbed_or_not(
    folder: Folder, crowd: Any, persons: tuple[int, int]
):
    mixed(folder)
    stage = PersonFilter(persons=persons, crowd=crowd)
    pipeline = Pipeline(stage)
    absorbed = folder.read(stage)
    apart = [pipeline(item) if isinstance(item, Sample) else item for item in folder.read()]
    assert [row(item) for item in absorbed] == [row(item) for item in apart]
    assert len({reason_of(item) for item in absorbed}) > 3


def test_what_is_dropped_by_the_absorbed_filter_is_never_opened(folder: Folder):
    mixed(folder)
    for path in folder.pictures.iterdir():
        path.unlink()
    reasons = [reason_of(item) for item in folder.read(PersonFilter())]
    assert reasons == [
        "missing_file",
        "too_small",
        "too_large",
        "person_count",
        "crowd",
        "crowd",
        "person_count",
        "missing_file",
        "short_polygon",
        "crowd",
        "bad_frame",
    ]


def test_only_a_filter_that_leads_is_absorbed(folder: Folder):
    mixed(folder)
    source, stage = folder.source(), PersonFilter()
    assert {part.absorbed for part in source.plan((stage, stage))} == {1}
    assert {part.absorbed for part in source.plan((Pipeline(), stage))} == {0}
    assert {part.absorbed for part in source.plan(())} == {0}


def test_partitions_are_cut_by_what_is_left_to_read(folder: Folder):
    for number in range(30):
        folder.image(number, person(0, 30 if number % 3 == 0 else 5))
    parts = folder.source(samples_per_partition=4).plan((PersonFilter(),))
    left = [sum(not isinstance(item, Dropped) for item in part.items) for part in parts]
    assert left == [4, 4, 2]
    assert [part.count for part in parts] == [12, 12, 6]
    assert [len(part.items) for part in parts] == [12, 12, 6]


def test_a_file_in_which_nothing_is_left_is_one_partition(folder: Folder):
    for number in range(5):
        folder.image(number)
    parts = folder.source(samples_per_partition=1).plan((PersonFilter(),))
    assert [part.count for part in parts] == [5]


def test_a_partition_travels_between_processes(folder: Folder):
    mixed(folder)
    source = folder.source()
    for part in source.plan((PersonFilter(),)):
        copy = pickle.loads(pickle.dumps(part))  # noqa: S301
        assert isinstance(copy, Partition)
        assert [row(i) for i in source.read(copy)] == [row(i) for i in source.read(part)]
        assert len(pickle.dumps(part)) < 10_000


def keys(folder: Folder, *stages: Any) -> list[str]:
    return [kept(item).key for item in folder.read(*stages)]


def test_the_key_does_not_depend_on_the_filter(folder: Folder):
    folder.image(1, person(0, 30), person(40, 60, iscrowd=1))
    assert len({*keys(folder), *keys(folder, PersonFilter(crowd="count"))}) == 1


def test_the_key_changes_with_the_people_alone(folder: Folder):
    folder.image(1, person(0, 30), person(40, 60), person(category_id=17))
    before = keys(folder)
    folder.annotations.reverse()
    folder.annotations[0]["area"] = 7
    folder.annotations[0]["segmentation"][0][0] += 1  # the cat
    assert keys(folder) == before
    folder.annotations[1]["segmentation"][0][0] += 1
    assert keys(folder) != before


def test_the_key_changes_with_a_crowd(folder: Folder):
    folder.image(1, person(0, 30))
    before = keys(folder)
    folder.annotations.append(person(40, 60, iscrowd=1, image_id=1))
    assert keys(folder) != before


def test_the_same_picture_with_the_same_people_has_one_key(folder: Folder):
    folder.image(1, person(0, 30))
    (folder.pictures / "2.png").write_bytes((folder.pictures / "1.png").read_bytes())
    folder.image(2, person(0, 30))
    first, second = keys(folder)
    assert first == second


def prints(source: Coco, *stages: Any) -> list[str]:
    return [part.fingerprint for part in source.plan(stages)]


def test_a_fingerprint_stays_while_nothing_changes(folder: Folder):
    mixed(folder)
    before = prints(folder.source())
    assert prints(folder.source()) == before
    elsewhere = folder.root / "moved"
    elsewhere.mkdir()
    folder.pictures = folder.pictures.rename(elsewhere / "images")
    folder.root = elsewhere
    assert prints(folder.source()) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda f: os.utime(f.pictures / "1.png", ns=(0, 1)),
        lambda f: f.pictures.joinpath("1.png").unlink(),
        lambda f: f.images[0].update(license="CC0"),
        lambda f: f.images[0].update(group="g"),
        lambda f: f.images[0].update(split="val"),
        lambda f: f.images[0].update(file_name="2.png"),
        lambda f: f.images.insert(1, f.images.pop(0)),
        lambda f: f.annotations[0]["segmentation"][0].__setitem__(0, 0.5),
        lambda f: f.annotations[0].update(category_id=17),
        lambda f: f.annotations[0].update(keypoints=[1, 2, 2]),
    ],
)
def test_a_fingerprint_changes_with_what_is_read(folder: Folder, change: Any):
    folder.image(1, person())
    folder.image(2, person())
    before = prints(folder.source())
    change(folder)
    assert prints(folder.source()) != before


def test_a_fingerprint_changes_with_the_parameters(folder: Folder):
    mixed(folder)
    source = folder.source()
    found = {
        *prints(source),
        *prints(dataclasses.replace(source, category="cat")),
        *prints(source, PersonFilter()),
        *prints(source, PersonFilter(coverage=(0.2, 0.71))),
    }
    assert len(found) == 4


def test_a_file_that_nobody_reads_leaves_the_fingerprint_alone(folder: Folder):
    mixed(folder)
    before = prints(folder.source(), PersonFilter())
    (folder.pictures / "2.png").unlink()  # too small
    assert prints(folder.source(), PersonFilter()) == before


def test_only_the_partition_that_changes_changes_its_fingerprint(folder: Folder):
    for number in range(9):
        folder.image(number, person())
    source = folder.source(samples_per_partition=3)
    before = prints(source)
    os.utime(folder.pictures / "4.png", ns=(0, 1))
    after = prints(source)
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]


@pytest.fixture(scope="module")
def people() -> Coco:
    return Coco(str(PEOPLE / "person_keypoints.json"), images=str(PEOPLE / "images"))


@needs_people
def test_of_160_real_photographs_40_are_kept(people: Coco):
    stage = PersonFilter(persons=(1, 2), coverage=(0.2, 0.7), crowd="reject")
    reasons = Counter(reason_of(item) for item in read(people, stage))
    assert reasons == {
        "kept": 40,
        "person_count": 23,
        "crowd": 7,
        "too_small": 88,
        "too_large": 2,
    }


@needs_people
@pytest.mark.parametrize(("crowd", "number"), [("reject", 47), ("ignore", 49), ("count", 50)])
def test_the_crowd_rule_decides_how_many_real_photographs_are_kept(
    people: Coco, crowd: Any, number: int
):
    stage = PersonFilter(persons=(1, 20), crowd=crowd)
    items = [item for part in people.plan((stage,)) for item in part.items]
    assert sum(not isinstance(item, Dropped) for item in items) == number


@needs_people
def test_the_real_ledger_is_the_same_whether_the_filter_is_absorbed_or_not(tmp_path: Path):
    document = json.loads((PEOPLE / "person_keypoints.json").read_text())
    document["images"] = document["images"][::5]
    (tmp_path / "fifth.json").write_text(json.dumps(document))
    source = Coco(str(tmp_path / "fifth.json"), images=str(PEOPLE / "images"))
    stage = PersonFilter(persons=(1, 20), crowd="count")
    pipeline = Pipeline(stage)
    apart = [pipeline(item) if isinstance(item, Sample) else item for item in read(source)]
    assert [row(item) for item in read(source, stage)] == [row(item) for item in apart]


@needs_people
def test_real_coverage_is_that_of_pycocotools(people: Coco):
    from pycocotools import mask as pycocotools

    library: Any = pycocotools
    document = json.loads((PEOPLE / "person_keypoints.json").read_text())
    frames = {image["id"]: (image["height"], image["width"]) for image in document["images"]}
    masks: dict[int, list[Any]] = {number: [] for number in frames}
    for annotation in document["annotations"]:
        if not annotation["iscrowd"]:
            parts = library.frPyObjects(annotation["segmentation"], *frames[annotation["image_id"]])
            masks[annotation["image_id"]].append(library.merge(parts))
    stage = PersonFilter(persons=(1, 20), crowd="ignore")
    rasterised = bounded = overlapping = 0
    for item in read(people, stage):
        if reason_of(item) == "orphan_annotation":
            continue
        numbers = item.values if isinstance(item, Dropped) else item.scores
        image = int(origin_of(item).partition("#")[2])
        height, width = frames[image]
        union = float(library.area(library.merge(masks[image]))) / (height * width)
        total = sum(float(library.area(mask)) for mask in masks[image]) / (height * width)
        overlapping += total > union
        if "coverage" in numbers:
            assert numbers["coverage"] == pytest.approx(union, abs=1e-9)
            rasterised += 1
        else:  # decided by the outlines' extent alone
            assert union <= numbers["coverage_bound"] < 0.2
            bounded += 1
    assert (rasterised, bounded) == (71, 89)
    assert overlapping > 0


def test_a_file_that_vanished_since_the_plan_is_no_drop_that_would_stick(tmp_path: Path):
    folder = Folder(tmp_path)
    folder.image(1)
    source = folder.source()
    (partition,) = source.plan([])
    (folder.pictures / "1.png").unlink()
    with pytest.raises(FileNotFoundError, match="was there when the run was planned"):
        list(source.read(partition))
