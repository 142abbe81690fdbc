"""One picture from a shard against one from a file, and against Parquet's own way; interleaved.

    python benchmarks/random_access.py [--pairs 1000] [--draws 400] [--out access.json]

Page cache warm, median CPU time of one random image with its alpha. Bytes are compared.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from maskmill.images import encode_alpha, encode_image
from maskmill.sample import Sample, content_key
from maskmill.shards import ShardWriter
from maskmill.shards.locate import locate
from maskmill.shards.storage import LocalStorage

ROUNDS = 5


def noise(number: int) -> Sample:
    """Return a pair of about 90 kB that no codec makes smaller."""
    random = np.random.Generator(np.random.Philox(number))
    image = encode_image(random.integers(0, 256, (170, 170, 3), np.uint8))
    alpha = encode_alpha(random.random((64, 64), np.float32))
    key = content_key(image, alpha)
    return Sample(key, "noise", str(number), image, 64, 64, alpha_bytes=alpha)


def main() -> int:
    """Write the pairs both ways, draw at random, print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ShardWriter(folder / "pairs.parquet") as shard:
            for number in range(options.pairs):
                sample = noise(number)
                shard.write(sample)
                (folder / f"{number}.image").write_bytes(sample.image_bytes)
                (folder / f"{number}.alpha").write_bytes(sample.alpha_bytes or b"")
        medians = measure(folder, options.pairs, options.draws)
    print(f"{'one pair, by':<28}{'CPU us':>10}{'ratio':>8}")
    for way, value in medians.items():
        print(f"{way:<28}{value:>10.1f}{value / medians['positioned read']:>8.1f}")
    if options.out:
        options.out.write_text(json.dumps(medians, indent=1) + "\n")
    return 0


def measure(folder: Path, pairs: int, draws: int) -> dict[str, float]:
    """Return the median CPU time in microseconds of each way, all drawing the same rows."""
    path = folder / "pairs.parquet"
    table = pq.read_table(path, columns=["image_length", "alpha_length"])
    metadata = pq.read_metadata(path)
    lengths = {column: table[f"{column}_length"].to_numpy() for column in ("image", "alpha")}
    offsets = {column: locate(metadata, column, lengths[column]) for column in lengths}
    storage, parquet = LocalStorage(folder), pq.ParquetFile(path)

    def positioned(row: int) -> tuple[bytes, bytes]:
        image, alpha = (
            storage.read_range(path.name, int(offsets[c][row]), int(lengths[c][row]))
            for c in ("image", "alpha")
        )
        return image, alpha

    def row_group(row: int) -> tuple[bytes, bytes]:
        group = parquet.read_row_group(row // 64, columns=["image", "alpha"])
        return group["image"][row % 64].as_py(), group["alpha"][row % 64].as_py()

    def files(row: int) -> tuple[bytes, bytes]:
        return (folder / f"{row}.image").read_bytes(), (folder / f"{row}.alpha").read_bytes()

    ways: dict[str, Callable[[int], tuple[bytes, bytes]]] = {
        "positioned read": positioned,
        "two files": files,
        "Parquet row group": row_group,
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    rows = np.random.Generator(np.random.Philox(0)).integers(0, pairs, draws).tolist()
    for _ in range(ROUNDS):
        for way, read in ways.items():
            start = time.process_time()
            found = [read(row) for row in rows]
            times[way].append((time.process_time() - start) / draws * 1e6)
            if found[:20] != [files(row) for row in rows[:20]]:
                raise AssertionError(f"{way} returned other bytes")
    return {way: statistics.median(values) for way, values in times.items()}


if __name__ == "__main__":
    sys.exit(main())
