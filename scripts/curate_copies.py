"""The sheet of near-duplicates: a photograph, its copies, and what only looks like it."""

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
from curate_scenes import Photographs, Shot, write_coco
from picture_sheets import Panel, outlined
from PIL import Image as Pillow

import maskmill as mm
from maskmill.curate import Coco, NearDuplicates, Split
from maskmill.demo.scene import Scene
from maskmill.images import Image

_ORIGINAL = "the photograph"


def copies_sheet(scratch: Path, photographs: Photographs, side: int) -> list[Panel]:
    """Draw what `NearDuplicates` says of a photograph, its copies and other pictures.

    Raises
    ------
    ValueError
        When a copy is not found, or another picture taken for one.
    """
    copies, others = _copies(photographs.shot("astronaut")), _others(photographs)
    rows = _decided(scratch, {**copies, **others}, photographs)
    group = rows[_ORIGINAL]["group"]
    panels: list[Panel] = []
    for said, shot in (*copies.items(), *others.items()):
        row = rows[said]
        expected = "kept" if said == _ORIGINAL or said in others else "duplicate"
        if row["status"] != expected or (row["group"] == group) == (said in others):
            raise ValueError(f"{said} must be {expected}, got {row['status']} in {row['group']}")
        joined = "no group" if said in others else f"group {group[:6]}"
        picture = outlined(shot.scene.pixels, side=side)
        panels.append(Panel([picture], row["status"], [f"{joined}, split {row['split']}", said]))
    return panels


def bridge_sheet(scratch: Path, photographs: Photographs, side: int) -> list[Panel]:
    """Draw a newcomer that is a near-duplicate of two pictures in two splits."""
    whole = photographs.shot("camera")
    height, width = whole.scene.size
    strip = width // 13
    left = replace(whole.cropped(0, 0, width - strip, height), split="train")
    right = replace(whole.cropped(strip, 0, width, height), split="val")
    said = {
        "in train already; a strip cropped off at the right": ("kept", left),
        "a newcomer, whole: alike to both": ("bridge", whole),
        "in val already; a strip cropped off at the left": ("kept", right),
    }
    rows = _decided(scratch, {name: shot for name, (_, shot) in said.items()}, photographs)
    panels: list[Panel] = []
    for name, (expected, shot) in said.items():
        row = rows[name]
        if row["status"] != expected:
            raise ValueError(f"{name} must be {expected}, got {row['status']}")
        picture = outlined(shot.scene.pixels, side=side)
        panels.append(Panel([picture], row["status"], [f"split {row['split'] or 'none'}", name]))
    return panels


def _decided(
    scratch: Path, shots: Mapping[str, Shot], photographs: Photographs
) -> dict[str, dict[str, Any]]:
    """Run a pipeline with `NearDuplicates` over shots; return what the index says of each."""
    numbered = {f"{place:02d}": shot for place, shot in enumerate(shots.values())}
    annotations, images = write_coco(scratch / "coco", numbered, photographs.categories)
    mm.run(
        {"copies": (mm.Pipeline(), Coco(str(annotations), images=str(images)))},
        out=str(scratch / "dataset"),
        finish=[NearDuplicates(keep="first"), Split()],
    )
    index = pq.read_table(scratch / "dataset" / "index.parquet").to_pylist()
    rows = {row["origin"].split(".")[0]: row for row in index}
    return {said: rows[name] for said, name in zip(shots, numbered, strict=True)}


def _copies(own: Shot) -> Mapping[str, Shot]:
    height, width = own.scene.size
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 2, 1.0)

    def tilted(layer: Any) -> Any:
        return cv2.warpAffine(layer, turn, (width, height), borderMode=cv2.BORDER_REFLECT)

    def cropped(share: float) -> Shot:
        x, y = round(width * share / 2), round(height * share / 2)
        return own.cropped(x, y, width - x, height - y)

    return {
        _ORIGINAL: own,
        "JPEG of quality 40": own.with_pixels(_recompressed(own.scene.pixels)),
        "half the size": own.cropped(0, 0, width, height, 0.5),
        "grey": own.with_pixels(_grey(own.scene.pixels)),
        "3 % cropped off": cropped(0.03),
        "10 % cropped off": cropped(0.1),
        "turned by 2 degrees": _every_layer(own, tilted),
        "mirrored": _every_layer(own, lambda layer: layer[:, ::-1]),
        "turned by a quarter": _every_layer(own, np.rot90),
    }


def _others(photographs: Photographs) -> Mapping[str, Shot]:
    camera = photographs.shot("camera")
    on_gravel = photographs.laid(
        photographs.backdrop("gravel-2", (512, 512)), "astronaut", scale=0.9, across=0.45
    )
    on_brick = photographs.laid(
        photographs.backdrop("brick-0", (512, 512)), "astronaut", scale=0.9, across=0.45
    )
    return {
        "another picture": camera,
        "the same person elsewhere": on_gravel,
        "and elsewhere again": on_brick,
    }


def _every_layer(shot: Shot, change: Callable[[Any], Any]) -> Shot:
    """Change pixels and outlines alike."""
    scene = shot.scene
    things = tuple(
        replace(thing, amount=np.ascontiguousarray(change(thing.amount))) for thing in scene.things
    )
    return Shot(Scene(np.ascontiguousarray(change(scene.pixels)), things))


def _recompressed(pixels: Image) -> Image:
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "JPEG", quality=40)
    return np.asarray(Pillow.open(buffer), np.uint8)


def _grey(pixels: Image) -> Image:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB).astype(np.uint8)
