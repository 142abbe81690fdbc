import json
import logging
import random
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from procedural import Discs

import maskmill as mm
from maskmill.curate import Coco, NearDuplicates, Split
from maskmill.curate.split import split_of
from maskmill.shards import Dataset
from maskmill.stage import TableStage, describe

NAMES = [f"k{i:05d}" for i in range(10_000)]
Row = tuple[str, str | None, str | None]


def table_of(rows: list[Row]) -> pa.Table:
    columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    names = ("key", "group", "split")
    return pa.table(
        {name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)}
    )


def decided(stage: Split, rows: list[Row]) -> dict[str, str]:
    table = stage(table_of(rows))
    assert table.column_names == ["key", "split"]
    return dict(zip(table["key"].to_pylist(), table["split"].to_pylist(), strict=True))


def test_it_is_a_table_stage_that_needs_no_features():
    assert isinstance(Split(), TableStage)
    assert Split.features == ()


def test_the_shares_are_met_on_average():
    splits = list(decided(Split(), [(name, None, None) for name in NAMES]).values())
    for name, share in (("train", 0.7), ("val", 0.2), ("test", 0.1)):
        # Three standard deviations of 10,000 independent draws.
        assert abs(splits.count(name) / 10_000 - share) < 3 * (share * (1 - share) / 10_000) ** 0.5


def test_the_hash_is_fixed_for_ever():
    assert [split_of(name, 0.7, 0.2, 0.1) for name in "cde"] == ["train", "val", "train"]
    assert [split_of(name, 0.7, 0.2, 0.1, salt="another") for name in "ade"] == [
        "test",
        "train",
        "val",
    ]


def test_neither_the_order_nor_the_others_matter():
    rows: list[Row] = [(name, None, None) for name in NAMES[:500]]
    whole = decided(Split(), rows)
    random.Random(4).shuffle(rows)  # noqa: S311
    assert decided(Split(), rows) == whole
    assert decided(Split(), rows[:50]) == {key: whole[key] for key, _, _ in rows[:50]}


def test_a_group_stays_together():
    rows: list[Row] = [(name, f"g{i // 10}", None) for i, name in enumerate(NAMES[:1000])]
    splits = decided(Split(), rows)
    assert all(splits[key] == split_of(str(group), 0.7, 0.2, 0.1) for key, group, _ in rows)
    assert len(set(splits.values())) == 3


def test_a_sample_without_a_group_is_its_own():
    assert decided(Split(), [("a", None, None)]) == {"a": split_of("a", 0.7, 0.2, 0.1)}


def test_what_is_decided_never_changes_and_draws_its_group_along():
    for split in ("train", "val", "test", "holdout"):
        rows: list[Row] = [("new", "g", None), ("old", "g", split), ("newer", "g", None)]
        assert decided(Split(), rows) == {"new": split, "newer": split}


def test_growing_moves_nothing():
    stage, known = Split(), dict[str, str]()
    for end in (100, 400, 1000):
        rows: list[Row] = [(n, f"g{i % 37}", known.get(n)) for i, n in enumerate(NAMES[:end])]
        fresh = decided(stage, rows)
        assert not fresh.keys() & known.keys()
        known |= fresh
    sides = {(f"g{i % 37}", known[n]) for i, n in enumerate(NAMES[:1000])}
    assert len(sides) == 37


def test_a_group_that_lies_in_two_splits_gives_its_new_samples_none(
    caplog: pytest.LogCaptureFixture,
):
    rows: list[Row] = [("a", "g", "train"), ("b", "g", "test"), ("c", "g", None), ("d", "h", None)]
    with caplog.at_level(logging.WARNING):
        assert decided(Split(), rows).keys() == {"d"}
    assert "1 groups lie in several splits" in caplog.text


def test_those_of_a_parted_group_become_bridges_and_bridges_get_no_split():
    table = pa.table(
        {
            "key": ["a", "b", "c", "d", "e"],
            "group": ["g", "g", "g", "h", None],
            "split": ["train", "val", None, None, None],
            "status": ["kept", "kept", "kept", "bridge", "unused"],
        }
    )
    assert Split()(table).to_pylist() == [
        {"key": "c", "split": None, "status": "bridge"},
        {"key": "e", "split": split_of("e", 0.7, 0.2, 0.1), "status": "unused"},
    ]


def test_a_group_does_not_follow_its_bridge():
    table = pa.table(
        {
            "key": ["a", "b"],
            "group": ["g", "g"],
            "split": ["holdout", None],
            "status": ["bridge", "kept"],
        }
    )
    (row,) = Split()(table).to_pylist()
    assert row["split"] == split_of("g", 0.7, 0.2, 0.1)


def test_a_salt_divides_anew():
    rows: list[Row] = [(name, None, None) for name in NAMES[:200]]
    assert decided(Split(salt="1"), rows) != decided(Split(salt="2"), rows)


