"""From finished shards to a dataset: index, repeated keys, table stages, splits, dataset.json."""

import json
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskmill.shards.locate import locate
from maskmill.shards.parquet import opened, table_of
from maskmill.shards.schema import FACTS, FORMAT, INDEX, LEDGER, SPLITS, STATUSES, feature_column
from maskmill.shards.storage import Storage
from maskmill.shards.writer import digest, encode_table, write_ledger, write_table

from .stage import Feature, TableStage, digest_of, name_of
from .work import Job

logger = logging.getLogger(__name__)

Counts = dict[str, dict[str, Any]]

_DECIDABLE = ("group", "split", "status")


def assemble(
    storage: Storage,
    jobs: Sequence[Job],
    finish: Sequence[TableStage],
    facts: dict[str, Any],
    check: Callable[[], None],
) -> Counts:
    """Make the dataset of `jobs`, all of them finished, and return its counts.

    dataset.json is written last and says which index is its own.

    Parameters
    ----------
    storage : Storage
    jobs : sequence of Job
        In plan order.
    finish : sequence of TableStage
    facts : dict
        For dataset.json: the library's version and the recipe.
    check : callable
        Raises when the folder is ours no more.
    """
    features = features_of(finish)
    table = read_index(storage, jobs, features)
    table, repeated = without_repeated_keys(table)
    ledgers = [job.ledger for job in jobs]
    if repeated:
        name = f"dropped/run-{digest_of(repeated)}.parquet"
        if not storage.exists(name):
            write_ledger(storage, name, repeated)
        ledgers.append(name)
    decided = read_splits(storage)
    check_fixed_splits(table, decided)
    table = restore_splits(table, decided)
    for stage in finish:
        table = follow_groups(decide(table, stage(table), name_of(stage)), decided)
    counts = count(storage, jobs, table, ledgers, facts["recipe"]["sources"])
    check()
    append_splits(storage, table, decided)
    index = encode_table(table.select(INDEX.names).cast(INDEX))
    _replace(storage, "index.parquet", index)
    info = {
        "format": FORMAT,
        **facts,
        "recipe_hash": digest_of(facts["recipe"]),
        "samples": table.num_rows,
        "index": digest(index),
        "counts": counts,
        "shards": [job.shard for job in jobs],
        "dropped": ledgers,
    }
    text = json.dumps(info, indent=1, ensure_ascii=False) + "\n"
    _replace(storage, "dataset.json", text.encode())
    return counts


def _replace(storage: Storage, name: str, data: bytes) -> None:
    """Write a file, unless it is there with these bytes: a run with nothing to do does nothing."""
    if not storage.exists(name) or storage.read(name) != data:
        with storage.create(name) as file:
            file.write(data)


def features_of(finish: Sequence[TableStage]) -> tuple[Feature, ...]:
    """Return what the table stages declare, each feature once.

    Raises
    ------
    ValueError
        When two different features have one name.
    """
    features = list(dict.fromkeys(feature for stage in finish for feature in stage.features))
    for name, number in Counter(feature.name for feature in features).items():
        if number > 1:
            raise ValueError(f"features must have different names, got {number} of {name!r}")
    return tuple(features)


def read_index(storage: Storage, jobs: Sequence[Job], features: Sequence[Feature]) -> pa.Table:
    """Return the metadata of every shard, in plan order, with the place of every picture."""
    columns = [feature_column(feature) for feature in features]
    schema = pa.schema(
        [*INDEX, *(pa.field(feature_column(f), pa.type_for_alias(f.arrow_type)) for f in features)]
    )
    parts = [schema.empty_table()]
    for job in jobs:
        try:
            with storage.open(job.shard) as file:
                shard = opened(file)
                facts = shard.read(columns=[*FACTS.names, *columns], use_threads=False)
                metadata = shard.metadata
        except (OSError, pa.ArrowException) as error:
            raise ValueError(
                f"{job.shard} in {storage.url} is damaged ({error}): delete it, and the next run "
                "makes it again"
            ) from error
        sizes = [metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)]
        groups = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        rows = np.concatenate(
            [np.zeros(0, np.int32), *(np.arange(n, dtype=np.int32) for n in sizes)]
        )
        places = {
            "status": pa.repeat("kept", facts.num_rows),
            "shard": pa.repeat(job.shard.removeprefix("shards/"), facts.num_rows),
            "row_group": groups,
            "row": rows,
        }
        for name in ("image", "alpha"):
            lengths = facts[f"{name}_length"].to_numpy()
            places[f"{name}_offset"] = locate(metadata, name, lengths)
        for name, values in places.items():
            facts = facts.append_column(name, pa.array(values))
        parts.append(facts.select(schema.names).cast(schema))
    return pa.concat_tables(parts).combine_chunks()


