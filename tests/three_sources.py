"""A small world for examples/all_together.toml: all its sources, drawn, with a mistake in each."""

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from layers import FACTS, texture, write_jpeg, write_png, write_render

from maskmill.files import write_whole
from maskmill.stitch.simulation import Making, simulate

RECIPE = Path(__file__).resolve().parents[1] / "examples" / "all_together.toml"
HEIGHT, WIDTH = 180, 240
CATEGORIES = [{"id": 1, "name": "person"}, {"id": 17, "name": "cat"}]
EVERY_POINT, WRIST = range(17), (9,)

# Groups of these names are in all three splits, whatever the bytes of the pictures.
PEOPLE = [f"street-{number}" for number in range(10)]
RENDERED = [f"person-{number}" for number in range(9)]
LOST = {
    "three.jpg": "person_count",
    "far.jpg": "too_small",
    "cut-short.jpg": "truncated",
    "cat.jpg": "animal_inside",
    "hand.jpg": "isolated_limb",
    "night.jpg": "dark_foreground",
    "twin.jpg": "duplicate_key",  # the first photograph, byte for byte
}
COPIED = 5  # of test
COPY = "again.jpg"  # the same photograph, compressed once more, and of no group
PRODUCTS = [f"product-{number}" for number in range(4)]
WRONG, UNCLIPPED = "mixed-up", "unclipped"  # a clip of the first product; no clip at all
MISFIT = "misfit"  # its alpha is of another size
OPAQUE = "opaque.png"  # a foreground that hides all
BACKGROUNDS = [f"place-{number:02d}.jpg" for number in range(16)]
HALF = "place-half.jpg"  # ends before its picture does


def write_world(folder: Path) -> Path:
    """Write everything and return the recipe, cut into small partitions."""
    write_people(folder / "coco")
    write_products(folder / "products")
    write_rendered(folder)
    for number, name in enumerate(BACKGROUNDS):
        write_jpeg(folder / "backgrounds" / name, texture(900 + number, 150, 200, scale=25))
    halve(write_jpeg(folder / "backgrounds" / HALF, texture(999, 150, 200)))
    small = re.sub(r"(\.source\]\n)", r"\1samples_per_partition = 4\n", RECIPE.read_text())
    recipe = folder / RECIPE.name
    recipe.write_text(small.replace("\nsize = 512\n", "\nsize = 128\n"))
    return recipe


