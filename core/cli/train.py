"""Train U-2-Net on a dataset; run it again to go on where it stopped.

  maskmill train dataset/ --out runs/first --steps 2000
  maskmill train dataset/ --out runs/full --model u2net --size 320 --batch 12 --workers 12

written   checkpoint.pt, which `maskmill predict` takes, every 500 steps and at the end; losses.csv.
resumes   a run goes on to --steps from its checkpoint, with the same model, size, batch, seed, rate
          and data; a stop loses the steps since. --restart begins anew.
"""

import argparse
from pathlib import Path

from . import at_least, check_folder, mistakes

HELP = "train a network on a dataset"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("dataset", metavar="DATASET", help="folder or URL")
    add("--out", type=Path, required=True, metavar="DIR", help="folder of this run")
    add("--model", default="u2netp", metavar="NAME", help="u2netp or u2net (default: u2netp)")
    add("--steps", type=int, default=1000, metavar="N", help="in all (default: 1000)")
    add("--batch", type=int, default=4, metavar="N", help="pairs per step (default: 4)")
    add(
        "--size",
        type=int,
        default=320,
        metavar="PX",
        help="side of the squares that the network sees, 64 or more (default: 320)",
    )
    add("--lr", type=float, default=1e-3, metavar="RATE", help="learning rate (default: 0.001)")
    add(
        "--seed",
        type=int,
        default=0,
        metavar="S",
        help="of weights, order and augmentation (default: 0)",
    )
    add(
        "--split",
        default="train",
        metavar="NAME",
        help="what to learn from: train, val, test or all (default: train)",
    )
    add(
        "--validation",
        default="val",
        metavar="NAME",
        help="what to measure on at the end: val, test or none (default: val)",
    )
    add(
        "--workers",
        type=at_least(0),
        default=0,
        metavar="N",
        help="processes that read and decode; 0: the one that trains (default: 0)",
    )
    add("--device", metavar="NAME", help="cpu, cuda or cuda:1 (default: the GPU if there is one)")
    add(
        "--precision",
        choices=("float32", "bf16"),
        help="default: bf16 on a GPU, float32 on the CPU",
    )
    add("--restart", action="store_true", help="start over, replace the checkpoint")


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    from maskmill.train import fit

    from .bars import Bars

    with Bars() as bars, mistakes(ValueError, before=bars):
        check_folder(options.out)
        result = fit(
            options.dataset,
            out=options.out,
            model=options.model,
            steps=options.steps,
            batch=options.batch,
            size=options.size,
            lr=options.lr,
            seed=options.seed,
            split=None if options.split == "all" else options.split,
            validation=None if options.validation == "none" else options.validation,
            resume=not options.restart,
            device=options.device,
            workers=options.workers,
            precision=options.precision,
            log=bars.say,
            progress=lambda step, steps, loss: bars("train", step, steps, f"loss {loss:.3f}"),
        )
    if result.resumed_from:
        print(f"went on from step {result.resumed_from}")
    print(f"loss {result.losses[0]:.3f} at step 1, {result.losses[-1]:.3f} at step {result.steps}")
    if result.iou is not None:
        print(f"mean IoU on {options.validation}: {result.iou:.4f}")
    print(f"checkpoint: {result.checkpoint}")
    return 0
