"""The door: every picture becomes upright 8-bit sRGB here, once, or is refused with a reason.

What already is upright 8-bit sRGB in a JPEG, PNG or WebP passes byte for byte.
"""

import contextlib
import functools
import io
import threading
import warnings
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageFile

from .images import decode_image, encode_image

_PASSING = ("JPEG", "MPO", "PNG", "WEBP")
_READABLE = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
_PNG = b"\x89PNG\r\n\x1a\n"

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# The sRGB profiles of HP, Canon and Nikon differ from each other by one level of 255; the profiles
# that are nearest to sRGB without being it (gamma 2.2 on its primaries) by six.
_SRGB_TOLERANCE = 2

_LONGEST_SIDE = 1_000_000  # in pixels: libpng takes no more, and OpenCV hardly more

_quiet = threading.Lock()


@dataclass(frozen=True, slots=True)
class Admitted:
    """A picture that the door let through.

    Parameters
    ----------
    image_bytes : bytes
        Upright sRGB, 8 bits per channel: the file as it came, or a PNG where it had to be changed.
    height, width : int
        Size in pixels, upright.
    tags : tuple of str
        What was done: ``exif_rotated``, ``was_grey``, ``was_palette``, ``was_cmyk``, ``was_16bit``,
        ``icc_converted``, ``icc_ignored`` (a profile that is broken or of another kind of picture),
        ``alpha_removed``, and ``re_encoded`` whenever the bytes are not those of the file.
    """

    image_bytes: bytes = field(repr=False)
    height: int
    width: int
    tags: tuple[str, ...] = ()


class Refused(Exception):  # noqa: N818  (bad data is an everyday answer of the door, not an error)
    """The picture cannot be used, and why.

    Parameters
    ----------
    reason : str
        ``empty_file``, ``unreadable`` (none of the formats, or broken), ``truncated``,
        ``too_many_pixels``, ``animated`` (or of several pages), ``unsupported_mode`` (float, 32-bit
        and Lab pixels) or ``unsupported_size`` (a side of more than a million pixels).
    values : mapping of str to float
        The numbers behind it.
    """

    def __init__(self, reason: str, values: Mapping[str, float] | None = None) -> None:
        super().__init__(reason, values)
        self.reason = reason
        self.values: Mapping[str, float] = dict(values or {})

    def __str__(self) -> str:
        numbers = ", ".join(f"{name} {value:g}" for name, value in self.values.items())
        return f"{self.reason} ({numbers})" if numbers else self.reason


def admit(data: bytes, *, max_pixels: int = 100_000_000) -> Admitted:
    """Let an encoded picture in.

    An upright 8-bit sRGB (or untagged) RGB picture in a JPEG, PNG or WebP passes byte for byte.
    A rotated, grey, palette, CMYK or 16-bit one, one with alpha, with another ICC profile, or in a
    TIFF or BMP is made upright 8-bit sRGB and encoded losslessly, once. Everything is decoded
    completely, so what passes decodes later.

    Parameters
    ----------
    data : bytes
        The file. The first picture of a multi-picture JPEG (MPO) counts.
    max_pixels : int
        Above it a picture is refused from its header, before any pixel is decoded. Pillow's own
        ceiling of 179 million pixels holds as well.

    Returns
    -------
    Admitted

    Raises
    ------
    Refused
        With the reason and its numbers.

    Notes
    -----
    ICC conversion: relative colorimetric with black point compensation. CMYK JPEGs are inverted, as
    Adobe writes them; without a profile CMYK becomes RGB by complement. 16-bit levels are rounded
    to the nearest 8-bit level, except in colour TIFFs, whose upper byte is taken. Alpha is dropped,
    not composited.

    Examples
    --------
    >>> data = encode_image(np.zeros((2, 3, 3), np.uint8))
    >>> door = admit(data)
    >>> door.image_bytes == data, door.height, door.width, door.tags
    (True, 2, 3, ())
    >>> admit(data[:-20])  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
        ...
    maskmill.door.Refused: truncated
    """
    if max_pixels < 1:
        raise ValueError(f"max_pixels must be at least 1, got {max_pixels}")
    if not data:
        raise Refused("empty_file")
    with _strict_and_quiet():
        picture = _open(data, max_pixels)
        tags = ["exif_rotated"] if _orientation(picture) in _UPRIGHT else []
        _load(picture, data)
        turn = _UPRIGHT.get(_orientation(picture))  # Pillow has turned a TIFF while loading it
        upright = _rgb(_eight_bits(picture, data, tags), tags)
        if turn is not None:
            upright = upright.transpose(turn)
        if picture.format in _PASSING and set(tags) <= {"icc_ignored"}:
            _check_decodes(data, upright)
            return Admitted(data, upright.height, upright.width, tuple(tags))
        encoded = encode_image(np.asarray(upright))
    return Admitted(encoded, upright.height, upright.width, (*tags, "re_encoded"))


@contextlib.contextmanager
def _strict_and_quiet() -> Generator[None, None, None]:
    # A library in the same process may have told Pillow to load truncated files, and Pillow warns
    # of oddities that are either harmless or refused here; both settings belong to the process.
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before