def write_people(folder: Path) -> None:
    images = folder / "train2017"
    records: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []

    def photograph(
        name: str, picture: Any, outlines: list[Any], points: Any = EVERY_POINT, **facts: Any
    ) -> None:
        write_jpeg(images / name, picture, 85 if name == COPY else 95)
        number = len(records) + 1
        frame = {"id": number, "file_name": name, "height": HEIGHT, "width": WIDTH}
        records.append(frame | facts)
        annotations.extend(
            annotation(len(annotations) + extra, number, outline, points)
            for extra, outline in enumerate(outlines, 1)
        )

    for number, name in enumerate(PEOPLE):
        outlines = [outline(number)]
        if number == 1:  # two people
            outlines = [outline(1, (0.25, 0.5), 0.25), outline(50, (0.75, 0.5), 0.25)]
        photograph(f"{name}.jpg", painted(number, outlines), outlines, group=name)
    photograph(COPY, painted(COPIED, [outline(COPIED)]), [outline(COPIED)])
    three = [outline(20 + at, (0.2 + 0.3 * at, 0.5), 0.2) for at in range(3)]
    photograph("three.jpg", painted(20, three), three)
    photograph("far.jpg", painted(23, [outline(23, size=0.1)]), [outline(23, size=0.1)])
    photograph("cut-short.jpg", painted(24, [outline(24)]), [outline(24)])
    halve(images / "cut-short.jpg")
    cat = outline(26, (0.5, 0.6), 0.12)
    photograph("cat.jpg", painted(25, [outline(25), cat]), [outline(25)])
    annotations.append(annotation(len(annotations) + 1, len(records), cat, (), category=17))
    photograph("hand.jpg", painted(27, [outline(27)]), [outline(27)], WRIST)
    night = (painted(28, [outline(28)]) // 12).astype(np.uint8)
    photograph("night.jpg", night, [outline(28)])
    photograph("twin.jpg", painted(0, [outline(0)]), [outline(0)])

    instances = [{key: one[key] for key in one if "keypoints" not in key} for one in annotations]
    for kind, listed in (("instances", instances), ("person_keypoints", annotations)):
        document = {"images": records, "categories": CATEGORIES, "annotations": listed}
        data = json.dumps(document).encode()
        write_whole(folder / "annotations" / f"{kind}_train2017.json", data)


def write_products(folder: Path) -> None:
    def pair(name: str, number: int, clipped: int | None) -> None:
        write_png(folder / "photographs" / f"{name}.png", product(number)[0])
        if clipped is not None:
            mirrored = number % 4 == 1
            encoding = "png" if number % 2 else "jpeg"
            making = Making(scale=0.8, encoding=encoding, mirrored=mirrored, padding=0.1)
            data = simulate(*product(clipped), making).data
            suffix = "png" if encoding == "png" else "jpg"
            write_whole(folder / "clips" / f"{name}_clip.{suffix}", data)

    for number, name in enumerate(PRODUCTS):
        pair(name, number, number)
    pair(WRONG, 40, 0)
    pair(UNCLIPPED, 41, None)


def product(number: int) -> tuple[Any, Any]:
    """A printed thing on a table: photograph and alpha."""
    alpha = filled([outline(100 + number)], soft=True)
    print_ = texture(200 + number, HEIGHT, WIDTH, scale=8) // 2
    table = texture(300 + number, HEIGHT, WIDTH, scale=12) // 3 + 140
    mixed = alpha[..., None] * print_ + (1 - alpha[..., None]) * table
    return np.rint(mixed).astype(np.uint8), alpha


def write_rendered(folder: Path) -> None:
    for number, name in enumerate([*RENDERED, MISFIT]):
        facts = FACTS | {"name": name, "index": number, "group": name}
        lines = [outline(400 + number)]
        alpha = filled(lines, soft=True)
        rgba = np.dstack([painted(400 + number, lines), np.rint(alpha * 255)]).astype(np.uint8)
        write_render(folder / "renders", name, rgba, facts)
        write_png(folder / "renders" / f"{name}.png", rgba[..., :3])
        if name == MISFIT:
            write_png(folder / "renders" / f"{name}.alpha.png", np.full((60, 80), 9000, np.uint16))
        else:
            write_render(folder / "layers", name, rgba, facts)
    write_png(folder / "layers" / OPAQUE, texture(998))


def outline(seed: int, centre: tuple[float, float] = (0.5, 0.5), size: float = 0.36) -> Any:
    """A closed curve of 60 points, N x 2, x and y in pixels; `size` is a share of the height."""
    rng = np.random.Generator(np.random.Philox(seed))
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    waves = sum(rng.uniform(-0.1, 0.1) * np.cos(k * angle + rng.uniform(0, 6)) for k in range(2, 6))
    radius = size * HEIGHT * (1 + waves)
    middle = np.array(centre) * (WIDTH, HEIGHT)
    return middle + np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def filled(outlines: list[Any], *, soft: bool = False) -> Any:
    """The outlines' alpha, H x W float32: hard, or with an edge of a pixel."""
    factor = 4 if soft else 1
    mask = np.zeros((HEIGHT * factor, WIDTH * factor), np.uint8)
    for one in outlines:
        cv2.fillPoly(mask, [np.rint(one * factor).astype(np.int32)], 1)
    whole = mask.reshape(HEIGHT, factor, WIDTH, factor).mean((1, 3))
    return whole.astype(np.float32)


def painted(seed: int, outlines: list[Any]) -> Any:
    """Somebody of many tones before a place of large patches: H x W x 3 uint8."""
    rng = np.random.Generator(np.random.Philox(seed))
    alpha = filled(outlines)[..., None]
    tones = np.linspace(0.4, 1.0, HEIGHT)[:, None, None] * rng.uniform(120, 240, 3)
    place = texture(600 + seed, HEIGHT, WIDTH, scale=40)
    noise = rng.normal(0, 3, (HEIGHT, WIDTH, 1))
    return np.clip(alpha * tones + (1 - alpha) * place + noise, 0, 255).astype(np.uint8)


def annotation(
    number: int, image: int, line: Any, points: Any, *, category: int = 1
) -> dict[str, Any]:
    low, high = line.min(axis=0), line.max(axis=0)
    middle = line.mean(axis=0)
    keypoints = np.zeros((17, 3))
    keypoints[list(points)] = [*middle, 2]
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "iscrowd": 0,
        "area": float(np.prod(high - low)),
        "bbox": [*low, *(high - low)],
        "segmentation": [line.ravel().round(2).tolist()],
        "keypoints": keypoints.ravel().tolist(),
        "num_keypoints": len(points),
    }


def halve(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
