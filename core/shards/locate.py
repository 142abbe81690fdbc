"""Where each picture's bytes lie inside a shard, by arithmetic on the Parquet footer.

The writer puts one uncompressed PLAIN page into every image and alpha column chunk. Such a page is
a header followed by ``u32 length, bytes`` per value (Parquet format, "Plain encoding"), so the
header's size is what the values leave over, and the values' positions are a running sum of their
lengths. One positioned read then fetches one picture, without any Parquet decoding.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

# A Thrift page header of one data page with a checksum takes about 30 bytes.
_LARGEST_HEADER = 128


def locate(metadata: Any, column: str, lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the file offset of every value of a blob column.

    Parameters
    ----------
    metadata : pyarrow.parquet.FileMetaData
    column : str
        ``"image"`` or ``"alpha"``.
    lengths : ndarray, N, int64
        Length in bytes of each value, in file order.

    Returns
    -------
    ndarray, N, int64
        Offset of each value's first byte.

    Raises
    ------
    ValueError
        When the file is not laid out as the writer lays it out.
    """
    number = metadata.schema.names.index(column)
    offsets = np.empty(metadata.num_rows, np.int64)
    first = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        chunk = metadata.row_group(group).column(number)
        steps = lengths[first : first + rows] + 4
        header = chunk.total_compressed_size - int(steps.sum())
        if (
            chunk.compression != "UNCOMPRESSED"
            or chunk.has_dictionary_page
            or not 0 < header < _LARGEST_HEADER
        ):
            raise ValueError(
                f"column {column!r} must be one plain uncompressed page per row group, "
                f"got something else in row group {group}: was the shard rewritten by another tool?"
            )
        ends = np.cumsum(steps)
        offsets[first : first + rows] = chunk.data_page_offset + header + ends - steps + 4
        first += rows
    return offsets
