import logging
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest

from maskmill.curate import NearDuplicates
from maskmill.curate.comparison import likeness
from maskmill.curate.grouping import bridges, coherent_pairs
from maskmill.curate.hash_index import candidate_pairs
from maskmill.curate.near_duplicates import duplicate_pairs
from maskmill.curate.perceptual_hash import (
    TURNS,
    Thumbnail,
    perceptual_hashes,
    thumbnail,
    turn_hashes,
    turn_pictures,
)
from maskmill.sample import Sample
from maskmill.stage import Feature, TableStage

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
Picture = Any


def photo(seed: int, height: int = 96, width: int = 144) -> Picture:
    """Clouds of every size and two things in front of them: no two seeds look alike."""
    draw = np.random.default_rng(seed)
    canvas = np.zeros((height, width, 3), np.float32)
    for cells in (2, 3, 5, 8, 13):
        noise = draw.normal(0, 60 / cells, (cells, cells, 3)).astype(np.float32)
        canvas += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    canvas += draw.uniform(70, 180)
    for _ in range(2):
        centre = [int(value) for value in draw.uniform(0.2, 0.8, 2) * (width, height)]
        axes = [int(value) for value in draw.uniform(0.1, 0.3, 2) * height]
        colour = draw.uniform(0, 255, 3).tolist()
        cv2.ellipse(canvas, centre, axes, draw.uniform(0, 180), 0, 360, colour, -1)
    return np.clip(canvas, 0, 255).astype(np.uint8)


def small(picture: Picture) -> Picture:
    return thumbnail(cv2.imencode(".bmp", np.ascontiguousarray(picture))[1].tobytes())


def jpeg(picture: Picture) -> Picture:
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], 1)


def crop(picture: Picture, share: float) -> Picture:
    height, width = picture.shape[:2]
    top, left = round(height * share / 2), round(width * share / 2)
    return picture[top : height - top, left : width - left]


def tilt(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 2, 1)
    return cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def grey(picture: Picture) -> Picture:
    return cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def half(picture: Picture) -> Picture:
    return cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


COPIES: dict[str, Callable[[Picture], Picture]] = {
    "jpeg 40": jpeg,
    "half size": half,
    "grey": grey,
    "crop 3 %": lambda picture: crop(picture, 0.03),
    "crop 10 %": lambda picture: crop(picture, 0.10),
    "rotation 2 degrees": tilt,
    "mirrored": lambda picture: picture[:, ::-1],
    "rotated 90 degrees": np.rot90,
    "rotated 180 degrees": lambda picture: np.rot90(picture, 2),
    "mirrored, jpeg 40": lambda picture: jpeg(np.ascontiguousarray(picture[:, ::-1])),
    "mirrored, crop 10 %": lambda picture: crop(picture, 0.10)[:, ::-1],
}

Row = tuple[str, Picture, str | None, str | None]


def table_of(rows: Sequence[Row], **more: Iterable[Any]) -> pa.Table:
    keys, thumbnails, groups, splits = zip(*rows, strict=True) if rows else [()] * 4
    columns: dict[str, Any] = {
        "key": pa.array(keys, pa.string()),
        "group": pa.array(groups, pa.string()),
        "split": pa.array(splits, pa.string()),
        "status": pa.array(["kept"] * len(rows), pa.string()),
        "feature.thumbnail": pa.array([t.tobytes() for t in thumbnails], pa.binary()),
    }
    return pa.table(columns | {name: list(values) for name, values in more.items()})


def decided(table: pa.Table, **parameters: Any) -> dict[str, tuple[str | None, str]]:
    rows = NearDuplicates(**parameters)(table).to_pylist()
    return {row["key"]: (row["group"], row["status"]) for row in rows}


ONE, OTHER, THIRD = small(photo(1)), small(photo(2)), small(photo(3))
ONE_CROPPED, OTHER_CROPPED = small(crop(photo(1), 0.03)), small(crop(photo(2), 0.03))


