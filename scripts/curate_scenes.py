"""Annotated pictures for the documentation, made of the photographs inside the scikit-image wheel.

The outlines are those of the demo, drawn by us; so are the keypoints below. Whatever a picture is
to show is done to the scene and its things, and written down as a COCO file like any other.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.demo.backdrops import BACKDROPS, Backdrop, backdrop_scene
from maskmill.demo.photographs import write_photographs
from maskmill.demo.scene import (
    Cutout,
    Scene,
    Thing,
    cut_out,
    filled,
    lay,
    placed,
    segmentation,
    window,
)
from maskmill.images import Image, decode_image, encode_image

Points = npt.NDArray[np.float64]

# COCO's order: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles; left before right,
# x and y in pixels of the photograph.
_KEYPOINTS: Mapping[str, Mapping[int, tuple[float, float]]] = {
    "astronaut": {
        0: (224, 121),
        1: (246, 103),
        2: (202, 101),
        3: (271, 131),
        4: (178, 126),
        5: (335, 265),
        6: (85, 265),
        8: (40, 440),
        10: (150, 500),
    },
    # He stands in profile: of his face one side is seen.
    "camera": {
        0: (251, 163),
        2: (237, 146),
        4: (188, 140),
        6: (75, 190),
        7: (245, 305),
        8: (50, 320),
        9: (285, 230),
        10: (190, 235),
        11: (110, 380),
        12: (40, 380),
    },
}
# The sides where the frame cuts things off, and how soft their edges are in pixels; see `Cutout`.
_SEVERED = {
    "astronaut": (0.6, ("bottom",)),
    "camera": (0.5, ("left", "bottom")),
    "chelsea": (1.6, ("left", "top", "bottom")),
    "coffee": (0.5, ()),
}
_POINTS = 17


@dataclass(frozen=True, eq=False)
class Shot:
    """A picture with its things and the keypoints of its persons.

    Parameters
    ----------
    scene : Scene
    points : tuple of ndarray, 17 x 3, or None
        For each thing that is a person, in order: x, y and visibility; None where nobody set any.
    written : mapping of int to object
        Segmentations, by the thing's place, that stand in the file instead of its outline.
    split : str, optional
        The split that the file has decided on.
    """

    scene: Scene
    points: tuple[Points | None, ...] = ()
    written: Mapping[int, object] = field(default_factory=dict[int, object])
    split: str | None = None

    def with_pixels(self, pixels: Image) -> "Shot":
        """Return the same things in other pixels."""
        return replace(self, scene=replace(self.scene, pixels=pixels))

    def with_person(self, change: Callable[[Thing], Thing]) -> "Shot":
        """Return the shot with its person, who is the first thing, annotated otherwise."""
        first, *rest = self.scene.things
        return replace(self, scene=replace(self.scene, things=(change(first), *rest)))

    def without(self, *categories: str) -> "Shot":
        """Return the shot without annotations of these categories; the pixels stay."""
        things = tuple(t for t in self.scene.things if t.category not in categories)
        return replace(self, scene=replace(self.scene, things=things))

    def with_things(self, *things: Thing) -> "Shot":
        """Return the shot with further things annotated."""
        return replace(self, scene=replace(self.scene, things=(*self.scene.things, *things)))

    def cropped(self, left: int, top: int, right: int, bottom: int, zoom: float = 1.0) -> "Shot":
        """Return a window of the shot; keypoints beyond it are gone, as an annotator has none."""
        size = (round((bottom - top) * zoom), round((right - left) * zoom))
        scene = window(self.scene, (left, top, right, bottom), size)
        moved = (_moved(points, zoom, (-left * zoom, -top * zoom), size) for points in self.points)
        return replace(self, scene=scene, points=tuple(moved))


class Photographs:
    """The annotated photographs, and what can be cut out of them."""

    def __init__(self, folder: Path) -> None:
        annotations, images = write_photographs(folder, count=4)
        document = json.loads(annotations.read_bytes())
        names = {record["id"]: record["name"] for record in document["categories"]}
        self.categories: list[dict[str, Any]] = document["categories"]
        self._scenes: dict[str, Scene] = {}
        for record in document["images"]:
            pixels = decode_image((images / record["file_name"]).read_bytes())
            size = (record["height"], record["width"])
            self._scenes[Path(record["file_name"]).stem] = Scene(
                pixels,
                tuple(
                    Thing(names[a["category_id"]], filled(a["segmentation"], size))
                    for a in document["annotations"]
                    if a["image_id"] == record["id"]
                ),
            )

    def shot(self, name: str) -> Shot:
        """Return a photograph as it is."""
        points = (_points(name),) if name in _KEYPOINTS else ()
        return Shot(self._scenes[name], points)

    def cutout(self, name: str, *categories: str) -> Cutout:
        """Return the things of a photograph, or those of some categories, cut out together."""
        scene = self._scenes[name]
        if categories:
            things = tuple(thing for thing in scene.things if thing.category in categories)
            scene = replace(scene, things=things)
        return cut_out(scene, *_SEVERED[name])

    def backdrop(self, group: str, size: tuple[int, int], seed: int = 0) -> Shot:
        """Return a picture of `size` (height, width) without anybody: one of the demo's backdrops.

        Parameters
        ----------
        group : str
            Its name there.
        size : (int, int)
        seed : int
            Which part of the photograph.
        """
        chosen = next(backdrop for backdrop in BACKDROPS if backdrop.group == group)
        rng = np.random.default_rng(seed)
        return Shot(backdrop_scene(rng, chosen, self._photograph(chosen), size))

    def laid(self, shot: Shot, name: str, *categories: str, **place: Any) -> Shot:
        """Lay things of a photograph over a shot; see `maskmill.demo.scene.placed`."""
        cutout = self.cutout(name, *categories)
        matrix = placed(cutout, shot.scene.size, **place)
        scene = lay(shot.scene, cutout, matrix, shade=0.4)
        points: tuple[Points | None, ...] = ()
        if name in _KEYPOINTS:
            own = _points(name)
            own[:, :2] = own[:, :2] @ matrix[:, :2].T + matrix[:, 2]
            points = (_moved(own, 1.0, (0.0, 0.0), scene.size),)
        return replace(shot, scene=scene, points=(*shot.points, *points))

    def _photograph(self, backdrop: Backdrop) -> Image:
        if backdrop.photograph in self._scenes:
            return self._scenes[backdrop.photograph].pixels
        import skimage.data

        pixels = getattr(skimage.data, backdrop.photograph)()
        if pixels.ndim == 2:
            pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
        return np.ascontiguousarray(pixels, np.uint8)


def write_coco(
    folder: Path, shots: Mapping[str, Shot], categories: list[dict[str, Any]]
) -> tuple[Path, Path]:
    """Write shots as a COCO folder; return the annotation file and the folder of its images."""
    images = folder / "images"
    images.mkdir(parents=True)
    named = {thing.category for shot in shots.values() for thing in shot.scene.things}
    known = {record["name"]: record for record in categories}
    first = 1 + max(record["id"] for record in categories)
    for number, name in enumerate(sorted(named - known.keys())):
        known[name] = {"id": first + number, "name": name, "supercategory": ""}
    records: list[dict[str, Any]] = []
    objects: list[dict[str, Any]] = []
    for name, shot in shots.items():
        (images / f"{name}.png").write_bytes(encode_image(shot.scene.pixels))
        height, width = shot.scene.size
        number = len(records) + 1
        record = {"id": number, "file_name": f"{name}.png", "height": height, "width": width}
        records.append(record if shot.split is None else {**record, "split": shot.split})
        points = iter(shot.points)
        for place, thing in enumerate(shot.scene.things):
            outline, area, box = segmentation(thing.amount, "rle" if thing.crowd else "polygons")
            one = {
                "id": len(objects) + 1,
                "image_id": number,
                "category_id": known[thing.category]["id"],
                "iscrowd": int(thing.crowd),
                "segmentation": shot.written.get(place, outline),
                "area": area,
                "bbox": box,
            }
            own = next(points, None) if thing.category == "person" and not thing.crowd else None
            if own is not None:
                one["keypoints"] = own.round(1).ravel().tolist()
                one["num_keypoints"] = int((own[:, 2] > 0).sum())
            objects.append(one)
    document = {"images": records, "annotations": objects, "categories": list(known.values())}
    annotations = folder / "annotations.json"
    annotations.write_text(json.dumps(document))
    return annotations, images


def _points(name: str) -> Points:
    points = np.zeros((_POINTS, 3))
    for place, (x, y) in _KEYPOINTS[name].items():
        points[place] = x, y, 2
    return points


def _moved(
    points: Points | None, zoom: float, shift: tuple[float, float], size: tuple[int, int]
) -> Points | None:
    """Scale and shift keypoints; those outside the frame of `size` (height, width) are gone."""
    if points is None:
        return None
    moved = points.copy()
    moved[:, :2] = moved[:, :2] * zoom + shift
    x, y, visibility = moved.T
    gone = (visibility == 0) | (x < 0) | (y < 0) | (x >= size[1]) | (y >= size[0])
    moved[gone] = 0
    return moved
