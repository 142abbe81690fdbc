"""Train U-2-Net on a dataset; run it again to go on where it stopped.

maskmill train dataset/ --out runs/first --steps 2000
maskmill train dataset/ --out runs/full --model u2net --size 320 --batch 12 --workers 12
"""

import argparse
from pathlib import Path

HELP = "train a network on a dataset"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("dataset")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="of this run")
    parser.add_argument("--model", default="u2netp", help="u2netp (default) or u2net")
    parser.add_argument("--steps", type=int, default=1000, help="in all (default 1000)")
    parser.add_argument("--batch", type=int, default=4, help="pairs per step (default 4)")
    parser.add_argument("--size", type=int, default=320, help="side in pixels (default 320)")
    parser.add_argument("--lr", type=float, default=1e-3, help="learning rate (default 0.001)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", default="train", help="train (default), val, test or all")
    parser.add_argument("--validation", default="val", help="val (default), test or none")
    parser.add_argument("--workers", type=int, default=0, help="processes that decode (default 0)")
    parser.add_argument("--device", help="cpu, cuda, cuda:1; default: the GPU if there is one")
    parser.add_argument("--precision", choices=["float32", "bf16"])
    parser.add_argument("--restart", action="store_true", help="start over, drop the checkpoint")


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    from maskmill.train import fit

    from .bars import Bars

    with Bars() as bars:
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
