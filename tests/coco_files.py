"""Small COCO files made by hand or at random, and what they must lead to."""

import json
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import settings
from hypothesis import strategies as st
from pycocotools import mask as pycocotools

from maskmill.curate.annotations import Annotation

Record = dict[str, Any]
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
CATEGORIES: list[Any] = [
    {"id": 1, "name": "person", "supercategory": "person"},
    {"id": 17, "name": "cat", "supercategory": "animal"},
]
SIDE = 10
examples = settings(deadline=None, database=None, derandomize=True, max_examples=60)
masks: Any = pycocotools  # its stubs know no uncompressed run lengths


def image(number: Any, **facts: Any) -> Record:
    """A frame of 10 x 10."""
    return {"id": number, "file_name": f"{number}.png", "height": SIDE, "width": SIDE} | facts


def strip(columns: float = 5, left: float = 0) -> list[list[float]]:
    """An outline of `columns` tenths of a frame of 10 x 10."""
    right = left + columns
    return [[left, 0, right, 0, right, SIDE, left, SIDE]]


def person(image_id: Any, segmentation: Any = None, number: Any = 1, **facts: Any) -> Record:
    """A person of half the frame, or of another segmentation."""
    outline = strip() if segmentation is None else segmentation
    record = {"id": number, "image_id": image_id, "category_id": 1, "iscrowd": 0}
    return record | {"segmentation": outline} | facts


def document(images: list[Any], annotations: list[Any], **rest: Any) -> Record:
    """A file with two categories, members in COCO's order."""
    return {"images": images, "annotations": annotations, "categories": CATEGORIES} | rest


def write(path: Path, content: object, **style: Any) -> Path:
    """Write a document down; text and bytes as they are."""
    if not isinstance(content, str | bytes):
        content = json.dumps(content, **style)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def facts_of(table: pa.Table) -> Record:
    """What a table of `select_people` says of its file."""
    return json.loads(table.schema.metadata[b"maskmill"])


def faults_of(table: pa.Table) -> Record:
    return facts_of(table)["faults"]


def reasons(table: pa.Table) -> dict[Any, str | None]:
    return dict(zip(table["image_id"].to_pylist(), table["reason"].to_pylist(), strict=True))


def kept(table: pa.Table) -> list[Any]:
    rows = zip(table["image_id"].to_pylist(), table["keep"].to_pylist(), strict=True)
    return [number for number, keep in rows if keep]


def annotations_by_image(content: Record) -> dict[Any, list[Annotation]]:
    """The annotations of a sound document, without the code that reads files."""
    names = {record["id"]: record["name"] for record in content["categories"]}
    found: dict[Any, list[Annotation]] = defaultdict(list)
    for one in content["annotations"]:
        crowd = bool(one.get("iscrowd", 0))
        category = names.get(one["category_id"], "")
        found[one["image_id"]].append(
            Annotation(one.get("id"), category, crowd, one.get("segmentation"))
        )
    return found


def oracle(segmentations: list[Any], height: int, width: int, area: str = "union") -> float:
    """Coverage as users of pycocotools compute it: decoded masks, pixel by pixel."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pycocotools' own, with NumPy 2
        decoded = [_decoded(segmentation, height, width) for segmentation in segmentations]
    stack = np.array(decoded, np.bool_).reshape(-1, height, width)
    pixels = stack.any(axis=0).sum() if area == "union" else stack.sum()
    return float(pixels) / (height * width)


def _decoded(segmentation: Any, height: int, width: int) -> Any:
    if isinstance(segmentation, dict) and isinstance(segmentation["counts"], str):
        return masks.decode(segmentation)
    made = masks.frPyObjects(segmentation, height, width)
    return masks.decode(masks.merge(made) if isinstance(made, list) else made)


def run_lengths(pixels: list[bool], height: int, width: int) -> Record:
    """Uncompressed run lengths of pixels column by column."""
    counts, inside = [0], False
    for pixel in pixels:
        if pixel != inside:
            counts.append(0)
            inside = pixel
        counts[-1] += 1
    return {"size": [height, width], "counts": counts}


def polygons(height: int, width: int) -> st.SearchStrategy[list[list[float]]]:
    """Any outlines: crossing themselves, partly or wholly outside, of no area."""
    reach = max(height, width)
    inner = st.integers(-2, reach + 2) | st.floats(-2, reach + 2, width=32)
    outer = st.floats(-3 * reach, 4 * reach, width=32)
    points = st.lists(st.tuples(inner | outer, inner | outer), min_size=3, max_size=7)
    flat = points.map(lambda pairs: [number for pair in pairs for number in pair])
    return st.lists(flat, min_size=1, max_size=3)


def segmentations(height: int, width: int) -> st.SearchStrategy[Any]:
    """Polygons and run lengths, compressed or not."""
    pixels = st.lists(st.booleans(), min_size=height * width, max_size=height * width)
    runs = pixels.map(lambda values: run_lengths(values, height, width))
    return polygons(height, width) | runs | runs.map(compressed)


def compressed(runs: Record) -> Record:
    made = masks.frPyObjects(runs, *runs["size"])
    return runs | {"counts": made["counts"].decode()}


BROKEN: list[Any] = [None, [], [[1, 2, 3, 4]], [[1, 2, 3, 4, 5, 6, 7]], [1, 2, 3, 4, 5, 6], "x", 7]


@st.composite
def documents(draw: st.DrawFn, *, sound: bool = False) -> Record:
    """A few frames with persons, crowds and cats; some of their masks are none unless `sound`."""
    images: list[Record] = []
    annotations: list[Record] = []
    for number in range(1, draw(st.integers(0, 4)) + 1):
        height, width = draw(st.integers(1, 12)), draw(st.integers(1, 12))
        images.append(image(number, height=height, width=width))
        shape = segmentations(height, width)
        if not sound:
            shape = shape | st.sampled_from(BROKEN)
        for _ in range(draw(st.integers(0, 4))):
            one = person(number, draw(shape), len(annotations) + 1)
            if one["segmentation"] is None:
                del one["segmentation"]
            one["iscrowd"] = int(draw(st.integers(0, 3)) == 0)
            one["category_id"] = draw(st.sampled_from([1, 1, 1, 17]))
            annotations.append(one)
    return document(images, draw(st.permutations(annotations)))
