"""Objects of panoptic files: their pixels are those of one colour in a picture of their own."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from maskmill.door import Refused, admit
from maskmill.folder import read_inside
from maskmill.images import decode_image

from .annotation_records import is_segment
from .annotations import Annotation, masks
from .fields import id_of
from .gathering import Written


def resolved(
    written: Sequence[Written], folder: str | None, height: int, width: int
) -> list[Annotation]:
    """Decode annotations; objects of panoptic pictures get run lengths for segmentation.

    A pixel of the picture belongs to the object ``R + 256 G + 65536 B`` (the format of COCO's
    panoptic task). Where there is no folder, no such
    picture or no such pixel, an object has no segmentation.

    Parameters
    ----------
    written : sequence of Written
    folder : str or None
        Of the pictures, as `os.path.realpath` gives it.
    height, width : int
        Frame in pixels.
    """
    found = [one.decoded() for one in written]
    pictures: dict[str, Any] = {}
    for place, (one, annotation) in enumerate(zip(written, found, strict=True)):
        if not is_segment(annotation.segmentation):
            continue
        if one.panoptic not in pictures:
            pictures[one.panoptic] = _ids(folder, one.panoptic, height, width)
        ids, segment = pictures[one.panoptic], annotation.segmentation
        number = id_of(segment["id"]) if isinstance(segment, dict) else None
        shape = None
        if ids is not None and isinstance(number, int):
            mask = np.asfortranarray(ids == number, np.uint8)
            if mask.any():
                counts = masks.encode(mask)["counts"].decode()
                shape = {"size": [height, width], "counts": counts}
        found[place] = replace(annotation, segmentation=shape)
    return found


def _ids(folder: str | None, name: str, height: int, width: int) -> Any:
    if folder is None or not name:
        return None
    try:
        door = admit(read_inside(folder, name), max_pixels=height * width)
    except Refused:
        return None
    if (door.height, door.width) != (height, width):
        return None
    return decode_image(door.image_bytes).astype(np.int64) @ np.array([1, 256, 65536])
