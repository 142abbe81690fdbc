import io
import pickle
import struct
import warnings
import zlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms, ImageFile

from maskmill.door import Admitted, Refused, admit
from maskmill.images import decode_image

Pixels = npt.NDArray[Any]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture
def photo() -> Pixels:
    rng = np.random.default_rng(7)
    coarse = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return cv2.resize(coarse, (56, 40), interpolation=cv2.INTER_CUBIC)


def encoded(pixels: Pixels, form: str, mode: str | None = None, **options: Any) -> bytes:
    picture = Image.fromarray(pixels)
    out = io.BytesIO()
    (picture.convert(mode) if mode else picture).save(out, form, **options)
    return out.getvalue()


def cmyk(inks: Pixels, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(inks, "CMYK").save(out, "JPEG", quality=100, **options)
    return out.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def icc(space: bytes, connection: bytes, kind: bytes, **tags: bytes) -> bytes:
    """An ICC 2.1 profile of the given tags."""
    table, body = b"", b""
    start = 128 + 4 + 12 * (len(tags) + 3)
    text = b"text\0\0\0\0test\0\0\0\0"
    name = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78)
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    for tag, data in {"cprt": text, "desc": name, "wtpt": white, **tags}.items():
        data += bytes(-len(data) % 4)
        table += tag.encode() + struct.pack(">II", start + len(body), len(data))
        body += data
    count = struct.pack(">I", len(tags) + 3)
    header = struct.pack(">I4xI", start + len(body), 0x02100000)
    header += kind + space + connection + bytes(12) + b"acsp" + bytes(28)
    header += struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + count + table + body


def linear_grey() -> bytes:
    return icc(b"GRAY", b"XYZ ", b"mntr", kTRC=b"curv" + bytes(8))


def neutral_inks() -> bytes:
    """A CMYK profile in which every ink is black."""
    lab = b"".join(
        bytes([255 - 255 * max(c, m, y, k), 128, 128])
        for c in (0, 1)
        for m in (0, 1)
        for y in (0, 1)
        for k in (0, 1)
    )
    unit = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    ramp = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + unit + ramp * 4 + lab + ramp * 3
    return icc(b"CMYK", b"Lab ", b"prtr", A2B0=lut)


def red_and_green_exchanged() -> bytes:
    """The sRGB profile with the primaries of red and green exchanged."""
    return SRGB.replace(b"rXYZ", b"tXYZ").replace(b"gXYZ", b"rXYZ").replace(b"tXYZ", b"gXYZ")


def refusal(data: bytes, **options: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        admit(data, **options)
    return caught.value


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"icc_profile": SRGB}),
        ("JPEG", {"exif": turned(1)}),
        ("PNG", {}),
        ("PNG", {"icc_profile": SRGB}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_an_upright_srgb_picture_passes_byte_for_byte(
    photo: Pixels, form: str, options: dict[str, Any]
):
    data = encoded(photo, form, **options)
    assert admit(data) == Admitted(data, 40, 56, ())


def test_a_multi_picture_jpeg_counts_as_its_first_picture(photo: Pixels):
    data = encoded(photo, "MPO", save_all=True, append_images=[Image.new("RGB", (8, 8))])
    assert admit(data) == Admitted(data, 40, 56, ())


UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).transpose(1, 0, 2),
    8: np.rot90,
}


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation_is_applied_once(photo: Pixels, form: str, orientation: int):
    lossless: dict[str, Any] = {"lossless": True} if form == "WEBP" else {}
    door = admit(encoded(photo, form, exif=turned(orientation), **lossless))
    expected = UPRIGHT[orientation](photo)
    assert (door.height, door.width) == expected.shape[:2]
    assert np.array_equal(decode_image(door.image_bytes), expected)
    assert door.tags == ("exif_rotated", "re_encoded")


