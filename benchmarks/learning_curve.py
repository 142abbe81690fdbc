"""What real people that it has never seen teach about the masks that a network learnt from.

    maskmill render examples/scenes/people.toml --out RENDERS --count 60 --size 256 --samples 16
    maskmill render examples/scenes/people_layers.toml --out LAYERS --count 12 --size 256
    python benchmarks/learning_curve.py --out build/curve --renders RENDERS --layers LAYERS

Networks of three arms see equally many steps: of COCO's own masks, of those masks refined, of these
together with renders and composites. They are tested on people of Clothing Co-Parsing, another data
set with masks by pixel from which nothing is learnt, and, apart, on COCO photographs that were kept
back.

All runs reach a milestone before any goes on, so a benchmark that was stopped is fair, and goes on
where it was. results.json holds what was measured, curve.png shows it. A CPU computes on one
thread. Needs shared/data.
"""

import argparse
import json
import logging
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.compute as pc
import torch
from overfit import GRID, INK, label, write
from photographs import DATA, listed

import maskmill as mm
from maskmill.curate import Coco, NearDuplicates, PersonFilter, Split
from maskmill.images import Alpha, Image
from maskmill.metrics import evaluate
from maskmill.refine import AutoRefine
from maskmill.shards import Dataset, View
from maskmill.synth import Composite, Renders
from maskmill.train import fit, predict
from maskmill.train.preprocess import resize

PEOPLE = {
    "coco_person": ("coco_person/person_keypoints.json", "coco_person/images"),
    "tiny_train": ("tiny_coco/annotations/instances_train2017.json", "tiny_coco/train2017"),
    "tiny_val": ("tiny_coco/annotations/instances_val2017.json", "tiny_coco/val2017"),
}
FILTER = PersonFilter(persons=(1, 20), coverage=(0.05, 0.9))
"""Wider than for portraits: as many real people as can be had."""

TRAIN, VAL, TEST = 0.8, 0.0, 0.2
PER_LAYER = 5  # photographs behind each rendered layer
MILESTONES = (100, 200, 400, 800)
METRICS = ("iou", "mae", "boundary_iou", "relaxed_f")
COLOURS = {"raw": (120, 120, 120), "refined": (176, 92, 32), "synthetic": (24, 120, 60)}  # RGB

Pairs = list[tuple[Image, Alpha]]
Prediction = Callable[[Pairs], Iterable[Alpha]]
Run = dict[str, Any]