def test_it_is_a_table_stage_that_asks_for_thumbnails():
    assert isinstance(NearDuplicates(), TableStage)
    assert all(isinstance(feature, Feature) for feature in NearDuplicates.features)
    assert [feature.name for feature in NearDuplicates.features] == ["thumbnail"]


def test_the_thumbnail_is_of_the_image_alone():
    bare = Sample.of(photo(1))
    matted = Sample.of(photo(1), np.zeros((96, 144), np.float32))
    assert Thumbnail()(bare) == Thumbnail()(matted)


def test_a_thumbnail_of_something_else_is_an_error():
    with pytest.raises(ValueError, match="must be an encoded JPEG, PNG or WebP, got 9 bytes"):
        thumbnail(b"no images")


def test_the_hash_of_a_turned_picture_is_known_without_its_pixels():
    photos = np.stack([small(photo(seed)) for seed in range(20)])
    hashes = perceptual_hashes(photos)
    for turn in range(TURNS):
        direct = perceptual_hashes(np.ascontiguousarray(turn_pictures(photos, turn)))[:, 0]
        assert (turn_hashes(hashes, turn) == direct).all()


def test_a_hash_does_not_depend_on_what_is_hashed_beside_it():
    photos = np.random.default_rng(0).integers(0, 256, (4097, 32, 32), np.uint8)
    assert (perceptual_hashes(photos)[4000:] == perceptual_hashes(photos[4000:])).all()


def test_candidates_are_what_comparing_all_with_all_finds():
    photos = np.random.default_rng(0).integers(0, 256, (3000, 32, 32), np.uint8)
    noise = np.random.default_rng(1).normal(0, 15, (600, 32, 32))
    photos[2400:] = np.clip(photos[:600] + noise, 0, 255).astype(np.uint8)
    hashes = perceptual_hashes(photos)
    bits = np.unpackbits(hashes[:, 0], axis=1).astype(np.float32) * 2 - 1
    distances = np.triu(64 - bits @ bits.T / 2, 1) + np.tril(np.full((3000, 3000), 99))
    expected = {tuple(pair) for pair in np.argwhere(distances <= 20).tolist()}
    first, second, turn = candidate_pairs(hashes, hashes, 20, turned=False)
    assert len(expected) == 600
    assert set(zip(first.tolist(), second.tolist(), strict=True)) == expected
    assert not turn.any()


def test_candidates_stay_few_when_everything_looks_alike():
    noise = np.random.default_rng(0).normal(0, 12, (1000, 32, 32))
    alike = np.clip(ONE.astype(float) + noise, 0, 255).astype(np.uint8)
    hashes = perceptual_hashes(alike)
    first, second, _ = candidate_pairs(hashes, hashes, 30, turned=False)
    assert (first < second).all()
    assert 1000 < len(first) <= 8 * 1000
    assert len({*first.tolist(), *second.tolist()}) == 1000


@pytest.mark.parametrize("name", COPIES)
def test_copies_are_found_and_nothing_else(name: str):
    pictures = [photo(seed) for seed in range(40)]
    copies = [COPIES[name](picture) for picture in pictures]
    found = duplicate_pairs(np.stack([small(picture) for picture in (*pictures, *copies)]))
    pairs = np.concatenate([found.certain, found.doubtful])
    assert sorted(pairs.tolist()) == [[number, 40 + number] for number in range(40)]


def test_mirrored_copies_are_left_alone_when_nobody_asks_for_them():
    pictures = np.stack([ONE, ONE[:, ::-1]])
    assert len(duplicate_pairs(pictures).certain) == 1
    assert len(duplicate_pairs(pictures, turned=False).certain) == 0


@pytest.fixture(scope="module")
def real() -> list[Picture]:
    if not (DATA / "tiny_coco").is_dir():
        pytest.skip("needs shared/data/tiny_coco")
    return [cv2.imread(str(file)) for file in sorted((DATA / "tiny_coco").rglob("*.jpg"))]


