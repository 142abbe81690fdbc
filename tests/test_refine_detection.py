from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from maskmill.images import Alpha, Image
from maskmill.refine.degradation import KINDS, degrade
from maskmill.refine.detection import DEFECTS, Defects, defects


def pair(
    seed: int = 0, long: int = 640, windows: int = 0, soft: float = 0.8
) -> tuple[Image, Alpha]:
    """A wavy thing with a rough skin before a wall, and windows in it that show the wall."""
    random = np.random.default_rng(seed)
    height, width = long * 3 // 4, long
    angles = np.linspace(0, 2 * np.pi, 600, endpoint=False)
    waves = random.normal(0, 0.02, 24)
    phases = random.uniform(0, 2 * np.pi, 24)
    distance = 1 + sum(
        a * np.cos(k * angles + p) for k, (a, p) in enumerate(zip(waves, phases, strict=True), 2)
    )
    unit = np.stack([np.cos(angles), np.sin(angles)], 1) * np.asarray(distance)[:, None]
    points = np.rint((unit * 0.35 * height + [width / 2, height / 2]) * 16).astype(np.int32)
    solid = np.zeros((height, width), np.uint8)
    cv2.fillPoly(solid, [points], 255, shift=4, lineType=cv2.LINE_AA)
    for number in range(windows):
        centre = (width // 2 + (number - 1) * long // 10, height // 2)
        cv2.circle(solid, centre, long // 40, 0, -1, cv2.LINE_AA)
    alpha = cv2.GaussianBlur(solid.astype(np.float32) / 255, (0, 0), soft)
    alpha = np.clip(alpha, 0, 1).astype(np.float32)
    skin, wall = texture(random, (height, width), 60), texture(random, (height, width), 150)
    mixed = skin * alpha[..., None] + wall * (1 - alpha[..., None])
    return np.rint(mixed).astype(np.uint8), alpha


def texture(
    random: np.random.Generator, size: tuple[int, int], level: float
) -> npt.NDArray[np.float64]:
    rough = random.normal(0, 1, (*size, 3))
    rough = 25 * cv2.GaussianBlur(rough, (0, 0), max(size) / 200) + 3 * rough
    return np.clip(rough + level, 0, 255)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_found_in_a_good_mask(seed: int) -> None:
    image, alpha = pair(seed)
    assert defects(alpha, image).found == ()


def test_nothing_is_found_in_a_good_mask_made_hard() -> None:
    image, alpha = pair()
    assert defects((alpha >= 0.5).astype(np.float32), image).found == ()


def test_a_hole_that_shows_the_background_is_no_defect() -> None:
    image, alpha = pair(windows=3)
    found = defects(alpha, image)
    assert (found.found, found.measures["holes"]) == ((), 0)


def test_a_second_thing_with_its_own_edge_is_no_island() -> None:
    image, alpha = pair()
    second = cv2.circle(np.zeros(alpha.shape, np.float32), (60, 60), 25, 1.0, -1)
    image = np.where(second[..., None] > 0, np.uint8([200, 30, 60]), image)
    assert defects(np.maximum(alpha, second), image.astype(np.uint8)).found == ()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("holes", {"hole"}),
        ("islands", {"island"}),
        ("speckle", {"speckle"}),
        ("polygon", {"polygon"}),
        ("stairs", {"stairs"}),
        ("net320", {"low_resolution"}),
        ("net128", {"low_resolution"}),
        ("mixed", {"hole", "island", "speckle", "low_resolution"}),
        ("halo", {"halo"}),
        ("bitten", {"halo"}),
    ],
)
@pytest.mark.parametrize("long", [640, 1400])
def test_a_defect_is_found_by_its_name_and_nothing_else_is(
    kind: str, expected: set[str], long: int
) -> None:
    image, alpha = pair(3, long)
    assert set(defects(degrade(alpha, kind, seed=1), image).found) == expected


def test_every_way_to_spoil_a_mask_is_tried_above() -> None:
    marks: Callable[..., None] = test_a_defect_is_found_by_its_name_and_nothing_else_is
    listed = next(mark for mark in marks.pytestmark if "kind" in mark.args[0])  # pyright: ignore
    assert {kind for kind, _ in listed.args[1]} == set(KINDS)  # pyright: ignore


def test_what_has_right_angles_itself_is_neither_stairs_nor_a_polygon() -> None:
    image, _ = pair()
    alpha = np.zeros(image.shape[:2], np.float32)
    for x in (150, 250, 350):
        alpha[100:380, x : x + 60] = 1
        image[100:380, x : x + 60] = (210, 80, 20)
    alpha[200:240, 150:410] = 1
    image[200:240, 150:410] = (210, 80, 20)
    assert defects(alpha, image).found == ()


def test_the_surest_defect_comes_first() -> None:
    image, alpha = pair()
    found = defects(degrade(alpha, "mixed", seed=4), image)
    scores = [found.scores[name] for name in found.found]
    assert scores == sorted(scores, reverse=True)


