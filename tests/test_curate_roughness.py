"""What the roughness of a mask's boundary promises, on pictures whose true boundary is known."""

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskmill.curate.annotations import rle, union
from maskmill.curate.roughness import Roughness, roughness
from maskmill.demo.photographs import write_photographs
from maskmill.images import Alpha, Image, decode_image
from maskmill.metrics import iou
from maskmill.sample import Dropped, Sample

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def ellipse(size: float = 1.0, shift: float = 0.0) -> Alpha:
    mask = np.zeros((480, 640), np.uint8)
    axes = (round(200 * size), round(150 * size))
    cv2.ellipse(mask, (320 + round(shift), 240), axes, 20, 0, 360, 1, -1)
    return mask.astype(np.float32)


def ring(inner: int) -> Alpha:
    mask = np.zeros((480, 640), np.uint8)
    cv2.circle(mask, (320, 240), 180, 1, -1)
    cv2.circle(mask, (320, 240), inner, 0, -1)
    return mask.astype(np.float32)


def painted(mask: Alpha, noise: float = 4.0) -> Image:
    """A reddish thing on a bluish ground of the same lightness everywhere, with sensor noise."""
    random = np.random.Generator(np.random.Philox(0))
    colours = np.where(mask[..., None] > 0, (170, 90, 80), (70, 115, 160))
    return np.clip(colours + random.normal(0, noise, colours.shape), 0, 255).astype(np.uint8)


def wavy(depth: float) -> Alpha:
    """A disc whose outline leaves the circle by up to `depth` pixels, to both sides."""
    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    radius = 170 + depth * np.sin(9 * angle)
    points = np.stack([320 + radius * np.cos(angle), 240 + radius * np.sin(angle)], 1)
    mask = np.zeros((480, 640), np.uint8)
    cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], 1)
    return mask.astype(np.float32)


def polygon(mask: Alpha, coarse: float) -> Alpha:
    """Outlines simplified by so many pixels of a long side of 640; holes are filled."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    scale = max(mask.shape) / 640
    corners = [cv2.approxPolyDP(contour, coarse * scale, True) for contour in contours]
    drawn = np.zeros(mask.shape, np.uint8)
    cv2.fillPoly(drawn, [each for each in corners if len(each) > 2], 1)
    return drawn.astype(np.float32)


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> list[tuple[Image, Alpha]]:
    """Cut-outs and crops of the wheel's photographs, with the masks they were made of."""
    annotations, images = write_photographs(tmp_path_factory.mktemp("people"), count=24)
    return list(whole_people(annotations, images))


def whole_people(annotations: Path, images: Path) -> Iterator[tuple[Image, Alpha]]:
    document = json.loads(annotations.read_bytes())
    for record in document["images"]:
        height, width = record["height"], record["width"]
        drawn = [a for a in document["annotations"] if a["image_id"] == record["id"]]
        people = [a for a in drawn if a["category_id"] == 1]
        if people and not any(a["iscrowd"] for a in drawn):
            mask = union([rle(a["segmentation"], height, width) for a in people], height, width)
            yield decode_image((images / record["file_name"]).read_bytes()), mask.alpha()


def kept(result: Sample | Dropped) -> Sample:
    assert isinstance(result, Sample)
    return result


def dropped(result: Sample | Dropped) -> Dropped:
    assert isinstance(result, Dropped)
    return result


def test_an_exact_mask_is_smooth():
    found = roughness(painted(ellipse()), ellipse())
    assert found.roughness < 0.3
    assert found.alignment > 0.99
    assert found.judged > 0.95


@pytest.mark.parametrize("pixels", [-10, -6, -3, 3, 6, 10])
def test_a_mask_that_is_too_large_or_too_small_is_measured_with_its_sign(pixels: int):
    grown = ellipse((175 - pixels) / 175)
    found = roughness(painted(ellipse()), grown)
    assert found.bias == pytest.approx(pixels, abs=1)
    assert found.roughness == pytest.approx(abs(pixels), abs=1)


def test_a_hole_is_measured_as_the_outer_edge_is():
    found = roughness(painted(ring(80)), ring(86))
    outer, inner = 180, 86
    assert found.bias == pytest.approx(6 * inner / (outer + inner), abs=0.5)


@pytest.mark.parametrize("depth", [3, 6, 9])
def test_a_wavy_outline_on_a_round_thing_is_off_by_what_a_sine_is_off_on_average(depth: int):
    found = roughness(painted(wavy(0)), wavy(depth))
    assert found.roughness == pytest.approx(2 / np.pi * depth, abs=0.25 * depth)
    assert abs(found.bias) < 1


def test_roughness_rises_and_alignment_falls_as_polygons_get_coarser(people):
    rows = [
        [roughness(image, polygon(mask, coarse)) for coarse in (2, 4, 8, 16)]
        for image, mask in people
    ]
    pixels = np.median([[found.roughness for found in row] for row in rows], axis=0)
    aligned = np.median([[found.alignment for found in row] for row in rows], axis=0)
    assert (np.diff(pixels) > 0.1).all()
    assert (np.diff(aligned) < 0).all()
    assert pixels[2] > 2 * pixels[0]


def test_the_size_of_the_picture_does_not_matter():
    image, mask = painted(ellipse(), noise=0), wavy(8)
    small = roughness(image, mask)
    large = roughness(
        cv2.resize(image, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC),
        cv2.resize(mask, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST),
    )
    assert large.roughness == pytest.approx(small.roughness, abs=0.3)
    assert large.judged == pytest.approx(small.judged, abs=0.05)


