"""Can the trainer learn at all? U2-NetP on a few fixed pairs until it knows them by heart.

A network, a loss, a loader and a prediction that fit together overfit sixteen pairs in minutes. One
that mirrors the alpha but not the image, or predicts with another normalisation than it trained
with, never does.

    python benchmarks/overfit.py dataset/ --out build/overfit

Writes result.json, curve.png (loss and IoU), sheet.png (image, truth, prediction of every pair) and
the run itself. IoU is taken at .5 and at each picture's own size; the ceiling is what the true
alpha would score if it went through the network's square. Exits with 1 when the target is missed.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from maskmill.images import Alpha, Image
from maskmill.metrics import iou
from maskmill.shards import Dataset, View
from maskmill.train import FitResult, fit, predict
from maskmill.train.prediction import choose_device
from maskmill.train.preprocess import resize

THUMBNAIL = 160
INK, GRID, LOSS, IOU = (40, 40, 40), (225, 225, 225), (176, 92, 32), (24, 120, 60)  # RGB


def main() -> int:
    """Overfit, print a table, write JSON and pictures, fail when the target is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=16)
    parser.add_argument("--steps", type=int, default=2000, help="give up after these")
    parser.add_argument("--every", type=int, default=50, help="steps between two looks at the IoU")
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--target", type=float, default=0.97)
    parser.add_argument("--split", help="default: all splits")
    parser.add_argument("--device", help="default: the GPU if there is one")
    parser.add_argument("--precision", choices=["float32", "bf16"], default="bf16")
    options = parser.parse_args()

    view = Dataset(options.dataset).split(options.split)
    if len(view) < options.pairs:
        parser.error(f"dataset must have {options.pairs} pairs, got {len(view)}")
    view = view[:: len(view) // options.pairs][: options.pairs]
    out: Path = options.out
    bound = ceiling(view, options.size)
    print(f"{len(view)} pairs; the ceiling at {options.size} pixels is IoU {bound:.4f}")
    result, curve = overfit(view, options)

    images = [sample.image for sample in view]
    truths = [sample.alpha for sample in view]
    alphas = list(predict(result.checkpoint, images, device=options.device))
    scores = [iou(alpha, truth) for alpha, truth in zip(alphas, truths, strict=True)]
    mean, least = float(np.mean(scores)), min(scores)
    report = {
        "reached": mean > options.target,
        "target": options.target,
        "ceiling": bound,
        "iou": mean,
        "iou_least": least,
        "steps": result.steps,
        "settings": {name: getattr(options, name) for name in ("size", "batch", "lr", "precision")},
        "device": str(choose_device(options.device)),
        "threads": torch.get_num_threads(),
        "curve": curve,
        "losses": result.losses,
        "pairs": dict(zip(view.keys, scores, strict=True)),
    }
    (out / "result.json").write_text(json.dumps(report, indent=1))
    write(out / "curve.png", plot(result.losses, curve, options.target))
    write(out / "sheet.png", sheet(images, truths, alphas, scores))
    print(f"IoU {mean:.4f}, least {least:.4f}; result.json, curve.png, sheet.png in {out}")
    if mean <= options.target:
        print(f"missed: IoU > {options.target} within {options.steps} steps", file=sys.stderr)
        return 1
    return 0


def overfit(view: View, options: argparse.Namespace) -> tuple[FitResult, list[dict[str, float]]]:
    """Train until the target is met or the steps are used up, looking at the IoU in between."""
    curve: list[dict[str, float]] = []
    start = time.perf_counter()
    print("step      loss      IoU   seconds")
    step = 0
    while True:
        fresh, step = step == 0, min(step + options.every, options.steps)
        result = fit(
            view,
            out=options.out / "run",
            steps=step,
            batch=options.batch,
            size=options.size,
            lr=options.lr,
            validation=view,
            resume=not fresh,
            device=options.device,
            precision=options.precision,
            augment=False,
        )
        score, seconds = result.iou or 0.0, time.perf_counter() - start
        loss = float(np.mean(result.losses[-options.every :]))
        curve.append({"step": step, "loss": loss, "iou": score, "seconds": seconds})
        print(f"{step:4d}  {loss:8.4f}   {score:.4f}  {seconds:8.1f}", flush=True)
        if score > options.target or step == options.steps:
            return result, curve


def ceiling(view: View, size: int) -> float:
    """Return the mean IoU of the true alphas after a way through a size x size square."""
    scores: list[float] = []
    for sample in view:
        small = resize(sample.alpha, size, size)
        back = resize(small, sample.height, sample.width, cv2.INTER_CUBIC)
        scores.append(iou(np.clip(back, 0, 1), sample.alpha))
    return float(np.mean(scores))


def write(path: Path, image: Image) -> None:
    """Write an RGB picture."""
    cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


def label(image: Image, text: str, x: int, y: int, colour: tuple[int, int, int] = INK) -> None:
    """Write text with its lower left corner at (x, y)."""
    cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)


