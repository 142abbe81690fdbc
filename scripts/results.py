"""Run `examples/all_together.toml` on the real data of shared/data, and say what became of it.

    python scripts/results.py funnel --out build/results --renders RENDERS --layers LAYERS
    python scripts/results.py refinement RAW REFINED

``funnel`` makes clips of photographs whose alpha is known (`maskmill.stitch.simulation`), one in
five of them beside a wrong photograph, runs the recipe's own pipelines over all that is there,
checks that every item is accounted for, and prints the funnel of every source as Markdown.
``refinement`` compares two datasets of the same people, without and with `AutoRefine`, as
`benchmarks/learning_curve.py` makes them. docs/results.md is written from the output of both.
"""

import argparse
import json
import logging
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as masks

from maskmill import Report, run
from maskmill.curate import Coco
from maskmill.curate.mixture import Mix
from maskmill.curate.roughness import roughness
from maskmill.metrics import iou
from maskmill.metrics.folders import read_mask
from maskmill.recipe import Recipe, read_recipe
from maskmill.shards import Dataset, verify
from maskmill.stitch import ClipPairs
from maskmill.synth import Renders

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "benchmarks"))
photographs: Any = import_module("photographs")
learning_curve: Any = import_module("learning_curve")
stitch_pairs: Any = import_module("stitch_pairs")

DATA: Path = photographs.DATA
photograph: Any = photographs.Photograph

TINY = {"tiny_train": "train2017", "tiny_val": "val2017"}
STRATA = ("core", "mirror", "small", "shadow", "near_white", "png", "format")
WRONG = ("other", "perspective", "again")
CLOTHING, STEP = 24, 6
"""So many photographs of people, and one in so many of the products, have clips made of them."""

CUTOUTS = "cutout_pairs/*.jpg"
EVERY = 5  # of the pairs, one is wrong


def main() -> int:
    """Print what is asked for; exit with 1 where the accounts do not balance."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    funnel = commands.add_parser("funnel")
    funnel.add_argument("--out", type=Path, required=True)
    funnel.add_argument("--renders", type=Path, help="of `maskmill render`")
    funnel.add_argument("--layers", type=Path, help="of `maskmill render --foreground`")
    funnel.add_argument("--workers", type=int)
    funnel.set_defaults(command=show_funnel)
    refinement = commands.add_parser("refinement")
    refinement.add_argument("raw", type=Path)
    refinement.add_argument("refined", type=Path)
    refinement.set_defaults(command=show_refinement)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    logging.getLogger("maskmill").setLevel(logging.WARNING)
    return options.command(options)


def show_funnel(options: argparse.Namespace) -> int:
    """Run the recipe and print Markdown."""
    recipe = read_recipe(ROOT / "examples" / "all_together.toml")
    sources = real_sources(recipe, options)
    if not sources:
        print(f"nothing of what the recipe needs is in {DATA}: nothing to run")
        return 2
    finish = [stage for stage in recipe.finish if fits(stage, sources)]
    dataset = options.out / "dataset"
    report = run(sources, out=dataset, finish=finish, workers=options.workers)
    print(as_markdown(report))
    print(f"\n{decided(dataset)}")
    if "products" in sources:
        print(f"\n{by_making(dataset, options.out / 'products' / 'truths')}")
    faults = [*unbalanced(report), *verify(dataset, decode=True)]
    print(f"\n{report.read} read = {report.kept} kept + {report.dropped} dropped + {report.failed}")
    for fault in faults:
        print(f"WRONG: {fault}")
    return 1 if faults or report.failed else 0


def real_sources(recipe: Recipe, options: argparse.Namespace) -> dict[str, Any]:
    """Return the recipe's pipelines over what there is of the real data; say what there is not."""
    pipelines = {name: pipeline for name, (pipeline, _) in recipe.sources.items()}
    found: dict[str, Any] = {}
    if (folder := DATA / "coco_person").is_dir():
        file = str(folder / "person_keypoints.json")
        found["coco_person"] = (pipelines["people"], Coco(file, images=str(folder / "images")))
    if (folder := DATA / "tiny_coco").is_dir():
        for name, part in TINY.items():
            source = Coco(
                str(folder / "annotations" / f"instances_{part}.json"),
                images=str(folder / part),
                keypoints=str(folder / "annotations" / f"person_keypoints_{part}.json"),
            )
            found[name] = (pipelines["people"], source)
    if all((DATA / name).is_dir() for name in ("ccp", "product_photos", "cutout_pairs")):
        products = options.out / "products"
        if not (products / "done").exists():
            write_pairs(products)
        source = ClipPairs(str(products / "photographs"), str(products / "clips"))
        found["products"] = (pipelines["products"], source)
    if options.renders is not None:
        found["synthetic"] = (pipelines["synthetic"], Renders(str(options.renders)))
    backgrounds = DATA / "backgrounds" / "images"
    if options.layers is not None and backgrounds.is_dir():
        pipeline, source = recipe.sources["composites"]
        places = {"foregrounds": str(options.layers), "backgrounds": str(backgrounds)}
        found["composites"] = (pipeline, replace(source, size=256, **places))  # pyright: ignore
    for name in ("coco_person", *TINY, "products", "synthetic", "composites"):
        if name not in found:
            print(f"left out, as its data is not here: {name}")
    return found


