"""A COCO folder of people, made of the photographs inside the scikit-image wheel.

The wheel has two photographs of people. Crops of them, and cut-outs laid on its other photographs,
make a set that a curation has honest work with: most pictures suit a background remover, the others
show nobody, too many, a crowd, somebody too small or too large. All of it follows from a seed.
"""

import importlib.resources
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from maskmill.files import write_whole
from maskmill.stage import digest_of

from .studio import Studio

_VERSION = 1  # of what is made of a seed: a change of the pictures raises it
_MARKER = "photographs.made"


def write_photographs(
    folder: str | os.PathLike[str],
    *,
    count: int = 240,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Path, Path]:
    """Write a folder in COCO's form, as `maskmill.curate.Coco` reads it.

    Parameters
    ----------
    folder : path
        Made if it is not there. Nothing is done where the same set lies in it already; files that
        do not belong to the set stay.
    count : int
        Number of images, at least 4: the annotated photographs themselves come first.
    seed : int
        Another seed, other pictures. Each depends on the seed and its own number alone.
    progress : callable, optional
        Called with the number of images done and `count` after each image.

    Returns
    -------
    annotations, images : Path
        ``annotations.json``, which names group, licence and photographs of each image, and the
        folder of its images. Images of one group share pixels of their background; the two people
        are in all groups, so a split by group does not tell how a model does on strangers.

    Raises
    ------
    ValueError
        When `count` is too low.
    FileNotFoundError
        When this scikit-image came without its photographs.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _, images = write_photographs(folder, count=4)
    ...     sorted(path.name for path in images.iterdir())
    ['astronaut.png', 'camera.png', 'chelsea.png', 'coffee.png']
    """
    known = known_photographs()
    drawn = {annotation["image_id"] for annotation in known["annotations"]}
    originals = [record["photograph"] for record in known["images"] if record["id"] in drawn]
    if count < len(originals):
        raise ValueError(f"count must be at least {len(originals)}, got {count}")
    folder = Path(folder)
    annotations, images, marker = folder / "annotations.json", folder / "images", folder / _MARKER
    made = digest_of(_VERSION, known, count, seed)
    if _holds(marker, made, annotations, images):
        return annotations, images

    images.mkdir(parents=True, exist_ok=True)
    marker.unlink(missing_ok=True)
    studio = Studio(
        known, {record["photograph"]: photograph_of(record) for record in known["images"]}
    )
    licences = _Licences(known)
    records: list[dict[str, Any]] = []
    objects: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        if number <= len(originals):
            picture = studio.original(originals[number - 1])
        else:
            picture = studio.picture(seed, number - len(originals) - 1)
        write_whole(images / picture.file_name, picture.data)
        records.append(
            {
                "id": number,
                "file_name": picture.file_name,
                "width": picture.size[1],
                "height": picture.size[0],
                "license": licences.number_of(picture.photographs),
                "group": picture.group,
                "photographs": picture.photographs,
            }
        )
        for annotation in picture.annotations:
            objects.append({"id": len(objects) + 1, "image_id": number, **annotation})
        if progress is not None:
            progress(number, count)
    document = {
        "info": {**known["info"], "seed": seed, "version": str(_VERSION)},
        "licenses": licences.records,
        "categories": known["categories"],
        "images": records,
        "annotations": objects,
    }
    write_whole(annotations, json.dumps(document, ensure_ascii=False).encode())
    write_whole(marker, made.encode())
    return annotations, images


def known_photographs() -> dict[str, Any]:
    """Return our outlines of the wheel's photographs, with the licence of each."""
    data = importlib.resources.files("maskmill.demo") / "data" / "photographs.json"
    return json.loads(data.read_bytes())


def photograph_of(record: Mapping[str, Any]) -> npt.NDArray[np.uint8]:
    """Read a photograph from the wheel's own folder; `skimage.data` might download it instead."""
    path = importlib.resources.files("skimage") / "data" / record["file_name"]
    if not path.is_file():
        raise FileNotFoundError(
            f"scikit-image must have {record['file_name']} in its data folder, as its wheels do; "
            "install scikit-image from a wheel"
        )
    with path.open("rb") as file, Image.open(file) as opened:
        pixels = np.asarray(opened, np.uint8)
    size = (record["height"], record["width"])
    if pixels.shape[:2] != size:
        raise ValueError(f"{record['file_name']} must be {size}, got {pixels.shape[:2]}")
    return pixels


def _holds(marker: Path, made: str, annotations: Path, images: Path) -> bool:
    try:
        if marker.read_text() != made:
            return False
        records = json.loads(annotations.read_bytes())["images"]
    except FileNotFoundError:
        return False
    return all((images / record["file_name"]).is_file() for record in records)


class _Licences:
    """The licences of the photographs, and one more for each mixture of them that comes up."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        self.records: list[dict[str, Any]] = list(known["licenses"])
        by_number = {record["id"]: record for record in self.records}
        self._of = {r["photograph"]: by_number[r["license"]] for r in known["images"]}
        self._numbers: dict[tuple[str, ...], int] = {
            (name,): record["id"] for name, record in self._of.items()
        }

    def number_of(self, photographs: tuple[str, ...]) -> int:
        if photographs not in self._numbers:
            parts = [self._of[name] for name in photographs]
            name = " and ".join(dict.fromkeys(part["name"] for part in parts))
            source = "; ".join(part["source"] for part in parts)
            self._numbers[photographs] = len(self.records) + 1
            self.records.append({"id": len(self.records) + 1, "name": name, "source": source})
        return self._numbers[photographs]
