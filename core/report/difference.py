"""What has changed between two datasets."""

from collections.abc import Sequence
from dataclasses import dataclass

from maskmill.shards import Dataset

_EXAMPLES = 5


@dataclass(frozen=True)
class Difference:
    """What has changed since another run: counts by source, and samples by key.

    `sources` has name, (read before, now) and (kept before, now); `changes` has what changed, how
    often, and a few origins.
    """

    recipe_hash: str
    version: str
    same_recipe: bool
    sources: Sequence[tuple[str, tuple[int, int], tuple[int, int]]]
    changes: Sequence[tuple[str, int, Sequence[str]]]


def difference(dataset: Dataset, previous: Dataset) -> Difference:
    """Compare a dataset with an earlier one: samples are the same where their keys are."""
    columns = ["key", "origin", "source", "alpha_hash", "status", "split"]
    now, before = (
        {row["key"]: row for row in part.table().select(columns).to_pylist()}
        for part in (dataset, previous)
    )
    changed = {
        "new": [row for key, row in now.items() if key not in before],
        "gone": [row for key, row in before.items() if key not in now],
    }
    for what, column in (("alpha", "alpha_hash"), ("status", "status"), ("split", "split")):
        changed[f"another {what}"] = [
            row for key, row in now.items() if key in before and row[column] != before[key][column]
        ]
    read_now, read_before = dataset.info.get("counts", {}), previous.info.get("counts", {})

    def pair(source: str, what: str) -> tuple[int, int]:
        return read_before.get(source, {}).get(what, 0), read_now.get(source, {}).get(what, 0)

    return Difference(
        recipe_hash=previous.info.get("recipe_hash", ""),
        version=previous.info.get("maskmill", ""),
        same_recipe=previous.info.get("recipe_hash") == dataset.info.get("recipe_hash"),
        sources=[
            (source, pair(source, "read"), pair(source, "kept"))
            for source in dict.fromkeys([*read_now, *read_before])
        ],
        changes=[
            (what, len(rows), [f"{row['source']} {row['origin']}" for row in rows[:_EXAMPLES]])
            for what, rows in changed.items()
        ],
    )
