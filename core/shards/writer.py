"""Write shards and ledger parts: whole files, the same bytes for the same samples."""

import contextlib
import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from maskmill.images import decode_levels, encode_alpha
from maskmill.sample import Sample
from maskmill.stage import Feature

from .schema import LEDGER, feature_column, shard_schema
from .storage import LocalStorage, Storage

ROWS_PER_GROUP = 64
# One page holds a whole column chunk (see `locate`), and a Parquet page is limited to 2 GiB.
_BYTES_PER_GROUP = 256 << 20
_ONE_PAGE = 1 << 30
# Compression is named by leaf.
_NESTED = (
    "scores.key_value.key",
    "scores.key_value.value",
    "tags.list.element",
    "history.list.element.stage",
    "history.list.element.values.key_value.key",
    "history.list.element.values.key_value.value",
)

Row = dict[str, Any]


def row_of(sample: Sample, *, bits: int = 8, features: Sequence[Feature] = ()) -> Row:
    """Return a sample as a row of a shard: alpha quantised, hashes taken, features computed.

    Raises
    ------
    ValueError
        When the sample has no alpha, or one that does not fit its image.
    """
    if not sample.has_alpha:
        raise ValueError(f"sample {sample.origin or sample.key} has no alpha to write")
    alpha = sample.quantised(bits).alpha_bytes or b""
    levels = decode_levels(alpha)
    if levels.dtype.itemsize * 8 != bits:  # as the source delivered it
        alpha = encode_alpha(sample.alpha, bits)
        levels = decode_levels(alpha)
    if levels.shape != (sample.height, sample.width):
        raise ValueError(
            f"alpha must have the image's shape {(sample.height, sample.width)}, got {levels.shape}"
        )
    row: Row = {name: getattr(sample, name) for name in ("key", "source", "origin")}
    row |= {name: getattr(sample, name) for name in ("height", "width", "group", "split")}
    row |= {
        "scores": sorted((name, float(value)) for name, value in sample.scores.items()),
        "tags": list(sample.tags),
        "licence": sample.licence,
        "alpha_hash": alpha_hash(levels),
        "image_length": len(sample.image_bytes),
        "alpha_length": len(alpha),
        "checksum": checksum(sample.image_bytes, alpha),
        "history": [
            {"stage": step.stage, "values": sorted((k, float(v)) for k, v in step.values.items())}
            for step in sample.history
        ],
        **{feature_column(feature): feature(sample) for feature in features},
    }
    # What cannot be stored is the fault of one sample: better found now than when rows are written.
    pa.RecordBatch.from_pylist([row], schema=pa.schema(list(shard_schema(features))[2:]))
    return row | {"image": sample.image_bytes, "alpha": alpha}


def alpha_hash(levels: Any) -> str:
    """Return the BLAKE2b-128 of an alpha's decoded levels: what a verdict is about.

    It is the same however the alpha is encoded.
    """
    head = f"{levels.dtype.str}{levels.shape}".encode()
    return hashlib.blake2b(head + levels.tobytes(), digest_size=16).hexdigest()


def digest(data: bytes) -> str:
    """Return the BLAKE2b-128 of a file's bytes."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def checksum(image: bytes, alpha: bytes) -> str:
    """Return the BLAKE2b-64 of a row's two pictures as they lie in the file."""
    both = hashlib.blake2b(image, digest_size=8)
    both.update(alpha)
    return both.hexdigest()


class ShardWriter:
    """Write one shard; it appears when the ``with`` block ends well, and not at all otherwise.

    Image and alpha bytes go in as they are: uncompressed, one page per row group and column, so
    that readers can address single pictures. The facts are compressed with zstd.

    Parameters
    ----------
    path : path-like, or name within `storage`
    storage : Storage, optional
        Where `path` is relative to; a plain path needs none.
    features : sequence of Feature
        Declared feature columns.
    bits : int
        Levels of the alphas, 8 or 16.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> pair = Sample.of(np.zeros((4, 4, 3), np.uint8), np.ones((4, 4), np.float32))
    >>> with ShardWriter(f"{folder.name}/one.parquet") as shard:
    ...     shard.write(pair)
    >>> pq.read_table(f"{folder.name}/one.parquet")["height"].to_pylist()
    [4]
    >>> folder.cleanup()
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        storage: Storage | None = None,
        *,
        features: Sequence[Feature] = (),
        bits: int = 8,
    ) -> None:
        if storage is None:
            folder, path = os.path.split(os.path.abspath(path))  # noqa: PTH100
            storage = LocalStorage(folder)
        self.rows = 0
        self._name, self._storage = os.fspath(path), storage
        self._features, self._bits = tuple(features), bits
        self._schema = shard_schema(features)
        self._pending: list[Row] = []
        self._pending_bytes = 0
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> Self:
        file = self._closing.enter_context(self._storage.create(self._name))
        facts = [*self._schema.names[2:], *_NESTED]
        self._file = pq.ParquetWriter(
            file,
            self._schema,
            version="2.6",
            data_page_version="1.0",
            data_page_size=_ONE_PAGE,
            write_batch_size=1 << 20,
            compression={"image": "NONE", "alpha": "NONE"} | dict.fromkeys(facts, "ZSTD"),
            use_dictionary=["source", "licence", "split"],
            write_statistics=["key"],
            write_page_checksum=True,
        )
        return self

    def write(self, sample: Sample) -> None:
        """Append a sample; see `row_of` for what is refused."""
        self.append(row_of(sample, bits=self._bits, features=self._features))

    def append(self, row: Row) -> None:
        """Append a row that `row_of` made."""
        self._pending.append(row)
        self._pending_bytes += row["image_length"] + row["alpha_length"]
        self.rows += 1
        if len(self._pending) == ROWS_PER_GROUP or self._pending_bytes >= _BYTES_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._pending:
            table = pa.Table.from_pylist(self._pending, schema=self._schema)
            self._file.write_table(table, row_group_size=len(self._pending))
            self._pending, self._pending_bytes = [], 0

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            with self._closing:
                self._flush()
                self._file.close()
        else:
            # Such as the full disk that ended the block.
            with contextlib.suppress(OSError, pa.ArrowException):
                self._file.close()
            self._closing.__exit__(kind, error, trace)


def write_ledger(storage: Storage, name: str, rows: Iterable[Row]) -> None:
    """Write one part of the ledger: the items that were not kept, in reading order."""
    write_table(storage, name, pa.Table.from_pylist(list(rows), schema=LEDGER))


def write_table(storage: Storage, name: str, table: pa.Table) -> None:
    """Write a metadata table as one zstd-compressed Parquet file."""
    with storage.create(name) as file:
        file.write(encode_table(table))


def encode_table(table: pa.Table) -> bytes:
    """Return a metadata table as the bytes of a zstd-compressed Parquet file."""
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd", version="2.6")
    return file.getvalue()
