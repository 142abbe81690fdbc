import logging
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from procedural import Discs

import maskmill as mm
from maskmill.curate import Mix, Split, mix
from maskmill.curate.mixture import quotas
from maskmill.recipe import RecipeError, read_recipe
from maskmill.shards import Dataset
from maskmill.stage import TableStage, describe

Row = tuple[str, str, str | None, str]


def rows_of(counts: dict[str, int], split: str | None = "train", first: int = 0) -> list[Row]:
    return [
        (f"{source}-{split}-{number:05d}", source, split, "kept")
        for source, count in counts.items()
        for number in range(first, first + count)
    ]


def unused(stage: Mix, rows: list[Row]) -> set[str]:
    names = ("key", "source", "split", "status")
    columns: list[Any] = list(zip(*rows, strict=True)) or [()] * 4
    table = stage(
        pa.table({n: pa.array(c, pa.string()) for n, c in zip(names, columns, strict=True)})
    )
    assert table.column_names == ["key", "status"]
    assert set(table["status"].to_pylist()) <= {"unused"}
    return set(table["key"].to_pylist())


def used(stage: Mix, rows: list[Row]) -> Counter[tuple[str | None, str]]:
    without = unused(stage, rows)
    return Counter((split, source) for key, source, split, _ in rows if key not in without)


def test_it_is_a_table_stage_that_needs_no_features():
    assert isinstance(mix(synthetic=0.3), TableStage)
    assert mix(synthetic=0.3) == Mix({"synthetic": 0.3})
    assert Mix.features == ()


def test_the_largest_mixture_of_these_shares_is_used():
    scarce = used(mix(renders=0.3), rows_of({"photos": 700, "renders": 1000}))
    assert scarce == {("train", "photos"): 700, ("train", "renders"): 300}
    plenty = used(mix(renders=0.3), rows_of({"photos": 1400, "renders": 300}))
    assert plenty == {("train", "photos"): 700, ("train", "renders"): 300}


def test_sources_without_a_share_keep_their_proportions():
    rows = rows_of({"people": 600, "products": 200, "renders": 100})
    assert used(mix(renders=0.5), rows) == {
        ("train", "people"): 75,
        ("train", "products"): 25,
        ("train", "renders"): 100,
    }


def test_every_split_has_the_mixture():
    rows = rows_of({"photos": 70, "renders": 70}, "train") + rows_of(
        {"photos": 14, "renders": 3}, "val"
    )
    rows += rows_of({"photos": 7, "renders": 30}, None)
    assert used(mix(renders=0.3), rows) == {
        ("train", "photos"): 70,
        ("train", "renders"): 30,
        ("val", "photos"): 7,
        ("val", "renders"): 3,
        (None, "photos"): 7,
        (None, "renders"): 3,
    }


def test_a_split_goes_without_a_source_that_has_nothing_there(caplog: pytest.LogCaptureFixture):
    rows = rows_of({"photos": 70, "renders": 70}) + rows_of({"photos": 20}, "val")
    with caplog.at_level(logging.WARNING):
        assert used(mix(renders=0.3), rows)["val", "photos"] == 20
    assert "split val has nothing of renders" in caplog.text


def test_a_share_of_nothing_uses_nothing_and_of_everything_nothing_else():
    rows = rows_of({"photos": 70, "renders": 70})
    assert used(mix(renders=0), rows) == {("train", "photos"): 70}
    assert used(mix(renders=1), rows) == {("train", "renders"): 70}


def test_only_what_is_kept_counts_and_changes():
    rows = rows_of({"photos": 7, "renders": 10})
    lost: list[Row] = [
        (f"x{status}", "photos", "train", status) for status in ("duplicate", "bridge")
    ]
    assert unused(mix(renders=0.3), rows + lost) == unused(mix(renders=0.3), rows)


def test_the_choice_depends_on_neither_order_nor_the_others():
    rows = rows_of({"photos": 70, "renders": 100})
    whole = unused(mix(renders=0.3), rows)
    assert len(whole) == 70
    random.Random(0).shuffle(rows)  # noqa: S311
    assert unused(mix(renders=0.3), rows) == whole
    assert unused(mix(renders=0.3, salt="another"), rows) != whole


