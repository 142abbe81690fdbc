"""Better masks of the same images, laid over those of the annotation file.

COCO's outlines are rough polygons; others have drawn its images again (COCO-ReM, COCONut) under the
same image ids, but with annotation ids, and now and then a number of people, of their own. Each
original mask is exchanged for the refined one of its category that it overlaps most; where none
overlaps enough, the original stays.
"""

from dataclasses import dataclass, replace

import numpy as np

from .annotation_file import AnnotationFile, with_arrays
from .annotations import Rle, SegmentationError, masks, rle
from .frames import Frames, read_categories
from .gathering import Gathered, Written, gather

LEAST_IOU = 0.5
"""Below it two masks are of different objects: the threshold of COCO's own matching."""


@dataclass(frozen=True)
class Overlay:
    """How many masks were exchanged, and how many found no better one."""

    refined: int
    original: int

    def __str__(self) -> str:
        return f"{self.refined} masks refined, {self.original} kept as they were"


def laid_over(gathered: Gathered, frames: Frames, refined: str, category: str) -> Overlay:
    """Exchange masks of a category for refined ones, in place.

    Parameters
    ----------
    gathered : Gathered
        Of the annotation file.
    frames : Frames
        Of the annotation file.
    refined : str
        Path or URL of the file with the better masks.
    category : str
        Whose masks are exchanged; crowds stay.

    Raises
    ------
    ValueError
        When the refined file is not in COCO's form or does not know the category.
    """

    def read(file: AnnotationFile) -> Gathered:
        categories = read_categories(file)
        categories.ids(category)
        return gather(file, frames, categories, gathered.annotations.keys())

    better = with_arrays(refined, read)
    exchanged = kept = 0
    for row, annotations in gathered.annotations.items():
        frame = frames.frames[row]
        if frame.reason is not None:
            continue
        ours = [i for i, one in enumerate(annotations) if _is_one(one, category)]
        theirs = [one for one in better.annotations.get(row, []) if _is_one(one, category)]
        partners = matched([annotations[i] for i in ours], theirs, frame.height, frame.width)
        for i, partner in zip(ours, partners, strict=True):
            if partner is None:
                kept += 1
            else:
                exchanged += 1
                better_mask = theirs[partner].segmentation
                annotations[i] = replace(annotations[i], segmentation=better_mask)
    return Overlay(exchanged, kept)


def matched(
    ours: list[Written], theirs: list[Written], height: int, width: int
) -> list[int | None]:
    """Return, for each of ours, the place of the one of theirs that it overlaps most.

    Pairs are taken by falling IoU, each mask once, down to `LEAST_IOU`; what is no mask matches
    nothing.
    """
    partners: list[int | None] = [None] * len(ours)
    mine = [(i, mask) for i, mask in enumerate(_masks(ours, height, width)) if mask]
    others = [(j, mask) for j, mask in enumerate(_masks(theirs, height, width)) if mask]
    if not mine or not others:
        return partners
    plain = [
        [{"size": [height, width], "counts": m.counts} for _, m in ms] for ms in (mine, others)
    ]
    iou = np.array(masks.iou(plain[0], plain[1], [0] * len(others)))
    taken: set[int] = set()
    for flat in np.argsort(-iou, axis=None, kind="stable"):
        a, b = divmod(int(flat), len(others))
        if iou[a, b] < LEAST_IOU:
            break
        i, j = mine[a][0], others[b][0]
        if partners[i] is None and j not in taken:
            partners[i] = j
            taken.add(j)
    return partners


def _masks(annotations: list[Written], height: int, width: int) -> list[Rle | None]:
    found: list[Rle | None] = []
    for one in annotations:
        try:
            found.append(rle(one.decoded().segmentation, height, width))
        except SegmentationError:
            found.append(None)
    return found


def _is_one(annotation: Written, category: str) -> bool:
    return annotation.category == category and not annotation.iscrowd
