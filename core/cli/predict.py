"""Predict alphas for photographs: one PNG of 8 bits per photograph, at its full resolution.

  maskmill predict runs/first/checkpoint.pt photo.jpg another.jpg --out alphas/
  maskmill predict runs/first/checkpoint.pt pictures/ --out alphas/ --cutout --post sharpen

Photographs come in by the door: rotated ones are made upright, so the alpha is upright too.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

HELP = "predict alphas for photographs"

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("photographs", nargs="+", type=Path, help="files, or folders of them")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--cutout", action="store_true", help="write image and alpha as RGBA too")
    parser.add_argument(
        "--post",
        choices=("none", "sharpen", "smooth"),
        default="none",
        help="sharpen: take the map's blur off; smooth: one even edge, nothing soft; default: none",
    )
    parser.add_argument("--device", help="cpu or cuda; default: the GPU if there is one")


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    import cv2
    import numpy as np

    from maskmill.door import Refused, admit
    from maskmill.images import Image, decode_image, encode_alpha
    from maskmill.train import predict

    from .bars import Bars

    paths = [path for given in options.photographs for path in _photographs(given)]
    if not paths:
        raise ValueError("photographs must name at least one JPEG, PNG or WebP, got none")
    stem, times = Counter(path.stem for path in paths).most_common(1)[0]
    if times > 1:
        raise ValueError(f"photographs must have different names, {stem!r} stands there {times}x")
    options.out.mkdir(parents=True, exist_ok=True)
    refused = 0
    images: list[tuple[Path, Image]] = []

    def admitted() -> Iterator[Image]:
        nonlocal refused
        for path in paths:
            try:
                image = decode_image(admit(path.read_bytes()).image_bytes)
            except Refused as error:
                refused += 1
                print(f"{path}: {error.reason}", file=sys.stderr)
                continue
            images.append((path, image))
            yield image

    with Bars() as bars:
        alphas = predict(options.checkpoint, admitted(), device=options.device, post=options.post)
        for done, alpha in enumerate(alphas, 1):
            path, image = images.pop(0)
            target = options.out / f"{path.stem}.alpha.png"
            target.write_bytes(encode_alpha(alpha))
            if options.cutout:
                levels = np.rint(alpha * 255).astype(np.uint8)
                rgba = cv2.merge([*cv2.split(image)[::-1], levels])
                (options.out / f"{path.stem}.cutout.png").write_bytes(
                    cv2.imencode(".png", rgba)[1].tobytes()
                )
            bars("predict", done, len(paths) - refused)
    print(f"{len(paths) - refused} alphas in {options.out}")
    return 1 if refused else 0


def _photographs(given: Path) -> list[Path]:
    if given.is_dir():
        return sorted(path for path in given.iterdir() if path.suffix.lower() in _SUFFIXES)
    return [given]
