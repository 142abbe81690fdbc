"""Choose images of one or two people from a COCO-scale file: pycocotools against select_people.

    python benchmarks/curate_selection.py [--scale 0.1] [--rounds 3] [--require 12] [--out s.json]
    python benchmarks/curate_selection.py --file full.json --doubled other2.json --rounds 1

Every side runs in a fresh process, all of them in turn in each round. CPU is user + system time of
the process and those it started, imports included, unless the table says otherwise; memory is the
peak of the largest process; medians over the rounds. All sides must keep the same images.
`--require R` fails when the usual recipe needs less than R times our CPU.
"""

import argparse
import contextlib
import hashlib
import io
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

# Nothing large is imported up here, nor a file made in this process: a child's peak memory starts
# with what its parent had when it was started.

PERSONS = (1, 2)
COVERAGE = (0.2, 0.7)
OTHER_COVERAGE = (0.3, 0.6)
FULL_IMAGES = 118_287
FULL_BYTES = 4e8  # in smaller files imports weigh more; the targets are those of full-size ones

Kept = Iterable[int]


def usual(path: str) -> Kept:
    """Do it as everybody writes it: decode and unite the masks of every image with a person."""
    import numpy as np
    from pycocotools.coco import COCO

    coco: Any = COCO(path)
    person = coco.getCatIds(catNms=["person"])
    for image_id in coco.getImgIds(catIds=person):
        image = coco.loadImgs(image_id)[0]
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=image_id, catIds=person))
        people = [annotation for annotation in annotations if not annotation["iscrowd"]]
        union = np.zeros((image["height"], image["width"]), np.bool_)
        for annotation in people:
            union |= coco.annToMask(annotation).astype(np.bool_)
        counted = len(people) == len(annotations) and PERSONS[0] <= len(people) <= PERSONS[1]
        if counted and COVERAGE[0] <= union.mean() <= COVERAGE[1]:
            yield image_id


def merged(path: str) -> Kept:
    """Unite run lengths instead of pixels."""
    return _merged(path, count_first=False)


def counted_first(path: str) -> Kept:
    """Unite run lengths, of images with the right number of people only."""
    return _merged(path, count_first=True)


def _merged(path: str, *, count_first: bool) -> Kept:
    from pycocotools import mask
    from pycocotools.coco import COCO

    masks: Any = mask
    coco: Any = COCO(path)
    person = coco.getCatIds(catNms=["person"])
    for image_id in coco.getImgIds(catIds=person):
        image = coco.loadImgs(image_id)[0]
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=image_id, catIds=person))
        people = [annotation for annotation in annotations if not annotation["iscrowd"]]
        counted = len(people) == len(annotations) and PERSONS[0] <= len(people) <= PERSONS[1]
        if count_first and not counted:
            continue
        area = masks.area(masks.merge([coco.annToRLE(annotation) for annotation in people]))
        if counted and COVERAGE[0] <= area / (image["height"] * image["width"]) <= COVERAGE[1]:
            yield image_id


def ours(path: str, **options: Any) -> Kept:
    """Call `select_people`."""
    from maskmill.curate import select_people

    options = {"coverage": COVERAGE, **options}
    table = select_people(path, persons=PERSONS, crowd="reject", **options)
    return table.filter(table["keep"])["image_id"].to_pylist()


def ours_imported(path: str, **options: Any) -> Kept:
    """Call it when what it needs is imported already, as in a notebook, and time that alone."""
    for name in ("maskmill.curate.selection", "maskmill.curate.cache", "pyarrow.parquet"):
        import_module(name)
    _start_clock()
    return ours(path, **options)


SIDES: dict[str, tuple[str, Callable[[str, str], Kept]]] = {
    "usual": ("pycocotools, annToMask", lambda file, _: usual(file)),
    "merged": ("pycocotools, annToRLE + merge", lambda file, _: merged(file)),
    "counted_first": ("the same, counted first", lambda file, _: counted_first(file)),
    "ours": ("select_people", lambda file, _: ours(file)),
    "ours_2": ("select_people, workers=2", lambda file, _: ours(file, workers=2)),
    "ours_doubled": ("select_people, twice the others", lambda file, _: ours(file)),
    "cache_first": ("select_people, filling a cache", lambda file, at: ours(file, cache=at)),
    "cache_again": (
        "other bounds from the cache *",
        lambda file, at: ours_imported(file, cache=at, coverage=OTHER_COVERAGE),
    ),
    "other_bounds": (
        "other bounds without it",
        lambda file, _: ours(file, coverage=OTHER_COVERAGE),
    ),
}
SAME_IMAGES = (
    ("usual", "merged", "counted_first", "ours", "ours_2", "cache_first"),
    ("cache_again", "other_bounds"),
)

_started = [0.0, 0.0]  # CPU and wall clock where a side's time begins


