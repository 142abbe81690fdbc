"""What light and sharpness of foreground and background promise, on photographs of the wheel."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from maskmill.curate.annotations import rle, union
from maskmill.curate.lighting import FAULTS, Lighting, lighting
from maskmill.images import Alpha, Image, decode_image
from maskmill.light import composite, to_linear, to_srgb
from maskmill.sample import Dropped, Sample

TINY = Path(__file__).resolve().parents[2] / "shared" / "data" / "tiny_coco"
needs_tiny = pytest.mark.skipif(not TINY.is_dir(), reason="shared/data is not here")

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket", "camera")


def photograph(name: str) -> Image:
    """A photograph at the scale at which pixels are measured."""
    image = getattr(data, name)()
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    scale = 640 / max(image.shape)
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return large.astype(np.uint8, copy=False)


def middle(image: Image) -> Alpha:
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, (width // 2, height // 2), (width // 3, height * 2 // 5), 0, 0, 360, 1, -1)
    return mask.astype(np.float32)


def blurred(image: Image, sigma: float) -> Image:
    return cv2.GaussianBlur(image, (0, 0), sigma).astype(np.uint8) if sigma else image


def dimmed(image: Image, stops: float) -> Image:
    return to_srgb(to_linear(image) * np.float32(2**-stops))


def jpeg(image: Image, quality: int, noise: float = 0) -> Image:
    random = np.random.Generator(np.random.Philox(0))
    noisy = np.clip(image + random.normal(0, noise, image.shape), 0, 255).astype(np.uint8)
    _, encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(noisy, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    return decode_image(encoded.tobytes())


def laid(foreground: Image, background: Image) -> tuple[Image, Alpha]:
    """The middle of one picture over another one."""
    alpha = middle(foreground)
    height, width = alpha.shape
    behind = cv2.resize(background, (width, height))
    return composite(foreground, cv2.GaussianBlur(alpha, (0, 0), 0.7), behind), alpha


def kept(result: Sample | Dropped) -> Sample:
    assert isinstance(result, Sample)
    return result


def dropped(result: Sample | Dropped) -> Dropped:
    assert isinstance(result, Dropped)
    return result


def faults(image: Image, alpha: Alpha, **limits: float) -> tuple[str, ...]:
    return Lighting(**limits).faults(lighting(image, alpha))


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_an_ordinary_photograph_has_no_fault(name: str):
    image = photograph(name)
    assert not {word for word in faults(image, middle(image)) if "foreground" in word}


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_less_light_lowers_the_luminance_until_the_foreground_is_dark(name: str):
    image = photograph(name)
    found = [lighting(dimmed(image, stops), middle(image)) for stops in range(8)]
    assert (np.diff([light.foreground.luminance for light in found]) < 0).all()
    assert "dark_foreground" not in Lighting().faults(found[0])
    assert "dark_foreground" in Lighting().faults(found[6])


def test_luminance_is_that_of_an_even_grey_that_sends_out_as_much_light():
    image = np.zeros((200, 640, 3), np.uint8)
    image[:, ::2] = 255
    half = lighting(image, np.ones((200, 640), np.float32)).foreground
    assert half.luminance == 188  # half of white's light
    assert half.clipped == half.dark == 0.5


@pytest.mark.parametrize("gamma", [0.5, 0.7, 1.4, 2])
def test_gamma_moves_luminance_and_median_the_same_way(gamma: float):
    image = photograph("astronaut")
    bent = np.rint(255 * (image / 255) ** gamma).astype(np.uint8)
    before, after = (lighting(each, middle(image)).foreground for each in (image, bent))
    assert (after.luminance > before.luminance) == (gamma < 1)
    assert (after.median > before.median) == (gamma < 1)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_more_light_clips_the_foreground(name: str):
    image = photograph(name)
    found = [lighting(dimmed(image, -stops), middle(image)) for stops in range(6)]
    assert (np.diff([light.foreground.clipped for light in found]) >= 0).all()
    assert "clipped_foreground" not in Lighting().faults(found[0])
    assert "clipped_foreground" in Lighting().faults(found[5])


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_haze_makes_the_foreground_flat(name: str):
    image = photograph(name)
    hazed = [np.rint(170 + (image - 170.0) * clear).astype(np.uint8) for clear in (1, 0.5, 0.1)]
    found = [lighting(each, middle(image)) for each in hazed]
    assert (np.diff([light.foreground.span for light in found]) < 0).all()
    assert ["flat_foreground" in Lighting().faults(light) for light in found] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize(("quality", "noise"), [(95, 0), (85, 0), (60, 4)])
def test_a_known_blur_is_read_from_the_edges_and_flagged_from_three_pixels_on(
    name: str, quality: int, noise: float
):
    image = photograph(name)
    blurs = (0, 1, 1.5, 2, 3, 4)
    found = [
        lighting(jpeg(blurred(image, sigma), quality, noise), middle(image)).foreground.blur
        for sigma in blurs
    ]
    assert (np.diff(found) >= 0).all()
    assert found[3] == pytest.approx(2, abs=0.9)
    assert found[0] < found[1] + 0.2 < 1
    limit = Lighting().blurred
    assert [blur > limit for blur in (found[0], found[1], found[4], found[5])] == [
        False,
        False,
        True,
        True,
    ]


def test_a_blurred_background_is_no_fault():
    image, alpha = laid(photograph("astronaut"), blurred(photograph("coffee"), 8))
    found = lighting(image, alpha)
    assert found.background.blur > 3
    assert found.foreground.blur < 0.5
    assert Lighting().faults(found) == ()


def test_a_blurred_foreground_before_a_sharp_background_is_one():
    image, alpha = laid(blurred(photograph("astronaut"), 4), photograph("coffee"))
    assert lighting(image, alpha).background.blur < 0.5
    image = np.where(
        cv2.dilate(alpha, np.ones((9, 9), np.uint8))[..., None] > 0,
        cv2.GaussianBlur(image, (0, 0), 4),
        image,
    )
    assert "blurred_foreground" in faults(image, alpha)


def test_a_plain_shirt_is_not_blurred():
    shirt = np.full((480, 640, 3), 205, np.uint8)
    shading = np.linspace(-30, 20, 640)[None, :, None]
    image, alpha = laid(np.clip(shirt + shading, 0, 255).astype(np.uint8), photograph("coffee"))
    found = lighting(jpeg(image, 90), alpha)
    assert found.foreground.blur < 1
    assert "blurred_foreground" not in Lighting().faults(found)


def test_a_plain_thing_on_plain_ground_without_any_edge_is_not_called_blurred():
    image = np.full((480, 640, 3), 128, np.uint8)
    found = lighting(image, middle(image))
    assert np.isnan(found.foreground.blur)
    assert "blurred_foreground" not in Lighting().faults(found)


def test_a_black_backdrop_is_a_dark_background_and_no_reason_to_drop():
    image, alpha = laid(photograph("astronaut"), np.full((640, 640, 3), 5, np.uint8))
    sample = kept(Lighting(action="drop")(Sample.of(image, alpha)))
    assert sample.tags == ("dark_background",)
    assert sample.scores["background_luminance"] < 10
    assert sample.scores["foreground_luminance"] > 60


def test_a_white_backdrop_is_a_clipped_background_and_no_reason_to_drop():
    image, alpha = laid(photograph("astronaut"), np.full((640, 640, 3), 255, np.uint8))
    sample = kept(Lighting(action="drop")(Sample.of(image, alpha)))
    assert sample.tags == ("clipped_background",)


def test_the_contrast_falls_as_the_colours_come_closer_until_it_is_low():
    contrasts: list[float] = []
    local: list[float] = []
    for step in (120, 60, 30, 15, 8):
        image = np.full((480, 640, 3), 110, np.uint8)
        image[middle(image) > 0] += np.uint8(step)
        found = lighting(image, middle(image))
        contrasts.append(found.contrast)
        local.append(found.boundary_contrast)
    assert (np.diff(contrasts) < 0).all()
    assert np.allclose(contrasts, local, atol=0.5)
    assert "low_contrast" in faults(image, middle(image))


def test_a_zebra_on_stripes_differs_at_its_boundary_where_the_medians_agree():
    greys = np.repeat(np.tile(np.uint8([40, 128, 216]), 8), 27)[:640]
    stripes = np.broadcast_to(greys[None, :, None], (480, 640, 3))
    alpha = middle(stripes)
    image = np.where(alpha[..., None] > 0, np.roll(stripes, 27, axis=1), stripes)
    found = lighting(image, alpha)
    assert found.contrast < 1
    assert found.boundary_contrast > 30


@pytest.mark.parametrize("value", [0, 1])
def test_a_side_that_is_not_there_has_no_scores_and_no_fault(value: int):
    image = photograph("coffee")
    alpha = np.full(image.shape[:2], value, np.float32)
    scored = kept(Lighting(action="drop")(Sample.of(image, alpha)))
    missing = "background" if value else "foreground"
    assert not any(name.startswith((missing, "contrast", "boundary")) for name in scored.scores)
    assert scored.scores
    assert np.isfinite(list(scored.scores.values())).all()


def test_the_size_of_the_picture_does_not_matter():
    image = photograph("astronaut")
    large = cv2.resize(image, None, fx=2.5, fy=2.5, interpolation=cv2.INTER_CUBIC)
    soft = cv2.GaussianBlur(image, (0, 0), 3), cv2.GaussianBlur(large, (0, 0), 7.5)
    small, big = (lighting(each, middle(each)).foreground for each in soft)
    assert big.blur == pytest.approx(small.blur, abs=0.3)
    assert big.luminance == pytest.approx(small.luminance, abs=1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 2), (2000, 3)])
def test_pictures_of_any_shape_are_taken(shape: tuple[int, int]):
    mask = np.zeros(shape, np.float32)
    mask[: max(1, shape[0] // 2)] = 1
    sample = kept(Lighting()(Sample.of(np.zeros((*shape, 3), np.uint8), mask)))
    assert np.isfinite(list(sample.scores.values())).all()


def test_the_gravest_fault_is_the_reason_and_the_scores_are_its_numbers():
    image = photograph("astronaut")
    sample = Sample.of(dimmed(blurred(image, 5), 7), middle(image))
    lost = dropped(Lighting(action="drop")(sample))
    assert lost.reason == "dark_foreground"
    scored = kept(Lighting(action="score")(sample))
    assert scored.tags == ()
    assert lost.values == scored.scores
    assert kept(Lighting(action="tag")(sample)).tags[0] == "dark_foreground"


def test_what_drops_can_be_chosen():
    image, alpha = laid(photograph("astronaut"), np.full((640, 640, 3), 5, np.uint8))
    lost = Lighting(action="drop", grave=("dark_background",))(Sample.of(image, alpha))
    assert dropped(lost).reason == "dark_background"


def test_the_words_come_in_the_order_of_the_list():
    image = np.full((480, 640, 3), 4, np.uint8)
    image[middle(image) > 0] = 9
    found = faults(image, middle(image))
    assert found == tuple(word for word in FAULTS if word in found)
    assert {"dark_foreground", "flat_foreground", "low_contrast", "dark_background"} <= set(found)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dark": 256}, r"dark must lie in \[0, 255\]"),
        ({"blurred": -1}, r"blurred must lie in \[0, 8\]"),
        ({"clipped": 20}, r"clipped must lie in \[0, 1\]"),
        ({"grave": ("dark",)}, "grave must be among dark_foreground"),
        ({"action": "remove"}, "action must be one of drop, tag, score"),
    ],
)
def test_parameters_out_of_range_are_refused(fields, message: str):
    with pytest.raises(ValueError, match=message):
        Lighting(**fields)


def tiny(number: int, *categories: str) -> tuple[Image, Alpha]:
    """A photograph of tiny_coco and the union of its annotations of these categories."""
    path = next(TINY.glob(f"*2017/{number:012d}.jpg"))
    annotations = TINY / "annotations" / f"instances_{path.parent.name}.json"
    document = json.loads(annotations.read_bytes())
    wanted = {c["id"] for c in document["categories"] if c["name"] in categories}
    pixels = decode_image(path.read_bytes())
    height, width = pixels.shape[:2]
    masks = [
        rle(a["segmentation"], height, width)
        for a in document["annotations"]
        if a["image_id"] == number and a["category_id"] in wanted and not a["iscrowd"]
    ]
    return pixels, union(masks, height, width).alpha()


@needs_tiny
def test_a_portrait_before_a_black_wall_has_a_dark_background_alone():
    image, alpha = tiny(85329, "person")
    found = lighting(image, alpha)
    assert found.foreground.median == pytest.approx(42, abs=1)
    assert found.background.median == pytest.approx(5, abs=1)
    assert Lighting().faults(found) == ("dark_background",)


@needs_tiny
def test_an_over_exposed_kitchen_is_clipped_around_its_oven():
    image, alpha = tiny(86408, "oven", "refrigerator", "microwave")
    assert Lighting().faults(lighting(image, alpha)) == ("clipped_background",)


@needs_tiny
def test_of_those_that_pass_the_filter_the_class_room_has_the_lowest_contrast():
    passing = (5802, 12448, 85329, 318219, 328757, 522418, 562150)
    contrasts = {number: lighting(*tiny(number, "person")).contrast for number in passing}
    assert min(contrasts, key=contrasts.__getitem__) == 318219