@pytest.mark.parametrize("name", ["train", "val", "test"])
def test_a_share_of_one_takes_everything(name: str):
    shares: dict[str, Any] = {"train": 0, "val": 0, "test": 0, name: 1}
    splits = decided(Split(**shares), [(key, None, None) for key in NAMES[:200]])
    assert set(splits.values()) == {name}


def test_an_empty_table_is_decided_at_once():
    assert decided(Split(), []) == {}


@pytest.mark.parametrize(
    "shares",
    [
        {"train": 0.7, "val": 0.2, "test": 0.2},
        {"train": 1.2, "val": -0.2, "test": 0.0},
        {"train": float("nan")},
        {"train": "0.7"},
        {"train": 70, "val": 20, "test": 10},
    ],
)
def test_shares_that_do_not_sum_to_one_are_an_error(shares: dict[str, Any]):
    with pytest.raises(ValueError, match="train, val and test must be shares that sum to 1, got"):
        Split(**shares)


def test_a_table_that_lacks_a_column_is_an_error():
    with pytest.raises(ValueError, match="must have the columns key, group and split, got no spl"):
        Split()(table_of([]).select(["key", "group"]))


def test_the_stage_is_written_down_with_its_shares():
    assert describe(Split())["val"] == 0.2
    assert "features" not in describe(Split())


Picture = Any
FINISH = [NearDuplicates(), Split(train=0.4, val=0.3, test=0.3)]


def clouds(seed: int) -> Picture:
    draw = np.random.default_rng(seed)
    canvas = np.zeros((64, 96), np.float32)
    for cells in (3, 6, 12):
        noise = draw.normal(0, 150 / cells, (cells, cells)).astype(np.float32)
        canvas += cv2.resize(noise, (96, 64), interpolation=cv2.INTER_CUBIC)
    return np.clip(canvas + 128, 0, 255).astype(np.uint8)


def files_of(pictures: dict[str, Picture], folder: Path) -> Coco:
    """Write pictures of one person each, in this order."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (name, picture) in enumerate(pictures.items()):
        height, width = picture.shape
        path = folder / "images" / f"{name}.png"
        if not path.exists():
            cv2.imwrite(str(path), picture)
        images.append({"id": name, "file_name": path.name, "height": height, "width": width})
        box = [[2, 2, width // 2, 2, width // 2, height // 2, 2, height // 2]]
        annotation = {"category_id": 1, "iscrowd": 0, "area": 1, "segmentation": box}
        annotations.append({"id": number, "image_id": name, **annotation})
    people = [{"id": 1, "name": "person", "supercategory": "person"}]
    document = {"images": images, "annotations": annotations, "categories": people}
    (folder / "instances.json").write_text(json.dumps(document))
    return Coco(str(folder / "instances.json"), str(folder / "images"), samples_per_partition=32)


def made(pictures: dict[str, Picture], folder: Path, **how: Any) -> dict[str, dict[str, Any]]:
    """Run over the pictures and return the index by origin."""
    source = files_of(pictures, folder)
    mm.run({"clouds": (mm.Pipeline(), source)}, folder / "d", finish=FINISH, **how)
    rows = Dataset(folder / "d").table().select(["origin", "key", "group", "split", "status"])
    return {row["origin"].partition(".png")[0]: row for row in rows.to_pylist()}


def families(count: int) -> dict[str, Picture]:
    """Return photographs, every second with copies: darker, cropped, cropped more."""
    pictures: dict[str, Picture] = {}
    for seed in range(count):
        picture = clouds(seed)
        copies = [picture, picture // 2 + 20, picture[2:-2, 3:-3], picture[3:-3, 4:-4]]
        for number, copy in enumerate(copies[: 4 if seed % 2 else 1]):
            pictures[f"{seed:03d}-{number}"] = copy
    return pictures


def leaks(rows: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the copies that are in use in two splits."""
    used = {name: row for name, row in rows.items() if row["status"] == "kept"}
    return [
        (one, other)
        for one in used
        for other in used
        if one < other and one[:3] == other[:3] and used[one]["split"] != used[other]["split"]
    ]


@pytest.mark.parametrize("workers", [None, 2])
def test_a_set_that_grows_leaks_nothing_and_moves_nothing(tmp_path: Path, workers: int | None):
    pictures = families(40)
    names = list(pictures)
    random.Random(3).shuffle(names)  # noqa: S311
    known: dict[str, str] = {}
    for end in (60, 75, 90, 100):
        part = names[:end]
        random.Random(end).shuffle(part)  # noqa: S311
        rows = made({name: pictures[name] for name in part}, tmp_path, workers=workers)
        assert leaks(rows) == []
        assert {name: rows[name]["split"] for name in known} == known
        known = {name: row["split"] for name, row in rows.items() if row["split"]}
        assert len(known) > 0.95 * end
    assert set(known.values()) == {"train", "val", "test"}


