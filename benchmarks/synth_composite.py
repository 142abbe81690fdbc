"""Composites: what one more pair costs, and how near they come to a true render.

    python benchmarks/synth_composite.py [--rounds 5] [--blender PYTHON] [--out composite.json]

Cost: CPU seconds of what a partition's task does when one foreground meets twenty photographs:
decoding, compositing, encoding, hashing the row. The first pair, which opens the foreground, is
taken off. Photographs are those of shared/data/backgrounds where they are at hand, else
scikit-image's. In the same rounds Pillow composites in sRGB values as most scripts do: open,
resize, crop, `alpha_composite`, save image and mask as PNG.

Truth: with an interpreter that has bpy, a hairy monkey in a ring of wire is rendered alone and in
front of photographs that only the camera sees. The composite of the layer over the photograph is
compared with that picture in 8 bits, where alpha is neither 0 nor 1.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from photographs import DATA
from PIL import Image

from maskmill.images import decode_image, encode_image
from maskmill.light import to_srgb
from maskmill.sample import Dropped
from maskmill.shards.writer import row_of
from maskmill.synth import Composite
from maskmill.synth.framing import cropping, fitted
from maskmill.work import one_thread

SIDE = 512
TRAIN: dict[str, Any] = {"train": 1.0, "val": 0.0, "test": 0.0}
PLAIN: dict[str, Any] = {"light": 0.0, "blur": False, "noise": False, "jpeg": False}
CASES: dict[str, dict[str, Any]] = {
    "everything matched, JPEG": {},
    "nothing matched, PNG": PLAIN,
    "drawn place": {"place": "draw"},
}


def cut_out(side: int) -> Any:
    """Return a soft-haired thing, side x side x 4, uint16."""
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:side, :side] + 0.5
    away = np.hypot(rows - side / 2, columns - side / 2) / side
    alpha = np.clip((0.33 - away) * side / 6, 0, 1)
    for angle in rng.uniform(0, 2 * np.pi, 500):
        start = np.array([np.cos(angle), np.sin(angle)]) * 0.3 * side + side / 2
        end = start + rng.normal(0, 0.03, 2) * side + (start - side / 2) * 0.35
        line = np.zeros((side, side), np.uint8)
        x0, y0, x1, y1 = (np.concatenate([start, end]) * 16).astype(int).tolist()
        cv2.line(line, (x0, y0), (x1, y1), 255, 1, cv2.LINE_AA, 4)
        alpha = np.maximum(alpha, line / 255)
    colours = cv2.resize(rng.uniform(0.1, 0.9, (16, 16, 3)), (side, side))
    return np.rint(np.dstack([np.clip(colours, 0, 1), alpha]) * 65535).astype(np.uint16)


def backgrounds(folder: Path, number: int) -> str:
    """Return a folder of `number` photographs, and say what they are."""
    folder.mkdir()
    found = sorted((DATA / "backgrounds" / "images").glob("*.jpg"))[:number]
    if len(found) == number:
        for path in found:
            (folder / path.name).write_bytes(path.read_bytes())
        return "COCO photographs, 640 pixels"
    from skimage import data

    pictures = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    for at in range(number):
        picture = np.roll(pictures[at % len(pictures)], 20 * at, axis=1)
        cv2.imwrite(str(folder / f"{at:02d}.jpg"), picture[..., ::-1], [1, 90])
    return "scikit-image's photographs"


def ours(fronts: Path, behind: Path, options: dict[str, Any]) -> tuple[float, float]:
    """Return the CPU seconds of the first pair and of each of the others."""
    source = Composite(
        str(fronts), str(behind), per_foreground="all", size=SIDE, **TRAIN, **options
    )
    first, times = 0.0, list[float]()
    with one_thread():
        for partition in source.plan(()):
            items = source.read(partition)
            while True:
                start = time.process_time()
                item = next(items, None)
                if item is None:
                    break
                if isinstance(item, Dropped):
                    raise ValueError(f"{item.origin}: {item.reason}")
                row_of(item)
                times.append(time.process_time() - start)
    first, *rest = times
    return first, statistics.mean(rest)


def pillow(fronts: Path, behind: Path, out: Path) -> float:
    """Return the CPU seconds of a pair as most scripts make it."""
    (front,) = fronts.iterdir()
    start = time.process_time()
    pictures = sorted(behind.iterdir())
    for path in pictures:
        layer = Image.open(front).convert("RGBA").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        photograph = Image.open(path).convert("RGBA")
        scale = SIDE / min(photograph.size)
        width, height = (max(SIDE, round(length * scale)) for length in photograph.size)
        photograph = photograph.resize((width, height), Image.Resampling.LANCZOS)
        left, top = (width - SIDE) // 2, (height - SIDE) // 2
        photograph = photograph.crop((left, top, left + SIDE, top + SIDE))
        Image.alpha_composite(photograph, layer).convert("RGB").save(out / "image.png")
        layer.getchannel("A").save(out / "mask.png")
    return (time.process_time() - start) / len(pictures)


def cost(rounds: int) -> dict[str, Any]:
    """Measure what a pair costs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fronts, behind, large = folder / "fronts", folder / "behind", folder / "large"
        fronts.mkdir()
        large.mkdir()
        bgra = cv2.cvtColor(cut_out(SIDE), cv2.COLOR_RGBA2BGRA)
        cv2.imwrite(str(fronts / "thing.png"), bgra)
        what = backgrounds(behind, 20)
        for path in sorted(behind.iterdir())[:5]:
            picture: Any = cv2.imread(str(path))
            picture = cv2.resize(picture, (4000, 3000), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(large / path.name), picture, [cv2.IMWRITE_JPEG_QUALITY, 92])
        # Pillow reads 8 bits only.
        eight = folder / "eight"
        eight.mkdir()
        cv2.imwrite(str(eight / "thing.png"), (bgra // 257).astype(np.uint8))
        cases = {**{name: (behind, options) for name, options in CASES.items()}}
        cases["everything matched, of 12 megapixels"] = (large, {})
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
        others: list[float] = []
        ours(fronts, behind, {})  # imports, tables
        for _ in range(rounds):
            for name, (pictures, options) in cases.items():
                found[name].append(ours(fronts, pictures, options))
            others.append(pillow(eight, behind, folder))
    report: dict[str, Any] = {"backgrounds": what, "pillow": statistics.median(others)}
    for name, times in found.items():
        report[name] = {
            "first": statistics.median(first for first, _ in times),
            "more": statistics.median(more for _, more in times),
        }
    return report


def truth(blender: str, number: int = 2) -> dict[str, Any]:
    """Compare composites with true renders over the same photographs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        backgrounds(folder / "photographs", number)
        plates: list[Path] = []
        for path in sorted((folder / "photographs").iterdir()):
            picture = decode_image(path.read_bytes())
            frame = (384, 288)
            crop = cropping((picture.shape[1], picture.shape[0]), frame)
            plates.append(folder / f"{path.stem}.png")
            plates[-1].write_bytes(encode_image(fitted(picture, crop, frame)))
        scene = Path(__file__).with_name("synth_composite_scene.py")
        done = subprocess.run(
            [blender, str(scene), str(folder), *map(str, plates)], capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{blender} failed: {done.stderr[-2000:]}")
        return {kind: _compared(folder, kind, number) for kind in ("BOX", "BLACKMAN_HARRIS")}


def _compared(folder: Path, kind: str, number: int) -> dict[str, Any]:
    fronts, behind = folder / f"{kind}_fronts", folder / f"{kind}_behind"
    fronts.mkdir()
    behind.mkdir()
    layer = np.load(folder / f"{kind}_foreground.npy")
    alpha = np.clip(layer[..., 3:], 0, 1)
    straight = layer[..., :3] / np.maximum(alpha, 1e-6)
    curve = np.where(straight <= 0.0031308, straight * 12.92, 1.055 * straight ** (1 / 2.4) - 0.055)
    rgba = np.rint(np.clip(np.dstack([curve, alpha]), 0, 1) * 65535).astype(np.uint16)
    cv2.imwrite(str(fronts / "layer.png"), cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))
    for at in range(number):
        plate = to_srgb(np.load(folder / f"{kind}_{at}_plate.npy")[..., :3])
        (behind / f"{at}.png").write_bytes(encode_image(plate))
    source = Composite(str(fronts), str(behind), per_foreground="all", **TRAIN, **PLAIN)
    soft = (alpha[..., 0] > 0.5 / 255) & (alpha[..., 0] < 1 - 0.5 / 255)
    errors: list[Any] = []
    srgb: list[Any] = []
    whole = 0.0
    for partition in source.plan(()):
        for item in source.read(partition):
            if isinstance(item, Dropped):
                raise ValueError(f"{item.origin}: {item.reason}")
            at = int(Path(item.origin.split(" on ")[1]).stem)
            true = to_srgb(np.load(folder / f"{kind}_{at}_true.npy")[..., :3]).astype(int)
            off = np.abs(item.image.astype(int) - true)
            errors.append(off[soft])
            whole = max(whole, float(off[~soft].max()))
            plate = Image.open(behind / f"{at}.png").convert("RGBA")
            eight = Image.fromarray((rgba // 257).astype(np.uint8))
            mixed = np.asarray(Image.alpha_composite(plate, eight).convert("RGB")).astype(int)
            srgb.append(np.abs(mixed - true)[soft])
    found, naive = np.concatenate(errors), np.concatenate(srgb)
    return {
        "soft pixels": int(soft.sum()),
        "mean": float(found.mean()),
        "p95": float(np.percentile(found, 95)),
        "max": int(found.max()),
        "elsewhere": whole,
        "in sRGB values, mean": float(naive.mean()),
        "in sRGB values, p95": float(np.percentile(naive, 95)),
        "in sRGB values, max": int(naive.max()),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--blender", metavar="PYTHON", help="an interpreter with bpy")
    parser.add_argument("--out", type=Path, metavar="JSON")
    options = parser.parse_args()
    report: dict[str, Any] = {"cost": cost(options.rounds)}
    costs = dict(report["cost"])
    print(f"CPU seconds per pair at {SIDE} pixels, before {costs.pop('backgrounds')}")
    print(f"{'Pillow in sRGB values, PNG':<40} {costs.pop('pillow'):7.3f}")
    for name, times in costs.items():
        print(f"{name:<40} {times['more']:7.3f}   (the first {times['first']:.3f})")
    if options.blender:
        report["truth"] = truth(options.blender)
        for kind, errors in report["truth"].items():
            print(f"\nlevels of 255 off a true render, pixel filter {kind.lower()}")
            for name, value in errors.items():
                print(f"  {name:<24} {value:10.3f}")
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
