"""Light adds up linearly, and a foreground takes on what its background's camera did."""

import io
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from layers import disc, texture
from PIL import Image

from maskmill.light import composite, to_linear, to_srgb
from maskmill.synth.compositing import Layer, encoded, over, shaded
from maskmill.synth.compression import Compression, compression_of, jpeg
from maskmill.synth.framing import (
    MARGIN,
    Crop,
    cropping,
    cut_sides,
    drawn_place,
    fitted,
    kept_place,
)
from maskmill.synth.matching import (
    GAINS,
    Look,
    Matching,
    blur_of,
    compose,
    lacking,
    light_gains,
    look_of,
    noise_levels,
    noised,
)

RGBA = arrays(np.uint8, (3, 4, 4))
RGB = arrays(np.uint8, (3, 4, 3))


@given(RGBA, RGB)
def test_a_composite_is_that_of_the_compositing_equation(rgba: Any, background: Any):
    layer = Layer.of(rgba)
    exact = composite(rgba[..., :3], rgba[..., 3] / np.float32(255), background)
    # At a half level either neighbour is right.
    assert np.abs(over(layer, background).astype(int) - exact).max() <= 1


def test_encoding_is_that_of_the_house_but_for_halves():
    light = np.linspace(-0.1, 1.1, 1_000_001, dtype=np.float32)
    difference = encoded(light).astype(int) - to_srgb(light)
    assert np.abs(difference).max() <= 1
    assert (difference != 0).mean() < 0.01


@given(RGB)
def test_transparent_leaves_the_background_byte_for_byte(background: Any):
    rgba = np.full((3, 4, 4), (90, 80, 70, 0), np.uint8)
    assert np.array_equal(over(Layer.of(rgba), background), background)


@given(RGB, RGB)
def test_opaque_shows_the_foreground_alone(colours: Any, background: Any):
    rgba = np.dstack([colours, np.full((3, 4), 255, np.uint8)])
    assert np.array_equal(over(Layer.of(rgba), background), colours)


@given(RGBA)
def test_eight_and_sixteen_bits_and_linear_light_are_one_layer(rgba: Any):
    eight, sixteen = Layer.of(rgba), Layer.of(rgba.astype(np.uint16) * 257)
    linear = Layer.of(np.dstack([to_linear(rgba[..., :3]), rgba[..., 3:] / np.float32(255)]))
    for other in (sixteen, linear):
        assert np.allclose(eight.light, other.light, atol=1e-6)
        assert np.allclose(eight.alpha, other.alpha, atol=1e-6)


def test_premultiplied_files_are_divided_before_they_are_decoded():
    straight = np.array([[[200, 100, 40, 128]]], np.uint8)
    multiplied = straight.copy()
    multiplied[..., :3] = np.rint(straight[..., :3] * (128 / 255))
    layer = Layer.of(multiplied, premultiplied=True)
    assert np.allclose(layer.light, Layer.of(straight).light, atol=0.005)


def test_premultiplied_light_is_taken_as_it_is():
    light = np.float32([[[0.2, 0.1, 1.5, 0.5]]])  # a highlight outshines white
    assert Layer.of(light, premultiplied=True).light.ravel().tolist() == pytest.approx(
        [0.2, 0.1, 1.5]
    )


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 4, 3), np.uint8), "rgba must be H x W x 4"),
        (np.zeros((4, 4), np.uint8), "rgba must be H x W x 4"),
        (np.zeros((0, 4, 4), np.uint8), "rgba must be H x W x 4"),
        (np.zeros((4, 4, 4), np.int32), "rgba must be uint8, uint16 or float32"),
        (np.full((4, 4, 4), 2, np.float32), "alpha must lie in"),
        (np.full((4, 4, 4), np.nan, np.float32), "alpha must lie in"),
    ],
)
def test_what_is_no_layer_is_refused(array: Any, message: str):
    with pytest.raises(ValueError, match=message):
        Layer.of(array)


def test_sizes_must_agree():
    with pytest.raises(ValueError, match="background must have the layer's size"):
        over(Layer.of(disc()), texture(0))


def test_resizing_draws_no_fringe_of_what_is_transparent():
    rgba = disc(200, 200, colour=(255, 255, 255))
    rgba[rgba[..., 3] == 0] = (0, 0, 0, 0)  # black where nothing is, as cut-outs often are
    small = Layer.of(rgba).resized(31, 31)
    soft = (small.alpha > 0.05) & (small.alpha < 0.95)
    assert soft.any()
    assert np.abs(small.light[soft] / small.alpha[soft][:, None] - 1).max() < 1e-3