def _open(data: bytes, max_pixels: int) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(data), formats=_READABLE)
        pages = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
    except Image.DecompressionBombError:
        ceiling = 2 * (Image.MAX_IMAGE_PIXELS or max_pixels)
        raise Refused("too_many_pixels", {"limit": min(max_pixels, ceiling)}) from None
    except MemoryError:
        raise
    except Exception as error:  # parsers of foreign bytes raise whatever they come upon
        raise Refused(_fault(error, data)) from error
    if max(picture.size) > _LONGEST_SIDE:
        raise Refused("unsupported_size", {"height": picture.height, "width": picture.width})
    pixels = picture.width * picture.height
    if pixels > max_pixels:
        raise Refused("too_many_pixels", {"pixels": pixels, "limit": max_pixels})
    if pages > 1:
        raise Refused("animated", {"frames": pages})
    return picture


def _load(picture: Image.Image, data: bytes) -> None:
    try:
        picture.load()
    except MemoryError:
        raise
    except Exception as error:
        raise Refused(_fault(error, data)) from error
    if _is_cut_short(data):
        raise Refused("truncated")


def _fault(error: Exception, data: bytes) -> str:
    return "truncated" if "truncated" in str(error) or _is_cut_short(data) else "unreadable"


def _is_cut_short(data: bytes) -> bool:
    if data.startswith(_PNG):
        end = data.rfind(b"IEND")
        return end < 0 or len(data) < end + 8  # the chunk's name and its checksum
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return len(data) < 8 + int.from_bytes(data[4:8], "little")
    return data.startswith(b"\xff\xd8\xff") and b"\xff\xd9" not in data


def _check_decodes(data: bytes, picture: Image.Image) -> None:
    try:
        shape = decode_image(data).shape
    except (ValueError, cv2.error) as error:
        raise Refused("unreadable") from error
    if shape[:2] != (picture.height, picture.width):
        raise Refused("unreadable")


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # broken EXIF says nothing about the pixels
        return 1


def _eight_bits(picture: Image.Image, data: bytes, tags: list[str]) -> Image.Image:
    if data.startswith(_PNG) and data[24] == 16:
        # Pillow cuts 16-bit colour to its upper byte without a word: only the header tells.
        levels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if levels is None or levels.dtype != np.uint16 or levels.shape[:2] != picture.size[::-1]:
            raise Refused("unreadable")
        grey, alpha = data[25] in (0, 4), data[25] in (4, 6)
        if levels.ndim == 3:
            levels = levels[..., 0] if grey else levels[..., 2::-1]
        if alpha or "transparency" in picture.info:
            tags.append("alpha_removed")
    elif picture.mode.startswith("I;16"):
        levels = np.asarray(picture)
    else:
        if picture.format == "TIFF" and max(picture.tag_v2.get(258, (8,))) > 8:  # pyright: ignore
            tags.append("was_16bit")
        return picture
    tags.append("was_16bit")
    eight = (levels.astype(np.uint32) + 128) // 257  # rounds v * 255 / 65535 to the nearest
    done = Image.fromarray(eight.astype(np.uint8))
    done.info["icc_profile"] = picture.info.get("icc_profile")
    return done


def _rgb(picture: Image.Image, tags: list[str]) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        tags.append("alpha_removed")
    if picture.mode in ("1", "L", "LA", "La"):
        tags.append("was_grey")
        picture = picture.convert("L")
    elif picture.mode in ("P", "PA"):
        tags.append("was_palette")
        picture = picture.convert("RGB")
    elif picture.mode == "CMYK":
        tags.append("was_cmyk")
    elif picture.mode in ("RGB", "RGBA", "RGBa", "RGBX", "YCbCr"):
        picture = picture.convert("RGB")
    else:
        raise Refused("unsupported_mode")
    if profile:
        return _convert(picture, profile, tags)
    return picture.convert("RGB")


def _convert(picture: Image.Image, profile: bytes, tags: list[str]) -> Image.Image:
    space = _space(profile)
    if picture.mode == "L" and space == "RGB":
        picture = picture.convert("RGB")
    if space != {"L": "GRAY"}.get(picture.mode, picture.mode):
        tags.append("icc_ignored")
        return picture.convert("RGB")
    if picture.mode == "RGB" and _is_srgb(profile):
        return picture
    try:
        converted = _apply(picture, profile)
    except (ImageCms.PyCMSError, OSError, ValueError):
        tags.append("icc_ignored")
        return picture.convert("RGB")
    tags.append("icc_converted")
    return converted


def _space(profile: bytes) -> str:
    try:
        parsed = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
        return str(parsed.xcolor_space).strip()  # pyright: ignore[reportAttributeAccessIssue]
    except (ImageCms.PyCMSError, OSError, ValueError):
        return ""


@functools.lru_cache(maxsize=32)
def _is_srgb(profile: bytes) -> bool:
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(27, 27, 3)
    try:
        seen = np.asarray(_apply(Image.fromarray(colours), profile))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return False
    return int(np.abs(seen.astype(int) - colours).max()) <= _SRGB_TOLERANCE


def _apply(picture: Image.Image, profile: bytes) -> Image.Image:
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        picture.mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    converted = ImageCms.applyTransform(picture, transform)
    if converted is None:  # it works in place only when asked to
        raise ValueError("ImageCms must return a new picture, got None")
    return converted
