"""Pair discovery: how often the photograph of a clip is on its shortlist, and what that costs.

    python benchmarks/stitch_discovery.py [--set development] [--count 100] [--verify] [--out FILE]

Photographs of ccp and ecssd in shared/data, each with a clip that maskmill.stitch.simulation draws;
development and test photographs are told apart by a hash of their names. With --verify a tenth of
the photographs gets no clip, as many clips come from photographs that are not there, and `discover`
decides. CPU time on one core.
"""

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path
from time import process_time
from typing import Any

for _library in ("OMP", "OPENBLAS"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from scipy.io import loadmat  # noqa: E402

from maskmill.images import Alpha, Image, decode_image  # noqa: E402
from maskmill.stitch.decoding import decode_clip  # noqa: E402
from maskmill.stitch.discovery import discover  # noqa: E402
from maskmill.stitch.gallery import (  # noqa: E402
    Gallery,
    clip_signature,
    photograph_signature,
)
from maskmill.stitch.simulation import Making, simulate  # noqa: E402
from maskmill.stitch.support import clip_of  # noqa: E402

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PLACES = (1, 2, 3, 5, 10)
TARGET = 0.98  # of clips whose photograph is among the first ten


def main() -> int:
    """Measure, print the table, write JSON; exit with 1 where the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=("development", "test"), default="development")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--verify", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if not DATA.is_dir():
        print("the shared photographs are not on this machine", file=sys.stderr)
        return 2
    cv2.setNumThreads(1)
    extra = options.count // 10 if options.verify else 0
    names = chosen(options.set, options.count + extra)
    count = len(names) - extra
    pictures = [opened(name) for name in names]
    clips = [made(image, alpha, options.set, at) for at, (image, alpha) in enumerate(pictures)]
    result: dict[str, Any] = {"set": options.set, "photographs": count}
    result |= shortlists([image for image, _ in pictures[:count]], clips[:count])
    print(f"{count} photographs and clips of the {options.set} set")
    for place in PLACES:
        print(f"  among the first {place:>2}: {result['recall'][place]:.3f}")
    for name, value in result["milliseconds"].items():
        print(f"  {name:<12} {value:7.1f} ms")
    if options.verify:
        result |= decided([image for image, _ in pictures[:count]], clips[extra:], extra)
        print("  " + ", ".join(f"{name} {value}" for name, value in result["decided"].items()))
    if options.out:
        options.out.write_text(json.dumps(result, indent=2) + "\n")
    return int(result["recall"][10] < TARGET)


def chosen(which: str, count: int) -> list[str]:
    """Return names of photographs of a set, in an order that is not theirs."""
    found = [
        f"{folder}/{path.stem}"
        for folder, inside in (("ccp", "photos"), ("ecssd", "images"))
        for path in (DATA / folder / inside).glob("*.jpg")
    ]
    digests = {name: hashlib.blake2b(name.encode(), digest_size=8).digest() for name in found}
    parity = 0 if which == "development" else 1
    return sorted((n for n in found if digests[n][0] % 2 == parity), key=digests.__getitem__)[
        :count
    ]


def opened(name: str) -> tuple[Image, Alpha]:
    """Read a photograph and its alpha."""
    folder, stem = name.split("/")
    if folder == "ccp":
        image = decode_image((DATA / "ccp" / "photos" / f"{stem}.jpg").read_bytes())
        labels = loadmat(DATA / "ccp" / "pixel-level" / f"{stem}.mat")["groundtruth"]
        levels = np.where(labels > 0, 255, 0).astype(np.uint8)
    else:
        image = decode_image((DATA / "ecssd" / "images" / f"{stem}.jpg").read_bytes())
        read = cv2.imread(str(DATA / "ecssd" / "masks" / f"{stem}.png"), cv2.IMREAD_GRAYSCALE)
        levels = np.asarray(read, np.uint8)
    if levels.shape != image.shape[:2]:
        levels = cv2.resize(levels, image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    alpha = cv2.GaussianBlur(levels.astype(np.float32) / np.float32(255), (0, 0), 0.8)
    return image, np.clip(alpha, 0, 1).astype(np.float32)


def made(image: Image, alpha: Alpha, which: str, number: int) -> Image:
    """Return a clip as its file reads: every fifth is mirrored, every fourth has its alpha."""
    making = Making.drawn(
        "discovery",
        which,
        number,
        mirrored=number % 5 == 0,
        encoding="png" if number % 4 == 0 else "jpeg",
    )
    return decode_clip(simulate(image, alpha, making).data)


def shortlists(originals: list[Image], clips: list[Image]) -> dict[str, Any]:
    """Look every clip up among all photographs."""
    spent = {}
    started = process_time()
    signatures = [photograph_signature(image) for image in originals]
    spent["photograph"] = process_time() - started
    started = process_time()
    wanted = [clip_signature(clip_of(clip)) for clip in clips]
    spent["clip"] = process_time() - started
    known = Gallery(signatures)
    started = process_time()
    lists = known.shortlists(wanted)
    spent["look-up"] = process_time() - started
    ranks = np.array([row.index(at) if at in row else 10**6 for at, row in enumerate(lists)])
    return {
        "recall": {place: float((ranks < place).mean()) for place in PLACES},
        "milliseconds": {name: 1000 * value / len(clips) for name, value in spent.items()},
    }


def decided(originals: list[Image], clips: list[Image], extra: int) -> dict[str, Any]:
    """Let `discover` pair what belongs together; the first photographs have no clip."""
    started = process_time()
    found = discover(originals, clips)
    spent = process_time() - started
    own = range(len(originals) - extra)
    matches = [match and match.original for match in found.matches]
    right = sum(matches[at] == at + extra for at in own)
    taken = [at for at, match in enumerate(matches) if match is not None]
    wrong = sum(at not in own or matches[at] != at + extra for at in taken)
    counts = {"right": right, "of": len(own), "wrong": wrong, "strangers": extra}
    return {"decided": counts | {"seconds_per_clip": round(spent / len(clips), 2)}}


if __name__ == "__main__":
    sys.exit(main())
