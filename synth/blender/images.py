"""Pictures in and out: multi-layer EXR as Cycles writes it, PNG as we write it.

Blender's own PNG files carry the time of rendering and are never twice the same; these are.
"""

import hashlib
import json
import os
import re
import struct
import sys
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import bpy
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


class Layers(NamedTuple):
    """A multi-layer EXR file.

    Parameters
    ----------
    colour
        H x W x 4 float32, linear light, multiplied by alpha, top row first.
    coverages
        For each Cryptomatte layer H x W x 4 float32: id, coverage, id, coverage.
    manifest
        Identifiers of the objects by their names, 8 hex digits.
    """

    colour: Floats
    coverages: tuple[Floats, ...]
    manifest: dict[str, str]


def read_layers(path: str | os.PathLike[str]) -> Layers:
    """Read the combined pass and the Cryptomatte passes, in whatever part of the file they are."""
    oiio = _open_image_io()
    file = oiio.ImageInput.open(os.fspath(path))
    if file is None:
        raise OSError(f"{path} cannot be read: {oiio.geterror()}")
    planes: dict[str, Floats] = {}
    manifest: dict[str, str] = {}
    part = 0
    # Blender writes one part a pass since 4.5: the first alone would lack all others.
    while file.seek_subimage(part, 0):
        spec = file.spec()
        pixels = np.asarray(file.read_image(part, 0, 0, spec.nchannels, "float"), np.float32)
        pixels = pixels.reshape(spec.height, spec.width, spec.nchannels)
        for number, name in enumerate(spec.channelnames):
            planes[name] = pixels[..., number]
        for attribute in spec.extra_attribs:
            if attribute.name.endswith("/manifest"):
                manifest |= json.loads(attribute.value)
        part += 1
    file.close()
    colour = _stacked(planes, re.compile(r"(.*\.)?Combined$|^$"))
    matte = sorted({name.rpartition(".")[0] for name in planes if "CryptoObject" in name})
    layers = [_stacked(planes, re.compile(re.escape(name) + "$")) for name in matte]
    # Without a number it is a preview in colours, made for looking at.
    numbered = [
        layer
        for name, layer in zip(matte, layers, strict=True)
        if re.search(r"\d\d$", name) and layer is not None
    ]
    if colour is None:
        raise OSError(f"{path} must hold the combined pass, got {', '.join(sorted(planes))}")
    return Layers(colour, tuple(numbered), manifest)


def _stacked(planes: dict[str, Floats], wanted: re.Pattern[str]) -> Floats | None:
    found = {
        name.rpartition(".")[2].lower(): plane
        for name, plane in planes.items()
        if wanted.match(name.rpartition(".")[0])
    }
    if not {"r", "g", "b", "a"} <= set(found):
        return None
    return np.stack([found[channel] for channel in "rgba"], axis=-1)


def _open_image_io() -> Any:
    """Return OpenImageIO, which Blender brings in a folder that bpy leaves off the path."""
    try:
        import OpenImageIO
    except ModuleNotFoundError:
        resources = Path(bpy.utils.resource_path("LOCAL"))
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        sys.path.append(str(resources / "python" / "lib" / version / "site-packages"))
        import OpenImageIO
    return OpenImageIO


def srgb(light: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Return linear light, clipped to [0, 1], as sRGB levels of [0, 1] (IEC 61966-2-1)."""
    light = np.clip(np.asarray(light, np.float64), 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def quantised(levels: npt.NDArray[np.floating[Any]], bits: int) -> npt.NDArray[Any]:
    """Return levels of [0, 1] as uint8 or uint16, rounded to nearest."""
    top = 2**bits - 1
    return np.rint(np.clip(levels, 0, 1) * top).astype(np.uint8 if bits == 8 else np.uint16)


def png(pixels: npt.NDArray[Any]) -> bytes:
    """Encode H x W (grey), H x W x 3 or H x W x 4 of uint8 or uint16."""
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    kind = {1: 0, 3: 2, 4: 6}[channels]
    bits = 8 * pixels.dtype.itemsize
    rows = pixels.astype(">u2" if bits == 16 else np.uint8).reshape(height, -1).view(np.uint8)
    step = channels * bits // 8
    # Filter 2 (up): what differs from the row above packs better than the row itself.
    above = np.vstack([np.zeros((1, rows.shape[1]), np.uint8), rows[:-1]])
    filtered = np.empty((height, 1 + width * step), np.uint8)
    filtered[:, 0] = 2
    filtered[:, 1:] = rows - above

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    body = zlib.compress(filtered.tobytes(), 6)
    marks = chunk(b"sRGB", b"\0") if channels > 1 else b""
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + marks
    return start + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def fingerprint(pixels: npt.NDArray[Any]) -> str:
    """Return a hash of the pixels, whatever file they are in."""
    plain = np.ascontiguousarray(pixels)
    head = f"{plain.shape} {plain.dtype.newbyteorder('=')}".encode()
    return hashlib.blake2b(head + plain.tobytes(), digest_size=16).hexdigest()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all."""
    temporary = path.with_name(f".tmp-{'0' * 32}-{path.name}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
