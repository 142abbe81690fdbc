"""Product photographs with their clips: what a studio makes of the cups among our pictures.

A picture of a cup and nobody is none of the people's: each lands in a dataset once.
"""

import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maskmill.curate.annotations import rle
from maskmill.files import write_whole
from maskmill.images import decode_image
from maskmill.stage import digest_of
from maskmill.stitch import Making, simulate
from maskmill.stitch.pairs import read_table

from .scene import Scene, Thing, cut_out

_VERSION = 1  # of what is made of a seed: a change of the clips raises it
_MARKER = "products.made"
_SOFTNESS = 0.7  # pixels; masks are hard, a studio's cut is not

# What the studio does to one after another; the rest is drawn. Nothing of a cup is cut off: that
# would be a wrong alpha to learn.
MAKINGS: tuple[Mapping[str, Any], ...] = (
    {"encoding": "jpeg"},
    {"encoding": "png"},
    {"mirrored": True},
    {"shadow": "drop"},
    {"canvas": 244},
)


@dataclass(frozen=True, slots=True)
class _Shot:
    """A picture without people, and what can be seen in it."""

    file_name: str
    group: str
    things: tuple[Thing, ...] = field(repr=False)

    @property
    def has_cup(self) -> bool:
        return any(thing.category == "cup" for thing in self.things)


def write_products(
    photographs: tuple[Path, Path],
    folder: str | os.PathLike[str],
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Path, Path]:
    """Write clips of the pictures that show a cup and nobody, as `maskmill.stitch.simulate` does.

    The pictures are taken where they lie. One more clip, of a cup, is put beside the photograph of
    the cat: a mistake that has to be found.

    Parameters
    ----------
    photographs : (Path, Path)
        What `maskmill.demo.write_photographs` returned.
    folder : path
        Made if it is not there. Nothing is done where the same clips lie in it already.
    seed : int
        Another seed, other clips.
    progress : callable, optional
        Called with the number of clips done and their number after each clip.

    Returns
    -------
    pairs, clips : Path
        ``pairs.csv``, a table as `maskmill.stitch.ClipPairs` reads it, and the folder of the clips.
        A pair is of its photograph's group: in one split with the people before the same
        background. The cup itself is in all groups.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from maskmill.demo import write_photographs
    >>> with TemporaryDirectory() as folder:
    ...     pairs, _ = write_products(write_photographs(folder, count=4), folder)
    ...     print(pairs.read_text())
    original,clipped,group
    coffee.png,coffee_clip.jpg,coffee
    chelsea.png,chelsea_clip.png,chelsea
    <BLANKLINE>
    """
    annotations, images = photographs
    folder = Path(folder)
    pairs, clips, marker = folder / "pairs.csv", folder / "clips", folder / _MARKER
    document = json.loads(annotations.read_bytes())
    made = digest_of(_VERSION, document, seed)
    if _holds(marker, made, pairs, clips):
        return pairs, clips

    marker.unlink(missing_ok=True)
    shots = list(_without_people(document))
    cups = [shot for shot in shots if shot.has_cup]
    # The right pairs, then the wrong ones: a photograph, and the one that its clip is made of.
    orders = [(cup, cup) for cup in cups] + [(shot, cups[0]) for shot in shots if not shot.has_cup]
    rows = [("original", "clipped", "group")]
    for number, (shot, clipped) in enumerate(orders):
        pixels = decode_image((images / clipped.file_name).read_bytes())
        alpha = cut_out(Scene(pixels, clipped.things), _SOFTNESS, ()).alpha
        fixed = {"crop": (0.0, 0.0, 0.0, 0.0), **MAKINGS[number % len(MAKINGS)]}
        making = Making.drawn("products", seed, shot.file_name, **fixed)
        suffix = "png" if making.encoding == "png" else "jpg"
        name = f"{Path(shot.file_name).stem}_clip.{suffix}"
        write_whole(clips / name, simulate(pixels, alpha, making).data)
        rows.append((shot.file_name, name, shot.group))
        if progress is not None:
            progress(number + 1, len(orders))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_whole(pairs, text.getvalue().encode())
    write_whole(marker, made.encode())
    return pairs, clips


def _without_people(document: Mapping[str, Any]) -> Iterator[_Shot]:
    """Yield the pictures that show something and nobody, in order."""
    names = {record["id"]: record["name"] for record in document["categories"]}
    shown: dict[int, list[Mapping[str, Any]]] = {}
    for annotation in document["annotations"]:
        shown.setdefault(annotation["image_id"], []).append(annotation)
    for record in document["images"]:
        drawn = shown.get(record["id"], [])
        if drawn and all(names[one["category_id"]] != "person" for one in drawn):
            size = (record["height"], record["width"])
            things = tuple(
                Thing(names[one["category_id"]], rle(one["segmentation"], *size).alpha())
                for one in drawn
            )
            yield _Shot(record["file_name"], record["group"], things)


def _holds(marker: Path, made: str, pairs: Path, clips: Path) -> bool:
    try:
        if marker.read_text() != made:
            return False
        rows = read_table(pairs)
    except FileNotFoundError:
        return False
    return all((clips / row.clipped).is_file() for row in rows)
