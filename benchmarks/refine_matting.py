"""Trimap, matting and decontamination: speed, memory, and error against true alphas and colours.

    python benchmarks/refine_matting.py [--renders renders] [--out matting.json]

Speed and memory: a photograph of 12, 24 and 48 megapixels, CPU time on one core, compiled before;
memory is what the process grows by at its highest. Matting: the ten photographs of alphamatting.com
in shared/data, trimaps made from their true masks, beside pymatting at full size. Decontamination:
pictures with true foreground colours, which scripts/render_foregrounds.py makes (by Blender, in an
interpreter of its own), over photographs, mixed in linear light and in sRGB values; the error is
that of a composite over another photograph, in soft pixels, in levels of 255.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

for _library in ("OMP", "OPENBLAS", "NUMBA"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402

from maskmill.images import Alpha, Image, decode_image  # noqa: E402
from maskmill.light import to_linear, to_srgb  # noqa: E402
from maskmill.metrics import iou  # noqa: E402
from maskmill.refine.decontamination import decontaminate  # noqa: E402
from maskmill.refine.matting import matte  # noqa: E402
from maskmill.refine.trimaps import trimap  # noqa: E402

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SIZES = (12, 24, 48)
TARGETS = {"trimap": (80, None), "matte": (3, 70), "decontaminate": (4, 80)}  # MP/s, MB/MP
ERROR = 1.5


def main() -> int:
    """Measure, print the tables, write JSON; exit with 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--renders", type=Path, help="folder of rendered foregrounds")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", nargs=2, metavar=("WHAT", "MEGAPIXELS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not DATA.is_dir():
        print("shared/data is not here: nothing to measure")
        return 2
    cv2.setNumThreads(1)
    if options.only:
        print(json.dumps(cost(options.only[0], int(options.only[1]))))
        return 0
    results = {"cost": costs(), "matting": matting(), "decontamination": colours(options.renders)}
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n")
    rows = (row for table in results.values() for row in table)
    return 0 if all(row.get("target", True) for row in rows) else 1


def costs() -> list[dict[str, Any]]:
    """Measure every step at every size, each in a process of its own: memory's peak stays."""
    rows: list[dict[str, Any]] = []
    print(f"{'step':15}{'MP':>5}{'MP/s':>8}{'MB/MP':>8}  target")
    for what, (speed, memory) in TARGETS.items():
        for size in SIZES:
            command = [sys.executable, __file__, "--only", what, str(size)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            row = json.loads(done.stdout.splitlines()[-1])
            within = memory is None or row["mb_per_mp"] <= memory
            row["target"] = within and (size != SIZES[0] or row["mp_per_s"] >= speed)
            rows.append(row)
            verdict = "met" if row["target"] else "MISSED"
            numbers = f"{row['mp_per_s']:8.1f}{row['mb_per_mp']:8.1f}"
            print(f"{what:15}{size:5}{numbers}  {verdict}", flush=True)
    return rows


def cost(what: str, megapixels: int) -> dict[str, Any]:
    """Measure one step at one size."""
    image: Any
    alpha: Any
    image, alpha = photograph("GT05.png")
    steps: dict[str, Callable[[Image, Alpha], object]] = {
        "trimap": lambda _, alpha: trimap(alpha),
        "matte": lambda image, alpha: matte(image, band_of(alpha), alpha),
        "decontaminate": decontaminate,
    }
    steps[what](image, alpha)
    width = round((megapixels * 1e6 / 0.75) ** 0.5)
    size = (width, round(0.75 * width))
    image = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    alpha = cv2.resize(alpha, size).clip(0, 1)
    if what != "decontaminate":
        alpha = (alpha >= 0.5).astype(np.float32)
    unknown = float((trimap(alpha) == 128).mean())
    Path("/proc/self/clear_refs").write_text("5")  # restart the count of the highest memory
    before = status("VmRSS")
    start = process_time()
    steps[what](image, alpha)
    seconds = process_time() - start
    actual = alpha.size / 1e6
    return {
        "step": what,
        "megapixels": megapixels,
        "mp_per_s": actual / seconds,
        "mb_per_mp": (status("VmHWM") - before) / actual,
        "unknown": unknown,
    }


def band_of(alpha: Alpha) -> npt.NDArray[np.uint8]:
    """Make the trimap that all measurements of matting use."""
    return trimap((alpha >= 0.5).astype(np.float32))


def status(field: str) -> float:
    """Return a number of this process's status, MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith(field))


def matting() -> list[dict[str, Any]]:
    """Compare sizes of the solution, with and without prior, with pymatting at full size."""
    from pymatting.alpha.estimate_alpha_cf import estimate_alpha_cf

    found: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for path in sorted((DATA / "alphamatting" / "input").iterdir()):
        image, truth = photograph(path.name)
        mask = (truth >= 0.5).astype(np.float32)
        band = trimap(mask)
        methods: dict[str, Callable[[], Any]] = {
            "mask itself": lambda mask=mask: mask,
            "pymatting": lambda image=image, band=band: estimate_alpha_cf(image / 255, band / 255),
        }
        for scale in (1, 2, 3, 4):
            methods[f"1/{scale}"] = lambda image=image, band=band, scale=scale: (
                matte(image, band, scale=scale).alpha
            )
            methods[f"1/{scale} prior"] = lambda image=image, band=band, scale=scale, mask=mask: (
                matte(image, band, mask, scale=scale).alpha
            )
        for name, method in methods.items():
            start = process_time()
            alpha = method()
            seconds = process_time() - start
            difference = np.abs(alpha - truth)
            squared = np.square(difference[band == 128]).mean()
            agreement = iou(np.asarray(alpha, np.float32), truth)
            row = (difference.sum() / 1e3, 1e3 * squared, agreement, mask.size / 1e6 / seconds)
            found[name].append(tuple(map(float, row)))
    print(f"\n{'solved at':16}{'SAD':>8}{'MSE 1e-3':>10}{'IoU':>8}{'MP/s':>8}")
    rows: list[dict[str, Any]] = []
    for name, values in found.items():
        sad, mse, agreement, speed = np.mean(values, axis=0).tolist()
        print(f"{name:16}{sad:8.3f}{mse:10.2f}{agreement:8.4f}{speed:8.2f}")
        rows.append({"method": name, "sad": sad, "mse": mse, "iou": agreement, "mp_per_s": speed})
    return rows


def photograph(name: str) -> tuple[Image, Alpha]:
    """Read one of alphamatting.com's pictures and its alpha."""
    folder = DATA / "alphamatting"
    alpha: Any = cv2.imread(str(folder / "alpha" / name), cv2.IMREAD_GRAYSCALE)
    image = decode_image((folder / "input" / name).read_bytes())
    return image, alpha.astype(np.float32) / np.float32(255)


def colours(renders: Path | None) -> list[dict[str, Any]]:
    """Measure decontamination on rendered foregrounds, kind by kind."""
    paths = sorted(renders.glob("*.png")) if renders else []
    if not paths:
        print("\nno renders: decontamination is not measured (scripts/render_foregrounds.py)")
        return []
    from pymatting.foreground.estimate_foreground_ml import estimate_foreground_ml

    found: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for number, path in enumerate(paths):
        kind = path.stem.rpartition("_")[2]
        truth, alpha = rendered(path)
        behind, other = (photo(2 * number + one, alpha.shape) for one in (0, 1))
        for mixed, mix in (("linear", over_linear), ("sRGB", over_encoded)):
            image = np.rint(255 * mix(truth, alpha, behind)).astype(np.uint8)
            linear = mixed == "linear"
            for name, colour in (
                ("none", image),
                ("decontaminate", decontaminate(image, alpha, linear=linear)),
                ("pymatting, sRGB", estimate_foreground_ml(image / 255, alpha) * 255),
                (
                    "pymatting, linear",
                    to_srgb(np.asarray(estimate_foreground_ml(to_linear(image), alpha))),
                ),
            ):
                new = mix(np.asarray(colour, np.float32) / np.float32(255), alpha, other)
                off = np.abs(new - mix(truth, alpha, other))[(alpha > 0) & (alpha < 1)]
                for which in (kind, "all"):
                    found[mixed, name, which].append(255 * float(off.mean()))
    kinds = sorted({kind for _, _, kind in found} - {"all"})
    print(f"\n{'mixed':8}{'colours':20}" + "".join(f"{kind:>9}" for kind in ("all", *kinds)))
    rows: list[dict[str, Any]] = []
    for mixed, name in dict.fromkeys((mixed, name) for mixed, name, _ in found):
        means = {kind: float(np.mean(found[mixed, name, kind])) for kind in ("all", *kinds)}
        print(f"{mixed:8}{name:20}" + "".join(f"{mean:9.2f}" for mean in means.values()))
        rows.append({"mixed": mixed, "colours": name, "mean error": means})
    for row in rows:
        if (row["mixed"], row["colours"]) == ("linear", "decontaminate"):
            row["target"] = row["mean error"]["all"] <= ERROR
            print(f"target: {ERROR} in linear light: {'met' if row['target'] else 'MISSED'}")
    return rows


def rendered(path: Path) -> tuple[npt.NDArray[np.float32], Alpha]:
    """Return true colours, H x W x 3 in [0, 1], sRGB, and alpha in 255 steps."""
    pixels: Any = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    pixels = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA) / np.float32(np.iinfo(pixels.dtype).max)
    alpha = np.rint(255 * pixels[..., 3]).astype(np.float32) / np.float32(255)
    return pixels[..., :3].astype(np.float32), alpha


def photo(number: int, shape: tuple[int, ...]) -> Image:
    """Return a photograph without people, scaled and cut to the shape."""
    paths = sorted((DATA / "backgrounds" / "images").iterdir())
    image = decode_image(paths[number % len(paths)].read_bytes())
    factor = max(shape[0] / image.shape[0], shape[1] / image.shape[1]) + 1e-3
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    scaled: Any = cv2.resize(image, None, fx=factor, fy=factor, interpolation=way)
    return scaled[: shape[0], : shape[1]]


def over_linear(colour: Any, alpha: Alpha, behind: Image) -> Any:
    """Mix as light does; colours in and out are sRGB in [0, 1]."""
    weight = alpha[..., None]
    light = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    mixed = np.clip(weight * light + (1 - weight) * to_linear(behind), 0, 1)
    return np.where(mixed <= 0.0031308, 12.92 * mixed, 1.055 * mixed ** (1 / 2.4) - 0.055)


def over_encoded(colour: Any, alpha: Alpha, behind: Image) -> Any:
    """Mix the sRGB values themselves, as most editors do."""
    weight = alpha[..., None]
    return np.clip(weight * colour + (1 - weight) * (behind / 255), 0, 1)


if __name__ == "__main__":
    sys.exit(main())
