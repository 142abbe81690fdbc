"""Near-duplicates: found among photographs, among a million, and kept together while a set grows.

    python benchmarks/curate_duplicates.py [--parts photos million growth] [--rows 1000000]
                                           [--images 11000] [--workers 8] [--out duplicates.json]

photos   Copies of every photograph under shared/data, one kind after the other: how many are found,
         how many pairs of distinct ones; and in how many of 128 bits the hashes of copies differ.
million  Grouping of so many thumbnails, one in twenty a copy of another, in a process of its own:
         CPU (user and system), peak memory of the process with the table, copies found, groups that
         join distinct pictures. The pictures are random: waves whose height falls with their
         frequency as photographs' do, and an ellipse, 96 x 96 pixels. Copies are made of these as
         of the photographs, by recompressing, halving, cropping, tilting, mirroring and turning;
         the distances of their hashes stand beside those of the photographs' copies.
growth   So many pictures, some in chains of near-duplicates, put through `mm.run` in four steps, in
         order and serially, then shuffled and with workers; beside it what other ways to divide do.

Needs shared/data for the photographs only.
"""

import argparse
import hashlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

import maskmill as mm
from maskmill.curate import Coco, NearDuplicates, Split
from maskmill.curate.near_duplicates import duplicate_pairs
from maskmill.curate.perceptual_hash import (
    TURNS,
    Thumbnail,
    perceptual_hashes,
    thumbnail,
    turn_hashes,
)
from maskmill.curate.split import split_of
from maskmill.sample import Sample
from maskmill.shards import Dataset

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PHOTOGRAPHS = (
    "tiny_coco/**/*.jpg",
    "coco_person/images/*.jpg",
    "backgrounds/**/*.jpg",
    "product_photos/**/*.jpg",
    "ccp/photos/*.jpg",
    "ecssd/images/*.jpg",
    "sod/images/*.jpg",
    "alphamatting/input/*.png",
    "cutout_pairs/*.jpg",
    "lemur/lemur.png",
)
SHARES = {"train": 0.7, "val": 0.2, "test": 0.1}

Picture = Any


def jpeg(picture: Picture) -> Picture:
    """Recompress at quality 40."""
    encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 40])[1]
    return cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)


def half(picture: Picture) -> Picture:
    """Halve both sides."""
    return cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def grey(picture: Picture) -> Picture:
    """Take the colours out."""
    return cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def crop(picture: Picture, share: float) -> Picture:
    """Cut off this share of both sides, half from either end, to a fraction of a pixel."""
    height, width = picture.shape[:2]
    matrix = np.array(
        [[1 - share, 0, (width - 1) / 2 * share], [0, 1 - share, (height - 1) / 2 * share]]
    )
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, matrix, (width, height), flags=how)


