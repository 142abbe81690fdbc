"""Check that a dataset is what its index and its ledger say: every byte, every row, every count."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from maskmill.images import decode_image, decode_levels

from .dataset import Dataset
from .parquet import opened
from .schema import FACTS
from .writer import alpha_hash, checksum

_UNREADABLE = (OSError, ValueError, pa.ArrowException)


@dataclass(frozen=True)
class Problem:
    """Something that is not as it should be: where, and what."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def verify(
    url: str | os.PathLike[str] | Dataset,
    *,
    decode: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> list[Problem]:
    """Check a dataset and return what is wrong with it.

    Parameters
    ----------
    url : path-like, fsspec URL or Dataset
    decode : bool
        Also decode every picture and compare sizes and alpha hashes.
    progress : callable, optional
        Called with (shards checked, shards in all).

    Returns
    -------
    list of Problem
        Empty when every shard is present and whole, every picture's checksum is right, the index
        and the shards say the same, keys are unique and the counts add up.
    """
    dataset = url if isinstance(url, Dataset) else Dataset(url)
    index = dataset.table()
    problems = [*_check_listing(dataset, index), *_check_counts(dataset, index)]
    shards: list[str] = dataset.info["shards"]
    for done, name in enumerate(shards):
        rows = index.filter(pc.equal(index["shard"], name.removeprefix("shards/")))
        try:
            problems += _check_shard(dataset, name, rows, decode)
        except _UNREADABLE as error:
            problems.append(Problem(name, f"cannot be read: {error}"))
        if progress:
            progress(done + 1, len(shards))
    return problems


def strays(url: str | os.PathLike[str] | Dataset) -> list[str]:
    """Return files that are not part of the dataset: of an earlier recipe, or of a stopped run.

    They harm nobody, since readers follow the index; the next run sweeps them.
    """
    dataset = url if isinstance(url, Dataset) else Dataset(url)
    listed = {*dataset.info["shards"], *dataset.info["dropped"]}
    found = [*dataset.storage.names("shards"), *dataset.storage.names("dropped")]
    return [name for name in found if name not in listed]


def _check_listing(dataset: Dataset, index: pa.Table) -> Iterator[Problem]:
    for folder in ("shards", "dropped"):
        found = set(dataset.storage.names(folder))
        for name in dataset.info[folder]:
            if name not in found:
                yield Problem(name, "is missing")
    for name in sorted(set(index["shard"].to_pylist())):
        if f"shards/{name}" not in dataset.info["shards"]:
            yield Problem("index.parquet", f"names {name}, which dataset.json does not list")


def _check_counts(dataset: Dataset, index: pa.Table) -> Iterator[Problem]:
    repeated = [key for key, n in Counter(index["key"].to_pylist()).items() if n > 1]
    for key in repeated:
        yield Problem("index.parquet", f"key {key} stands there more than once")
    try:
        ledger = dataset.ledger()
    except _UNREADABLE as error:
        yield Problem("dropped", f"cannot be read: {error}")
        return
    kept = Counter(index["source"].to_pylist())
    lost = Counter(ledger["source"].to_pylist())
    for source, counts in dataset.info["counts"].items():
        if counts["kept"] != kept[source]:
            yield Problem(
                "index.parquet", f"has {kept[source]} rows of {source}, not {counts['kept']}"
            )
        if counts["read"] != kept[source] + lost[source]:
            yield Problem(
                "dropped",
                f"{source}: read {counts['read']} is not kept {kept[source]} "
                f"+ dropped and failed {lost[source]}",
            )


def _check_shard(dataset: Dataset, name: str, rows: pa.Table, decode: bool) -> Iterator[Problem]:
    with dataset.storage.open(name) as file:
        parquet = opened(file, page_checksum_verification=True)
        facts = parquet.read(columns=FACTS.names, use_threads=False)
    position, firsts = 0, [0]
    for group in range(parquet.metadata.num_row_groups):
        position += parquet.metadata.row_group(group).num_rows
        firsts.append(position)
    for row in rows.to_pylist():
        place = f"{name} row {firsts[row['row_group']] + row['row']} ({row['key']})"
        stored = facts.slice(firsts[row["row_group"]] + row["row"], 1).to_pylist()
        if not stored or stored[0]["key"] != row["key"]:
            yield Problem(place, "is not the sample the index says")
            continue
        if stored[0]["checksum"] != row["checksum"]:
            yield Problem(place, "index and shard have different checksums")
        yield from _check_pictures(dataset, name, place, row, decode)


def _check_pictures(
    dataset: Dataset, name: str, place: str, row: dict[str, Any], decode: bool
) -> Iterator[Problem]:
    image = dataset.storage.read_range(name, row["image_offset"], row["image_length"])
    alpha = dataset.storage.read_range(name, row["alpha_offset"], row["alpha_length"])
    if checksum(image, alpha) != row["checksum"]:
        yield Problem(place, "image or alpha bytes have changed since they were written")
        return
    if decode:
        size = (row["height"], row["width"])
        levels = decode_levels(alpha)
        if decode_image(image).shape[:2] != size or levels.shape != size:
            yield Problem(place, f"image or alpha is not {size[0]} x {size[1]}")
        elif alpha_hash(levels) != row["alpha_hash"]:
            yield Problem(place, "alpha is not the one its hash stands for")