@pytest.mark.parametrize("name", COPIES)
def test_copies_of_real_photographs_are_found_and_nothing_else(real: list[Picture], name: str):
    copies = [COPIES[name](picture) for picture in real]
    found = duplicate_pairs(np.stack([small(picture) for picture in (*real, *copies)]))
    pairs = np.concatenate([found.certain, found.doubtful])
    right = (pairs[:, 1] - pairs[:, 0] == len(real)).sum()
    assert right == len(pairs)
    assert right >= (0.9 if "10 %" in name else 1) * len(real)


def test_likeness_is_the_same_either_way_round():
    one, other = np.stack([ONE, ONE]), np.stack([ONE_CROPPED, OTHER])
    assert (likeness(one, other) == likeness(other, one)).all()


def test_likeness_tells_apart_what_is_only_lit_alike():
    draw = np.random.default_rng(0)
    ramp = np.linspace(40, 200, 32)[:, None] + np.zeros((2, 32, 32))
    ramp += cv2.GaussianBlur(draw.normal(0, 40, (2, 32, 32)).transpose(1, 2, 0), (0, 0), 1).T
    pair = np.clip(ramp, 0, 255).astype(np.uint8)
    brightness = np.corrcoef(pair[0].ravel(), pair[1].ravel())[0, 1]
    assert brightness > 0.8
    assert likeness(pair[:1], pair[1:]).item() < 0.5


def test_pictures_of_nothing_are_copies_only_when_they_are_equal():
    even = [np.full((32, 32), level, np.uint8) for level in (0, 128, 128, 129, 255)]
    assert duplicate_pairs(np.stack(even)).certain.tolist() == [[1, 2]]


def test_a_crowd_of_copies_is_one_group():
    noise = np.random.default_rng(0).normal(0, 6, (1500, 32, 32))
    crowd = np.clip(ONE.astype(float) + noise, 0, 255).astype(np.uint8)
    rows: list[Row] = [(f"k{i:04d}", picture, None, None) for i, picture in enumerate(crowd)]
    groups = decided(table_of([*rows, ("other", OTHER, None, None)]))
    assert groups.keys() == {key for key, *_ in rows}
    assert {group for group, _ in groups.values()} == {"k0000"}


def test_a_chain_of_copies_holds_and_one_of_coincidences_does_not():
    nobody: Any = lambda first, second: np.zeros(len(first), bool)  # noqa: E731
    chain = np.array([[number, number + 1] for number in range(200)])
    assert len(coherent_pairs(201, chain, chain[:0], nobody)) == 200
    held = coherent_pairs(201, chain[:0], chain, nobody)
    neighbours = defaultdict[int, set[int]](set)
    for one, other in held.tolist():
        neighbours[one].add(other)
        neighbours[other].add(one)
    assert len(held) > 60
    # Nobody is both a centre and at the edge of somebody else's group.
    assert max(map(len, neighbours.values())) == 2
    assert all(min(len(neighbours[one]), len(neighbours[other])) == 1 for one, other in held)


def test_what_resembles_everybody_joins_nobody():
    hub = np.array([[0, other] for other in range(1, 100)])
    nobody: Any = lambda first, second: np.zeros(len(first), bool)  # noqa: E731
    everybody: Any = lambda first, second: np.ones(len(first), bool)  # noqa: E731
    assert len(coherent_pairs(100, hub[:0], hub, nobody)) == 0
    assert len(coherent_pairs(100, hub[:0], hub, everybody)) == 99


def test_a_group_is_called_by_its_smallest_key():
    rows: list[Row] = [("b", ONE, None, None), ("a", ONE_CROPPED, None, None)]
    assert decided(table_of(rows)) == {"a": ("a", "kept"), "b": ("a", "kept")}


def test_what_is_no_duplicate_is_not_touched():
    rows: list[Row] = [("a", ONE, None, None), ("b", OTHER, "g", None), ("c", THIRD, "g", None)]
    assert decided(table_of(rows)) == {}


