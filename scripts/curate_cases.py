"""What the sheets of the curate room's stages show, and the word each panel must come to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from curate_drawings import Draw, annotated, with_cutout, with_detail, with_inset, with_points
from curate_scenes import Photographs, Shot

from maskmill.curate import Animals, BodyParts, HeldObjects, Lighting, Roughness
from maskmill.demo.scene import Thing, filled
from maskmill.demo.tones import exposed
from maskmill.images import Image
from maskmill.light import composite
from maskmill.stage import Stage


@dataclass(frozen=True, eq=False)
class Case:
    """One panel.

    Parameters
    ----------
    shot : Shot
    stage : Stage
    word : str
        The reason or tag that the stage must come to; empty: the sample is kept without a word.
    numbers : tuple of str
        What of the finding stands below the picture.
    note : str
        What is to be seen.
    """

    shot: Shot
    stage: Stage
    word: str
    numbers: tuple[str, ...]
    note: str


@dataclass(frozen=True, eq=False)
class Sheet:
    """One picture of the documentation: its panels, how many in a row, and their long side."""

    name: str
    cases: Sequence[Case]
    draw: Draw
    across: int
    side: int


def sheets(photographs: Photographs) -> Iterator[Sheet]:
    """Return the sheets of all stages that judge a sample by itself."""
    yield from _animals(photographs)
    yield from _held(photographs)
    yield from _bodies(photographs)
    yield from _rough(photographs)
    yield from _light(photographs)


def _astronaut(photographs: Photographs, group: str, **place: Any) -> Shot:
    backdrop = photographs.backdrop(group, (360, 480))
    return photographs.laid(backdrop, "astronaut", **place).without("helmet")


def _animals(photographs: Photographs) -> Iterator[Sheet]:
    def swallowed(shot: Shot) -> Shot:
        """Return the person drawn around the cat, as annotators do."""
        cat = next(thing for thing in shot.scene.things if thing.category == "cat")
        return shot.with_person(lambda p: replace(p, amount=np.maximum(p.amount, cat.amount)))

    def with_cat(shot: Shot, **place: Any) -> Shot:
        return photographs.laid(shot, "chelsea", **place)

    gravel = _astronaut(photographs, "gravel-2", scale=0.7, across=0.4, down=0.05, flip=True)
    brick = _astronaut(photographs, "brick-0", scale=0.75, across=0.55, down=0.05)
    small = _astronaut(photographs, "gravel-2", scale=0.55, across=0.2, flip=True)
    right = with_cat(gravel, scale=1.3, flip=True, across=0.45)
    left = with_cat(brick, scale=1.25, across=0.55)
    edge = with_cat(gravel, scale=1.3, flip=True, across=0.6)
    apart = with_cat(small, scale=1.3, flip=True, across=0.7)
    numbers = ("animal_area", "animal_inside", "animal_contact")
    kept = Case(apart, Animals(), "", numbers, "The cat is nowhere near the person.")
    around = "The annotator drew the person around the cat."
    hides = "The cat hides part of the person; the cut runs between them."
    yield Sheet(
        "animal_inside",
        [
            Case(swallowed(right), Animals(), "animal_inside", numbers, around),
            Case(swallowed(left), Animals(), "animal_inside", numbers, around),
            kept,
        ],
        annotated,
        3,
        400,
    )
    yield Sheet(
        "animal_touching",
        [
            Case(right, Animals(), "animal_touching", numbers, hides),
            Case(edge, Animals(), "animal_touching", numbers, "They meet at her shoulder."),
            kept,
        ],
        annotated,
        3,
        400,
    )


def _held(photographs: Photographs) -> Iterator[Sheet]:
    def with_cup(person: float, across: float, down: float) -> Shot:
        backdrop = photographs.backdrop("clock-0", (400, 480))
        shot = photographs.laid(backdrop, "astronaut", scale=0.72, across=person)
        shot = photographs.laid(shot, "coffee", scale=0.36, across=across, down=down)
        return shot.without("spoon", "saucer", "helmet")

    before, beside = with_cup(0.45, 0.27, 0.8), with_cup(0.6, 0.17, 0.85)
    camera, helmet = photographs.shot("camera"), photographs.shot("astronaut")
    strap = [239, 325, 248, 320, 262, 330, 272, 352, 274, 400, 262, 478, 252, 470, 240, 445]
    tie = helmet.without("helmet").with_things(Thing("tie", filled([strap], helmet.scene.size)))
    numbers = ("held_area", "held_inside", "held_contact")
    cameras, cups = HeldObjects(held=(("camera", 0.1),)), HeldObjects(held=(("cup", 0.15),))
    helmets = HeldObjects(held=(("helmet", 0.15),))
    yield Sheet(
        "held_merged",
        [
            Case(camera, cameras, "held_merged", numbers, 'held = [["camera", 0.1]]'),
            Case(before, cups, "held_merged", numbers, 'held = [["cup", 0.15]]'),
            Case(
                helmet,
                replace(helmets, size=0.4),
                "held_merged",
                numbers,
                'held = [["helmet", 0.15]], size = 0.4',
            ),
        ],
        with_cutout,
        3,
        210,
    )
    yield Sheet(
        "held_uncertain",
        [
            Case(
                before, HeldObjects(), "held_uncertain", numbers, "A cup may stand in front of her."
            ),
            Case(
                helmet,
                helmets,
                "held_uncertain",
                numbers,
                'held = [["helmet", 0.15]]: too large for size = 0.25',
            ),
            Case(beside, HeldObjects(), "", numbers, "The cup hardly touches her: apart."),
        ],
        with_cutout,
        3,
        210,
    )
    inside = "The strap, annotated as a tie, lies inside the person."
    yield Sheet(
        "held_already",
        [Case(tie, HeldObjects(), "held_already", numbers, inside)],
        with_cutout,
        1,
        300,
    )


def _bodies(photographs: Photographs) -> Iterator[Sheet]:
    astronaut, camera = photographs.shot("astronaut"), photographs.shot("camera")
    stage = BodyParts()
    numbers = ("head_points", "torso_points", "frame_edges", "frame_share")
    arm = astronaut.cropped(0, 330, 210, 512, 1.5)
    hands = camera.cropped(130, 205, 360, 345, 1.5)
    portrait = astronaut.cropped(60, 0, 360, 290, 1.3)
    yield Sheet(
        "isolated_limb",
        [
            Case(arm, stage, "isolated_limb", numbers, "An arm."),
            Case(hands, stage, "isolated_limb", numbers, "Two arms."),
            Case(portrait, stage, "", numbers, "Two shoulders are enough of a body."),
        ],
        with_points,
        3,
        380,
    )
    headless, bent = astronaut.cropped(0, 215, 400, 512), camera.cropped(0, 205, 330, 512)
    half = astronaut.cropped(235, 0, 500, 512)
    yield Sheet(
        "cut_off",
        [
            Case(headless, stage, "cut_off", numbers, "No head, at the upper side."),
            Case(bent, stage, "cut_off", numbers, "The same."),
            Case(half, stage, "cut_off", numbers, "One shoulder, .4 of the outline at the frame."),
            Case(camera, stage, "", numbers, "In profile, but whole enough."),
        ],
        with_points,
        4,
        300,
    )
    pair = photographs.backdrop("grass-0", (360, 480))
    pair = photographs.laid(pair, "camera", scale=0.66, across=0.0)
    pair = photographs.laid(pair, "astronaut", scale=0.6, across=0.72)
    pair = replace(pair, points=(pair.points[0], None))
    nobody = replace(astronaut, points=())
    judged = ("bodies_unjudged",)
    yield Sheet(
        "no_keypoints",
        [
            Case(nobody, stage, "no_keypoints", judged, "The file has no keypoints."),
            Case(pair, stage, "no_keypoints", judged, "One of the two could be judged."),
        ],
        with_points,
        2,
        380,
    )


def _rough(photographs: Photographs) -> Iterator[Sheet]:
    stage, astronaut = Roughness(), photographs.shot("astronaut")
    size = astronaut.scene.size
    numbers = ("roughness", "edge_alignment", "boundary_judged")

    def simplified(pixels: float) -> Shot:
        """Return the person as a polygon that strays so many pixels, at a long side of 640."""

        def change(person: Thing) -> Thing:
            solid = (person.amount >= 0.5).astype(np.uint8)
            contours, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            coarse = [cv2.approxPolyDP(one, pixels * max(size) / 640, True) for one in contours]
            # Contours run through the centres of pixels, outlines count from their edges.
            return replace(
                person, amount=filled([(one.ravel() + 0.5).tolist() for one in coarse], size)
            )

        return astronaut.with_person(change)

    yield Sheet(
        "rough_mask",
        [
            Case(astronaut, stage, "", numbers, "Our outline, drawn along the edge."),
            Case(simplified(8), stage, "", numbers, "As a polygon within 8 pixels of it."),
            Case(simplified(16), stage, "rough_mask", numbers, "Within 16 pixels."),
            Case(simplified(24), stage, "rough_mask", numbers, "Within 24 pixels."),
        ],
        with_detail,
        2,
        310,
    )


def _light(photographs: Photographs) -> Iterator[Sheet]:
    tag, drop = Lighting(), Lighting(action="drop")

    def merged(shot: Shot) -> Shot:
        """Return the shot with the helmet as a part of the person who holds it."""
        person, helmet = (thing.amount for thing in shot.scene.things)
        both = np.minimum(person + helmet, np.float32(1))
        return shot.with_person(lambda thing: replace(thing, amount=both)).without("helmet")

    gravel, brick, stars = (
        merged(photographs.laid(photographs.backdrop(group, (360, 480)), "astronaut", **place))
        for group, place in (
            ("gravel-2", {"scale": 0.68, "across": 0.5}),
            ("brick-0", {"scale": 0.68, "across": 0.42, "flip": True}),
            ("hubble_deep_field-0", {"scale": 0.68, "across": 0.5}),
        )
    )
    camera = photographs.shot("camera").without("camera")

    def changed(
        shot: Shot, foreground: Image | None = None, background: Image | None = None
    ) -> Shot:
        """Return a shot with other pixels inside the person, or around."""
        own, amount = shot.scene.pixels, shot.scene.things[0].amount
        inside = own if foreground is None else foreground
        around = own if background is None else background
        return shot.with_pixels(composite(inside, amount, around))

    def blurred(shot: Shot, sigma: float) -> Image:
        return cv2.GaussianBlur(shot.scene.pixels, (0, 0), sigma).astype(np.uint8)

    def lit(shot: Shot, gain: float) -> Image:
        return exposed(shot.scene.pixels, gain)

    def hazy(shot: Shot, contrast: float) -> Image:
        middle = shot.scene.pixels * contrast + 150 * (1 - contrast)
        return np.rint(middle).astype(np.uint8)

    def even(shot: Shot, colour: tuple[int, int, int]) -> Image:
        return np.full_like(shot.scene.pixels, colour)

    numbers = ("foreground_luminance", "background_luminance")
    yield Sheet(
        "dark_foreground",
        [
            Case(
                changed(gravel, lit(gravel, 0.015)),
                tag,
                "dark_foreground",
                numbers,
                "Against the light: the picture as a whole is bright enough.",
            ),
            Case(brick.with_pixels(lit(brick, 0.015)), tag, "dark_foreground", numbers, "Night."),
            Case(camera, tag, "", numbers, "A black coat is not dark light."),
        ],
        with_inset,
        3,
        400,
    )
    numbers = ("foreground_blur", "background_blur")
    yield Sheet(
        "blurred_foreground",
        [
            Case(
                changed(gravel, blurred(gravel, 2.5)),
                tag,
                "blurred_foreground",
                numbers,
                "Focus on the wall.",
            ),
            Case(
                brick.with_pixels(blurred(brick, 2.5)),
                tag,
                "blurred_foreground",
                numbers,
                "Focus on nothing.",
            ),
            Case(
                changed(gravel, background=blurred(gravel, 6)),
                tag,
                "",
                numbers,
                "A blurred background is no fault.",
            ),
        ],
        with_inset,
        3,
        400,
    )
    numbers = ("foreground_clipped", "background_clipped")
    white = changed(gravel, background=even(gravel, (255, 255, 255)))
    yield Sheet(
        "clipped_foreground",
        [
            Case(
                changed(gravel, lit(gravel, 9)),
                tag,
                "clipped_foreground",
                numbers,
                "Flash from close by.",
            ),
            Case(
                brick.with_pixels(lit(brick, 9)),
                tag,
                "clipped_foreground",
                numbers,
                "Over-exposed as a whole.",
            ),
            Case(brick.with_pixels(lit(brick, 1.8)), tag, "", numbers, "Bright, with some white."),
        ],
        with_inset,
        3,
        400,
    )
    numbers = ("foreground_span",)
    yield Sheet(
        "flat_foreground",
        [
            Case(changed(gravel, hazy(gravel, 0.1)), tag, "flat_foreground", numbers, "Haze."),
            Case(
                brick.with_pixels(hazy(brick, 0.1)),
                tag,
                "flat_foreground",
                numbers,
                "Haze all over.",
            ),
            Case(brick.with_pixels(hazy(brick, 0.6)), tag, "", numbers, "Less of it."),
        ],
        with_inset,
        3,
        400,
    )
    numbers = ("boundary_contrast", "contrast")
    fog = brick.with_pixels(hazy(brick, 0.3))
    yield Sheet(
        "low_contrast",
        [
            Case(
                changed(camera, background=even(camera, (22, 22, 24))),
                tag,
                "low_contrast",
                numbers,
                "A black coat before a black wall.",
            ),
            Case(fog, drop, "low_contrast", numbers, 'Fog; tagged with action = "drop", too.'),
            Case(gravel, tag, "", numbers, "Most of the outline stands out."),
        ],
        with_inset,
        3,
        400,
    )
    numbers = ("background_luminance", "foreground_luminance")
    stars = changed(stars, background=lit(stars, 0.2))
    yield Sheet(
        "dark_background",
        [
            Case(stars, drop, "dark_background", numbers, 'Tagged with action = "drop", too.'),
            Case(
                changed(brick, background=lit(brick, 0.04)),
                tag,
                "dark_background",
                numbers,
                "Flash at night.",
            ),
        ],
        with_inset,
        2,
        400,
    )
    numbers = ("background_clipped", "foreground_clipped")
    yield Sheet(
        "clipped_background",
        [
            Case(white, drop, "clipped_background", numbers, 'Tagged with action = "drop", too.'),
            Case(
                changed(brick, background=lit(brick, 12)),
                tag,
                "clipped_background",
                numbers,
                "Exposed for the person.",
            ),
        ],
        with_inset,
        2,
        400,
    )