@given(st.integers(1, 40), st.integers(1, 40))
def test_resizing_keeps_alpha_and_light_in_bounds(width: int, height: int):
    layer = Layer.of(disc(20, 24)).resized(width, height)
    assert layer.size == (width, height)
    assert layer.alpha.min() >= 0
    assert layer.alpha.max() <= 1
    assert layer.light.min() >= 0


def test_resizing_holds_the_half_pixel():
    ramp = np.repeat(np.linspace(0, 1, 64, dtype=np.float32)[None], 4, axis=0)
    layer = Layer(np.zeros((4, 64, 3), np.float32), ramp).resized(16, 1)
    centres = (np.arange(16) + 0.5) * 4 - 0.5
    assert np.allclose(layer.alpha[0], centres / 63, atol=1e-6)


@given(st.integers(-70, 70), st.integers(-70, 70))
def test_what_lies_outside_the_frame_is_cut_off(left: int, top: int):
    layer = Layer.of(disc())
    placed = layer.placed((50, 40), left, top)
    wide = np.pad(layer.alpha, 200)[200 - top : 240 - top, 200 - left : 250 - left]
    assert np.array_equal(placed.alpha, wide)


def test_blur_keeps_light_and_is_exact_over_any_background():
    layer = Layer.of(disc(64, 64))
    soft = layer.blurred(1.5)
    assert soft.alpha.sum() == pytest.approx(layer.alpha.sum(), rel=1e-4)
    over_black = to_linear(over(soft, np.zeros((64, 64, 3), np.uint8)))
    blurred = cv2.GaussianBlur(layer.light, (11, 11), 1.5, borderType=cv2.BORDER_REPLICATE)
    assert np.abs(over_black - blurred).max() < 0.006  # a level's half, at its brightest


def test_what_the_frame_cuts_off_stays_solid_when_blurred():
    solid = Layer.of(np.full((20, 20, 4), 255, np.uint8)).blurred(2)
    assert solid.alpha.min() == pytest.approx(1)


def test_shadows_take_light_away():
    half = shaded(np.full((1, 1, 3), 188, np.uint8), np.float32([[0.5]]))
    assert to_linear(half)[0, 0, 0] == pytest.approx(to_linear(np.uint8(188)) / 2, abs=0.003)


sides = st.integers(1, 400)
share = st.floats(0, 1)


@given(sides, sides, sides, sides, share, share)
def test_a_crop_lies_within_and_has_the_frames_shape(
    width: int, height: int, wide: int, tall: int, across: float, down: float
):
    crop = cropping((width, height), (wide, tall), across, down)
    assert 0 <= crop.left <= width - crop.width
    assert 0 <= crop.top <= height - crop.height
    assert crop.width == width or crop.height == height
    scale = min(width / wide, height / tall)
    assert abs(crop.width - wide * scale) <= 0.5 or crop.width == 1
    assert abs(crop.height - tall * scale) <= 0.5 or crop.height == 1


def test_a_background_is_averaged_by_area():
    photograph = texture(0, 60, 80)
    small = fitted(photograph, Crop(20, 10, 40, 40), (20, 20))
    mean = photograph[10:50, 20:60].reshape(20, 2, 20, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - mean).max() <= 0.5


def test_a_crop_outside_is_refused():
    with pytest.raises(ValueError, match="crop must lie within 80 x 60 pixels"):
        fitted(texture(0), Crop(60, 0, 30, 30), (10, 10))


def test_a_place_that_is_kept_follows_the_size():
    assert kept_place((1000, 500), None).frame == (1000, 500)
    assert kept_place((1000, 500), 512).frame == (512, 256)


cuts = st.sampled_from([(), ("left",), ("bottom",), ("right", "bottom"), ("top", "left")])


