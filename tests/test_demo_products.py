"""The demo's product photographs: clips as a studio makes them of the cups among our pictures."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from procedural import tree

from maskmill.curate import Coco, PersonFilter
from maskmill.curate.annotations import rle, union
from maskmill.demo import write_photographs, write_products
from maskmill.sample import Dropped, Sample
from maskmill.stitch import ClipMatte, ClipPairs, Realign, decode_clip
from maskmill.stitch.pairs import read_table

# The fewest pictures that have a cup for every making.
COUNT = 77


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_photographs(tmp_path_factory.mktemp("photographs"), count=COUNT)


@pytest.fixture(scope="module")
def made(
    photographs: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    return write_products(photographs, tmp_path_factory.mktemp("products"))


@pytest.fixture(scope="module")
def document(photographs: tuple[Path, Path]) -> dict[str, Any]:
    return json.loads(photographs[0].read_bytes())


@pytest.fixture(scope="module")
def pairs(photographs: tuple[Path, Path], made: tuple[Path, Path]) -> list[Sample]:
    source = ClipPairs(str(photographs[1]), str(made[1]), str(made[0]))
    items = [item for part in source.plan(()) for item in source.read(part)]
    read = [item for item in items if isinstance(item, Sample)]
    assert len(read) == len(items)
    return read


def test_the_photographs_are_none_of_the_peoples(
    photographs: tuple[Path, Path], made: tuple[Path, Path]
):
    source = Coco(str(photographs[0]), images=str(photographs[1]))
    people = {
        item.origin.partition("#")[0]
        for part in source.plan([PersonFilter(persons=(1, 2), coverage=(0.2, 0.7))])
        for item in source.read(part)
        if isinstance(item, Sample)
    }
    used = [row.original for row in read_table(made[0])]
    assert len(used) == len(set(used)) == 6
    assert people
    assert not people & set(used)


def test_a_pair_is_of_the_group_of_its_photograph(
    document: dict[str, Any], pairs: list[Sample], made: tuple[Path, Path]
):
    groups = {record["file_name"]: record["group"] for record in document["images"]}
    originals = {row.clipped: row.original for row in read_table(made[0])}
    assert [pair.group for pair in pairs] == [groups[originals[pair.origin]] for pair in pairs]


def test_a_studio_makes_one_after_another_otherwise(made: tuple[Path, Path]):
    files = [made[1] / row.clipped for row in read_table(made[0])]
    white, clear, _, shadow, pale, _ = (decode_clip(file.read_bytes()) for file in files)
    formats = [Image.open(BytesIO(file.read_bytes())).format for file in files]
    assert formats == ["JPEG", "PNG", "JPEG", "JPEG", "JPEG", "JPEG"]
    assert white[0, 0].tolist() == [255, 255, 255]
    assert clear[0, 0, 3] == 0
    assert pale[0, 0].tolist() == [244, 244, 244]

    def grey(clip: Any) -> float:
        light = clip.min(axis=2) > 170
        return float((light & (np.ptp(clip, axis=2) < 6) & (clip.max(axis=2) < 250)).mean())

    assert grey(shadow) > 4 * grey(white)


def test_every_clip_is_laid_on_its_photograph_but_the_wrong_one(
    document: dict[str, Any], pairs: list[Sample]
):
    found = {pair.origin: Realign()(pair) for pair in pairs}
    refused = {name: one.reason for name, one in found.items() if isinstance(one, Dropped)}
    assert refused == {"chelsea_clip.jpg": "wrong_pair"}
    laid = {name: one for name, one in found.items() if isinstance(one, Sample)}
    mirrored = [name for name, one in laid.items() if one.history[-1].values["mirrored"]]
    assert mirrored == ["0033-nobody-astronaut_clip.jpg"]
    images = {Path(record["file_name"]).stem: record for record in document["images"]}
    for name, one in laid.items():
        solved = ClipMatte()(one)
        assert isinstance(solved, Sample)
        record = images[name.rpartition("_clip")[0]]
        size = (record["height"], record["width"])
        drawn = [a for a in document["annotations"] if a["image_id"] == record["id"]]
        truth = union([rle(a["segmentation"], *size) for a in drawn], *size).alpha()
        shared = np.minimum(solved.alpha, truth).sum() / np.maximum(solved.alpha, truth).sum()
        assert shared > 0.96, name


def test_two_folders_get_the_same_clips(photographs: tuple[Path, Path], tmp_path: Path):
    for name in ("one", "two"):
        write_products(photographs, tmp_path / name)
    write_products(photographs, tmp_path / "other", seed=1)
    one, two, other = (tree(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    assert one["clips/coffee_clip.jpg"] != other["clips/coffee_clip.jpg"]


@pytest.mark.parametrize("lost", ["clips/coffee_clip.jpg", "pairs.csv", "products.made", None])
def test_clips_are_made_where_one_is_missing_and_only_there(tmp_path: Path, lost: str | None):
    photographs = write_photographs(tmp_path / "photographs", count=4)
    write_products(photographs, tmp_path / "products")
    whole = tree(tmp_path / "products")
    if lost is not None:
        (tmp_path / "products" / lost).unlink()
    calls: list[tuple[int, int]] = []
    write_products(
        photographs,
        tmp_path / "products",
        progress=lambda done, total: calls.append((done, total)),
    )
    assert tree(tmp_path / "products") == whole
    assert calls == ([] if lost is None else [(1, 2), (2, 2)])
