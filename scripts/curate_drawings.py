"""What the panels of the curate room show of a sample."""

from collections.abc import Callable, Sequence

import numpy as np
from picture_sheets import ADDED, OBJECT, PEOPLE, Colour, Mask, outlined

from maskmill.curate.annotations import Annotation, CocoContext
from maskmill.curate.contact import mask_of
from maskmill.images import Image
from maskmill.report.sheet import Row, tiles_of
from maskmill.sample import Sample

Draw = Callable[[Sample, Sample, int], Sequence[Image]]
"""Draws a sample, as it was before the stage and behind it, on a long side of so many pixels."""


def annotated(before: Sample, _: Sample, side: int) -> Sequence[Image]:
    """Outline the people, and all that is annotated but single people."""
    outlines = [(mask, OBJECT) for mask in _others(before)]
    return [outlined(before.image, [*outlines, *_people(before)], side=side)]


def with_inset(before: Sample, _: Sample, side: int) -> Sequence[Image]:
    """Show the picture with the people's mask in a corner: an outline would hide what is wrong."""
    drawn = outlined(before.image, side=side)
    levels = np.repeat(np.rint(before.alpha * 255).astype(np.uint8)[..., None], 3, axis=2)
    inset = np.pad(outlined(levels, side=side // 4), ((1, 0), (1, 0), (0, 0)), constant_values=128)
    height, width = inset.shape[:2]
    drawn[-height:, -width:] = inset
    return [drawn]


def with_points(before: Sample, _: Sample, side: int) -> Sequence[Image]:
    """Outline the people and mark their keypoints."""
    lists = [one.keypoints for one in _annotations(before) if one.keypoints]
    points = [(x, y) for own in lists for x, y, seen in np.reshape(own, (-1, 3)).tolist() if seen]
    return [outlined(before.image, _people(before), points, side=side)]


def with_cutout(before: Sample, after: Sample, side: int) -> Sequence[Image]:
    """Outline people, objects and what was added to the people, beside what is cut out then."""
    outlines = [(mask, OBJECT) for mask in _others(before)]
    if after.alpha is not before.alpha:
        outlines = [(after.alpha >= 0.5, ADDED)]
    cut = tiles_of(Row(after.image, after.alpha), side)["composite"]
    return [outlined(before.image, [*outlines, *_people(before)], side=side), cut]


def with_detail(before: Sample, _: Sample, side: int) -> Sequence[Image]:
    """Outline the people, in the whole picture and around their head."""
    height, width = before.height, before.width
    part = np.s_[: height // 2, width // 5 : width * 7 // 10]
    mask = before.alpha >= 0.5
    detail = outlined(before.image[part], [(mask[part], PEOPLE)], side=side)
    return [outlined(before.image, [(mask, PEOPLE)], side=side), detail]


def _people(sample: Sample) -> list[tuple[Mask, Colour]]:
    return [(sample.alpha >= 0.5, PEOPLE)] if sample.has_alpha else []


def _others(sample: Sample) -> list[Mask]:
    wanted = [one for one in _annotations(sample) if one.category != "person" or one.iscrowd]
    masks = [mask_of(one, sample.height, sample.width) for one in wanted]
    return [mask for mask in masks if mask is not None]


def _annotations(sample: Sample) -> tuple[Annotation, ...]:
    return sample.context.annotations if isinstance(sample.context, CocoContext) else ()
