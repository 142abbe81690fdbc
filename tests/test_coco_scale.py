"""The generator of COCO-scale files, and the recipes that are measured on them."""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as masks

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
IMAGES = 1500


def python(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def write(path: Path, *options: object) -> dict[str, int]:
    finished = python(BENCHMARKS / "coco_scale.py", path, *options)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("scale") / "instances.json"
    write(file, "--images", IMAGES)
    return file


@pytest.fixture(scope="module")
def text(path: Path) -> str:
    return path.read_text()


@pytest.fixture(scope="module")
def content(text: str) -> dict[str, Any]:
    return json.loads(text)


def frames(content: dict[str, Any]) -> dict[int, tuple[int, int]]:
    return {image["id"]: (image["height"], image["width"]) for image in content["images"]}


def people(content: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {a["id"]: a for a in content["annotations"] if a["category_id"] == 1}


def test_a_file_is_laid_out_as_cocos(text: str, content: dict[str, Any]):
    assert list(content) == ["info", "licenses", "images", "annotations", "categories"]
    assert len(content["images"]) == IMAGES
    assert len(content["categories"]) == 80
    fields = ["segmentation", "area", "iscrowd", "image_id", "bbox", "category_id", "id"]
    assert all(list(annotation) == fields for annotation in content["annotations"])
    assert text == json.dumps(content, separators=(",", ": "))


def test_ids_are_unique_scattered_and_have_holes(content: dict[str, Any]):
    for records in (content["images"], content["annotations"]):
        ids = [record["id"] for record in records]
        assert len(set(ids)) == len(ids) < max(ids)
        assert ids != sorted(ids)
    order = [annotation["image_id"] for annotation in content["annotations"]]
    neighbours = sum(one == other for one, other in pairwise(order))
    assert neighbours < 0.01 * len(order)
    assert set(order) <= set(frames(content))
    assert {a["category_id"] for a in content["annotations"]} <= {
        category["id"] for category in content["categories"]
    }


def test_numbers_are_those_of_train2017(content: dict[str, Any], path: Path):
    annotations = content["annotations"]
    crowds = sum(annotation["iscrowd"] for annotation in annotations)
    per_image = Counter(a["image_id"] for a in people(content).values())
    assert len(annotations) / IMAGES == pytest.approx(860_001 / 118_287, rel=0.08)
    assert len(per_image) / IMAGES == pytest.approx(64_115 / 118_287, abs=0.001)
    assert per_image.total() / len(per_image) == pytest.approx(262_465 / 64_115, rel=0.1)
    assert 0.005 < crowds / len(annotations) < 0.02
    assert 440e6 / 118_287 < path.stat().st_size / IMAGES * 1.05 < 500e6 / 118_287


def test_outlines_lie_in_their_frames_with_their_boxes_and_areas(content: dict[str, Any]):
    frame = frames(content)
    for annotation in content["annotations"]:
        if annotation["iscrowd"]:
            continue
        height, width = frame[annotation["image_id"]]
        rings = [np.reshape(ring, (-1, 2)) for ring in annotation["segmentation"]]
        assert min(len(ring) for ring in rings) >= 4
        points = np.concatenate(rings)
        low, high = points.min(0), points.max(0)
        assert low.min() >= 0
        assert (high <= (width, height)).all()
        assert np.allclose(annotation["bbox"], [*low, *(high - low)], atol=0.006)
        turned = [np.roll(ring, -1, axis=0) for ring in rings]
        area = sum(
            abs((ring[:, 0] * after[:, 1] - ring[:, 1] * after[:, 0]).sum()) / 2
            for ring, after in zip(rings, turned, strict=True)
        )
        assert annotation["area"] == pytest.approx(area)
        assert 0 < area <= annotation["bbox"][2] * annotation["bbox"][3] * 1.01


def test_crowds_are_run_lengths_with_their_boxes_and_areas(content: dict[str, Any]):
    frame = frames(content)
    crowds: list[Any] = [a for a in content["annotations"] if a["iscrowd"]]
    assert len(crowds) > 50
    for crowd in crowds:
        runs, (height, width) = crowd["segmentation"], frame[crowd["image_id"]]
        assert runs["size"] == [height, width]
        assert sum(runs["counts"]) == height * width
        assert min(runs["counts"]) > 0
        mask: Any = masks.frPyObjects(runs, height, width)
        assert masks.area(mask) == crowd["area"]
        assert masks.toBbox(mask).tolist() == crowd["bbox"]
        assert crowd["id"] > 2**32


def test_a_seed_gives_one_file(path: Path, tmp_path: Path):
    again, other = tmp_path / "again.json", tmp_path / "other.json"
    write(again, "--images", IMAGES)
    assert again.read_bytes() == path.read_bytes()
    write(other, "--images", IMAGES, "--seed", 1)
    assert other.read_bytes() != path.read_bytes()


def test_other_categories_leave_people_as_they_are(content: dict[str, Any], tmp_path: Path):
    write(tmp_path / "doubled.json", "--images", IMAGES, "--other-categories", 2)
    doubled = json.loads((tmp_path / "doubled.json").read_text())
    assert doubled["images"] == content["images"]
    assert people(doubled) == people(content)
    others = len(content["annotations"]) - len(people(content))
    more = len(doubled["annotations"]) - len(people(content))
    assert more / others == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("option", [("--images", 0), ("--other-categories", -1)])
def test_numbers_out_of_range_are_refused(option: tuple[str, int], tmp_path: Path):
    finished = python(BENCHMARKS / "coco_scale.py", tmp_path / "x.json", *option)
    assert finished.returncode != 0
    assert "must be" in finished.stderr
    assert not any(tmp_path.iterdir())


def test_people_of_a_pair_stand_side_by_side_or_overlap(content: dict[str, Any]):
    by_image: defaultdict[int, list[Any]] = defaultdict(list)
    for person in people(content).values():
        by_image[person["image_id"]].append(person)
    pairs = [pair for pair in by_image.values() if len(pair) == 2]
    meeting = 0
    for one, other in pairs:
        (x, _, w, _), (x2, _, w2, _) = one["bbox"], other["bbox"]
        meeting += x < x2 + w2 and x2 < x + w
    assert 0.3 < meeting / len(pairs) < 0.9


def test_every_recipe_keeps_the_same_images(path: Path):
    found: dict[str, dict[str, Any]] = {}
    for side in ("usual", "merged", "counted_first", "ours"):
        finished = python(BENCHMARKS / "curate_selection.py", "--side", side, "--file", path)
        assert finished.returncode == 0, finished.stderr
        found[side] = json.loads(finished.stdout)
    assert len({one["ids"] for one in found.values()}) == 1
    assert 0.05 < found["ours"]["kept"] / IMAGES < 0.1
