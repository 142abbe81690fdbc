"""Predict alphas for photographs: one PNG of 8 bits per photograph, at its full resolution.

  maskmill predict runs/first/checkpoint.pt photo.jpg another.jpg --out alphas/
  maskmill predict runs/first/checkpoint.pt pictures/ --out alphas/ --cutout --post sharpen

Of NAME.jpg it writes NAME.alpha.png: white is the object. Rotated photographs are made upright
first, so the alpha is upright too.

Exit code 1: a photograph could not be read; the others are done all the same.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from . import check_folder, mistakes

HELP = "predict alphas for photographs"

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "checkpoint", type=Path, metavar="CHECKPOINT", help="checkpoint.pt of `maskmill train`"
    )
    parser.add_argument(
        "photographs",
        nargs="+",
        type=Path,
        metavar="PHOTOGRAPH",
        help="files, or folders of them (folders inside are not entered)",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder that gets the alphas"
    )
    parser.add_argument(
        "--cutout",
        action="store_true",
        help="write NAME.cutout.png too: the photograph with its alpha, RGBA",
    )
    parser.add_argument(
        "--post",
        choices=("none", "sharpen", "smooth"),
        default="none",
        help="sharpen: take the map's blur off; smooth: one even edge, nothing soft "
        "(default: none)",
    )
    parser.add_argument(
        "--device", metavar="NAME", help="cpu, cuda or cuda:1 (default: the GPU if there is one)"
    )


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    import cv2
    import numpy as np

    from maskmill.door import Refused, admit
    from maskmill.files import write_whole
    from maskmill.images import Image, decode_image, encode_alpha
    from maskmill.train import predict

    from .bars import Bars

    with mistakes(ValueError):
        check_folder(options.out)
        paths = [path for given in options.photographs for path in _photographs(given)]
        stem, times = Counter(path.stem for path in paths).most_common(1)[0]
        if times > 1:
            raise ValueError(
                f"photographs must have different names, {stem!r} stands there {times}x"
            )
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

    with mistakes(OSError, ValueError):
        alphas = predict(options.checkpoint, admitted(), device=options.device, post=options.post)
    options.out.mkdir(parents=True, exist_ok=True)
    with Bars() as bars:
        for done, alpha in enumerate(alphas, 1):
            path, image = images.pop(0)
            target = options.out / f"{path.stem}.alpha.png"
            write_whole(target, encode_alpha(alpha))
            if options.cutout:
                levels = np.rint(alpha * 255).astype(np.uint8)
                rgba = cv2.merge([*cv2.split(image)[::-1], levels])
                cutout = options.out / f"{path.stem}.cutout.png"
                write_whole(cutout, cv2.imencode(".png", rgba)[1].tobytes())
            bars("predict", done, len(paths) - refused)
    print(f"{len(paths) - refused} alphas in {options.out}")
    return 1 if refused else 0


def _photographs(given: Path) -> list[Path]:
    if given.is_file():
        return [given]
    if not given.is_dir():
        raise ValueError(f"there is no {given}")
    found = sorted(path for path in given.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not found:
        raise ValueError(f"{given} must hold a JPEG, PNG or WebP, got none")
    return found