def _start_clock() -> None:
    _started[:] = _cpu(), time.perf_counter()


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def run_side(side: str, file: str, cache: str) -> dict[str, Any]:
    """Run a side in this process; CPU counts from the start of the interpreter."""
    _started[:] = 0.0, time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools talks
        kept = sorted(SIDES[side][1](file, cache))
    cpu, wall = _cpu() - _started[0], time.perf_counter() - _started[1]
    peaks = [
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return {
        "cpu_s": cpu,
        "wall_s": wall,
        "peak_mb": max(peaks) / unit,
        "kept": len(kept),
        "ids": hashlib.sha256(json.dumps(kept).encode()).hexdigest()[:16],
    }


def measure(files: dict[str, Path], rounds: int, work: Path) -> dict[str, dict[str, Any]]:
    """Run all sides in turn, round by round; medians of their numbers, in seconds and MB."""
    found: dict[str, list[dict[str, Any]]] = {}
    cache = work / "cache"
    for number in range(rounds):
        for side in SIDES:
            file = files.get("doubled" if side == "ours_doubled" else "file")
            if file is None:
                continue
            if side == "cache_first":
                shutil.rmtree(cache, ignore_errors=True)
            print(f"round {number + 1} of {rounds}: {SIDES[side][0]}", file=sys.stderr)
            command = [sys.executable, __file__, "--side", side, "--file", file, "--work", cache]
            finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found.setdefault(side, []).append(json.loads(finished.stdout))
    return {side: median(runs) for side, runs in found.items()}


def median(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each number; what was kept must not differ between runs."""
    if len({run["ids"] for run in runs}) > 1:
        raise SystemExit("a side kept different images in different rounds")
    numbers = ("cpu_s", "wall_s", "peak_mb")
    medians = {name: round(statistics.median(run[name] for run in runs), 3) for name in numbers}
    every = [round(run["cpu_s"], 3) for run in runs]
    return {**medians, "cpu_s_rounds": every, "kept": runs[0]["kept"], "ids": runs[0]["ids"]}


def make(path: Path, scale: float, other_categories: float) -> Path:
    """Write a file of a share of train2017's images, in a process of its own."""
    generator = Path(__file__).with_name("coco_scale.py")
    images = round(FULL_IMAGES * scale)
    options = ["--images", str(images), "--other-categories", str(other_categories)]
    print(f"writing {images} images to {path.name}", file=sys.stderr)
    subprocess.run(
        [sys.executable, generator, path, *options], check=True, stdout=subprocess.DEVNULL
    )
    return path


def ratio(results: dict[str, dict[str, Any]], over: str, under: str, number: str) -> float | None:
    """Return how many times one side's number is another's; None where one did not run."""
    if over not in results or under not in results:
        return None
    return results[over][number] / results[under][number]


def targets(results: dict[str, dict[str, Any]]) -> list[tuple[str, float | None, str, float]]:
    """Return what is promised of a full-size file: what, found, how it compares, with what."""
    return [
        ("CPU, annToMask / select_people", ratio(results, "usual", "ours", "cpu_s"), ">=", 25),
        ("CPU, merge / select_people", ratio(results, "merged", "ours", "cpu_s"), ">=", 6),
        ("peak MB, 1 process", results["ours"]["peak_mb"], "<=", 250),
        ("peak MB, workers=2, the largest", results["ours_2"]["peak_mb"], "<=", 250),
        (
            "peak, twice the others / once",
            ratio(results, "ours_doubled", "ours", "peak_mb"),
            "<",
            1.3,
        ),
        ("CPU s, other bounds from the cache *", results["cache_again"]["cpu_s"], "<=", 0.3),
    ]


def show(results: dict[str, dict[str, Any]], size: int) -> None:
    """Print both tables."""
    head = f"{'CPU s':>8}{'wall s':>8}{'peak MB':>9}{'kept':>7}  {'ids':<17}{'CPU ratio':>9}"
    print(f"{'':<34}{head}")
    for side, (title, _) in SIDES.items():
        if side in results:
            one = results[side]
            times = one["cpu_s"] / results["ours"]["cpu_s"]
            print(
                f"{title:<34}{one['cpu_s']:>8.2f}{one['wall_s']:>8.2f}{one['peak_mb']:>9.0f}"
                f"{one['kept']:>7}  {one['ids']:<17}{times:>9.2f}"
            )
    print(f"* imports aside\n\ntargets at full scale ({size / 1e6:.0f} MB here)")
    for what, found, comparison, target in targets(results):
        if found is None:
            continue
        met = {">=": found >= target, "<=": found <= target, "<": found < target}[comparison]
        missed = "missed" if size >= FULL_BYTES else "not full scale"
        print(f"{what:<38}{found:>8.2f}  {comparison} {target:<6}{'met' if met else missed}")


def differing(results: dict[str, dict[str, Any]]) -> list[str]:
    """Return the sides that do not keep the images that the first of their group keeps."""
    return [
        side
        for group in SAME_IMAGES
        for side in group
        if results[side]["ids"] != results[group[0]]["ids"]
    ]


def main() -> int:
    """Measure, print the tables, write JSON, fail when images differ or the ratio is too low."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=0.1, help="share of train2017's images")
    parser.add_argument("--file", type=Path, help="one that exists, instead")
    parser.add_argument("--doubled", type=Path, help="the same with twice the other annotations")
    parser.add_argument("--work", type=Path, help="folder for files and cache; a temporary one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--require", type=float, help="least CPU ratio to the usual recipe")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--side", choices=list(SIDES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(run_side(options.side, str(options.file), str(options.work))))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        file, doubled = options.file, options.doubled
        if file is None:
            file = make(work / "instances.json", options.scale, 1.0)
            doubled = make(work / "doubled.json", options.scale, 2.0)
        files = {"file": file} | ({"doubled": doubled} if doubled else {})
        results = measure(files, options.rounds, work)
        size = file.stat().st_size
    show(results, size)
    wrong = differing(results)
    times = ratio(results, "usual", "ours", "cpu_s") or 0.0
    print(f"images kept: {'differ: ' + ', '.join(wrong) if wrong else 'identical'}")
    if options.out:
        facts = {"bytes": size, "rounds": options.rounds, "identical": not wrong}
        options.out.write_text(json.dumps({**facts, "sides": results}, indent=1) + "\n")
    if options.require is not None and times < options.require:
        print(f"CPU ratio {times:.1f} is below the {options.require:g} required")
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
