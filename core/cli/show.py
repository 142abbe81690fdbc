"""Show what a dataset holds: its counts, its samples, one sample, or what was not kept.

maskmill show dataset/                          the funnel, splits and scores
maskmill show dataset/ 3f2a                     one sample, by the first digits of its key
maskmill show dataset/ 3f2a --save pictures/    and its image, alpha and composite as PNG
maskmill show dataset/ --dropped too_small      what was dropped, and by which numbers
maskmill show dataset/ --failed                 tracebacks of what failed
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskmill.shards import Dataset

HELP = "show what a dataset holds"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("dataset")
    parser.add_argument("key", nargs="?", help="first digits of a sample's key")
    parser.add_argument("--save", metavar="DIR", type=Path, help="write the sample's pictures")
    parser.add_argument(
        "--dropped", nargs="?", const="", metavar="REASON", help="list dropped items"
    )
    parser.add_argument("--failed", action="store_true", help="list failed items, with tracebacks")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="rows (default 20)")


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    from maskmill.shards import Dataset

    dataset = Dataset(options.dataset)
    if options.failed or options.dropped is not None:
        _show_ledger(dataset, options)
    elif options.key:
        _show_sample(dataset, options)
    else:
        _show_dataset(dataset, options.limit)
    return 0


def _show_dataset(dataset: "Dataset", limit: int) -> None:
    from collections import Counter

    from maskmill.execute import Report

    shards = len(dataset.info["shards"])
    print(Report(dataset.storage.url, dataset.info["counts"], shards, shards).funnel)
    table = dataset.table()
    for column in ("split", "status", "verdict"):
        counts = Counter(value or "none" for value in table[column].to_pylist())
        print(f"{column}: " + ", ".join(f"{n} {name}" for name, n in sorted(counts.items())))
    print(f"recipe {dataset.info['recipe_hash']}, maskmill {dataset.info['maskmill']}")
    for row in table.slice(0, limit).to_pylist():
        scores = " ".join(f"{name}={value:.3g}" for name, value in row["scores"])
        size = f"{row['width']}x{row['height']}"
        print(f"{row['key'][:12]}  {size:>9}  {row['split'] or '-':<5}  {row['origin']}  {scores}")
    if table.num_rows > limit:
        print(f"... and {table.num_rows - limit} more (--limit)")


def _show_sample(dataset: "Dataset", options: argparse.Namespace) -> None:
    rows = dataset.table().to_pylist()
    found = [row for row in rows if row["key"].startswith(options.key)]
    if len(found) != 1:
        raise ValueError(f"key must name one sample, {options.key!r} names {len(found)}")
    sample = dataset.sample(found[0]["key"])
    for name, value in _facts(found[0]).items():
        print(f"{name:<12} {value}")
    for step in sample.history:
        values = " ".join(f"{name}={value:.4g}" for name, value in step.values.items())
        print(f"{'history':<12} {step.stage} {values}")
    if options.save:
        import numpy as np

        from maskmill.images import encode_alpha, encode_image
        from maskmill.light import composite

        options.save.mkdir(parents=True, exist_ok=True)
        stem = options.save / sample.key[:12]
        plain = composite(sample.image, sample.alpha, np.array([200, 0, 200], np.uint8))
        pictures = {
            "image": encode_image(sample.image),
            "alpha": encode_alpha(sample.alpha),
            "composite": encode_image(plain),
        }
        for name, data in pictures.items():
            path = stem.with_name(f"{stem.name}.{name}.png")
            path.write_bytes(data)
            print(f"{'wrote':<12} {path}")


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    hidden = {"checksum", "image_offset", "alpha_offset", "image_length", "alpha_length"}
    plain = {"scores": " ".join(f"{n}={v:.4g}" for n, v in row["scores"])}
    plain["tags"] = " ".join(row["tags"])
    return {name: plain.get(name, value) for name, value in row.items() if name not in hidden}


def _show_ledger(dataset: "Dataset", options: argparse.Namespace) -> None:
    kind = "failed" if options.failed else "dropped"
    rows = [
        row
        for row in dataset.ledger().to_pylist()
        if row["kind"] == kind and (not options.dropped or row["reason"] == options.dropped)
    ]
    for row in rows[: options.limit]:
        values = " ".join(f"{name}={value:.4g}" for name, value in row["values"])
        print(f"{row['source']}  {row['origin']}  {row['stage']}  {row['reason']}  {values}")
        if row["detail"]:
            print("    " + row["detail"].rstrip().replace("\n", "\n    "))
    print(f"{len(rows)} {kind}" + (f", {options.limit} shown" if len(rows) > options.limit else ""))
