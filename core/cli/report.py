"""Write one self-contained report.html of a dataset: funnel, histograms, worst and random samples.

  maskmill report dataset/                            writes dataset.report.html beside it
  maskmill report dataset/ --out page.html --sheet sheet.png
  maskmill report dataset/ --worst-by=-coverage       the highest coverage first
  maskmill report dataset/ --previous yesterday/      what has changed since

The page opens in any browser and asks for nothing from the network.
"""

import argparse
from pathlib import Path

from . import MistakeError, at_least, mistakes

HELP = "write a report page and a contact sheet"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("dataset", metavar="DATASET", help="folder or URL")
    parser.add_argument("--out", type=Path, metavar="FILE.html", help="default: beside DATASET")
    parser.add_argument("--sheet", type=Path, metavar="FILE.png", help="a contact sheet as well")
    parser.add_argument(
        "--worst-by",
        metavar="SCORE",
        help="score that orders the gallery: NAME lowest first, =-NAME highest first",
    )
    parser.add_argument("--previous", metavar="DATASET", help="compare with another dataset")
    parser.add_argument(
        "--gallery",
        type=at_least(0),
        default=18,
        metavar="N",
        help="samples in each gallery and on the sheet (default: 18)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="S", help="of the random samples (default: 0)"
    )


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    from maskmill.report import Row, write_report, write_sheet
    from maskmill.shards import Dataset

    from .bars import Bars

    if options.sheet and options.sheet.suffix != ".png":
        raise MistakeError(f"--sheet must end in .png, got {options.sheet}")
    dataset = Dataset(options.dataset)
    name = dataset.storage.url.rstrip("/").rsplit("/", 1)[-1]
    path = options.out or Path(dataset.storage.url).with_name(f"{name}.report.html")
    if "://" in dataset.storage.url and options.out is None:
        path = Path(f"{name}.report.html")
    with mistakes(ValueError), Bars() as bars:
        write_report(
            dataset,
            path,
            title=f"Dataset {name}",
            worst_by=options.worst_by,
            previous=Dataset(options.previous) if options.previous else None,
            gallery=options.gallery,
            seed=options.seed,
            progress=bars,
        )
    print(f"report: {path}")
    if options.sheet:
        rows = [Row.of(sample) for sample in dataset.split()[: options.gallery]]
        print(f"contact sheet: {write_sheet(options.sheet, rows, across=2)}")
    return 0