def test_order_and_workers_make_no_difference_to_a_run(tmp_path: Path):
    pictures = families(30)
    names = list(pictures)
    random.Random(5).shuffle(names)  # noqa: S311
    straight = made(pictures, tmp_path / "a")
    shuffled = made({name: pictures[name] for name in names}, tmp_path / "b", workers=2)
    assert len({row["group"] for row in straight.values()} - {None}) == 15
    assert straight == {name: shuffled[name] for name in straight}


def test_what_vanishes_and_comes_back_finds_its_split(tmp_path: Path):
    pictures = families(20)
    whole = made(pictures, tmp_path)
    # The first of each family is gone, and with it the name of its group.
    without = {name: picture for name, picture in pictures.items() if not name.endswith("-0")}
    fewer = made(without, tmp_path)
    assert {n: row["split"] for n, row in fewer.items()} == {n: whole[n]["split"] for n in fewer}
    assert {row["group"] for row in fewer.values()} != {row["group"] for row in whole.values()}
    again = made(pictures, tmp_path)
    assert {n: row["split"] for n, row in again.items()} == {
        n: row["split"] for n, row in whole.items()
    }


def test_a_newcomer_that_would_join_two_splits_is_not_used(tmp_path: Path):
    wide = {n: p for seed in range(12) for n, p in windows(seed).items()}
    apart = {name: picture for name, picture in wide.items() if not name.endswith("-whole")}
    before = made(apart, tmp_path)
    assert {row["group"] for row in before.values()} == {None}
    after = made(wide, tmp_path)
    assert {name: after[name]["split"] for name in before} == {
        name: row["split"] for name, row in before.items()
    }
    for seed in range(12):
        left, right = (before[f"{seed:03d}-{side}"]["split"] for side in ("left", "right"))
        whole = after[f"{seed:03d}-whole"]
        expected = (left, "kept") if left == right else (None, "bridge")
        assert (whole["split"], whole["status"]) == expected
    assert {row["status"] for row in after.values()} == {"kept", "bridge"}
    in_use = Dataset(tmp_path / "d").split()
    assert len(in_use) == sum(row["status"] == "kept" for row in after.values())


def windows(seed: int) -> dict[str, Picture]:
    """Return two windows on a photograph that are no copies of each other, but of the whole."""
    wide = np.concatenate([clouds(2 * seed + 100), clouds(2 * seed + 101)], axis=1)[:, 16:-16]
    return {
        f"{seed:03d}-left": wide[:, :-9],
        f"{seed:03d}-right": wide[:, 9:],
        f"{seed:03d}-whole": wide,
    }


def test_a_record_of_an_older_version_is_respected(tmp_path: Path):
    """Older versions wrote down groups alone."""
    sources = {"a": (mm.Pipeline(), Discs(12, groups=3))}
    mm.run(sources, tmp_path / "d", finish=[Split()])
    (part,) = (tmp_path / "d" / "splits").iterdir()
    groups = [f"group-{number}" for number in range(3)]
    sides = ["val", "test", "holdout"]
    pq.write_table(pa.table({"group": groups, "split": sides}), part)
    more = {"a": (mm.Pipeline(), Discs(18, groups=3))}
    for source in (more, sources, more):  # the second of them has its samples' keys to go by
        mm.run(source, tmp_path / "d", finish=[Split()])
        table = Dataset(tmp_path / "d").table()
        found = dict(zip(table["group"].to_pylist(), table["split"].to_pylist(), strict=True))
        assert found == dict(zip(groups, sides, strict=True))


def test_a_run_that_decides_nothing_new_writes_nothing_down(tmp_path: Path):
    sources = {"a": (mm.Pipeline(), Discs(12, groups=3))}
    for _ in range(3):
        mm.run(sources, tmp_path / "d", finish=[Split()])
    assert len(list((tmp_path / "d" / "splits").iterdir())) == 1


def test_a_source_that_joins_decided_groups_moves_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    apart = {"a": (mm.Pipeline(), Discs(12, groups=6))}
    mm.run(apart, tmp_path / "d", finish=[Split()])
    before = Dataset(tmp_path / "d").table().select(["key", "split"]).to_pylist()
    joined = {"a": (mm.Pipeline(), Discs(15, groups=1))}
    with caplog.at_level(logging.WARNING):
        mm.run(joined, tmp_path / "d", finish=[Split()])
    rows = Dataset(tmp_path / "d").table().select(["key", "split", "status"]).to_pylist()
    assert [{"key": row["key"], "split": row["split"]} for row in rows[:12]] == before
    assert len({row["split"] for row in before}) > 1
    assert [(row["split"], row["status"]) for row in rows[12:]] == [(None, "bridge")] * 3
    assert "group 'group-0' has samples in more than one split" in caplog.text