def main() -> int:
    """Train, test, print a table, write JSON and a picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--renders", type=Path, help="without these two, no arm 'synthetic'")
    parser.add_argument("--layers", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--milestones", type=int, nargs="+", default=MILESTONES)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--images", type=int, default=60, help="of Clothing Co-Parsing")
    parser.add_argument("--workers", type=int, default=0, help="processes that decode")
    parser.add_argument("--device")
    parser.add_argument("--precision", choices=["float32", "bf16"])
    options = parser.parse_args()
    if (options.renders is None) != (options.layers is None):
        parser.error("--renders and --layers belong together")
    if not DATA.is_dir():
        print("shared/data is not here: nothing to measure")
        return 2
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    logging.getLogger("maskmill").setLevel(logging.WARNING)

    out: Path = options.out
    arms = training_views(out, options.renders, options.layers)
    tests = {
        "ccp": [one.read() for one in listed(["ccp"], options.images)],
        "coco": [(s.image, s.alpha) for s in Dataset(out / "raw").split("test")],
    }
    for name, view in arms.items():
        print(f"{name}: {len(view)} pairs to learn from {by_source(view)}")
    for name, pairs in tests.items():
        print(f"{name}: {len(pairs)} photographs to test on")

    book = out / "results.json"
    content: dict[str, Any] = json.loads(book.read_text()) if book.exists() else {"runs": []}
    content["settings"] = {name: getattr(options, name) for name in ("size", "batch", "images")}
    content["pairs"] = {name: by_source(view) for name, view in arms.items()}
    content["tests"] = {name: len(pairs) for name, pairs in tests.items()}
    if "references" not in content:
        content["references"] = {
            "mean mask": scores(tests, mean_mask(arms["raw"])),
            "ceiling": scores(tests, through(options.size)),
        }
    runs: list[Run] = content["runs"]
    done = {(run["steps"], run["seed"], run["arm"]) for run in runs}
    for steps in options.milestones:
        for seed in range(options.seeds):
            for arm in (arm for arm in arms if (steps, seed, arm) not in done):
                result = fit(
                    arms[arm],
                    out=out / "runs" / f"{arm}-{seed}",
                    steps=steps,
                    batch=options.batch,
                    size=options.size,
                    seed=seed,
                    validation=None,
                    device=options.device,
                    workers=options.workers,
                    precision=options.precision,
                    threads=1,
                )
                found = scores(tests, trained(result.checkpoint, options.device))
                loss = float(np.mean(result.losses[-50:]))
                runs.append(
                    {"steps": steps, "seed": seed, "arm": arm, "loss": loss, "scores": found}
                )
                book.write_text(json.dumps(content, indent=1) + "\n")
                shown = ", ".join(f"{test} {found[test]['iou']:.4f}" for test in tests)
                print(f"{steps:5} {arm:>10} {seed}  loss {loss:.3f}  IoU {shown}", flush=True)

    print(table(content))
    write(out / "curve.png", plot(content))
    return 0


def training_views(out: Path, renders: Path | None, layers: Path | None) -> dict[str, View]:
    """Make a dataset with masks as they came and one with refined masks; return the arms."""
    finish = [NearDuplicates(), Split(TRAIN, VAL, TEST)]
    people = {
        name: Coco(str(DATA / annotations), images=str(DATA / images))
        for name, (annotations, images) in PEOPLE.items()
    }
    raw = {name: (mm.Pipeline(FILTER), source) for name, source in people.items()}
    refined = {
        name: (mm.Pipeline(FILTER) | AutoRefine(), source) for name, source in people.items()
    }
    if renders is not None and layers is not None:
        behind = str(DATA / "backgrounds" / "images")
        composites = Composite(
            str(layers),
            behind,
            per_foreground=PER_LAYER,
            place="draw",
            size=256,
            train=TRAIN,
            val=VAL,
            test=TEST,
        )
        refined |= {
            "renders": (mm.Pipeline(), Renders(str(renders))),
            "composites": (mm.Pipeline(), composites),
        }
    print(mm.run(raw, out=out / "raw", finish=finish))
    print(mm.run(refined, out=out / "refined", finish=finish))
    arms = {
        "raw": Dataset(out / "raw").split("train"),
        "refined": of_sources(Dataset(out / "refined").split("train"), list(PEOPLE)),
    }
    if arms["raw"].keys != arms["refined"].keys:
        raise AssertionError("arms must learn from the same people, got others")
    if renders is not None:
        arms["synthetic"] = Dataset(out / "refined").split("train")
    return arms


def of_sources(view: View, sources: list[str]) -> View:
    """Return the rows of some sources."""
    return View(view.storage, view.table.filter(pc.field("source").isin(sources)))


def by_source(view: View) -> dict[str, int]:
    """Return how many pairs of each source there are."""
    return {
        row["values"]: row["counts"] for row in pc.value_counts(view.table["source"]).to_pylist()
    }


def trained(checkpoint: Path, device: str | None) -> Prediction:
    """Return what a network predicts."""
    return lambda pairs: predict(checkpoint, (image for image, _ in pairs), device=device, batch=8)


def mean_mask(view: View) -> Prediction:
    """Return one mask for all pictures: where most of those to learn from are, as large as they."""
    mean = np.stack([resize(sample.alpha, 96, 96) for sample in view]).mean(axis=0)
    mask = (mean >= np.quantile(mean, 1 - mean.mean())).astype(np.float32)
    return lambda pairs: (resize(mask, *truth.shape[:2]) for _, truth in pairs)


def through(size: int) -> Prediction:
    """Return the truth after a way through the network's square: the best there is."""

    def back(truth: Alpha) -> Alpha:
        height, width = truth.shape
        return np.clip(resize(resize(truth, size, size), height, width, cv2.INTER_CUBIC), 0, 1)

    return lambda pairs: (back(truth) for _, truth in pairs)


def scores(tests: dict[str, Pairs], prediction: Prediction) -> dict[str, dict[str, Any]]:
    """Return the mean of every metric on every test, and the IoU of every picture."""

    def told(pairs: Pairs) -> dict[str, Any]:
        truths = (truth for _, truth in pairs)
        found = evaluate(zip(prediction(pairs), truths, strict=True), METRICS)
        means = {name: float(found.per_image[name].mean()) for name in METRICS}
        return means | {"ious": found.per_image["iou"].round(4).tolist()}

    return {name: told(pairs) for name, pairs in tests.items()}