def tilt(picture: Picture) -> Picture:
    """Rotate by 2 degrees within the frame."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 2, 1)
    return cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def mirror(picture: Picture) -> Picture:
    """Exchange left and right."""
    return np.ascontiguousarray(picture[:, ::-1])


COPIES: dict[str, Callable[[Picture], Picture]] = {
    "jpeg 40": jpeg,
    "half size": half,
    "grey": grey,
    "crop 3 %": lambda picture: crop(picture, 0.03),
    "rotation 2 degrees": tilt,
    "crop 10 %": lambda picture: crop(picture, 0.10),
    "mirror": mirror,
    "rotation 90 degrees": lambda picture: np.ascontiguousarray(np.rot90(picture)),
    "rotation 180 degrees": lambda picture: np.ascontiguousarray(np.rot90(picture, 2)),
    "mirror, jpeg 40": lambda picture: jpeg(mirror(picture)),
    "mirror, crop 3 %": lambda picture: mirror(crop(picture, 0.03)),
    "mirror, crop 10 %": lambda picture: mirror(crop(picture, 0.10)),
    "rotation 92 degrees": lambda picture: np.ascontiguousarray(np.rot90(tilt(picture))),
}
TARGETS = dict.fromkeys(COPIES, 1.0) | {"crop 10 %": 0.9, "mirror, crop 10 %": 0.75}
NOT_ASKED_FOR = ("mirror, crop 3 %", "rotation 92 degrees")
PLANTED = [name for name in COPIES if name != "grey"]  # the random pictures have no colours


def read(path: Path) -> Picture:
    """Read a photograph."""
    picture = cv2.imread(str(path))
    if picture is None:
        raise ValueError(f"{path.name} must be a picture that OpenCV can decode")
    return picture


def small(picture: Picture) -> Picture:
    """Return the thumbnail of a picture as it would come from a lossless file."""
    return thumbnail(cv2.imencode(".bmp", picture)[1].tobytes())


def distances(originals: Picture, copies: Picture) -> Picture:
    """Return how many bits the hashes of copies differ in, laid as they fit best."""
    one = perceptual_hashes(originals)
    other = perceptual_hashes(copies)[:, 0]
    ways = [
        np.unpackbits(turn_hashes(one, turn) ^ other, axis=1).sum(axis=1) for turn in range(TURNS)
    ]
    return np.min(ways, axis=0)


def photos() -> dict[str, Any]:
    """Look for copies of the photographs among them."""
    files: dict[bytes, Path] = {}
    for pattern in PHOTOGRAPHS:
        for path in sorted(DATA.glob(pattern)):
            files.setdefault(hashlib.blake2b(path.read_bytes()).digest(), path)
    paths = list(files.values())
    thumbnails = np.stack([small(read(path)) for path in paths])
    found = duplicate_pairs(thumbnails)
    report: dict[str, Any] = {
        "photographs": len(paths),
        "feature_ms": feature_cost(paths),
        "pairs_among_them": len(found.certain) + len(found.doubtful),
        "copies": {},
    }
    print(f"{len(paths)} photographs, of which {report['pairs_among_them']} pairs were found alike")
    print(f"thumbnail: {report['feature_ms']:.2f} ms of CPU per photograph of 640 pixels")
    print(f"\n{'copies':<22}{'recall':>8}{'target':>8}{'false':>7}{'bits: median':>14}{'95 %':>6}")
    for name, copy in COPIES.items():
        copies = np.stack([small(copy(read(path))) for path in paths])
        found = duplicate_pairs(np.concatenate([thumbnails, copies]))
        pairs = np.concatenate([found.certain, found.doubtful])
        right = int((pairs[:, 1] - pairs[:, 0] == len(paths)).sum())
        bits = np.quantile(distances(thumbnails, copies), [0.5, 0.95]).tolist()
        target = None if name in NOT_ASKED_FOR else TARGETS[name]
        report["copies"][name] = {
            "recall": right / len(paths),
            "target": target,
            "false_pairs": len(pairs) - right,
            "bits": bits,
        }
        print(
            f"{name:<22}{right / len(paths):>8.4f}{'' if target is None else target:>8}"
            f"{len(pairs) - right:>7}{bits[0]:>14.0f}{bits[1]:>6.0f}"
        )
    return report


def feature_cost(paths: Iterable[Path]) -> float:
    """Return the median CPU time in milliseconds of the feature on photographs of 640 pixels."""
    costs: list[float] = []
    for path in paths:
        data = path.read_bytes()
        picture = read(path)
        height, width = picture.shape[:2]
        if max(height, width) == 640 and path.suffix == ".jpg":
            sample = Sample("", "", "", data, height, width)
            start = time.process_time()
            Thumbnail()(sample)
            costs.append(time.process_time() - start)
    return float(np.median(costs)) * 1e3


_SIDE = 96
_WAVES = 24
_PER_CHUNK = 1000


def random_pictures(number: int) -> Picture:
    """Return a thousand random pictures, 96 x 96, uint8, always the same for a number."""
    draw = np.random.Generator(np.random.Philox(number))
    at = (np.arange(_SIDE, dtype=np.float32) + 0.5) / _SIDE
    waves = np.cos(np.pi * at[:, None] * np.arange(_WAVES)).astype(np.float32)
    frequency = np.hypot(*np.mgrid[:_WAVES, :_WAVES]).astype(np.float32)
    frequency[0, 0] = 1

    def uniform(low: float, high: float, *shape: int) -> Picture:
        return draw.uniform(low, high, (_PER_CHUNK, *shape)).astype(np.float32)

    # 1 to 99 percent of photographs fall by 0.6 to 1.6, half of them by more than 1.16.
    height = draw.standard_normal((_PER_CHUNK, _WAVES, _WAVES), np.float32)
    height *= frequency ** -uniform(0.9, 1.45, 1, 1)
    height[:, 0, 0] = 0
    pictures = waves @ height @ waves.T
    pictures /= pictures.std(axis=(1, 2), keepdims=True)
    centre, radius = uniform(-0.6, 0.6, 2, 1, 1), uniform(0.2, 0.8, 2, 1, 1)
    across, down = (2 * at - 1)[None, None], (2 * at - 1)[None, :, None]
    far = ((across - centre[:, 0]) / radius[:, 0]) ** 2 + (
        (down - centre[:, 1]) / radius[:, 1]
    ) ** 2
    pictures += uniform(-2, 2, 1, 1) * np.clip(6 * (1 - far) + 0.5, 0, 1)
    pictures = pictures * uniform(20, 60, 1, 1) + uniform(80, 170, 1, 1)
    return np.clip(np.rint(pictures), 0, 255).astype(np.uint8)


def shrunk(pictures: Picture) -> Picture:
    """Return thumbnails of pictures of 96 x 96."""
    return np.stack([small(picture) for picture in pictures])


def million(rows: int) -> dict[str, Any]:
    """Group so many thumbnails; meant for a process of its own, whose memory is measured."""
    copies_per_chunk = _PER_CHUNK // 20
    fresh_per_chunk = _PER_CHUNK - copies_per_chunk
    buffer = pa.allocate_buffer(rows * 1024)
    thumbnails = np.frombuffer(buffer, np.uint8).reshape(rows, 32, 32)
    truth = np.arange(rows)
    kind = np.full(rows, -1)
    bits: dict[str, list[int]] = defaultdict(list)
    for chunk in range(rows // _PER_CHUNK):
        at = chunk * _PER_CHUNK
        pictures = random_pictures(chunk)[:fresh_per_chunk]
        thumbnails[at : at + fresh_per_chunk] = shrunk(pictures)
        for number in range(copies_per_chunk):
            name = PLANTED[(chunk * copies_per_chunk + number) % len(PLANTED)]
            row = at + fresh_per_chunk + number
            thumbnails[row] = small(COPIES[name](pictures[number * 19]))
            truth[row], kind[row] = at + number * 19, PLANTED.index(name)
    planted = np.flatnonzero(kind >= 0)
    for place, name in enumerate(PLANTED):
        some = planted[kind[planted] == place][:1000]
        bits[name] = np.quantile(
            distances(thumbnails[truth[some]], thumbnails[some]), [0.5, 0.95]
        ).tolist()
    keys = [hashlib.blake2b(str(row).encode(), digest_size=16).hexdigest() for row in range(rows)]
    table = pa.table(
        {
            "key": pa.array(keys),
            "group": pa.nulls(rows, pa.string()),
            "split": pa.nulls(rows, pa.string()),
            "status": pa.repeat("kept", rows),
            "feature.thumbnail": pa.Array.from_buffers(
                pa.binary(),
                rows,
                [None, pa.py_buffer(np.arange(rows + 1, dtype=np.int32) * 1024), buffer],
            ),
        }
    )
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    found = NearDuplicates()(table)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    groups = dict(zip(found["key"].to_pylist(), found["group"].to_pylist(), strict=True))
    together: dict[str, set[int]] = defaultdict(set)
    for row, key in enumerate(keys):
        if key in groups:
            together[groups[key]].add(int(truth[row]))
    joined = np.array(
        [groups.get(keys[row], "-") == groups.get(keys[truth[row]], "+") for row in planted]
    )
    return {
        "rows": rows,
        "planted": len(planted),
        "recall": float(joined.mean()),
        "recall_by_kind": {
            name: float(joined[kind[planted] == place].mean()) for place, name in enumerate(PLANTED)
        },
        "bits": bits,
        "groups": len(together),
        "false_groups": sum(len(pictures) > 1 for pictures in together.values()),
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "wall_s": wall,
        "peak_mb": after.ru_maxrss / 1024,
    }


def in_a_process_of_its_own(rows: int) -> dict[str, Any]:
    """Run `million` where nothing else counts as its memory."""
    command = [sys.executable, str(Path(__file__)), "--million-only", "--rows", str(rows)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)


def show_million(report: dict[str, Any], real: dict[str, Any]) -> None:
    """Print a table."""
    print(f"\n{'grouping of ' + format(report['rows'], ','):<34}{'':>10}{'target':>10}")
    for name, value, target in (
        ("planted copies found", f"{report['recall']:.4f}", ">= .95"),
        ("groups of distinct pictures", f"{report['false_groups']}", "0"),
        ("CPU, s", f"{report['cpu_s']:.0f}", "< 300"),
        ("peak memory, MB", f"{report['peak_mb']:.0f}", "< 2000"),
        ("wall, s", f"{report['wall_s']:.0f}", ""),
    ):
        print(f"{name:<34}{value:>10}{target:>10}")
    print(f"\n{'copies':<22}{'recall':>8}   bits: median, 95 %     of photographs")
    for name, recall in report["recall_by_kind"].items():
        mine = "{:.0f}, {:.0f}".format(*report["bits"][name])
        theirs = "{:.0f}, {:.0f}".format(*real[name]["bits"]) if name in real else ""
        print(f"{name:<22}{recall:>8.4f}{mine:>22}{theirs:>18}")


def chains(images: int) -> list[list[int]]:
    """Divide so many images into chains: three in a hundred chains have 2 to 6 links."""
    draw = random.Random(1)  # noqa: S311
    found: list[list[int]] = []
    first = 0
    while first < images:
        length = 1 if draw.random() > 0.03 else draw.randint(2, 6)
        found.append(list(range(first, min(images, first + length))))
        first += length
    return found


def write_chains(images: int, folder: Path) -> set[tuple[int, int]]:
    """Write windows that wander over random pictures; return which pairs are near-duplicates."""
    pairs: set[tuple[int, int]] = set()
    (folder / "images").mkdir()
    pictures = random_pictures(0)
    for number, chain in enumerate(chains(images)):
        if number % _PER_CHUNK == 0:
            pictures = random_pictures(number // _PER_CHUNK)
        for step, image in enumerate(chain):
            window = pictures[number % _PER_CHUNK][:, 2 * step : _SIDE - 10 + 2 * step]
            cv2.imwrite(str(folder / "images" / f"{image}.png"), cv2.merge([window] * 3))
        pairs |= set(pairwise(chain))
    return pairs


def source_of(images: Iterable[int], folder: Path) -> Coco:
    """Return a COCO source of these images in this order."""
    size = {"height": _SIDE, "width": _SIDE - 10}
    mask = [[2, 2, 40, 2, 40, 60, 2, 60]]
    records = [{"id": image, "file_name": f"{image}.png", **size} for image in images]
    document = {
        "categories": [{"id": 1, "name": "person", "supercategory": "person"}],
        "images": records,
        "annotations": [
            {
                "id": record["id"],
                "image_id": record["id"],
                "category_id": 1,
                "iscrowd": 0,
                "segmentation": mask,
            }
            for record in records
        ],
    }
    (folder / "instances.json").write_text(json.dumps(document))
    return Coco(str(folder / "instances.json"), str(folder / "images"))


Division = dict[int, str]


def side_of(image: int) -> str:
    """Divide by a hash of the number."""
    return split_of(str(image), SHARES["train"], SHARES["val"], SHARES["test"])


def grown(
    steps: list[list[int]], folder: Path, workers: int | None, shuffled: bool
) -> Iterator[tuple[Division, int]]:
    """Run over a growing set; yield the split of every image in use, and how many are not."""
    present: list[int] = []
    for step in steps:
        present = [*present, *step]
        if shuffled:
            random.Random(len(present)).shuffle(present)  # noqa: S311
        out = folder / f"dataset-{workers}"
        sources = {"windows": (mm.Pipeline(), source_of(present, folder))}
        mm.run(sources, out, finish=[NearDuplicates(), Split()], workers=workers)
        rows = Dataset(out).table().select(["origin", "split", "status"]).to_pylist()
        used = [row for row in rows if row["status"] == "kept"]
        yield (
            {int(row["origin"].partition(".")[0]): row["split"] for row in used},
            len(rows) - len(used),
        )


def other_ways(pairs: set[tuple[int, int]]) -> dict[str, Callable[[list[int]], Division]]:
    """Return what other tools do, by name; each divides what is present without a memory."""
    neighbours: dict[int, set[int]] = defaultdict(set)
    for one, other in pairs:
        neighbours[one].add(other)
        neighbours[other].add(one)

    def seeded(present: list[int]) -> Division:
        order = sorted(present)
        random.Random(51).shuffle(order)  # noqa: S311
        edges = [round(share * len(order)) for share in (0.7, 0.9)]
        names = ["train"] * edges[0] + ["val"] * (edges[1] - edges[0])
        names += ["test"] * (len(order) - edges[1])
        return dict(zip(order, names, strict=True))

    def each(present: list[int]) -> Division:
        return {image: side_of(image) for image in present}

    def grouped(present: list[int]) -> Division:
        division: Division = {}
        here = set(present)
        for image in present:
            chain, waiting = {image}, [image]
            while waiting:
                fresh = (neighbours[waiting.pop()] & here) - chain
                chain |= fresh
                waiting += fresh
            division[image] = side_of(min(chain))
        return division

    return {
        "seeded shuffle": seeded,
        "hash of each image": each,
        "hash of each group, no record": grouped,
    }


def growth(images: int, workers: int) -> dict[str, Any]:
    """Divide a set that grows from 8 to 11 elevenths in three steps."""
    report: dict[str, Any] = {"images": images}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = write_chains(images, folder)
        order = list(range(images))
        random.Random(2).shuffle(order)  # noqa: S311
        edges = [0, *(images * part // 11 for part in (8, 9, 10, 11))]
        steps = [order[low:high] for low, high in pairwise(edges)]
        report["pairs"] = len(pairs)
        print(f"\n{images:,} images, {len(pairs)} near-duplicate pairs in chains, grown in 4 steps")
        print(
            f"{'':<32}{'train / val / test':>22}{'leaked':>8}{'moved':>8}{'unused':>8}{'sigma':>7}"
        )
        for way, divide in other_ways(pairs).items():
            present = [order[:high] for high in edges[1:]]
            report[way] = judged(((divide(part), 0) for part in present), pairs)
            show(way, report[way])
        ends: list[Division] = []
        for label, count, shuffled in (
            ("near_duplicates + split, serial", None, False),
            (f"the same, {workers} workers, shuffled", workers, True),
        ):
            found = list(grown(steps, folder, count, shuffled))
            ends.append(found[-1][0])
            report[label] = judged(found, pairs)
            show(label, report[label])
        report["same_result"] = ends[0] == ends[1]
        print(f"{'':<32}{'the same splits' if report['same_result'] else 'NOT THE SAME':>22}")
    return report


def judged(found: Iterable[tuple[Division, int]], pairs: set[tuple[int, int]]) -> dict[str, Any]:
    """Count what leaked at any step, what moved between steps, and how far the shares are off."""
    leaked: set[tuple[int, int]] = set()
    moved = 0
    before: Division = {}
    now: Division = {}
    unused: list[int] = []
    for now, left_out in found:
        unused.append(left_out)
        leaked |= {pair for pair in pairs if len({now[i] for i in pair if i in now}) > 1}
        moved += sum(now.get(image, split) != split for image, split in before.items())
        before = before | now
    counts = Counter(now.values())
    total = sum(counts.values())
    sigma = max(
        abs(counts[name] / total - share) / (share * (1 - share) / total) ** 0.5
        for name, share in SHARES.items()
    )
    shares = {name: counts[name] / total for name in SHARES}
    return {
        "shares": shares,
        "leaked": len(leaked),
        "moved": moved,
        "unused": unused[-1],
        "sigma": sigma,
    }


def show(label: str, row: dict[str, Any]) -> None:
    """Print a row."""
    shares = " / ".join(f"{share:.3f}" for share in row["shares"].values())
    counts = "".join(f"{row[name]:>8}" for name in ("leaked", "moved", "unused"))
    print(f"{label:<32}{shares:>22}{counts}{row['sigma']:>7.1f}", flush=True)


def main() -> int:
    """Run the parts, print tables and write JSON."""
    parts = ("photos", "million", "growth")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--rows", type=int, default=1_000_000, help="a multiple of 1000")
    parser.add_argument("--images", type=int, default=11_000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--million-only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.million_only:
        print(json.dumps(million(options.rows)))
        return 0
    report: dict[str, Any] = {}
    if "photos" in options.parts and DATA.is_dir():
        report["photos"] = photos()
    if "million" in options.parts:
        report["million"] = in_a_process_of_its_own(options.rows)
        show_million(report["million"], report.get("photos", {}).get("copies", {}))
    if "growth" in options.parts:
        report["growth"] = growth(options.images, options.workers)
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