def test_order_and_chunks_make_no_difference():
    rows: list[Row] = []
    for seed in range(30):
        rows.append((f"{seed * 7919 % 1000:03d}a", small(photo(seed)), None, None))
        rows.append((f"{seed * 104729 % 1000:03d}b", small(crop(photo(seed), 0.05)), None, None))
    whole = decided(table_of(rows))
    assert len(whole) == 60
    random.Random(1).shuffle(rows)  # noqa: S311
    assert decided(table_of(rows)) == whole
    parts = [table_of(rows[at : at + 7]) for at in range(0, 60, 7)]
    assert decided(pa.concat_tables(parts)) == whole


def test_a_group_keeps_its_name_when_it_grows():
    old: list[Row] = [("m", ONE, None, "train"), ("n", ONE_CROPPED, None, "train")]
    newcomer: Row = ("a", small(crop(photo(1), 0.05)), None, None)
    groups = decided(table_of([newcomer, *old]))
    assert {name: group for name, (group, _) in groups.items()} == dict.fromkeys("amn", "m")


def test_groups_of_a_source_join_and_never_part():
    rows: list[Row] = [
        ("a", ONE, "holiday", None),
        ("b", THIRD, "holiday", None),
        ("c", ONE_CROPPED, "garden", None),
        ("d", OTHER, "garden", None),
        ("e", OTHER_CROPPED, None, None),
    ]
    groups = decided(table_of(rows))
    assert {name: group for name, (group, _) in groups.items()} == dict.fromkeys("abcde", "garden")


def test_the_name_of_a_decided_group_goes_before_others():
    rows: list[Row] = [("a", ONE, "aa", None), ("b", ONE_CROPPED, "zz", "val")]
    assert {group for group, _ in decided(table_of(rows)).values()} == {"zz"}


def test_the_best_of_the_duplicates_stays():
    rows: list[Row] = [
        ("a", ONE, None, None),
        ("b", ONE_CROPPED, None, None),
        ("c", ONE, "g", None),
    ]
    sizes = {"height": [100, 200, 100], "width": [100, 100, 100], "image_length": [5, 5, 9]}
    best = decided(table_of(rows, **sizes), keep="best")
    assert {key: status for key, (_, status) in best.items()} == {
        "a": "duplicate",
        "b": "kept",
        "c": "duplicate",
    }
    sizes |= {"height": [100] * 3}
    equal = decided(table_of(rows, **sizes), keep="best")
    assert [key for key, (_, status) in equal.items() if status == "kept"] == ["c"]


def test_the_first_of_the_duplicates_stays():
    rows: list[Row] = [("z", ONE, None, None), ("a", ONE_CROPPED, None, None)]
    first = decided(table_of(rows), keep="first")
    assert {key: status for key, (_, status) in first.items()} == {"z": "kept", "a": "duplicate"}


def test_samples_that_only_share_a_source_s_group_are_no_duplicates():
    rows: list[Row] = [
        ("a", ONE, "film", None),
        ("b", OTHER, "film", None),
        ("c", ONE_CROPPED, None, None),
    ]
    first = decided(table_of(rows), keep="first")
    assert {key for key, (_, status) in first.items() if status == "duplicate"} == {"c"}


def test_what_is_not_used_anyway_stays_so():
    rows: list[Row] = [("a", ONE, None, None), ("b", ONE_CROPPED, None, None)]
    table = table_of(rows)
    table = table.set_column(3, "status", pa.array(["rejected", "kept"]))
    assert decided(table, keep="first") == {"a": ("a", "rejected"), "b": ("a", "kept")}


# Windows on one photograph: the whole is like either, but they are too far apart to be copies.
WIDE = photo(5, 96, 160)
LEFT, WHOLE, RIGHT = small(WIDE[:, :-9]), small(WIDE), small(WIDE[:, 9:])


