"""Photographs and the masks that belong to them: found by name, read, and brought to one size."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from maskmill.images import Alpha, Image

PHOTOGRAPHS = frozenset({".jpg", ".jpeg", ".png", ".webp"})
MASKS = PHOTOGRAPHS | {".bmp", ".tif", ".tiff"}
_MARKS = (".alpha", ".mask", "_alpha", "_mask")
"""What stands between a mask's name and its suffix."""
_WRITTEN = (".cutout", ".before_after", ".refined")
"""The same of what `maskmill refine` and `predict` write and nobody should refine again."""

_ASPECT = 0.02  # by which the two sides' factors may differ


class Pair(NamedTuple):
    """A photograph and its mask, by the name they share."""

    name: str
    photograph: Path
    mask: Path


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A pair that was read.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
        Upright.
    alpha : ndarray, H x W, float32 in [0, 1]
        Of the photograph's size.
    bits : int
        16 where 8 do not hold the mask that was read.
    notes : tuple of str
        What was done to the two on the way.
    """

    image: Image
    alpha: Alpha
    bits: int
    notes: tuple[str, ...]


def pairs_in(folder: Path) -> tuple[list[Pair], dict[str, str]]:
    """Find photographs and masks that lie in one folder; folders in it are not entered.

    A mask is called NAME.alpha, NAME.mask, NAME_alpha or NAME_mask, or it is a NAME.png beside a
    NAME.jpg, .jpeg or .webp.

    Returns
    -------
    pairs : list of Pair
        By name.
    faults : dict of str to str
        Names without a partner or with several, and why they are no pair.
    """
    photographs: dict[str, list[Path]] = {}
    masks: dict[str, list[Path]] = {}
    for path in _pictures(folder, MASKS):
        name = _unmarked(path.stem)
        if name != path.stem:
            masks.setdefault(name, []).append(path)
        elif path.suffix.lower() in PHOTOGRAPHS:
            photographs.setdefault(name, []).append(path)
    for name, paths in photographs.items():
        pngs = [path for path in paths if path.suffix.lower() == ".png"]
        if len(paths) == 2 and len(pngs) == 1 and name not in masks:
            masks[name] = pngs
            photographs[name] = [path for path in paths if path not in pngs]
    return _matched(photographs, masks)


def pairs_between(photographs: Path, masks: Path) -> tuple[list[Pair], dict[str, str]]:
    """Find the photographs of one folder and the masks of another, called NAME or marked as above.

    Returns as `pairs_in` does.
    """
    pictures: dict[str, list[Path]] = {}
    for path in _pictures(photographs, PHOTOGRAPHS):
        pictures.setdefault(path.stem, []).append(path)
    found: dict[str, list[Path]] = {}
    for path in _pictures(masks, MASKS):
        name = path.stem if path.stem in pictures else _unmarked(path.stem)
        found.setdefault(name, []).append(path)
    return _matched(pictures, found)


def _pictures(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes)
    return [
        path
        for path in paths
        if not path.name.startswith(".") and not path.stem.endswith(_WRITTEN) and path.is_file()
    ]


def _unmarked(stem: str) -> str:
    for mark in _MARKS:
        if stem.lower().endswith(mark) and len(stem) > len(mark):
            return stem[: -len(mark)]
    return stem


def _matched(
    photographs: dict[str, list[Path]], masks: dict[str, list[Path]]
) -> tuple[list[Pair], dict[str, str]]:
    pairs: list[Pair] = []
    faults: dict[str, str] = {}
    for name in sorted(photographs.keys() | masks.keys()):
        pictures, found = photographs.get(name, []), masks.get(name, [])
        if len(pictures) == len(found) == 1:
            pairs.append(Pair(name, pictures[0], found[0]))
        elif not found:
            faults[name] = "no mask"
        elif not pictures:
            faults[name] = "no photograph"
        else:
            what, several = ("photographs", pictures) if len(pictures) > 1 else ("masks", found)
            faults[name] = f"several {what}: {', '.join(path.name for path in several)}"
    return pairs, faults


def open_pair(photograph: Path, mask: Path) -> Opened:
    """Read a photograph by the door, and its mask.

    A mask of another size is brought to the photograph's: enlarged with a cubic kernel or averaged,
    if it has the same proportions or is square, as networks' maps are.

    Raises
    ------
    Refused
        When the photograph does not pass the door.
    ValueError
        When the mask is none, or cannot be one of this photograph.
    OSError
        When one of them cannot be read.
    """
    from maskmill.door import admit
    from maskmill.images import decode_image
    from maskmill.metrics.folders import read_mask
    from maskmill.refine.sharpening import enlarge

    admitted = admit(photograph.read_bytes())
    notes = [f"photograph: {tag}" for tag in admitted.tags if tag != "re_encoded"]
    alpha = read_mask(mask, truth=True).astype(np.float32)
    # What 8 bits hold is written as 8 bits again, whatever the file has.
    bits = 8 if np.allclose(alpha * 255, np.rint(alpha * 255), rtol=0, atol=1e-3) else 16
    height, width = alpha.shape
    if (height, width) != (admitted.height, admitted.width):
        notes.append(_other_size(alpha, admitted.height, admitted.width, admitted.tags))
        alpha = enlarge(alpha, admitted.height, admitted.width)
    if not alpha.any():
        notes.append("the mask is empty")
    return Opened(decode_image(admitted.image_bytes), alpha, bits, tuple(notes))


def _other_size(alpha: Alpha, height: int, width: int, tags: tuple[str, ...]) -> str:
    """Return what is done about a mask of another size, or raise where nothing can be."""
    tall, wide = alpha.shape
    sizes = f"the mask is {wide} x {tall}, the photograph {width} x {height}"
    if tall == wide or _proportional((tall, wide), (height, width)):
        verb = "enlarged" if height * width > tall * wide else "reduced"
        return f"mask: {verb} from {wide} x {tall}"
    if "exif_rotated" in tags and _proportional((tall, wide), (width, height)):
        raise ValueError(
            f"{sizes} after its EXIF orientation is applied: the mask was made of the picture as "
            "it lies in the file; turn the mask, or make it of the upright picture"
        )
    raise ValueError(f"{sizes}: it must have the same proportions, or be square")


def _proportional(small: tuple[int, int], large: tuple[int, int]) -> bool:
    down, across = large[0] / small[0], large[1] / small[1]
    return abs(down / across - 1) <= max(_ASPECT, 1 / min(small))