def without_repeated_keys(table: pa.Table) -> tuple[pa.Table, list[dict[str, Any]]]:
    """Keep the first row of every key; return the others as rows of the ledger."""
    winners: dict[str, int] = {}
    keep = np.ones(table.num_rows, bool)
    for row, key in enumerate(table["key"].to_pylist()):
        keep[row] = winners.setdefault(key, row) == row
    repeated: list[dict[str, Any]] = []
    for row in np.flatnonzero(~keep):
        facts = table.slice(int(row), 1).select(["source", "origin", "key"]).to_pylist()[0]
        first = table.slice(winners[facts["key"]], 1).select(["source", "origin"]).to_pylist()[0]
        repeated.append(
            {
                **facts,
                "stage": "run",
                "kind": "dropped",
                "reason": "duplicate_key",
                "values": [],
                "detail": f"the same as {first['source']} {first['origin']}",
            }
        )
    return table.filter(pa.array(keep)), repeated


def read_splits(storage: Storage) -> dict[str, str]:
    """Return every split decision made so far, by key and by group.

    A sample without a group is a group of its own, called by its key; so is a group of
    near-duplicates, which has the key of one of them for a name. Datasets of older versions hold no
    keys of samples that have a group.
    """
    decided: dict[str, str] = {}
    for name in storage.names("splits"):
        if name.endswith(".parquet"):
            with storage.open(name) as file:
                part = table_of(file, SPLITS)
            decided.update(zip(part["group"].to_pylist(), part["split"].to_pylist(), strict=True))
    return decided


def restore_splits(table: pa.Table, decided: dict[str, str]) -> pa.Table:
    """Fill in earlier decisions where no source has fixed the split.

    Every sample finds its own again, whatever became of its group. Where none of a group's samples
    is known, the group's decision is theirs; where some are, the others are newcomers, about whom
    the table stages decide.
    """
    table = _filled(table, [decided.get(key) for key in table["key"].to_pylist()])
    groups, splits = table["group"].to_pylist(), table["split"].to_pylist()
    known = {group for group, split in zip(groups, splits, strict=True) if split is not None}
    return _filled(
        table, [None if group in known else decided.get(group or "") for group in groups]
    )


def follow_groups(table: pa.Table, decided: dict[str, str]) -> pa.Table:
    """Give the undecided samples of a group the split of the others, if that is one.

    A bridge gets none: it would leak there.
    """
    sides: dict[str, set[str]] = defaultdict(set)
    columns = [table[name].to_pylist() for name in _DECIDABLE]
    rows = list(zip(*columns, strict=True))
    for group, split, status in rows:
        if group is not None and split is not None and status != "bridge":
            sides[group].add(split)
    followed: list[str | None] = []
    for group, _, status in rows:
        found = sides.get(group) or {decided.get(group or "")}
        followed.append(next(iter(found)) if len(found) == 1 and status != "bridge" else None)
    return _filled(table, followed)


def check_fixed_splits(table: pa.Table, decided: dict[str, str]) -> None:
    """Raise ValueError where sources fix splits that contradict each other or earlier decisions."""
    fixed: dict[str, str] = {}
    columns = (table["key"].to_pylist(), _groups(table), table["split"].to_pylist())
    for key, group, split in zip(*columns, strict=True):
        if split is None:
            continue
        earlier = decided.get(key, decided.get(group, split))
        if earlier != split:
            raise ValueError(
                f"group {group!r} must stay in split {earlier!r}, which splits/ records, got "
                f"{split!r} from its source; to decide anew, write to another dataset"
            )
        if fixed.setdefault(group, split) != split:
            raise ValueError(
                f"group {group!r} must be in one split, got {fixed[group]!r} and {split!r}: a "
                "source that fixes splits must not part a group"
            )


