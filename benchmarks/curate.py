"""Show every promise of the curate room: what is chosen, at what cost, and what the signals tell.

python benchmarks/curate.py [--scale 0.1] [--rounds 3] [--out FOLDER]

Runs the room's benchmarks one after the other, each of them both sides in one go, and compares the
choice on real annotations with pycocotools image by image. At --scale 1 it takes half an hour.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from pycocotools import mask as pycocotools

from maskmill.curate import select_people

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[1] / "shared" / "data"
PEOPLE = SHARED / "coco_person" / "person_keypoints.json"
TINY = [SHARED / "tiny_coco" / "annotations" / f"instances_{s}2017.json" for s in ("train", "val")]
SEVEN = [5802, 12448, 85329, 318219, 328757, 522418, 562150]

library: Any = pycocotools


def main() -> int:
    """Run them all; 1 when one of them fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=0.1, help="share of train2017's images")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="folder for the results as JSON")
    options = parser.parse_args()
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    scripts = {
        "selection": ["--scale", str(options.scale), "--rounds", str(options.rounds)],
        "roughness": [],
        "duplicates": [],
    }
    failed = 0
    for name, arguments in scripts.items():
        print(f"\n== {name}", flush=True)
        if options.out:
            arguments += ["--out", str(options.out / f"{name}.json")]
        script = str(HERE / f"curate_{name}.py")
        failed += subprocess.run([sys.executable, script, *arguments], check=False).returncode != 0
    print("\n== choice on real annotations", flush=True)
    choice = chosen() if PEOPLE.exists() and TINY[0].exists() else None
    if choice is None:
        print("the shared COCO files are not on this machine")
    elif options.out:
        (options.out / "choice.json").write_text(json.dumps(choice, indent=1) + "\n")
    return int(failed > 0 or (choice is not None and not all(row["met"] for row in choice)))


def chosen() -> list[dict[str, Any]]:
    """Compare numbers of images, ids and coverages with what they must be, and print them."""
    rows: list[dict[str, Any]] = []

    def row(what: str, found: object, wanted: object) -> None:
        rows.append({"what": what, "found": found, "wanted": wanted, "met": found == wanted})
        print(f"{what:<58} {found!s:<14} {'met' if found == wanted else f'wanted {wanted}'}")

    row("coco_person, persons 1-2, crowd reject: kept", len(kept(PEOPLE)), 40)
    for crowd, number in (("reject", 47), ("ignore", 49), ("count", 50)):
        found = len(kept(PEOPLE, persons=(1, 20), crowd=crowd))
        row(f"coco_person, persons 1-20, crowd {crowd}: kept", found, number)
    for area in ("union", "sum"):
        ids = sorted(number for file in TINY for number in kept(file, area=area))
        row(f"tiny_coco, area {area}: the seven of the facts", ids == SEVEN, True)
    worst, compared = 0.0, 0
    for file in (PEOPLE, *TINY):
        found = coverages(file)
        for number, coverage in unions(file).items():
            ours = found[number]
            if ours is not None:
                worst, compared = max(worst, abs(ours - coverage)), compared + 1
    row(f"coverage of {compared} images equals pycocotools' within 1e-9", worst <= 1e-9, True)
    return rows


def kept(file: Path, **rules: Any) -> list[int]:
    """Return the ids that are kept."""
    table = select_people(file, **rules)
    return [row["image_id"] for row in table.to_pylist() if row["keep"]]


def coverages(file: Path) -> dict[int, float | None]:
    """Return our coverage of every image, without a lower bound, so that each is exact."""
    table = select_people(file, persons=(0, 99), coverage=(0, 1), crowd="ignore")
    return dict(zip(table["image_id"].to_pylist(), table["coverage"].to_pylist(), strict=True))


def unions(file: Path) -> dict[int, float]:
    """Return the share of the frame that people without crowds cover, by pycocotools."""
    document = json.loads(file.read_text())
    frames = {image["id"]: (image["height"], image["width"]) for image in document["images"]}
    person = next(c["id"] for c in document["categories"] if c["name"] == "person")
    masks: dict[int, list[Any]] = {number: [] for number in frames}
    for one in document["annotations"]:
        if one["category_id"] == person and not one["iscrowd"] and one["image_id"] in frames:
            masks[one["image_id"]] += library.frPyObjects(
                one["segmentation"], *frames[one["image_id"]]
            )
    return {
        number: float(library.area(library.merge(parts))) / (frames[number][0] * frames[number][1])
        for number, parts in masks.items()
        if parts
    }


if __name__ == "__main__":
    sys.exit(main())
