"""Make the whole journey on photographs that come with scikit-image: one command, no data needed.

  maskmill demo                                     writes demo/
  maskmill demo --coco people.json --images DIR     the same journey on your COCO

Steps: photographs and annotations of people, filter (one or two who cover 20-70 % of the frame),
refine; photographs of products and their clips, realign, solve the alpha, refine; people rendered
where there is Blender (make blender); shards of all of them, training of U-2-NetP, predictions,
sheets and report. Run it again and it goes on where it was. Your COCO is done alone, without
products and rendered people.
"""

import argparse
import os
from pathlib import Path

from . import MistakeError, at_least, check_folder, mistakes

HELP = "make the whole journey, from photographs to a trained network"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="default: demo, or demo-coco with --coco"
    )
    parser.add_argument("--coco", type=Path, metavar="ANNOTATIONS.json", help="your annotations")
    parser.add_argument("--images", type=Path, metavar="DIR", help="the photographs they are about")
    parser.add_argument(
        "--count",
        type=at_least(1),
        default=240,
        metavar="N",
        help="photographs of people to make (default: 240)",
    )
    parser.add_argument(
        "--renders",
        type=at_least(0),
        default=12,
        metavar="N",
        help="people to render where there is Blender; 0: none (default: 12)",
    )
    parser.add_argument(
        "--steps", type=at_least(1), default=120, metavar="N", help="training steps (default: 120)"
    )
    parser.add_argument(
        "--workers",
        type=at_least(0),
        default=os.cpu_count(),
        metavar="N",
        help="processes of the local Dask cluster; 0: serial (default: all cores)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="S",
        help="of the pictures, the training and the samples shown (default: 0)",
    )


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    from maskmill.demo.steps import journey

    from .bars import Bars
    from .run import conclude

    if bool(options.coco) != bool(options.images):
        raise MistakeError("--coco and --images must be given together")
    out = options.out or Path("demo-coco" if options.coco else "demo")
    with mistakes(ValueError):
        check_folder(out)
    with Bars() as bars:
        report = journey(
            out,
            coco=(options.coco, options.images) if options.coco else None,
            count=options.count,
            renders=options.renders,
            steps=options.steps,
            workers=options.workers or None,
            seed=options.seed,
            progress=bars,
            say=bars.say,
        )
    return conclude(report, strict=False)
