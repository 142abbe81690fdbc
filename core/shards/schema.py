"""What the files of a dataset look like, and in which version."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from maskmill.stage import Feature

FORMAT = 1
"""Version of the folder layout and of every schema below; readers refuse any other."""

STATUSES = ("kept", "duplicate", "bridge", "unused", "rejected")
"""What a table stage may make of a sample; only ``kept`` ones are read for training."""

SCORES = pa.map_(pa.string(), pa.float64())

FACTS = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("group", pa.string()),
        pa.field("split", pa.string()),
        pa.field("scores", SCORES, nullable=False),
        pa.field("tags", pa.list_(pa.string()), nullable=False),
        pa.field("licence", pa.string(), nullable=False),
        pa.field("alpha_hash", pa.string(), nullable=False),
        pa.field("image_length", pa.int64(), nullable=False),
        pa.field("alpha_length", pa.int64(), nullable=False),
        pa.field("checksum", pa.string(), nullable=False),
    ]
)
"""The columns of a shard that also stand in the index."""

HISTORY = pa.list_(pa.struct([("stage", pa.string()), ("values", SCORES)]))

LEDGER = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("key", pa.string()),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # dropped or failed
        pa.field("reason", pa.string(), nullable=False),
        pa.field("values", SCORES, nullable=False),
        pa.field("detail", pa.string()),  # the traceback of a failure
    ]
)

SPLITS = pa.schema(
    [
        pa.field("group", pa.string(), nullable=False),  # or a sample's key
        pa.field("split", pa.string(), nullable=False),
    ]
)

INDEX = pa.schema(
    [
        *FACTS,
        pa.field("status", pa.string(), nullable=False),
        pa.field("shard", pa.string(), nullable=False),
        pa.field("row_group", pa.int32(), nullable=False),
        pa.field("row", pa.int32(), nullable=False),  # within the row group
        pa.field("image_offset", pa.int64(), nullable=False),
        pa.field("alpha_offset", pa.int64(), nullable=False),
    ]
)


def shard_schema(features: Sequence[Feature] = ()) -> pa.Schema:
    """Return the schema of a shard whose table stages declare these features.

    Image and alpha are required fields: a page of theirs then holds ``u32 length + bytes`` per
    value and nothing else, which is what makes single pictures addressable; see `locate`.
    """
    return pa.schema(
        [
            pa.field("image", pa.binary(), nullable=False),
            pa.field("alpha", pa.binary(), nullable=False),
            *FACTS,
            pa.field("history", HISTORY, nullable=False),
            *(pa.field(feature_column(f), pa.type_for_alias(f.arrow_type)) for f in features),
        ]
    )


def feature_column(feature: Feature) -> str:
    """Return the name of the shard column that holds a feature."""
    return f"feature.{feature.name}"


def check_format(info: dict[str, Any]) -> None:
    """Raise ValueError unless `info` (a dataset.json) is of the format this version reads."""
    found = info.get("format")
    if found != FORMAT:
        newer = isinstance(found, int) and found > FORMAT
        remedy = "install a newer maskmill" if newer else "write the dataset again"
        raise ValueError(f"dataset format must be {FORMAT}, got {found!r}: {remedy}")