@settings(deadline=None)
@given(
    st.integers(4, 900),
    st.integers(4, 900),
    st.floats(0.2, 1),
    st.floats(0.3, 3),
    st.floats(0.05, 0.9),
    cuts,
    share,
    share,
)
def test_a_drawn_place_lies_in_its_frame_and_never_covers_more_than_asked(
    wide: int,
    tall: int,
    fill: float,
    shape: float,
    coverage: float,
    cut: tuple[str, ...],
    across: float,
    down: float,
):
    area = wide * tall * fill
    place = drawn_place((wide, tall), area, shape, 400, coverage, cut=cut, across=across, down=down)
    width, height = place.frame
    assert max(place.frame) == 400
    assert 0 <= place.left <= width - place.size[0] + 1
    assert 0 <= place.top <= height - place.size[1] + 1
    for side, free in {
        "left": place.left,
        "top": place.top,
        "right": width - place.left - place.size[0],
        "bottom": height - place.top - place.size[1],
    }.items():
        whole = width if side in ("left", "right") else height
        assert free == 0 if side in cut else free >= MARGIN * whole - 2
    scale = place.size[0] / wide, place.size[1] / tall
    covered = area * scale[0] * scale[1] / (width * height)
    slack = (1 + 1 / place.size[0]) * (1 + 1 / place.size[1])
    assert covered <= coverage * slack + 1e-9


def test_a_tall_subject_gets_a_narrow_frame():
    place = drawn_place((100, 300), 20_000, 1.5, 600, 0.35)
    assert place.frame[0] < place.frame[1]
    covered = 20_000 * (place.size[0] / 100) ** 2 / (place.frame[0] * place.frame[1])
    assert covered == pytest.approx(0.35, rel=0.02)


def test_opposite_sides_cannot_both_be_cut():
    with pytest.raises(ValueError, match="two opposite sides"):
        drawn_place((10, 10), 80, 1, 100, 0.5, cut=("left", "right"))