def test_grass_and_gravel_around_a_clear_boundary_do_not_make_it_rough():
    random = np.random.Generator(np.random.Philox(1))
    texture = cv2.GaussianBlur(random.normal(0, 1, (480, 640)).astype(np.float32), (0, 0), 2)
    ground = 110 + 30 * texture[..., None] / texture.std() * np.ones(3, np.float32)
    thing = painted(np.ones((480, 640), np.float32))
    image = np.where(ellipse()[..., None] > 0, thing, np.clip(ground, 0, 255)).astype(np.uint8)
    assert roughness(image, ellipse()).roughness < 0.6
    assert roughness(image, polygon(ellipse(), 16)).roughness > 2


def test_the_frame_is_no_boundary():
    mask = np.zeros((480, 640), np.float32)
    mask[200:, 200:] = 1
    image = painted(mask)
    found = roughness(image, mask)
    assert found.roughness < 0.3
    assert found.judged > 0.9


@pytest.mark.parametrize("value", [0, 1])
def test_without_a_boundary_nothing_is_judged(value: int):
    found = roughness(painted(ellipse()), np.full((480, 640), value, np.float32))
    assert found.judged == 0
    assert np.isnan([found.roughness, found.alignment, found.bias]).all()


def test_without_an_edge_in_the_photograph_nothing_is_judged():
    grey = np.full((480, 640, 3), 128, np.uint8)
    assert roughness(grey, ellipse()).judged == 0


def test_bars_too_thin_to_tell_their_edges_apart_are_not_judged():
    mask = np.zeros((480, 640), np.float32)
    mask[100:400, 100:500:16] = mask[100:400, 101:500:16] = mask[100:400, 102:500:16] = 1
    assert roughness(painted(mask), mask).judged < 0.1


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 2), (2000, 3)])
def test_pictures_of_any_shape_are_taken(shape: tuple[int, int]):
    mask = np.zeros(shape, np.float32)
    mask[: max(1, shape[0] // 2)] = 1
    assert 0 <= roughness(np.zeros((*shape, 3), np.uint8), mask).judged <= 1


def test_the_arrays_are_left_as_they_are_and_give_the_same_twice():
    image, mask = painted(ellipse()), wavy(5)
    copies = image.copy(), mask.copy()
    assert roughness(image, mask) == roughness(image, mask)
    assert np.array_equal(image, copies[0])
    assert np.array_equal(mask, copies[1])


def test_a_rough_mask_is_tagged_dropped_or_only_scored():
    sample = Sample.of(painted(ellipse()), polygon(ellipse(), 30))
    scored = kept(Roughness(action="score")(sample))
    assert scored.tags == ()
    assert set(scored.scores) == {
        "roughness",
        "edge_alignment",
        "boundary_bias",
        "boundary_judged",
    }
    assert kept(Roughness(action="tag")(sample)).tags == ("rough_mask",)
    lost = dropped(Roughness(action="drop")(sample))
    assert lost.reason == "rough_mask"
    assert lost.values["roughness"] == scored.scores["roughness"] > lost.values["bound"]


def test_a_good_mask_is_scored_and_kept_whatever_the_action():
    sample = Sample.of(painted(ellipse()), ellipse())
    for action in ("tag", "drop", "score"):
        same = kept(Roughness(action=action)(sample))
        assert same.tags == ()
        assert same.scores["roughness"] < 0.3


def test_a_mask_of_which_too_little_can_be_judged_is_not_called_rough():
    mask = ellipse()
    image = painted(mask)
    image[:, 150:] = 128  # most of the thing cannot be told from what is behind it
    coarse = polygon(mask, 30)
    found = roughness(image, coarse)
    assert 0 < found.judged < 0.5
    sample = Sample.of(image, coarse)
    assert kept(Roughness(most=0.01, judged=0)(sample)).tags == ("rough_mask",)
    assert kept(Roughness(most=0.01, judged=0.5)(sample)).tags == ()


def test_a_sample_without_a_boundary_keeps_the_score_that_says_so():
    nothing = Sample.of(painted(ellipse()), np.zeros((480, 640), np.float32))
    assert kept(Roughness(action="drop")(nothing)).scores == {"boundary_judged": 0}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"most": 0}, "most must be pixels"),
        ({"most": 17}, "most must be pixels"),
        ({"judged": 1.5}, "judged must be a share"),
        ({"action": "remove"}, "action must be one of drop, tag, score"),
    ],
)
def test_parameters_out_of_range_are_refused(fields, message: str):
    with pytest.raises(ValueError, match=message):
        Roughness(**fields)


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="image must be H x W x 3 uint8"):
        roughness(np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.float32))
    with pytest.raises(ValueError, match="alpha must have the image's shape"):
        roughness(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5), np.float32))


@pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not here")
def test_real_mattes_over_real_photographs_are_ranked_by_their_polygons():
    fine: list[float] = []
    coarse: list[float] = []
    backgrounds = sorted((DATA / "backgrounds" / "images").glob("*.jpg"))
    inputs = sorted((DATA / "alphamatting" / "input").glob("*.png"))
    for path, behind in zip(inputs, backgrounds, strict=False):
        photograph = cv2.resize(cv2.imread(str(path)), None, fx=0.8, fy=0.8)
        matte = cv2.resize(
            cv2.imread(str(DATA / "alphamatting" / "alpha" / path.name), 0), None, fx=0.8, fy=0.8
        )
        solid = (matte >= 250).astype(np.float32)
        ground = cv2.resize(cv2.imread(str(behind)), photograph.shape[1::-1])
        image = np.where(solid[..., None] > 0, photograph, ground)
        for eps, found in ((2, fine), (8, coarse)):
            mask = polygon(solid, eps)
            assert iou(mask, solid) > 0.9
            found.append(roughness(image, mask).roughness)
    assert np.percentile(fine, 90) < np.percentile(coarse, 10)
