"""What can be said of an asset's files without Blender: whether they are whole, and all there."""

import json
import math
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .failure import Failure

SUFFIXES = (".blend", ".glb", ".gltf", ".obj", ".fbx")

NOT_STATED = "not stated"
"""What is said of a licence or a source that nobody has told."""

_GLTF, _JSON, _BINARY = 0x46546C67, 0x4E4F534A, 0x004E4942
# Plain, gzip and Zstandard.
_BLENDS = (b"BLENDER", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")


def check_asset(path: Path, root: Path) -> None:
    """Check an asset's own file, and that the files it names are there and within a folder.

    Parameters
    ----------
    path
        A file of one of `SUFFIXES`.
    root
        The folder that no part may leave.

    Raises
    ------
    Failure
        `corrupt_asset`, `missing_texture`, `outside_folder` or `empty_asset`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise Failure("corrupt_asset", f"{path.name} is none of {', '.join(SUFFIXES)}")
    inside(path, root)
    if not path.is_file():
        raise Failure("corrupt_asset", f"{path.name} is not there")
    if path.stat().st_size == 0:
        raise Failure("corrupt_asset", f"{path.name} is empty")
    match path.suffix.lower():
        case ".glb":
            _check_gltf(path, root, *_glb(path))
        case ".gltf":
            _check_gltf(path, root, _parsed(path.name, path.read_bytes()), None)
        case ".obj":
            _check_obj(path, root)
        case ".blend":
            with path.open("rb") as file:
                if not file.read(7).startswith(_BLENDS):
                    raise Failure("corrupt_asset", f"{path.name} does not begin as a .blend file")
        case _:
            with path.open("rb") as file:
                if b"FBX" not in file.read(64):
                    raise Failure("corrupt_asset", f"{path.name} does not begin as an FBX file")


def inside(path: Path, root: Path) -> None:
    """Raise Failure (`outside_folder`) unless a path lies in a folder, links followed."""
    real, folder = Path(os.path.realpath(path)), Path(os.path.realpath(root))
    if not real.is_relative_to(folder):
        raise Failure("outside_folder", f"{path} lies outside {folder.name}/")


def _glb(path: Path) -> tuple[Any, int]:
    """Return the JSON of a binary glTF, and how many bytes of buffer it carries."""
    data = path.read_bytes()
    if len(data) < 20 or struct.unpack_from("<II", data) != (_GLTF, 2):
        raise Failure("corrupt_asset", f"{path.name} does not begin as glTF 2")
    length = struct.unpack_from("<I", data, 8)[0]
    if length != len(data):
        raise Failure("corrupt_asset", f"{path.name} has {len(data)} bytes and speaks of {length}")
    chunks: dict[int, bytes] = {}
    at = 12
    while at + 8 <= length:
        size, kind = struct.unpack_from("<II", data, at)
        if at + 8 + size > length:
            raise Failure("corrupt_asset", f"{path.name} ends within a chunk")
        chunks.setdefault(kind, data[at + 8 : at + 8 + size])
        at += 8 + size
    if _JSON not in chunks:
        raise Failure("corrupt_asset", f"{path.name} has no JSON")
    return _parsed(path.name, chunks[_JSON]), len(chunks.get(_BINARY, b""))


def _parsed(name: str, data: bytes) -> Any:
    try:
        scene = json.loads(data)
    except ValueError as error:
        raise Failure("corrupt_asset", f"{name}: {error}") from None
    if not isinstance(scene, dict):
        raise Failure("corrupt_asset", f"{name} is no glTF")
    return scene


def _check_gltf(path: Path, root: Path, scene: Any, carried: int | None) -> None:
    if not scene.get("meshes"):
        raise Failure("empty_asset", f"{path.name} has no meshes")
    for number, buffer in enumerate(_listed(path, scene, "buffers")):
        uri, size = buffer.get("uri"), buffer.get("byteLength")
        if not isinstance(size, int):
            raise Failure("corrupt_asset", f"{path.name}: buffer {number} has no length")
        if uri is None:
            # Chunks are padded to a multiple of four.
            if number or carried is None or carried < size:
                raise Failure("corrupt_asset", f"{path.name}: buffer {number} is not whole")
        elif not uri.startswith("data:"):
            part = _part(path, root, uri)
            if not part.is_file() or part.stat().st_size < size:
                raise Failure("corrupt_asset", f"{path.name}: {uri} is not there or not whole")
    for image in _listed(path, scene, "images"):
        uri = image.get("uri")
        if uri is not None and not uri.startswith("data:"):
            part = _part(path, root, uri)
            if not part.is_file():
                raise Failure("missing_texture", f"{uri} of {path.name}")


def _listed(path: Path, scene: Any, key: str) -> list[dict[str, Any]]:
    items = scene.get(key, [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Failure("corrupt_asset", f"{path.name}: {key} is no list of objects")
    return items


def _part(path: Path, root: Path, uri: str) -> Path:
    if "://" in uri:
        raise Failure("outside_folder", f"{uri} of {path.name}")
    part = path.parent / unquote(uri)
    inside(part, root)
    return part


def _check_obj(path: Path, root: Path) -> None:
    data = path.read_bytes()
    if b"\0" in data:
        raise Failure("corrupt_asset", f"{path.name} is not text")
    points = faces = furthest = 0
    lines = data.decode("utf-8", "replace").splitlines()
    try:
        for line in lines:
            if line.startswith("v "):
                points += 1
                if not all(map(math.isfinite, map(float, line.split()[1:4]))):
                    raise ValueError(f"no point: {line}")
            elif line.startswith("f "):
                faces += 1
                corners = [int(corner.split("/", 1)[0]) for corner in line.split()[1:]]
                # Below 0 they count from the last point so far.
                furthest = max(
                    furthest, *corners, *(points - corner for corner in corners if corner < -points)
                )
    except (ValueError, TypeError) as error:
        raise Failure("corrupt_asset", f"{path.name}: {error}") from None
    if furthest > points:
        raise Failure("corrupt_asset", f"{path.name} has a face of point {furthest} of {points}")
    if not points and not faces:
        raise Failure("corrupt_asset", f"{path.name} has no line of a point or a face")
    if not points or not faces:
        raise Failure("empty_asset", f"{path.name} has {points} points and {faces} faces")
    for line in lines:
        words = line.split(maxsplit=1)
        if len(words) == 2 and words[0] == "mtllib":
            library = path.parent / words[1].strip()
            inside(library, root)
            if not library.is_file():
                raise Failure("missing_texture", f"the materials {words[1].strip()} of {path.name}")
            _check_materials(library, root)


def _check_materials(path: Path, root: Path) -> None:
    for name in textures(path.read_text("utf-8", "replace")):
        part = path.parent / name
        inside(part, root)
        if not part.is_file():
            raise Failure("missing_texture", f"{name} of {path.name}")


def textures(materials: str) -> Iterator[str]:
    r"""Yield the pictures that a Wavefront .mtl names.

    Examples
    --------
    >>> list(textures("newmtl wood\nmap_Kd -s 2 2 1 oak dark.png\nKd 1 1 1"))
    ['oak dark.png']
    """
    for line in materials.splitlines():
        words = line.split()
        if len(words) < 2 or not words[0].lower().startswith(
            ("map_", "bump", "disp", "refl", "norm")
        ):
            continue
        at = 1
        while at < len(words) and words[at].startswith("-"):
            at += 1
            while at < len(words) - 1 and _is_value(words[at]):
                at += 1
        yield " ".join(words[at:]).replace("\\", "/")


def _is_value(word: str) -> bool:
    """Return whether a word is an option's value, and not yet the file's name."""
    try:
        float(word)
    except ValueError:
        return word in ("on", "off", "sphere", "r", "g", "b", "m", "l", "z") or word.startswith(
            "cube_"
        )
    return True