def test_a_rotated_jpeg_is_encoded_without_further_loss(photo: Pixels):
    data = encoded(photo, "JPEG", exif=turned(6))
    stored = np.asarray(Image.open(io.BytesIO(data)))
    assert np.array_equal(decode_image(admit(data).image_bytes), np.rot90(stored, -1))


def test_what_was_admitted_is_admitted_again_as_it_is(photo: Pixels):
    once = admit(encoded(photo, "JPEG", exif=turned(5))).image_bytes
    assert admit(once) == Admitted(once, 56, 40, ())


def test_broken_exif_leaves_the_picture_upright(photo: Pixels):
    data = encoded(photo, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12")
    assert admit(data) == Admitted(data, 40, 56, ())


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_grey_becomes_three_equal_channels(photo: Pixels, form: str):
    grey = photo[..., 0]
    door = admit(encoded(grey, form))
    seen = decode_image(door.image_bytes)
    assert door.tags == ("was_grey", "re_encoded")
    assert np.ptp(seen, axis=2).max() == 0
    assert np.abs(seen[..., 0].astype(int) - grey).max() <= (12 if form == "JPEG" else 0)


def test_one_bit_becomes_black_and_white(photo: Pixels):
    door = admit(encoded(photo, "PNG", mode="1"))
    assert door.tags == ("was_grey", "re_encoded")
    assert set(np.unique(decode_image(door.image_bytes))) == {0, 255}


def test_a_palette_becomes_colours(photo: Pixels):
    picture = Image.fromarray(photo).quantize(16)
    out = io.BytesIO()
    picture.save(out, "PNG")
    door = admit(out.getvalue())
    assert door.tags == ("was_palette", "re_encoded")
    assert np.array_equal(decode_image(door.image_bytes), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_alpha_is_dropped_and_colours_stay(photo: Pixels, form: str):
    rgba = np.dstack([photo, np.full(photo.shape[:2], 128, np.uint8)])
    lossless: dict[str, Any] = {"lossless": True} if form == "WEBP" else {}
    door = admit(encoded(rgba, form, **lossless))
    assert door.tags == ("alpha_removed", "re_encoded")
    assert np.array_equal(decode_image(door.image_bytes), photo)


def test_grey_with_alpha_loses_both(photo: Pixels):
    door = admit(encoded(photo[..., :2].copy(), "PNG"))
    assert door.tags == ("alpha_removed", "was_grey", "re_encoded")
    assert np.array_equal(decode_image(door.image_bytes)[..., 2], photo[..., 0])


def test_a_transparent_colour_counts_as_alpha(photo: Pixels):
    door = admit(encoded(photo, "PNG", transparency=(1, 2, 3)))
    assert door.tags == ("alpha_removed", "re_encoded")
    assert np.array_equal(decode_image(door.image_bytes), photo)


@pytest.mark.parametrize(
    ("channels", "tags"),
    [
        (1, ("was_16bit", "was_grey", "re_encoded")),
        (3, ("was_16bit", "re_encoded")),
        (4, ("alpha_removed", "was_16bit", "re_encoded")),
    ],
)
def test_sixteen_bits_are_rounded_to_the_nearest_of_eight(channels: int, tags: tuple[str, ...]):
    levels = np.random.default_rng(1).integers(0, 65536, (9, 11, channels), dtype=np.uint16)
    data = cv2.imencode(".png", levels)[1].tobytes()
    door = admit(data)
    colours = levels if channels == 1 else levels[..., 2::-1]  # OpenCV writes BGR
    expected = np.rint(colours / 257).astype(np.uint8)
    assert door.tags == tags
    assert np.array_equal(decode_image(door.image_bytes), np.broadcast_to(expected, (9, 11, 3)))


def test_sixteen_bits_keep_their_orientation():
    levels = np.random.default_rng(1).integers(0, 65536, (9, 11, 3), dtype=np.uint16)
    data = cv2.imencode(".png", levels)[1].tobytes()
    exif = turned(6).tobytes().removeprefix(b"Exif\0\0")
    chunk = b"eXIf" + exif
    chunk = struct.pack(">I", len(exif)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    door = admit(data[:33] + chunk + data[33:])  # behind the IHDR
    expected = np.rot90(np.rint(levels[..., ::-1] / 257).astype(np.uint8), -1)
    assert door.tags == ("exif_rotated", "was_16bit", "re_encoded")
    assert np.array_equal(decode_image(door.image_bytes), expected)


def test_a_colour_tiff_of_sixteen_bits_gives_its_upper_byte():
    levels = np.random.default_rng(1).integers(0, 65536, (9, 11, 3), dtype=np.uint16)
    door = admit(cv2.imencode(".tiff", levels)[1].tobytes())
    assert door.tags == ("was_16bit", "re_encoded")
    assert np.array_equal(decode_image(door.image_bytes), levels[..., ::-1] >> 8)


def test_inverted_cmyk_becomes_rgb():
    inks = np.zeros((8, 8, 4), np.uint8)
    inks[..., 0] = 255  # all cyan
    door = admit(cmyk(inks))
    assert door.tags == ("was_cmyk", "re_encoded")
    assert np.abs(decode_image(door.image_bytes).astype(int) - [0, 255, 255]).max() <= 3


def test_cmyk_with_a_profile_is_converted_by_it():
    inks = np.zeros((8, 8, 4), np.uint8)
    inks[..., 0] = 255
    door = admit(cmyk(inks, icc_profile=neutral_inks()))
    assert door.tags == ("was_cmyk", "icc_converted", "re_encoded")
    assert decode_image(door.image_bytes).max() <= 8  # the profile's cyan is black


def test_another_profile_is_converted_to_srgb():
    red = np.full((8, 8, 3), (255, 0, 0), np.uint8)
    door = admit(encoded(red, "PNG", icc_profile=red_and_green_exchanged()))
    assert door.tags == ("icc_converted", "re_encoded")
    assert np.abs(decode_image(door.image_bytes).astype(int) - [0, 255, 0]).max() <= 2


def test_a_grey_profile_is_converted_to_srgb():
    grey = np.full((8, 8), 128, np.uint8)
    door = admit(encoded(grey, "PNG", icc_profile=linear_grey()))
    assert door.tags == ("was_grey", "icc_converted", "re_encoded")
    # Half of linear light is 188 in sRGB.
    assert np.abs(decode_image(door.image_bytes).astype(int) - 188).max() <= 1


def test_grey_with_the_srgb_profile_keeps_its_levels(photo: Pixels):
    door = admit(encoded(photo[..., 0], "PNG", icc_profile=SRGB))
    assert door.tags == ("was_grey", "re_encoded")
    assert np.array_equal(decode_image(door.image_bytes)[..., 1], photo[..., 0])


@pytest.mark.parametrize("profile", [b"no profile", SRGB[:200], neutral_inks(), linear_grey()])
def test_a_profile_that_cannot_be_meant_is_ignored(photo: Pixels, profile: bytes):
    data = encoded(photo, "JPEG", icc_profile=profile)
    assert admit(data) == Admitted(data, 40, 56, ("icc_ignored",))


@pytest.mark.parametrize("form", ["TIFF", "BMP"])
def test_other_lossless_files_become_png(photo: Pixels, form: str):
    door = admit(encoded(photo, form))
    assert door.tags == ("re_encoded",)
    assert door.image_bytes.startswith(b"\x89PNG")
    assert np.array_equal(decode_image(door.image_bytes), photo)


def test_an_empty_file_is_refused():
    assert refusal(b"").reason == "empty_file"


@pytest.mark.parametrize(
    "data", [b"\0", b"no picture at all", b"\x89PNG\r\n\x1a\nIEND1234", b"GIF89a"]
)
def test_what_is_no_picture_is_refused(data: bytes):
    assert refusal(data).reason == "unreadable"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_truncated_file_is_refused(photo: Pixels, form: str, share: float):
    data = encoded(photo, form)
    assert refusal(data[: int(share * len(data))]).reason == "truncated"


@pytest.mark.parametrize("missing", [1, 2, 5, 12, 13])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_few_missing_bytes_are_noticed(photo: Pixels, form: str, missing: int):
    data = encoded(photo, form)
    assert refusal(data[:-missing]).reason == "truncated"


def test_a_truncated_file_is_refused_where_pillow_was_told_to_load_them(
    photo: Pixels, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = encoded(photo, "JPEG")
    assert refusal(data[:-200]).reason == "truncated"
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_a_broken_checksum_is_refused(photo: Pixels):
    data = bytearray(encoded(photo, "PNG"))
    data[data.index(b"IDAT") + 200] ^= 1
    assert refusal(bytes(data)).reason == "unreadable"


def png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">II", width, height) + bytes([8, 2, 0, 0, 0])
    end = b"\0\0\0\0IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    header = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + header + end


def test_too_many_pixels_are_refused_from_the_header():
    refused = refusal(png_header(20_000, 6_000))
    assert (refused.reason, refused.values) == (
        "too_many_pixels",
        {"pixels": 120_000_000, "limit": 100_000_000},
    )


def test_a_decompression_bomb_is_refused_from_the_header():
    assert refusal(png_header(2**31 - 1, 2**31 - 1)).reason == "too_many_pixels"


def test_the_pixel_limit_is_inclusive(photo: Pixels):
    data = encoded(photo, "JPEG")
    assert admit(data, max_pixels=40 * 56).width == 56
    assert refusal(data, max_pixels=40 * 56 - 1).values == {"pixels": 2240, "limit": 2239}


def test_a_pixel_limit_below_one_is_an_error():
    with pytest.raises(ValueError, match="max_pixels must be at least 1, got 0"):
        admit(b"", max_pixels=0)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_animations_and_pages_are_refused(photo: Pixels, form: str):
    data = encoded(photo, form, save_all=True, append_images=[Image.fromarray(255 - photo)])
    refused = refusal(data)
    assert (refused.reason, refused.values) == ("animated", {"frames": 2})


def test_floating_point_pixels_are_refused():
    data = encoded(np.zeros((4, 4), np.float32), "TIFF")
    assert refusal(data).reason == "unsupported_mode"


def test_nothing_of_the_process_is_changed(photo: Pixels):
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    admit(encoded(photo, "JPEG"))
    refusal(encoded(photo, "PNG")[:-40])
    refusal(png_header(30_000, 30_000))
    assert before == (
        Image.MAX_IMAGE_PIXELS,
        ImageFile.LOAD_TRUNCATED_IMAGES,
        list(warnings.filters),
    )


def test_a_refusal_travels_between_processes():
    refused = pickle.loads(pickle.dumps(Refused("too_many_pixels", {"pixels": 2, "limit": 1})))  # noqa: S301
    assert (refused.reason, refused.values) == ("too_many_pixels", {"pixels": 2, "limit": 1})
    assert str(refused) == "too_many_pixels (pixels 2, limit 1)"


def test_random_bytes_behind_every_signature_are_refused_with_a_reason():
    rng = np.random.default_rng(3)
    for start in (
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\0\0\0\0WEBPVP8 ",
        b"II*\0",
        b"BM",
    ):
        for _ in range(40):
            refused = refusal(start + rng.bytes(int(rng.integers(0, 300))))
            assert refused.reason in ("unreadable", "truncated", "too_many_pixels")


def test_a_side_that_no_encoder_takes_is_refused_from_the_header():
    out = io.BytesIO()
    Image.new("L", (1_000_001, 1)).save(out, "BMP")
    with pytest.raises(Refused) as refused:
        admit(out.getvalue())
    assert refused.value.reason == "unsupported_size"
    assert refused.value.values == {"height": 1, "width": 1_000_001}