def test_a_newcomer_between_two_splits_is_a_bridge(caplog: pytest.LogCaptureFixture):
    rows: list[Row] = [("a", LEFT, None, "train"), ("b", RIGHT, None, "val")]
    assert decided(table_of(rows)) == {}
    with caplog.at_level(logging.WARNING):
        found = decided(table_of([*rows, ("c", WHOLE, None, None)]))
    assert found == {"c": (None, "bridge")}
    assert "1 samples are near-duplicates across splits" in caplog.text


def test_a_bridge_keeps_its_source_s_group_and_joins_nothing():
    rows: list[Row] = [
        ("a", ONE, None, "train"),
        ("b", OTHER, "film", "val"),
        ("c", ONE_CROPPED, "film", None),
        ("d", OTHER_CROPPED, None, None),
    ]
    found = decided(table_of(rows))
    assert found == {
        "b": ("film", "kept"),
        "c": ("film", "bridge"),
        "d": ("film", "kept"),
    }


def test_when_one_side_of_a_bridge_is_gone_it_joins_the_other():
    rows: list[Row] = [("b", RIGHT, None, "val"), ("c", WHOLE, None, None)]
    assert decided(table_of(rows)) == {"b": ("b", "kept"), "c": ("b", "kept")}


def test_of_two_that_were_decided_apart_one_is_not_used():
    rows: list[Row] = [
        ("a", ONE, None, "train"),
        ("b", ONE_CROPPED, None, "val"),
        ("c", OTHER, None, "train"),
    ]
    assert decided(table_of(rows)) == {"a": (None, "bridge")}


def test_newcomers_follow_their_neighbours_not_the_whole_chain():
    chain = {n: [m for m in (n - 1, n + 1) if 0 <= m < 7] for n in range(7)}
    sides = {0: "train", 6: "val"}
    assert bridges(chain, sides, frozenset(), {"train": 1, "val": 1}) == {3}
    assert bridges(chain, {0: "train"}, frozenset(), {"train": 1}) == set()


def test_the_side_with_fewer_samples_gives_way():
    triangle = {0: [1, 2], 1: [0, 2], 2: [0, 1]}
    sides = {0: "train", 1: "train", 2: "val"}
    assert bridges(triangle, sides, frozenset(), {"train": 70, "val": 20}) == {2}


def test_a_source_s_group_that_would_part_gives_its_newcomers_no_split():
    # 0 and 5 are decided; 1 to 4 are newcomers, 9 stands for the group of 1, 2, 3 and 4.
    neighbours = {0: [1], 1: [0, 9], 2: [9, 5], 3: [9], 4: [9], 5: [2], 9: [1, 2, 3, 4]}
    weight = {"train": 1, "val": 1}
    assert bridges(neighbours, {0: "train", 5: "val"}, frozenset({9}), weight) == {1, 2, 3, 4}
    assert bridges(neighbours, {0: "train"}, frozenset({9}), weight) == set()


def test_an_empty_table_is_decided_at_once():
    assert decided(table_of([])) == {}
    assert decided(table_of([("a", ONE, None, None)])) == {}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"similarity": 0}, "similarity must be above 0 and at most 1, got 0"),
        ({"turned_similarity": 1.5}, "turned_similarity must be above 0 and at most 1"),
        ({"distance": 65}, "distance must be bits from 0 to 64"),
        ({"keep": "none"}, "keep must be one of all, best, first, got 'none'"),
    ],
)
def test_parameters_out_of_range_are_errors(parameters: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        NearDuplicates(**parameters)


def test_a_table_that_lacks_a_column_is_an_error():
    table = table_of([("a", ONE, None, None)])
    with pytest.raises(ValueError, match=r"got no feature\.thumbnail"):
        NearDuplicates()(table.drop_columns(["feature.thumbnail"]))
    with pytest.raises(ValueError, match="got no height, width, image_length"):
        NearDuplicates(keep="best")(table)


def test_thumbnails_of_another_size_are_an_error():
    with pytest.raises(ValueError, match=r"must have 1024 bytes, got \[64\]"):
        NearDuplicates()(table_of([("a", ONE[:8, :8], None, None)]))