def fits(stage: Any, sources: dict[str, Any]) -> bool:
    """Tell whether a table stage has what it names: a mixture needs all its sources."""
    return not isinstance(stage, Mix) or stage.shares.keys() <= sources.keys()


def write_pairs(out: Path) -> None:
    """Make clips of photographs, some beside the wrong one, and leave two files without partner."""
    names = sorted((DATA / "product_photos" / "images").glob("*.jpg"))
    shots = [
        *photographs.listed(["ccp"], CLOTHING),
        *(photograph("product_photos", path.stem) for path in names[::STEP]),
        *(photograph(path.parent.name, path.stem) for path in sorted(DATA.glob(CUTOUTS))),
    ]
    folders = {part: out / part for part in ("photographs", "clips", "truths")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    for number, shot in enumerate(shots):
        stratum, kind, other = STRATA[number % len(STRATA)], stitch_pairs.TRUE, None
        if number % EVERY == EVERY - 1:
            stratum, kind = "negative", WRONG[number // EVERY % len(WRONG)]
            other = shots[number - 1] if kind == "other" else None
        pair = stitch_pairs.made(stitch_pairs.Case(shot, stratum, kind, other))
        if pair is None:
            continue
        name = f"{number:03}_{stratum if kind == stitch_pairs.TRUE else kind}_{shot.name}.png"
        write(folders["photographs"] / name, pair.original)
        write(folders["clips"] / name, pair.clip)
        if kind == stitch_pairs.TRUE and not any(pair.making.crop):
            write(folders["truths"] / name, np.rint(pair.alpha * 255).astype(np.uint8))
    left = sorted(path.name for path in folders["clips"].iterdir())[:2]
    (folders["photographs"] / left[0]).unlink()
    (folders["clips"] / left[1]).unlink()
    (out / "done").touch()


def write(path: Path, picture: Any) -> None:
    """Write grey, RGB or RGBA, uint8 or uint16, as PNG."""
    order = {3: [2, 1, 0], 4: [2, 1, 0, 3]}.get(picture.shape[2] if picture.ndim == 3 else 1)
    cv2.imwrite(str(path), picture if order is None else picture[..., order])


def as_markdown(report: Report) -> str:
    """Return a table: a row for each source, stage and reason."""
    lines = ["| source | what became of it | by | reason | items |", "|---|---|---|---|---|"]
    for name, source in report.counts.items():
        lines.append(f"| {name} | read | | | {source['read']} |")
        for kind in ("dropped", "failed"):
            for stage, reasons in source[kind].items():
                lines += [
                    f"| | {kind} | `{stage}` | `{reason}` | {number} |"
                    for reason, number in reasons.items()
                ]
        failed = sum(sum(reasons.values()) for reasons in source["failed"].values())
        lines.append(f"| | failed | | | {failed} |")
        lines.append(f"| | **kept** | | | **{source['kept']}** |")
    return "\n".join(lines)


def unbalanced(report: Report) -> list[str]:
    """Return the sources of which read is not kept + dropped + failed."""
    wrong: list[str] = []
    for name, source in report.counts.items():
        lost = sum(
            sum(reasons.values())
            for kind in ("dropped", "failed")
            for reasons in source[kind].values()
        )
        if source["read"] != source["kept"] + lost:
            wrong.append(f"{name}: read {source['read']}, kept {source['kept']}, lost {lost}")
    return wrong


def decided(dataset: Path) -> str:
    """Return status and split of what was kept, and its tags but for identities, by source."""
    index = Dataset(dataset).table()
    table: dict[str, Counter[str]] = defaultdict(Counter)
    tags: dict[str, Counter[str]] = defaultdict(Counter)
    for row in index.select(["source", "status", "split", "tags"]).to_pylist():
        place = row["split"] if row["status"] == "kept" else row["status"]
        table[row["source"]][str(place)] += 1
        tags[row["source"]].update(tag for tag in row["tags"] if ":" not in tag)
    places = sorted({place for counts in table.values() for place in counts})
    lines = [f"| source | {' | '.join(places)} | tags |", "|---" * (len(places) + 2) + "|"]
    for source, counts in table.items():
        told = ", ".join(f"`{tag}` {number}" for tag, number in sorted(tags[source].items()))
        numbers = " | ".join(str(counts[place]) for place in places)
        lines.append(f"| {source} | {numbers} | {told} |")
    return "\n".join(lines)


def by_making(dataset: Path, truths: Path) -> str:
    """Return what became of each kind of clip that `write_pairs` made, and how right alphas are."""
    opened = Dataset(dataset)
    rows = [(row, "kept") for row in opened.table().to_pylist()]
    rows += [(row, row["reason"]) for row in opened.ledger().to_pylist()]
    fates: dict[str, Counter[str]] = defaultdict(Counter)
    ious: dict[str, list[float]] = defaultdict(list)
    for row, fate in rows:
        if row["source"] != "products":
            continue
        kind = "alone" if fate == "no_partner" else "_".join(row["origin"].split("_")[1:-1])
        fates[kind][fate] += 1
        truth = truths / row["origin"]
        if fate == "kept" and truth.is_file():
            ious[kind].append(iou(opened.sample(row["key"]).alpha, read_mask(truth, truth=True)))
    lines = [
        "| clip | made | what became of it | alpha: mean IoU | least |",
        "|---|---|---|---|---|",
    ]
    for kind, counts in sorted(fates.items(), key=lambda item: (item[0] in WRONG, item[0])):
        told = ", ".join(f"{fate} {number}" for fate, number in counts.most_common())
        found = ious[kind]
        right = f"{np.mean(found):.3f} of {len(found)} | {min(found):.3f}" if found else "|"
        lines.append(f"| {kind} | {counts.total()} | {told} | {right} |")
    return "\n".join(lines)


def show_refinement(options: argparse.Namespace) -> int:
    """Print what `AutoRefine` tried and kept, and by how much that moved the masks."""
    raw, refined = Dataset(options.raw), Dataset(options.refined)
    theirs = set(refined.split().keys)
    tried: Counter[str] = Counter()
    rows: dict[str, list[list[float]]] = defaultdict(list)
    for key in (key for key in raw.split().keys if key in theirs):
        before, after = raw.sample(key), refined.sample(key)
        kept: list[str] = []
        for step in after.history:
            if step.stage.startswith("auto_refine."):
                name = step.stage.partition(".")[2]
                tried[name] += 1
                kept += [name] if step.values["accepted"] else []
        edges = [roughness(before.image, sample.alpha) for sample in (before, after)]
        numbers = [
            float((before.alpha >= 0.5).mean()),
            float((after.alpha >= 0.5).mean()),
            iou(after.alpha, before.alpha),
            *(edge.roughness for edge in edges),
            *(edge.alignment for edge in edges),
            *(edge.bias for edge in edges),
        ]
        for name in (*kept, "all") if kept else ("unchanged", "all"):
            rows[name].append(numbers)
    print("| mend | tried | kept | coverage | IoU with before | roughness | alignment | bias |")
    print("|---|---|---|---|---|---|---|---|")
    for name in sorted(rows, key=lambda name: (name == "all", name == "unchanged", name)):
        m = np.mean(rows[name], axis=0)
        medians = np.nanmedian(rows[name], axis=0)
        print(
            f"| {name} | {tried[name] or ''} | {len(rows[name])} | {m[0]:.3f} to {m[1]:.3f} "
            f"| {m[2]:.4f} | {medians[3]:.2f} to {medians[4]:.2f} "
            f"| {medians[5]:.2f} to {medians[6]:.2f} | {medians[7]:+.2f} to {medians[8]:+.2f} |"
        )
    people, gone = lost(raw, refined)
    print(f"\n{people} people, of whom {len(gone)} are lost: {', '.join(gone)}")
    return 0


def lost(raw: Dataset, refined: Dataset) -> tuple[int, list[str]]:
    """Return how many people COCO has outlined, and in which pictures refinement took one out."""
    outlines: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for source, (annotations, _) in learning_curve.PEOPLE.items():
        for each in json.loads((DATA / annotations).read_bytes())["annotations"]:
            if each["category_id"] == 1 and not each["iscrowd"]:
                outlines[source, str(each["image_id"])].append(each["segmentation"])
    people, gone = 0, []
    for sample in raw.split():
        alpha = refined.sample(sample.key).alpha
        for outline in outlines[sample.source, sample.origin.partition("#")[2]]:
            person = masks.decode(masks.merge(masks.frPyObjects(outline, *alpha.shape))) > 0
            people += bool(person.any())
            if person.any() and (alpha[person] >= 0.5).mean() < 0.5:
                gone.append(f"{sample.origin} ({person.mean():.4f} of the frame)")
    return people, gone


if __name__ == "__main__":
    sys.exit(main())