def test_a_cut_out_cropped_to_its_outline_is_whole():
    alpha = disc(60, 60)[..., 3] / np.float32(255)
    rows, columns = np.nonzero(alpha > 0.6)
    tight = alpha[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert cut_sides(tight) == ()
    assert cut_sides(alpha) == ()
    assert cut_sides(alpha[:30]) == ("bottom",)


def test_light_is_matched_in_brightness_and_colour():
    layer = Layer.of(disc(colour=(120, 120, 120)))
    bright, dark = (np.full((48, 64, 3), level, np.uint8) for level in (150, 100))
    assert all(gain > 1 for gain in light_gains(layer, bright))
    assert all(gain < 1 for gain in light_gains(layer, dark))
    warm = np.full((48, 64, 3), (140, 120, 90), np.uint8)
    red, green, blue = light_gains(layer, warm)
    assert red > green > blue
    assert light_gains(layer, warm, 0) == (1, 1, 1)


def test_a_red_coat_is_not_turned_grey():
    gains = light_gains(Layer.of(disc(colour=(200, 30, 30))), np.full((48, 64, 3), 128, np.uint8))
    assert max(gains) == pytest.approx(min(gains))


@settings(deadline=None)
@given(RGBA, RGB, share)
def test_gains_stay_within_bounds_whatever_comes(rgba: Any, background: Any, strength: float):
    gains = light_gains(Layer.of(rgba), background, strength)
    assert all(min(GAINS) <= gain <= max(GAINS) for gain in gains)


def test_nothing_is_lit_beyond_white():
    layer = Layer.of(disc(colour=(235, 235, 235)))
    lit = layer.lit(light_gains(layer, np.full((48, 64, 3), 255, np.uint8), 1.0))
    assert lit.light.max() <= 1.0001


@pytest.mark.parametrize("level", [1.0, 2.0, 5.0, 10.0])
def test_noise_is_measured_on_flat_and_on_busy_pictures(level: float):
    for picture in (np.full((256, 256, 3), 128, np.uint8), texture(2, 256, 256, scale=32)):
        noisy = noised(picture, np.ones((256, 256), np.float32), (level, level), 3)
        luma, chroma = noise_levels(noisy)
        assert luma == pytest.approx(level, rel=0.15, abs=0.2)
        assert chroma == pytest.approx(level, rel=0.25, abs=0.4)


def test_noise_is_not_told_of_what_is_burnt_out_or_tiny():
    assert noise_levels(np.full((64, 64, 3), 255, np.uint8)) == (0, 0)
    assert noise_levels(texture(0, 12, 12)) == (0, 0)


@pytest.mark.parametrize("sigma", [0.7, 1.0, 1.5, 2.5])
def test_blur_is_measured_on_edges(sigma: float):
    rng = np.random.default_rng(0)
    checks = np.kron(rng.integers(0, 2, (12, 12, 1)) * 180 + 30, np.ones((20, 20, 3)))
    soft = cv2.GaussianBlur(checks.astype(np.uint8), (0, 0), sigma)
    assert blur_of(soft) == pytest.approx(sigma, rel=0.15)


def test_without_edges_there_is_no_blur_to_tell():
    assert blur_of(np.full((64, 64, 3), 90, np.uint8)) is None


def test_what_lacks_nothing_gets_nothing():
    assert lacking(Look(4, 2, 1.0), Look(3, 1, 0.5), 512) == Look(0, 0, 0)
    assert lacking(Look(), Look(), 512) == Look(0, 0, 0)


def test_a_matched_foreground_looks_like_its_background():
    rng = np.random.default_rng(0)
    checks = np.kron(rng.integers(0, 2, (16, 16, 1)) * 120 + 60, np.ones((16, 16, 3)))
    sharp = checks.astype(np.uint8)
    alpha = disc(256, 256)[..., 3]
    layer = Layer.of(np.dstack([sharp, alpha]))
    camera = cv2.GaussianBlur(np.roll(sharp, 5, axis=1), (0, 0), 1.2)
    background = noised(camera, np.ones((256, 256), np.float32), (4.0, 0.0), seed=8)
    made = compose(layer, background, Matching(light=0), seed=9)
    assert made.values["luma"] == pytest.approx(4, rel=0.2)
    assert made.values["blur"] == pytest.approx(0.002 * 256)  # and no more: it may be out of focus
    solid = cv2.erode((made.alpha > 0.99).astype(np.uint8), np.ones((3, 3))) > 0
    assert noise_levels(made.image, solid)[0] == pytest.approx(
        noise_levels(made.image, made.alpha == 0)[0], rel=0.25
    )


def test_matching_touches_no_pixel_of_the_background():
    background = texture(5, 96, 128)
    made = compose(Layer.of(disc(96, 128)), background, Matching(), seed=1)
    outside = made.alpha == 0
    assert np.array_equal(made.image[outside], background[outside])


def test_a_composite_is_the_same_every_time():
    background = noised(texture(5, 96, 128), np.ones((96, 128), np.float32), (3, 3), 1)
    layer = Layer.of(disc(96, 128))
    made = [compose(layer, background, Matching(), seed=seed) for seed in (1, 1, 2)]
    assert np.array_equal(made[0].image, made[1].image)
    assert not np.array_equal(made[0].image, made[2].image)


def test_matching_refuses_strengths_that_are_none():
    with pytest.raises(ValueError, match=r"light must be in \[0, 1\], got 1.5"):
        Matching(light=1.5)


@pytest.mark.parametrize("quality", [10, 35, 50, 75, 90, 96, 100])
@pytest.mark.parametrize("sampling", [0, 2])
def test_a_jpegs_quality_is_read_off_its_table(quality: int, sampling: int):
    file = io.BytesIO()
    Image.fromarray(texture(0)).save(file, "JPEG", quality=quality, subsampling=sampling)
    found = compression_of(file.getvalue())
    assert found is not None
    assert abs(found.quality - quality) <= 1
    assert found.halved == (sampling == 2)


def test_other_files_have_no_quality():
    for data in (b"", b"\xff\xd8\xff", b"\x89PNG", b"\xff\xd8\xff\xe0 broken"):
        assert compression_of(data) is None
    file = io.BytesIO()
    Image.fromarray(texture(0)[..., 0]).save(file, "JPEG", quality=80)
    assert compression_of(file.getvalue()) == (80, False)


def test_what_was_compressed_alike_is_told_alike():
    for wanted in (Compression(60, True), Compression(95, False)):
        assert compression_of(jpeg(texture(0), wanted)) == wanted


def test_shrinking_leaves_less_of_a_compression():
    coarse = Compression(40, True)
    qualities = [coarse.at(scale).quality for scale in (2, 1, 0.7, 0.5, 0.1)]
    assert qualities[0] == qualities[1] == 40
    assert qualities == sorted(qualities)
    assert not coarse.at(0.5).halved


def test_a_layer_tells_of_its_solid_part_only():
    noisy = noised(texture(3, 128, 128), np.ones((128, 128), np.float32), (6, 6), 1)
    rgba = np.dstack([noisy, disc(128, 128)[..., 3]])
    rgba[rgba[..., 3] == 0] = (0, 255, 0, 0)
    luma, _, blur = look_of(Layer.of(rgba))
    assert luma == pytest.approx(6, rel=0.25)
    assert blur is None or blur < 3
