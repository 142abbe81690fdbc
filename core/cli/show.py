"""Show what a dataset holds: its counts, its samples, one sample, or what was not kept.

  maskmill show dataset/                          the funnel, splits and scores
  maskmill show dataset/ 3f2a                     one sample, by the first digits of its key
  maskmill show dataset/ 3f2a --save pictures/    and its image, alpha and composite as PNG
  maskmill show dataset/ --split test --save test/    all pairs of a split that are trained on:
                                                  test/images and test/alphas, as they are stored
  maskmill show dataset/ --dropped too_small      what was dropped, and by which numbers
  maskmill show dataset/ --failed                 tracebacks of what failed

The reasons are explained in docs/reasons.md.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import MistakeError, at_least, mistakes, number

if TYPE_CHECKING:
    from maskmill.shards import Dataset

HELP = "show what a dataset holds"

_SUFFIXES = {b"\xff\xd8": ".jpg", b"RIFF": ".webp"}  # of what the door lets through; else .png


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("dataset", metavar="DATASET", help="folder or URL")
    parser.add_argument("key", nargs="?", metavar="KEY", help="first digits of a sample's key")
    parser.add_argument(
        "--save", metavar="DIR", type=Path, help="write the pictures of the sample or the split"
    )
    parser.add_argument("--split", metavar="NAME", help="what to save: train, val, test or all")
    parser.add_argument("--source", metavar="NAME", help="save the pairs of this source only")
    parser.add_argument(
        "--dropped",
        nargs="?",
        const="",
        metavar="REASON",
        help="list dropped items, all or those of one reason",
    )
    parser.add_argument("--failed", action="store_true", help="list failed items, with tracebacks")
    parser.add_argument(
        "--limit", type=at_least(0), default=20, metavar="N", help="most rows (default: 20)"
    )


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    from maskmill.shards import Dataset

    pairs = options.split or options.source
    if options.save and not (options.key or pairs):
        raise MistakeError("--save needs the KEY of a sample, or --split, to know what to write")
    if pairs and (options.key or not options.save):
        raise MistakeError("--split and --source need --save DIR and no KEY: they write pairs")
    dataset = Dataset(options.dataset)
    if pairs:
        _save_pairs(dataset, options)
    elif options.failed or options.dropped is not None:
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
        raise MistakeError(f"key must name one sample, {options.key!r} names {len(found)}")
    sample = dataset.sample(found[0]["key"])
    for name, value in _facts(found[0]).items():
        print(f"{name:<12} {value}")
    for step in sample.history:
        values = " ".join(f"{name}={value:.4g}" for name, value in step.values.items())
        print(f"{'history':<12} {step.stage} {values}")
    if options.save:
        import numpy as np

        from maskmill.files import write_whole
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
            write_whole(path, data)
            print(f"{'wrote':<12} {path}")


def _save_pairs(dataset: "Dataset", options: argparse.Namespace) -> None:
    """Write the pairs that readers train on as files, byte for byte."""
    from maskmill.files import write_whole

    with mistakes(ValueError):
        view = dataset.split(None if options.split in (None, "all") else options.split)
        sources = view.table["source"].to_pylist()
        if options.source and options.source not in sources:
            named = ", ".join(sorted(set(sources))) or "(none)"
            raise ValueError(f"source must be one of {named}, got {options.source!r}")
    rows = [row for row, name in enumerate(sources) if options.source in (None, name)]
    for row in rows:
        image, alpha = view.read(row)
        suffix = next((end for mark, end in _SUFFIXES.items() if image.startswith(mark)), ".png")
        write_whole(options.save / "images" / f"{view.keys[row]}{suffix}", image)
        write_whole(options.save / "alphas" / f"{view.keys[row]}.png", alpha)
    print(f"{number(len(rows), 'pair')} in {options.save}: images/ and alphas/")


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    hidden = {"checksum", "image_offset", "alpha_offset", "image_length", "alpha_length"}
    plain = {"scores": " ".join(f"{n}={v:.4g}" for n, v in row["scores"])}
    plain["tags"] = " ".join(row["tags"])
    return {name: plain.get(name, value) for name, value in row.items() if name not in hidden}


def _show_ledger(dataset: "Dataset", options: argparse.Namespace) -> None:
    from maskmill.catalogue import nearest

    kind = "failed" if options.failed else "dropped"
    rows = [row for row in dataset.ledger().to_pylist() if row["kind"] == kind]
    if options.dropped:
        reasons = {row["reason"] for row in rows}
        rows = [row for row in rows if row["reason"] == options.dropped]
        if not rows:
            print(f"no item has the reason {options.dropped!r}{nearest(options.dropped, reasons)}")
    for row in rows[: options.limit]:
        values = " ".join(f"{name}={value:.4g}" for name, value in row["values"])
        print(f"{row['source']}  {row['origin']}  {row['stage']}  {row['reason']}  {values}")
        if row["detail"]:
            print("    " + row["detail"].rstrip().replace("\n", "\n    "))
    print(f"{len(rows)} {kind}" + (f", {options.limit} shown" if len(rows) > options.limit else ""))