def plot(losses: list[float], curve: list[dict[str, float]], target: float) -> Image:
    """Draw the loss of every step, logarithmic on the left, and the IoU, on the right."""
    height, width, left, top = 420, 760, 60, 40
    wide, high = width - 2 * left, height - 2 * top
    image = np.full((height, width, 3), 255, np.uint8)
    lowest, greatest = np.log10(min(losses)), np.log10(max(losses))
    span = max(greatest - lowest, 1e-9)

    def place(step: float, share: float) -> tuple[int, int]:
        return round(left + wide * step / len(losses)), round(top + high * (1 - share))

    for tick in range(6):
        share = tick / 5
        cv2.line(image, place(0, share), place(len(losses), share), GRID, 1)
        x, y = place(0, share)
        label(image, f"{10 ** (lowest + share * span):.2f}", x - 44, y + 4, LOSS)
        label(image, f"{share:.1f}", x + wide + 10, y + 4, IOU)
        x, y = place(share * len(losses), 0)
        label(image, f"{round(share * len(losses))}", x - 12, y + 20)
    points: dict[tuple[int, int, int], list[tuple[int, int]]] = {
        LOSS: [
            place(step, (np.log10(loss) - lowest) / span) for step, loss in enumerate(losses, 1)
        ],
        IOU: [place(row["step"], row["iou"]) for row in curve],
    }
    for colour, line in points.items():
        cv2.polylines(image, [np.array(line, np.int32)], False, colour, 2, cv2.LINE_AA)
    cv2.line(image, place(0, target), place(len(losses), target), IOU, 1)
    label(image, "loss per step (logarithmic)", left, top - 14, LOSS)
    label(image, f"IoU on the same pairs, target {target}", left + wide - 250, top - 14, IOU)
    label(image, "steps", width // 2 - 20, height - 6)
    return image


def sheet(
    images: list[Image], truths: list[Alpha], alphas: list[Alpha], scores: list[float]
) -> Image:
    """Draw image, truth and prediction of every pair below each other, eight pairs in a band."""
    columns: list[Any] = []
    for image, truth, alpha, score in zip(images, truths, alphas, scores, strict=True):
        column = [thumbnail(image), *(thumbnail(grey(values)) for values in (truth, alpha))]
        foot = np.full((22, THUMBNAIL, 3), 255, np.uint8)
        label(foot, f"IoU {score:.4f}", 40, 15)
        columns.append(np.vstack([*column, foot]))
    while len(columns) % 8:
        columns.append(np.full_like(columns[0], 255))
    bands = [np.hstack(columns[at : at + 8]) for at in range(0, len(columns), 8)]
    return np.vstack(bands)


def grey(alpha: Alpha) -> Image:
    """Return an alpha as a grey picture."""
    return cv2.cvtColor(np.rint(alpha * 255).astype(np.uint8), cv2.COLOR_GRAY2RGB)  # pyright: ignore


def thumbnail(image: Image) -> Image:
    """Return a picture in the middle of a white square, its proportions kept."""
    scale = (THUMBNAIL - 4) / max(image.shape[:2])
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    frame = np.full((THUMBNAIL, THUMBNAIL, 3), 255, np.uint8)
    top, left = (THUMBNAIL - height) // 2, (THUMBNAIL - width) // 2
    frame[top : top + height, left : left + width] = resize(image, height, width)
    return frame


if __name__ == "__main__":
    sys.exit(main())
