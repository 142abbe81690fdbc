import logging
import random
from typing import Any

import pyarrow as pa
import pytest

from maskmill.curate import Split
from maskmill.curate.split import split_of
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
