"""Choose images of a COCO file by how many people are in them and how much they cover.

The file is read in pieces, whatever its size, and no image is opened. The table has a row for every
image: how many people, how much of the frame they cover, whether it is kept and why not. The same
rules, as the stage person_filter of a recipe, make a dataset: see examples/coco_people.toml.

  maskmill coco instances_train2017.json --images train2017/ --out people.parquet
  maskmill coco instances_train2017.json --coverage 0.1 0.9 --cache cache/ --out more.parquet
  maskmill coco lvis_v1_train.json --category dog --persons 1 1 --out dogs.parquet
"""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

HELP = "choose images of a COCO file by their people"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "annotations",
        metavar="ANNOTATIONS",
        help="instances or keypoints file, .json or .json.gz, a path or URL",
    )
    parser.add_argument(
        "--images", metavar="DIR", help="folder of the images: what is kept has to be there"
    )
    parser.add_argument(
        "--out", metavar="TABLE.parquet", help="where the table goes (default: only the funnel)"
    )
    bounds = parser.add_argument_group("what is kept")
    bounds.add_argument(
        "--persons",
        nargs=2,
        type=int,
        default=(1, 2),
        metavar=("LOW", "HIGH"),
        help="fewest and most people (default: 1 2)",
    )
    bounds.add_argument(
        "--coverage",
        nargs=2,
        type=float,
        default=(0.2, 0.7),
        metavar=("LOW", "HIGH"),
        help="least and largest share of the frame they cover (default: 0.2 0.7)",
    )
    bounds.add_argument(
        "--crowd",
        default="reject",
        choices=("reject", "ignore", "count"),
        help="images with a crowd: not kept, crowds passed over, or counted as one more person "
        "(default: reject)",
    )
    bounds.add_argument(
        "--area",
        default="union",
        choices=("union", "sum"),
        help="where people overlap, pixels count once, or once for each (default: union)",
    )
    bounds.add_argument(
        "--category", default="person", help="what counts as a person (default: person)"
    )
    how = parser.add_argument_group("how")
    how.add_argument(
        "--cache",
        metavar="DIR",
        help="keep what was parsed there; other bounds then take a moment",
    )
    how.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default: 1)")
    how.add_argument(
        "--trust-boxes",
        action="store_true",
        help="bound the coverage by the file's boxes instead of the outlines: quicker",
    )


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    from pathlib import Path

    import pyarrow.parquet as pq

    from maskmill.curate import select_people
    from maskmill.files import created

    from . import mistakes
    from .bars import Bars

    with mistakes(OSError, ValueError), Bars() as bars:
        if options.out and Path(options.out).suffix != ".parquet":
            raise ValueError(f"--out must end in .parquet, got {options.out}")
        if options.images and not Path(options.images).is_dir():
            raise ValueError(f"--images must be a folder, got {options.images}")
        table = select_people(
            options.annotations,
            persons=tuple(options.persons),
            coverage=tuple(options.coverage),
            crowd=options.crowd,
            area=options.area,
            category=options.category,
            cache=options.cache,
            workers=options.workers,
            trust_boxes=options.trust_boxes,
            progress=bars,
        )
    if options.images:
        table = _present(table, options.images)
    print(_funnel(table, options.annotations))
    if options.out:
        with created(Path(options.out)) as file:
            pq.write_table(table, file)
        print(f"wrote {options.out}")
    return 0


def _present(table: "pa.Table", folder: str) -> "pa.Table":
    """Drop what is kept and has no file."""
    import os
    from pathlib import Path

    import pyarrow as pa

    from maskmill.curate.folder import name_inside
    from maskmill.door import Refused
    from maskmill.folder import path_inside

    root = os.path.realpath(folder)
    kept, reasons = table["keep"].to_pylist(), table["reason"].to_pylist()
    for row, name in enumerate(table["file_name"].to_pylist()):
        if not kept[row]:
            continue
        try:
            missing = not Path(path_inside(root, name_inside(root, name))).is_file()
        except Refused as refused:
            reasons[row], kept[row] = refused.reason, False
            continue
        if missing:
            reasons[row], kept[row] = "missing_file", False
    for name, values, kind in (("keep", kept, pa.bool_()), ("reason", reasons, pa.string())):
        column = table.schema.get_field_index(name)
        table = table.set_column(column, name, pa.array(values, kind))
    return table


# The rules in their order; what is not named is wrong with an image or one of its masks.
_ORDER = ("not_exhaustive", "crowd", "person_count", "", "too_small", "too_large", "missing_file")


def _funnel(table: "pa.Table", name: str) -> str:
    """Return how many images are left after every rule."""
    import json
    from collections import Counter

    facts = json.loads(table.schema.metadata[b"maskmill"])
    lost = Counter(reason for reason in table["reason"].to_pylist() if reason is not None)
    left = table.num_rows
    lines = [f"{name}: {left} images, {facts['annotations']} annotations"]
    place = {word: _ORDER.index(word) if word in _ORDER else _ORDER.index("") for word in lost}
    for word, number in sorted(lost.items(), key=lambda item: (place[item[0]], item)):
        left -= number
        lines.append(f"  {word:<20} {-number:>9} {left:>9}")
    lines.append(f"  kept {left:>35} ({left / max(table.num_rows, 1):.1%})")
    if facts["faults"]:
        faults = ", ".join(f"{number} {fault}" for fault, number in facts["faults"].items())
        lines.append(f"found in the file: {faults}")
    return "\n".join(lines)
