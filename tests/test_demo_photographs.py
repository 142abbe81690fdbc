"""The demo's embedded source: photographs of the scikit-image wheel, annotated by us."""

import hashlib
import json
import socket
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from maskmill.curate import Coco, PersonFilter
from maskmill.curate.annotations import rle
from maskmill.demo import write_photographs
from maskmill.demo.backdrops import BACKDROPS
from maskmill.demo.scene import Scene, Thing, cut_out, filled, lay, placed, segmentation, window
from maskmill.demo.studio import ROLES
from maskmill.sample import Dropped, Sample

COUNT = 64
SHIPPED = Path(__file__).resolve().parents[1] / "core" / "demo" / "data" / "photographs.json"

Mask = npt.NDArray[np.bool_]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_photographs(tmp_path_factory.mktemp("made"), count=COUNT)


@pytest.fixture(scope="module")
def document(made: tuple[Path, Path]) -> dict[str, Any]:
    return json.loads(made[0].read_bytes())


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    return json.loads(SHIPPED.read_bytes())


def mask_of(annotation: dict[str, Any], image: dict[str, Any]) -> Mask:
    return rle(annotation["segmentation"], image["height"], image["width"]).alpha() > 0


def pairs_of(document: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    images = {image["id"]: image for image in document["images"]}
    return [(annotation, images[annotation["image_id"]]) for annotation in document["annotations"]]


def categories_of(document: dict[str, Any]) -> dict[int, str]:
    return {category["id"]: category["name"] for category in document["categories"]}


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.blake2b(path.read_bytes()).hexdigest()
        for path in files
    }


def test_two_folders_get_the_same_bytes(tmp_path: Path):
    for name in ("one", "two"):
        write_photographs(tmp_path / name, count=24)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_a_picture_depends_on_the_seed_and_its_number_alone(
    made: tuple[Path, Path], tmp_path: Path
):
    _, fewer = write_photographs(tmp_path / "fewer", count=8)
    _, other = write_photographs(tmp_path / "other", count=8, seed=1)
    many, few, others = digests(made[1]), digests(fewer), digests(other)
    assert few.items() <= many.items()
    drawn = {name for name in few if name.endswith(".jpg")}
    assert len(drawn) == 4
    assert not {few[name] for name in drawn} & set(others.values())


def test_nothing_is_done_where_the_set_lies_already(tmp_path: Path):
    annotations, _ = write_photographs(tmp_path, count=6)
    before = annotations.stat().st_mtime_ns
    calls: list[tuple[int, int]] = []
    write_photographs(tmp_path, count=6, progress=lambda done, total: calls.append((done, total)))
    assert calls == []
    assert annotations.stat().st_mtime_ns == before


@pytest.mark.parametrize("lost", ["images/astronaut.png", "annotations.json", "photographs.made"])
def test_a_set_that_lacks_a_file_is_made_again(tmp_path: Path, lost: str):
    write_photographs(tmp_path, count=5)
    whole = digests(tmp_path)
    (tmp_path / lost).unlink()
    write_photographs(tmp_path, count=5)
    assert digests(tmp_path) == whole


def test_another_count_makes_another_set(tmp_path: Path):
    annotations, _ = write_photographs(tmp_path, count=4)
    write_photographs(tmp_path, count=6)
    assert len(json.loads(annotations.read_bytes())["images"]) == 6


def test_progress_is_told_after_each_image(tmp_path: Path):
    calls: list[tuple[int, int]] = []
    write_photographs(tmp_path, count=5, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_fewer_images_than_photographs_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="count must be at least 4, got 3"):
        write_photographs(tmp_path / "none", count=3)
    assert not (tmp_path / "none").exists()


def test_no_network_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    annotations, _ = write_photographs(tmp_path, count=5)
    assert annotations.is_file()