def append_splits(storage: Storage, table: pa.Table, decided: dict[str, str]) -> None:
    """Add the decisions that are new to the append-only record, by key and by group.

    Samples that were decided apart and are one group by now stay where they are: a decision stands.
    """
    fresh: dict[str, str] = {}
    sides: dict[str, set[str]] = defaultdict(set)
    columns = (table["key"].to_pylist(), table["group"].to_pylist(), table["split"].to_pylist())
    for key, group, split in zip(*columns, strict=True):
        if split is None:
            continue
        if key not in decided:
            fresh[key] = split
        if group is not None:
            sides[group].add(split)
    for group, found in sides.items():
        if len(found | {decided[group]} if group in decided else found) > 1:
            logger.warning("group %r has samples in more than one split, decided earlier", group)
        elif group not in decided:
            fresh.setdefault(group, next(iter(found)))
    if fresh:
        rows = pa.Table.from_pylist(
            [{"group": group, "split": fresh[group]} for group in sorted(fresh)], schema=SPLITS
        )
        number = len(storage.names("splits"))
        write_table(storage, f"splits/{number:06d}-{digest_of(rows.to_pylist())}.parquet", rows)


def decide(table: pa.Table, decisions: pa.Table, stage: str) -> pa.Table:
    """Put a table stage's decisions into the index.

    Raises
    ------
    ValueError
        When a column, a key or a status is not one that a table stage may decide about.
    """
    columns = [name for name in decisions.column_names if name != "key"]
    wrong = [name for name in columns if name not in _DECIDABLE]
    if "key" not in decisions.column_names or wrong:
        raise ValueError(
            f"{stage} must return a table of key and {', '.join(_DECIDABLE)}, got "
            f"{', '.join(decisions.column_names)}"
        )
    keys = decisions["key"].cast(pa.string())  # an empty list of keys has no type of its own
    if pc.any(pc.invert(pc.is_in(keys, table["key"].combine_chunks()))).as_py():
        raise ValueError(f"{stage} must decide about keys of the index, got others")
    if "status" in columns:
        unknown = set(decisions["status"].to_pylist()) - set(STATUSES)
        if unknown:
            raise ValueError(
                f"status must be one of {', '.join(STATUSES)}, got {unknown} by {stage}"
            )
    where = pc.index_in(table["key"], value_set=keys.combine_chunks())
    for name in columns:
        column = table.schema.get_field_index(name)
        taken = decisions[name].combine_chunks().cast(pa.string()).take(where)
        values = pc.if_else(pc.is_valid(where), taken, table[name])
        table = table.set_column(column, table.schema.field(name), values)
    return table


def count(
    storage: Storage,
    jobs: Sequence[Job],
    table: pa.Table,
    ledgers: Sequence[str],
    sources: Mapping[str, Any],
) -> Counts:
    """Count per source: read, kept, dropped and failed by stage, in their order, and reason."""
    read: Counter[str] = Counter()
    for job in jobs:
        read[job.source_name] += job.partition.count
    kept = Counter(table["source"].to_pylist())
    lost: dict[str, Counter[tuple[str, str, str]]] = defaultdict(Counter)
    for name in ledgers:
        with storage.open(name) as file:
            part = table_of(file, LEDGER, ["source", "stage", "kind", "reason"])
        for row in part.to_pylist():
            lost[row["source"]][row["kind"], row["stage"], row["reason"]] += 1
    counts: Counts = {}
    for source in sources:
        counts[source] = {"read": read[source], "kept": kept[source], "dropped": {}, "failed": {}}
        order = ["source", *(stage["use"] for stage in sources[source]["stages"])]
        place = {stage: number for number, stage in reversed(list(enumerate(order)))}
        rows = sorted(lost[source].items(), key=lambda row: (place.get(row[0][1], len(order)), row))
        for (kind, stage, reason), number in rows:
            counts[source][kind].setdefault(stage, {})[reason] = number
    return counts


def _filled(table: pa.Table, splits: list[str | None]) -> pa.Table:
    column = table.schema.get_field_index("split")
    values = pc.coalesce(table["split"], pa.array(splits, pa.string()))
    return table.set_column(column, "split", values)


def _groups(table: pa.Table) -> list[str]:
    return pc.coalesce(table["group"], table["key"]).to_pylist()
