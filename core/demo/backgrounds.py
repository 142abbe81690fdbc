"""Photographs that show nobody, for the demo's composites: the backdrops of its other pictures."""

import csv
import hashlib
import io
import os
from pathlib import Path

import cv2
import numpy as np

from maskmill.files import write_whole
from maskmill.images import encode_image
from maskmill.stage import digest_of

from .backdrops import BACKDROPS, backdrop_scene
from .photographs import known_photographs, photograph_of

SIDE = 320  # pixels; composites are smaller
_VERSION = 1  # of what is made of a seed: a change of the pictures raises it
_MARKER = "backgrounds.made"


def write_backgrounds(folder: str | os.PathLike[str], *, seed: int = 0) -> tuple[Path, Path]:
    """Write a picture of each of `BACKDROPS`, and a table about them.

    Parameters
    ----------
    folder : path
        Made if it is not there. Nothing is done where the same pictures lie in it already.
    seed : int
        Another seed, other pictures.

    Returns
    -------
    images, about : Path
        The folder of the pictures, 320 x 320 PNG, and a CSV of ``image``, ``licence`` and
        ``group`` as `maskmill.synth.Composite` reads it. A group is that of the people before the
        same backdrop: a split by group's name puts both on one side.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     images, about = write_backgrounds(folder)
    ...     len(list(images.iterdir())), about.read_text().splitlines()[1]
    (25, '00-brick-0.png,CC0,brick-0')
    """
    folder = Path(folder)
    images, about, marker = folder / "images", folder / "about.csv", folder / _MARKER
    known = known_photographs()
    made = digest_of(_VERSION, known, seed)
    names = [f"{number:02d}-{one.group}.png" for number, one in enumerate(BACKDROPS)]
    there = all(path.is_file() for path in (marker, about, *(images / name for name in names)))
    if there and marker.read_text() == made:
        return images, about

    marker.unlink(missing_ok=True)
    licences = {record["id"]: record["name"] for record in known["licenses"]}
    records = {record["photograph"]: record for record in known["images"]}
    rows = [("image", "licence", "group")]
    for name, backdrop in zip(names, BACKDROPS, strict=True):
        identity = f"backgrounds/{seed}/{name}".encode()
        key = int.from_bytes(hashlib.blake2b(identity, digest_size=16).digest(), "little")
        rng = np.random.Generator(np.random.Philox(key=key))
        record = records[backdrop.photograph]
        pixels = photograph_of(record)
        if pixels.ndim == 2:
            pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB).astype(np.uint8)
        scene = backdrop_scene(rng, backdrop, pixels, (SIDE, SIDE))
        write_whole(images / name, encode_image(scene.pixels))
        rows.append((name, licences[record["license"]], backdrop.group))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_whole(about, text.getvalue().encode())
    write_whole(marker, made.encode())
    return images, about