def test_a_scikit_image_without_photographs_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("importlib.resources.files", _files_without_photographs(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"scikit-image must have astronaut\.png"):
        write_photographs(tmp_path / "out", count=4)


def _files_without_photographs(empty: Path) -> Any:
    from importlib.resources import files

    return lambda name: empty if name == "skimage" else files(name)


def test_images_are_as_large_as_their_records_say(
    made: tuple[Path, Path], document: dict[str, Any]
):
    for record in document["images"]:
        picture = cv2.imread(str(made[1] / record["file_name"]), cv2.IMREAD_UNCHANGED)
        assert picture is not None, record["file_name"]
        assert picture.shape[:2] == (record["height"], record["width"])
        assert 256 <= max(picture.shape[:2]) <= 600


def test_photographs_come_as_they_are(made: tuple[Path, Path]):
    import skimage.data

    grey = cv2.imread(str(made[1] / "camera.png"), cv2.IMREAD_UNCHANGED)
    colour = cv2.imread(str(made[1] / "astronaut.png"), cv2.IMREAD_UNCHANGED)
    assert grey is not None
    assert colour is not None
    assert np.array_equal(grey, skimage.data.camera())
    assert np.array_equal(colour[..., ::-1], skimage.data.astronaut())


def test_ids_are_unique_and_known(document: dict[str, Any]):
    for name in ("images", "annotations", "licenses", "categories"):
        ids = [record["id"] for record in document[name]]
        assert len(set(ids)) == len(ids), name
    images = {record["id"] for record in document["images"]}
    assert {a["image_id"] for a in document["annotations"]} <= images
    assert {a["category_id"] for a in document["annotations"]} <= set(categories_of(document))


def test_area_and_box_are_those_of_the_segmentation(document: dict[str, Any]):
    for annotation, image in pairs_of(document):
        mask = mask_of(annotation, image)
        assert annotation["area"] == mask.sum() > 0
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        x, y, width, height = annotation["bbox"]
        box = np.array([x, y, x + width, y + height])
        drawn = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
        assert np.abs(box - drawn).max() <= 1.5, (image["file_name"], box, drawn)


def test_outlines_stay_inside_the_frame(document: dict[str, Any]):
    for annotation, image in pairs_of(document):
        if isinstance(annotation["segmentation"], list):
            for polygon in annotation["segmentation"]:
                assert len(polygon) >= 6
                assert len(polygon) % 2 == 0
                points = np.reshape(polygon, (-1, 2))
                assert points.min() >= 0
                assert (points <= [image["width"], image["height"]]).all()


def test_every_form_of_segmentation_appears(document: dict[str, Any]):
    forms = Counter(
        "polygons" if isinstance(s, list) else type(s["counts"]).__name__
        for s in (annotation["segmentation"] for annotation in document["annotations"])
    )
    assert set(forms) == {"polygons", "list", "str"}


def test_what_stands_in_front_is_not_annotated_twice(document: dict[str, Any]):
    by_image: dict[int, list[Mask]] = {}
    for annotation, image in pairs_of(document):
        by_image.setdefault(image["id"], []).append(mask_of(annotation, image))
    for number, found in by_image.items():
        total = np.sum(found, axis=0)
        # Outlines are rounded to a tenth of a pixel: two of them may share pixels of an edge.
        assert (total > 1).sum() <= 0.004 * total.size, number


def test_every_reason_of_the_filter_appears_and_most_pass(made: tuple[Path, Path]):
    source = Coco(str(made[0]), images=str(made[1]))
    found = Counter(
        result.reason if isinstance(result, Dropped) else "kept"
        for part in source.plan([PersonFilter(persons=(1, 2), coverage=(0.2, 0.7))])
        for result in source.read(part)
    )
    assert set(found) == {"kept", "crowd", "person_count", "too_small", "too_large"}
    assert 0.65 <= found["kept"] / COUNT <= 0.8


def test_the_door_makes_one_colour_picture_of_the_grey_photograph(made: tuple[Path, Path]):
    source = Coco(str(made[0]), images=str(made[1]))
    results = [result for part in source.plan([]) for result in source.read(part)]
    samples = [result for result in results if isinstance(result, Sample)]
    assert len(samples) == len(results)
    grey = [sample.origin for sample in samples if "was_grey" in sample.tags]
    assert grey == ["camera.png#2"]


def test_every_image_has_a_licence_that_names_all_its_photographs(document: dict[str, Any]):
    licences = {licence["id"]: licence for licence in document["licenses"]}
    for image in document["images"]:
        licence = licences[image["license"]]
        assert licence["name"]
        for photograph in image["photographs"]:
            assert f"(docstring of skimage.data.{photograph})" in licence["source"]


def test_images_of_one_photograph_share_a_group(document: dict[str, Any]):
    for image in document["images"]:
        assert image["group"].split("-")[0] in image["photographs"]
    parts = {backdrop.group for backdrop in BACKDROPS}
    crops = {role.photograph for role in ROLES if role.photograph}
    assert crops <= parts  # a backdrop from the photograph that is cropped, too


def test_parts_of_a_photograph_share_no_pixel(shipped: dict[str, Any]):
    for image in shipped["images"]:
        size = np.array([image["width"], image["height"]] * 2)
        taken: dict[str, Mask] = {}
        for backdrop in BACKDROPS:
            if backdrop.photograph == image["photograph"]:
                left, top, right, bottom = np.rint(np.multiply(backdrop.box, size)).astype(int)
                mask = taken.setdefault(
                    backdrop.group, np.zeros((image["height"], image["width"]), bool)
                )
                mask[top:bottom, left:right] = True
        if taken:
            assert np.sum(list(taken.values()), axis=0).max() == 1, image["photograph"]


def test_backdrops_show_nothing_that_is_annotated(shipped: dict[str, Any]):
    images = {image["photograph"]: image for image in shipped["images"]}
    for backdrop in BACKDROPS:
        image = images[backdrop.photograph]
        size = [image["width"], image["height"]] * 2
        left, top, right, bottom = np.rint(np.multiply(backdrop.box, size)).astype(int)
        for annotation in shipped["annotations"]:
            if annotation["image_id"] == image["id"]:
                shown = mask_of(annotation, image)[top:bottom, left:right]
                assert not shown.any(), (backdrop.photograph, annotation["id"])


def test_shipped_outlines_belong_to_the_photographs_of_the_wheel(shipped: dict[str, Any]):
    import skimage.data

    for image in shipped["images"]:
        pixels = getattr(skimage.data, image["photograph"])()
        assert pixels.shape[:2] == (image["height"], image["width"]), image["photograph"]
        assert (Path(skimage.data.__file__).parent / image["file_name"]).is_file()


def test_shipped_outlines_are_valid_and_apart(shipped: dict[str, Any]):
    by_image: dict[int, list[Mask]] = {}
    for annotation, image in pairs_of(shipped):
        mask = mask_of(annotation, image)
        assert annotation["iscrowd"] == 0
        assert annotation["area"] == mask.sum() > 0
        by_image.setdefault(image["id"], []).append(mask)
    for found in by_image.values():
        assert (np.sum(found, axis=0) > 1).sum() < 40


def test_shipped_outlines_follow_edges(shipped: dict[str, Any]):
    """The colour changes more across the outlines than across the same ones shifted by 6 px."""
    import skimage.data

    categories = categories_of(shipped)
    for annotation, image in pairs_of(shipped):
        if categories[annotation["category_id"]] not in ("person", "cup", "helmet"):
            continue
        pixels = getattr(skimage.data, image["photograph"])().astype(np.float32)
        pixels = pixels if pixels.ndim == 2 else pixels.mean(2)
        steps = np.hypot(*np.gradient(cv2.GaussianBlur(pixels, (0, 0), 1)))
        mask = mask_of(annotation, image).astype(np.uint8)
        inner = np.zeros_like(mask)
        inner[8:-8, 8:-8] = 1  # the frame's edge is none of the thing's
        edges = {
            shift: cv2.morphologyEx(
                np.roll(mask, (shift, shift), (0, 1)),
                cv2.MORPH_GRADIENT,
                np.ones((3, 3), np.uint8),
            )
            for shift in (-6, 0, 6)
        }
        sharp = {shift: steps[(edge > 0) & (inner > 0)].mean() for shift, edge in edges.items()}
        assert sharp[0] > 1.8 * max(sharp[-6], sharp[6]), (image["photograph"], annotation["id"])


def test_every_shipped_photograph_has_a_licence_of_its_own(shipped: dict[str, Any]):
    licences = {licence["id"]: licence for licence in shipped["licenses"]}
    assert sorted(image["license"] for image in shipped["images"]) == sorted(licences)
    for image in shipped["images"]:
        licence = licences[image["license"]]
        assert "public domain" in licence["source"].lower() or any(
            word in licence["source"] for word in ("CC0", "no known copyright restrictions")
        )


def test_photographs_of_unclear_licence_are_not_used(shipped: dict[str, Any]):
    used = {image["photograph"] for image in shipped["images"]}
    assert not used & {"stereo_motorcycle", "moon", "page", "rocket"}


def square(size: int, low: int, high: int) -> Scene:
    pixels = np.full((size, size, 3), 40, np.uint8)
    pixels[low:high, low:high] = (200, 30, 30)
    outline = [[low, low, high, low, high, high, low, high]]
    return Scene(pixels, (Thing("person", filled(outline, (size, size))),))


def test_a_cut_out_brings_no_background_along():
    cutout = cut_out(square(60, 20, 40), 0.6, ())
    scene = lay(Scene(np.full((60, 60, 3), 220, np.uint8)), cutout, np.eye(3)[:2])
    # Where a halo of the old dark background would be, red and green lie between new and inside.
    edge = scene.pixels[18:42, 18:42].reshape(-1, 3).astype(int)
    assert edge[:, 0].min() >= 195
    assert edge[:, 1].min() >= 25


def test_a_later_layer_hides_an_earlier_one():
    scene = square(60, 10, 50)
    cutout = cut_out(square(60, 20, 40), 0.5, ())
    behind, front = lay(scene, cutout, np.eye(3)[:2]).things
    assert (behind.amount >= 0.5).sum() == pytest.approx(40**2 - 20**2, rel=0.02)
    assert (front.amount >= 0.5).sum() == pytest.approx(20**2, rel=0.02)
    form, _, _ = segmentation(behind.amount, "polygons")
    assert isinstance(form, dict), "a thing with a hole has no polygons"


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("turn", [-3.0, 0.0, 3.0])
def test_severed_sides_stay_outside_the_picture(flip: bool, turn: float):
    outline = [[0, 30, 50, 30, 50, 80, 0, 80]]
    scene = Scene(np.zeros((80, 80, 3), np.uint8), (Thing("person", filled(outline, (80, 80))),))
    cutout = cut_out(scene, 0.5, ("left", "bottom"))
    matrix = placed(cutout, (100, 120), scale=1.2, turn=turn, flip=flip, across=0.1, down=0.1)
    for y in (30, 80):
        x = (matrix @ [0, y, 1])[0]
        assert x >= 120 if flip else x <= 0
    for x in (0, 50):
        assert (matrix @ [x, 80, 1])[1] >= 100


def test_placement_counts_from_pixel_edges():
    cutout = cut_out(square(60, 20, 40), 0.5, ())
    matrix = placed(cutout, (90, 120), scale=1.5, across=0.5, down=0.5)
    assert (matrix @ [20, 20, 1]).tolist() == [45, 30]
    laid = lay(Scene(np.zeros((90, 120, 3), np.uint8)), cutout, matrix).things[0].amount
    rows, columns = np.flatnonzero(laid[:, 60] >= 0.5), np.flatnonzero(laid[45] >= 0.5)
    assert (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1) == (30, 60, 45, 75)


def test_a_window_carries_the_things_along():
    scene = window(square(60, 20, 40), (10, 10, 50, 50), (80, 80), flip=True)
    mask = scene.things[0].amount >= 0.5
    assert scene.size == (80, 80)
    assert mask.sum() == pytest.approx(40 * 40, rel=0.06)
    assert mask[20:60, 20:60].mean() > 0.98


def test_outlines_say_what_the_mask_says():
    outline = [[5.2, 4.7, 30.4, 9.1, 25.8, 33.3, 8.9, 28.6]]
    amount = filled(outline, (40, 50))
    polygons, area, _ = segmentation(amount, "polygons")
    runs, same, _ = segmentation(amount, "rle")
    assert area == pytest.approx(same, rel=0.02)
    drawn, exact = rle(polygons, 40, 50).alpha() > 0, amount >= 0.5
    assert (drawn & exact).sum() / (drawn | exact).sum() > 0.98
    assert np.array_equal(rle(runs, 40, 50).alpha() > 0, exact)
    compressed, _, _ = segmentation(amount, "compressed")
    assert np.array_equal(rle(compressed, 40, 50).alpha() > 0, exact)