def test_a_region_is_where_the_hole_was_cut() -> None:
    image, alpha = pair(long=1600)
    alpha[500:560, 760:840] = 0
    [region] = defects(alpha, image).regions
    box = np.array([region.x, region.y, region.width, region.height])
    assert region.kind == "hole"
    assert np.abs(box - [760, 500, 80, 60]).max() <= 4


def test_other_defects_are_marked_by_the_box_of_the_object() -> None:
    image, alpha = pair()
    [region] = defects(degrade(alpha, "stairs"), image).regions
    x, y, width, height = cv2.boundingRect((alpha >= 0.5).astype(np.uint8))
    near = np.array([region.x, region.y, region.width, region.height]) - [x, y, width, height]
    assert region.kind == "stairs"
    assert np.abs(near).max() <= 10


@pytest.mark.parametrize(("kind", "sign"), [("halo", -1), ("bitten", 1)])
def test_the_offset_tells_to_which_side_and_how_far_in_the_alphas_own_pixels(
    kind: str, sign: int
) -> None:
    image, alpha = pair(long=1600)
    offset = defects(degrade(alpha, kind), image).measures["edge_offset"]
    assert sign * offset == pytest.approx(12, abs=2.5)


@pytest.mark.parametrize(("kind", "side"), [("stairs", 128), ("net128", 128), ("net320", 320)])
def test_the_size_of_the_map_that_was_enlarged_is_told(kind: str, side: int) -> None:
    image, alpha = pair(long=1600)
    measures = defects(degrade(alpha, kind), image).measures
    assert measures["network_side"] == pytest.approx(side, rel=0.2)


def test_how_far_a_polygon_strays_grows_with_its_tolerance() -> None:
    image, alpha = pair(long=1000)
    outlines, _ = cv2.findContours(
        (alpha >= 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )

    def strays(tolerance: float) -> float:
        drawn = np.zeros(alpha.shape, np.uint8)
        cv2.fillPoly(drawn, [cv2.approxPolyDP(outlines[0], tolerance, True)], 1)
        return defects(drawn.astype(np.float32), image).measures["deviation"]

    assert 0.6 < strays(4) / 4 < 1.6
    assert strays(4) < strays(8) < strays(16)


def test_the_numbers_hardly_depend_on_the_size() -> None:
    image, alpha = pair(long=1600)
    spoilt = degrade(alpha, "holes", seed=2)
    large = defects(spoilt, image)
    small = defects(
        np.clip(cv2.resize(spoilt, (800, 600), interpolation=cv2.INTER_AREA), 0, 1),
        cv2.resize(image, (800, 600), interpolation=cv2.INTER_AREA).astype(np.uint8),
    )
    assert large.found == small.found == ("hole",)
    assert large.measures["holes"] == small.measures["holes"]
    assert large.measures["hole_area"] == pytest.approx(small.measures["hole_area"], rel=0.1)


def test_the_same_is_found_every_time_and_nothing_is_changed() -> None:
    image, alpha = pair()
    spoilt = degrade(alpha, "mixed", seed=9)
    spoilt.setflags(write=False)
    image.setflags(write=False)

    def told(of: Defects) -> tuple[dict[str, float], dict[str, float], object]:
        return dict(of.scores), dict(of.measures), of.regions

    assert told(defects(spoilt, image)) == told(defects(spoilt, image))


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (90, 1), (60, 80)])
def test_a_mask_without_an_outline_has_no_defect(value: float, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    found = defects(np.full(shape, value, np.float32), image)
    assert found.found == ()
    assert set(found.scores) == set(DEFECTS)


def test_a_mask_of_noise_is_speckle() -> None:
    random = np.random.default_rng(0)
    alpha = (random.random((200, 300)) < 0.5).astype(np.float32)
    image = random.integers(0, 256, (200, 300, 3)).astype(np.uint8)
    assert "speckle" in defects(alpha, image).found


@pytest.mark.parametrize(
    ("alpha", "image"),
    [
        (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.uint8)),
        (np.zeros((4, 4), np.float64), np.zeros((4, 4, 3), np.uint8)),
        (np.full((4, 4), np.nan, np.float32), np.zeros((4, 4, 3), np.uint8)),
        (np.full((4, 4), 1.5, np.float32), np.zeros((4, 4, 3), np.uint8)),
        (np.zeros((4, 4, 1), np.float32), np.zeros((4, 4, 3), np.uint8)),
        (np.zeros((0, 4), np.float32), np.zeros((0, 4, 3), np.uint8)),
        (np.zeros((4, 4), np.float32), np.zeros((4, 4, 4), np.uint8)),
        (np.zeros((4, 4), np.float32), np.zeros((4, 5, 3), np.uint8)),
        (np.zeros((4, 4), np.float32), np.zeros((4, 4, 3), np.uint16)),
        (np.zeros((4, 4), np.float32), np.zeros((4, 4), np.uint8)),
    ],
)
def test_other_arrays_are_refused(alpha: Alpha, image: Image) -> None:
    with pytest.raises(ValueError, match=r"^(alpha|image) must be|^alpha must lie"):
        defects(alpha, image)
