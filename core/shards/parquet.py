"""Read Parquet in the calling thread alone.

Arrow's own threads may still hold a buffer of Python's when the interpreter ends, and then take the
process with them: 3 of 60 runs of `maskmill verify` ended so. Nothing here is large enough to miss
them: pictures are read by their place.
"""

from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq


def table_of(
    file: IO[bytes] | pa.BufferReader,
    schema: pa.Schema | None = None,
    columns: list[str] | None = None,
) -> pa.Table:
    """Return a file's rows, with the columns of a schema (null where it has none) or only some."""
    if schema is None:
        return opened(file).read(columns=columns, use_threads=False)
    wanted = pa.schema([field for field in schema if not columns or field.name in columns])
    table = opened(file).read(columns=wanted.names, use_threads=False)
    nothing = pa.nulls(table.num_rows)
    found = [table[name] if name in table.column_names else nothing for name in wanted.names]
    return pa.table(found, names=wanted.names).cast(wanted)


def opened(file: IO[bytes] | pa.BufferReader, **options: Any) -> pq.ParquetFile:
    """Open a file of which parts will be read, each with `use_threads=False`."""
    return pq.ParquetFile(file, pre_buffer=False, **options)