def milestones(content: dict[str, Any]) -> dict[int, set[int]]:
    """Return by milestone the seeds of which every arm has reached it."""
    reached: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for run in content["runs"]:
        reached[run["steps"]][run["seed"]].add(run["arm"])
    arms = set(content["pairs"])
    whole = {n: {s for s, of in seeds.items() if of == arms} for n, seeds in reached.items()}
    return {steps: whole[steps] for steps in sorted(whole) if whole[steps]}


def of_seeds(content: dict[str, Any], steps: int, arm: str, test: str, metric: str) -> list[float]:
    """Return a metric of every seed of which all arms are there."""
    seeds = milestones(content)[steps]
    rows = (run for run in content["runs"] if (run["steps"], run["arm"]) == (steps, arm))
    return [row["scores"][test][metric] for row in rows if row["seed"] in seeds]


def table(content: dict[str, Any]) -> str:
    """Return a Markdown table: mean over the seeds, least and greatest of the IoU."""
    lines: list[str] = []
    for test in ("ccp", "coco"):
        lines += [
            "",
            f"| {test}: steps | arm | IoU (least-most) | MAE | boundary IoU | relaxed F |",
        ]
        lines += ["|---|---|---|---|---|---|---|"]
        for name, found in content["references"].items():
            numbers = " | ".join(f"{found[test][metric]:.3f}" for metric in METRICS)
            lines.append(f"| | {name} | | {numbers} |")
        for steps, whole in milestones(content).items():
            for arm in content["pairs"]:
                seeds = {m: of_seeds(content, steps, arm, test, m) for m in METRICS}
                numbers = [f"{np.mean(seeds[metric]):.3f}" for metric in METRICS]
                numbers[0] += f" ({min(seeds['iou']):.3f}-{max(seeds['iou']):.3f})"
                lines.append(f"| {steps} | {arm} | {len(whole)} | {' | '.join(numbers)} |")
    return "\n".join(lines)


def plot(content: dict[str, Any]) -> Image:
    """Draw IoU over steps for both tests: lines of means, bars from the least to the best seed."""
    panels = [
        panel(content, "ccp", "Clothing Co-Parsing"),
        panel(content, "coco", "COCO, kept back"),
    ]
    return np.hstack(panels)


def panel(content: dict[str, Any], test: str, title: str) -> Image:
    """Draw one test; steps are laid out evenly from milestone to milestone."""
    height, width, left, top = 380, 460, 56, 44
    wide, high = width - left - 24, height - 2 * top
    image = np.full((height, width, 3), 255, np.uint8)
    steps = list(milestones(content))
    values = [
        v for n in steps for arm in content["pairs"] for v in of_seeds(content, n, arm, test, "iou")
    ]
    prior = content["references"]["mean mask"][test]["iou"]
    low = np.floor(10 * min([*values, prior])) / 10
    span = np.ceil(10 * max([*values, prior])) / 10 - low

    def place(at: float, iou: float) -> tuple[int, int]:
        share = (at + 0.5) / len(steps)
        return round(left + wide * share), round(top + high * (1 - (iou - low) / span))

    for tick in range(round(10 * span) + 1):
        y = place(0, low + tick / 10)[1]
        cv2.line(image, (left, y), (left + wide, y), GRID, 1)
        label(image, f"{low + tick / 10:.1f}", left - 34, y + 4)
    for at, number in enumerate(steps):
        label(image, str(number), place(at, low)[0] - 12, height - top + 20)
    y = place(0, prior)[1]
    cv2.line(image, (left, y), (left + wide, y), (0, 0, 0), 1)
    label(image, "mean mask", left + 4, y - 5)
    for line, arm in enumerate(content["pairs"]):
        colour, points = COLOURS[arm], []
        for at, number in enumerate(steps):
            seeds = of_seeds(content, number, arm, test, "iou")
            beside = at + 0.08 * (line - 1)
            points.append(place(beside, float(np.mean(seeds))))
            cv2.line(
                image, place(beside, min(seeds)), place(beside, max(seeds)), colour, 1, cv2.LINE_AA
            )
            cv2.circle(image, points[-1], 3, colour, -1, cv2.LINE_AA)
        cv2.polylines(image, [np.array(points, np.int32)], False, colour, 2, cv2.LINE_AA)
        label(image, arm, left + 90 * line, 36, colour)
    label(image, f"IoU, {title} ({content['tests'][test]} photographs)", left, 18)
    label(image, "steps", left + wide // 2, height - 6, INK)
    return image


if __name__ == "__main__":
    sys.exit(main())