def test_growing_disturbs_only_what_the_new_numbers_ask_for():
    before = rows_of({"photos": 700, "renders": 1000})
    after = before + rows_of({"photos": 70}, first=700)
    first, then = unused(mix(renders=0.3), before), unused(mix(renders=0.3), after)
    assert then < first
    assert len(first - then) == 30
    more = before + rows_of({"renders": 100}, first=1000)
    grown = unused(mix(renders=0.3), more)
    old = {key for key, *_ in before}
    assert first <= grown & old
    # A newcomer takes the place of one that was used: about as many as there are newcomers used.
    assert len((grown & old) - first) < 60


def test_the_mixture_is_never_more_than_there_is():
    for people in range(1, 40):
        available = {"people": people, "products": 17, "renders": 23}
        found = quotas(available, {"renders": 0.37, "products": 0.2})
        assert all(found[source] <= available[source] for source in available)
        total = sum(found.values())
        wanted = {"people": 0.43, "products": 0.2, "renders": 0.37}
        # Rounded to whole samples, and one source at least is used whole.
        assert all(abs(found[s] - share * total) < 1.5 for s, share in wanted.items())
        assert any(found[source] == available[source] for source in available)


def test_an_unknown_source_is_an_error_with_the_nearest_spelling():
    with pytest.raises(ValueError, match="got 'rendrs'; did you mean \"renders\""):
        unused(mix(rendrs=0.3), rows_of({"photos": 7, "renders": 10}))


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({}, "shares must name at least one source"),
        ({"a": 1.5}, "share of a must be in"),
        ({"a": "0.3"}, "share of a must be in"),
        ({"a": float("nan")}, "share of a must be in"),
        ({"a": 0.6, "b": 0.6}, "shares must sum to 1 or less"),
    ],
)
def test_shares_that_cannot_be_are_errors(shares: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        Mix(shares)


def test_shares_of_every_source_sum_to_one():
    rows = rows_of({"photos": 10, "renders": 10})
    with pytest.raises(ValueError, match="must sum to 1 when they name every source"):
        unused(mix(photos=0.5, renders=0.3), rows)
    assert used(mix(photos=0.8, renders=0.2), rows)["train", "renders"] == 2


def test_an_empty_table_is_decided_at_once():
    assert unused(mix(renders=0.3), []) == set()


def test_a_table_that_lacks_a_column_is_an_error():
    with pytest.raises(
        ValueError, match=r"must have the columns key, .* got no source, split, status"
    ):
        mix(renders=0.3)(pa.table({"key": ["a"]}))


def test_a_dataset_of_a_mixture_offers_what_is_used(tmp_path: Path):
    sources = {
        "photos": (mm.Pipeline(), Discs(40)),
        "renders": (mm.Pipeline(), Discs(60, first=40)),
    }
    mm.run(sources, tmp_path / "d", finish=[Split(train=0.5, val=0.5, test=0), mix(renders=0.2)])
    for split in ("train", "val"):
        counts = Counter(Dataset(tmp_path / "d").split(split).table["source"].to_pylist())
        assert counts["photos"] > 10
        assert abs(counts["renders"] - counts["photos"] / 4) < 1
    assert len(Dataset(tmp_path / "d")) == 100


def test_a_recipe_says_the_shares_in_a_table(tmp_path: Path):
    text = """
        out = "dataset/"
        [people.source]
        use = "coco"
        annotations = "a.json"
        images = "images/"
        [[finish]]
        use = "mix"
        shares = { people = %s }
    """
    path = tmp_path / "recipe.toml"
    path.write_text(text % "1")
    assert read_recipe(path).finish == (Mix({"people": 1.0}),)
    assert describe(read_recipe(path).finish[0])["shares"] == {"people": 1.0}
    path.write_text(text % "3.5")
    with pytest.raises(RecipeError, match=r"\[\[finish\]\] number 1 \(mix\): share of people must"):
        read_recipe(path)
