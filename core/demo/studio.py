"""Pictures of people, each drawn for a role: crops of photographs, and cut-outs on backdrops."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from .backdrops import backdrop_scene, chosen
from .scene import (
    Cutout,
    Matrix,
    Scene,
    Thing,
    cut_out,
    filled,
    gathered,
    lay,
    placed,
    segmentation,
    share_of,
    window,
)
from .tones import TONES, exposed, grained, toned

_JPEG_QUALITY = 92
_DRAFT = 8  # drafts of a layout are smaller by this factor
_TRIES = 60  # drafts; the last is taken as it is
_LONG, _SHORT = 512, 256  # most and least pixels of a picture's long side
_LARGEST = 1.5  # pixels of the picture per pixel of a cut-out; more looks blurred
_VISIBLE = 0.025  # least share of the frame that each person keeps when others stand in front

# Blur of the edge in the photograph, in pixels, and the sides where its frame cuts the things off.
_CUTS: dict[str, tuple[float, tuple[str, ...]]] = {
    "astronaut": (0.6, ("bottom",)),
    "camera": (0.5, ("left", "bottom")),
    "coffee": (0.5, ()),
    "chelsea": (1.6, ("left", "top", "bottom")),
}


@dataclass(frozen=True, slots=True)
class Role:
    """What a picture is to show.

    Parameters
    ----------
    cover : (float, float)
        Least and most share of the frame that the people cover: layouts are drawn until they do.
    people : tuple of str
        Photographs whose cut-outs are laid on a backdrop, from back to front.
    extra : str
        "coffee" or "chelsea", in front of them, or a "crowd" of small astronauts.
    photograph : str
        To be cropped; no cut-outs then.
    heights : (float, float)
        Least and most height of a person's photograph in frame heights.
    """

    cover: tuple[float, float]
    people: tuple[str, ...] = ()
    extra: str = ""
    photograph: str = ""
    heights: tuple[float, float] = (0.8, 1.4)


# In turn. Fourteen of the twenty suit "one or two persons, 20 to 70 % of the frame", the others
# fail by the crowd, the number of persons (twice) or their size either way; the last as it comes.
ROLES = (
    Role((0.25, 0.55), ("astronaut",)),
    Role((0.24, 0.55), ("camera",)),
    Role((0.25, 0.65), photograph="astronaut"),
    Role((0.28, 0.6), ("astronaut", "camera"), heights=(0.7, 1.05)),
    Role((0.23, 0.66), ("astronaut",)),
    Role((0.03, 0.16), ("astronaut",), heights=(0.25, 0.55)),
    Role((0.22, 0.5), ("astronaut",), "coffee"),
    Role((0.24, 0.6), ("camera",)),
    Role((0.1, 0.6), ("astronaut",), "crowd"),
    Role((0.23, 0.6), photograph="camera"),
    Role((0.3, 0.66), ("astronaut",)),
    Role((0.25, 0.6), ("camera", "astronaut"), heights=(0.7, 1.05)),
    Role((0.0, 0.0), (), "coffee"),
    Role((0.25, 0.6), ("astronaut",)),
    Role((0.74, 0.97), photograph="astronaut"),
    Role((0.28, 0.62), ("camera",)),
    Role((0.22, 0.45), ("astronaut",), "chelsea"),
    Role((0.2, 0.7), ("camera", "astronaut", "astronaut"), heights=(0.45, 0.9)),
    Role((0.23, 0.6), ("astronaut",)),
    Role((0.0, 1.0), photograph="camera"),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """One image file and what its record says.

    `size` is height and width, `photographs` what it is made of, `annotations` lack only their id
    and their image's.
    """

    file_name: str
    data: bytes = field(repr=False)
    size: tuple[int, int]
    group: str
    photographs: tuple[str, ...]
    annotations: tuple[Mapping[str, Any], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Layer:
    name: str
    matrix: Matrix
    gain: float = 1.0
    crowd: bool = False


class Studio:
    """The photographs and their cut-outs, and how pictures are made of them.

    Parameters
    ----------
    known : mapping
        Our outlines, in COCO's form.
    photographs : mapping of str to ndarray
        Each, H x W or H x W x 3, uint8.
    """

    def __init__(
        self, known: Mapping[str, Any], photographs: Mapping[str, npt.NDArray[np.uint8]]
    ) -> None:
        names = {record["id"]: record["name"] for record in known["categories"]}
        self._numbers = {name: number for number, name in names.items()}
        self._annotations: dict[str, list[Mapping[str, Any]]] = {}
        self._photographs = photographs
        self._scenes: dict[str, Scene] = {}
        for record in known["images"]:
            name, size = record["photograph"], (record["height"], record["width"])
            drawn = [a for a in known["annotations"] if a["image_id"] == record["id"]]
            things = (
                Thing(names[a["category_id"]], filled(a["segmentation"], size)) for a in drawn
            )
            pixels = photographs[name]
            if pixels.ndim == 2:
                pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB).astype(np.uint8)
            self._annotations[name] = drawn
            self._scenes[name] = Scene(pixels, tuple(things))
        self._cutouts = {name: cut_out(self._scenes[name], *how) for name, how in _CUTS.items()}
        self._drafts = {name: _draft(cutout) for name, cutout in self._cutouts.items()}

    def original(self, name: str) -> Picture:
        """Return a photograph as it is, grey if it is grey, with our outlines word for word."""
        pixels = self._photographs[name]
        data = _encoded(
            ".png", pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
        )
        fields = ("category_id", "iscrowd", "area", "bbox", "segmentation")
        annotations = tuple({key: a[key] for key in fields} for a in self._annotations[name])
        size = (pixels.shape[0], pixels.shape[1])
        return Picture(f"{name}.png", data, size, name, (name,), annotations)

    def picture(self, seed: int, number: int) -> Picture:
        """Return the picture of a number, counted from 0: it follows from that and the seed."""
        # Hashed, not added: neighbouring seeds and numbers must have nothing in common.
        identity = f"photographs/{seed}/{number}".encode()
        key = int.from_bytes(hashlib.blake2b(identity, digest_size=16).digest(), "little")
        rng = np.random.Generator(np.random.Philox(key=key))
        role = ROLES[number % len(ROLES)]
        if role.photograph:
            scene, group, photographs = self._crop(rng, role), role.photograph, {role.photograph}
            title = f"{role.photograph}-crop"
        else:
            scene, group, photographs = self._laid(rng, role)
            title = "-".join(dict.fromkeys([*(role.people or ["nobody"]), group]))
        pixels = scene.pixels
        if "camera" in photographs or rng.random() < 0.12:
            # One of the two people is in black and white: so is everything around him.
            pixels = toned(pixels, TONES[int(rng.integers(len(TONES)))])
        pixels = grained(pixels, rng.uniform(0.8, 2.0), rng)
        return Picture(
            file_name=f"{number + 1:04d}-{title}.jpg",
            data=_encoded(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)),
            size=scene.size,
            group=group,
            photographs=tuple(sorted(photographs)),
            annotations=tuple(self._annotation(t, rng) for t in gathered(scene.things)),
        )

    def _crop(self, rng: np.random.Generator, role: Role) -> Scene:
        scene = self._scenes[role.photograph]
        height, width = scene.size
        person = np.maximum.reduce([t.amount for t in scene.things if t.category == "person"])
        inside = cv2.integral((person >= 0.5).astype(np.uint8))
        left, top, right, bottom = 0, 0, width, height
        for _ in range(_TRIES):
            tall, wide = int(rng.integers(200, height)), int(rng.integers(200, width))
            top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
            bottom, right = top + tall, left + wide
            found = inside[bottom, right] - inside[top, right]
            found += inside[top, left] - inside[bottom, left]
            if role.cover[0] <= found / (tall * wide) <= role.cover[1]:
                break
        wide, tall = right - left, bottom - top
        long = max(wide, tall)
        zoom = float(np.clip(rng.uniform(0.9, 1.5), _SHORT / long, _LONG / long))
        size = (round(tall * zoom), round(wide * zoom))
        return window(scene, (left, top, right, bottom), size, flip=bool(rng.random() < 0.5))

    def _laid(self, rng: np.random.Generator, role: Role) -> tuple[Scene, str, set[str]]:
        size = _frame(rng, alone=len(role.people) == 1 and not role.extra)
        backdrop = chosen(rng, role.people)
        layers = self._layout(rng, role, size)
        scene = backdrop_scene(rng, backdrop, self._scenes[backdrop.photograph].pixels, size)
        for layer in layers:
            cutout = self._cutouts[layer.name]
            cutout = replace(cutout, pixels=exposed(cutout.pixels, layer.gain))
            scene = lay(scene, cutout, layer.matrix, shade=backdrop.shade, crowd=layer.crowd)
        return scene, backdrop.group, {backdrop.photograph, *(layer.name for layer in layers)}

    def _layout(self, rng: np.random.Generator, role: Role, size: tuple[int, int]) -> list[_Layer]:
        blank = Scene(np.zeros((size[0] // _DRAFT, size[1] // _DRAFT, 3), np.uint8))
        layers: list[_Layer] = []
        for _ in range(_TRIES):
            layers = [*self._people(rng, role, size), *self._extras(rng, role, size)]
            draft = blank
            for layer in layers:
                # Picture and cut-outs shrink alike, so only the shift does.
                matrix = layer.matrix * [1, 1, 1 / _DRAFT]
                draft = lay(draft, self._drafts[layer.name], matrix, crowd=layer.crowd)
            persons = [t for t in draft.things if t.category == "person" and not t.crowd]
            least = min((float(t.amount.mean()) for t in persons), default=1.0)
            fits = role.cover[0] <= share_of("person", draft) <= role.cover[1]
            if fits and least >= _VISIBLE:
                break
        return layers

    def _people(self, rng: np.random.Generator, role: Role, size: tuple[int, int]) -> list[_Layer]:
        # The man with the camera stands at a side of the picture and films whoever is in the rest.
        mirrored = bool(rng.random() < 0.5)
        others = [name for name in role.people if name != "camera"]
        low, high = (0.3, 0.7) if len(others) == len(role.people) else (0.36, 0.95)
        strip = (high - low) / max(1, len(others))
        layers: list[_Layer] = []
        for name in role.people:
            cutout = self._cutouts[name]
            tall = rng.uniform(*role.heights) * size[0]
            if name == "camera":
                turn, flip, across = rng.uniform(-1.5, 1.5), mirrored, rng.uniform(0.0, 0.25)
            else:
                turn, flip = rng.uniform(-3, 3), bool(rng.random() < 0.5)
                across = low + strip * rng.uniform(0.1, 0.9)
                low += strip
                across = 1 - across if mirrored else across
            matrix = placed(
                cutout,
                size,
                scale=min(tall / cutout.alpha.shape[0], _LARGEST),
                turn=turn,
                flip=flip,
                across=across,
                down=rng.uniform(0.0, 0.3),
            )
            layers.append(_Layer(name, matrix, gain=rng.uniform(0.85, 1.1)))
        return layers

    def _extras(self, rng: np.random.Generator, role: Role, size: tuple[int, int]) -> list[_Layer]:
        if role.extra == "coffee":
            return [self._cup(rng, size, alone=not role.people)]
        if role.extra == "chelsea":
            return [self._cat(rng, size)]
        return self._crowd(rng, size) if role.extra == "crowd" else []

    def _cup(self, rng: np.random.Generator, size: tuple[int, int], alone: bool) -> _Layer:
        cutout = self._cutouts["coffee"]
        share = rng.uniform(0.5, 0.9) if alone else rng.uniform(0.28, 0.42)
        matrix = placed(
            cutout,
            size,
            scale=share * size[1] / (cutout.box[2] - cutout.box[0]),
            turn=rng.uniform(-8, 8),
            flip=bool(rng.random() < 0.5),
            across=rng.uniform(0.4, 0.6) if alone else rng.uniform(0.2, 0.8),
            down=rng.uniform(0.5, 0.7) if alone else rng.uniform(0.75, 0.95),
        )
        return _Layer("coffee", matrix)

    def _cat(self, rng: np.random.Generator, size: tuple[int, int]) -> _Layer:
        cutout = self._cutouts["chelsea"]
        # Cut off above and below: it must be taller than the picture.
        scale = 1.04 * size[0] / cutout.alpha.shape[0]
        flip, across = bool(rng.random() < 0.5), rng.uniform(0.4, 0.65)
        return _Layer("chelsea", placed(cutout, size, scale=scale, flip=flip, across=across))

    def _crowd(self, rng: np.random.Generator, size: tuple[int, int]) -> list[_Layer]:
        cutout, heads = self._cutouts["astronaut"], int(rng.integers(5, 8))
        layers: list[_Layer] = []
        for head in range(heads):
            matrix = placed(
                cutout,
                size,
                scale=rng.uniform(0.26, 0.36) * size[0] / cutout.alpha.shape[0],
                turn=rng.uniform(-4, 4),
                flip=bool(rng.random() < 0.5),
                across=(head + rng.uniform(0.3, 0.7)) / heads,
                down=rng.uniform(0.0, 0.25),
            )
            layers.append(_Layer("astronaut", matrix, gain=rng.uniform(0.8, 1.1), crowd=True))
        return layers

    def _annotation(self, thing: Thing, rng: np.random.Generator) -> dict[str, Any]:
        # Files in the field have all three forms, so this one has.
        draw = rng.random()
        form = "rle" if thing.crowd or draw < 0.08 else "compressed" if draw < 0.16 else "polygons"
        runs, area, box = segmentation(thing.amount, form)
        return {
            "category_id": self._numbers[thing.category],
            "iscrowd": int(thing.crowd),
            "area": area,
            "bbox": box,
            "segmentation": runs,
        }


def _frame(rng: np.random.Generator, alone: bool) -> tuple[int, int]:
    """Draw a picture's height and width: upright or square for one person, else wide."""
    long = int(rng.integers(8, 13)) * 40
    short = round(long * float(rng.choice([0.75, 0.8, 1.0] if alone else [2 / 3, 0.75, 0.8])))
    return (long, short) if alone and rng.random() < 0.6 else (short, long)


def _draft(cutout: Cutout) -> Cutout:
    height, width = cutout.alpha.shape
    size = (round(width / _DRAFT), round(height / _DRAFT))

    def brought(layer: Any) -> Any:
        return cv2.resize(layer, size, interpolation=cv2.INTER_AREA)

    things = tuple(replace(thing, amount=brought(thing.amount)) for thing in cutout.things)
    return replace(
        cutout, pixels=brought(cutout.pixels), alpha=brought(cutout.alpha), things=things
    )


def _encoded(suffix: str, pixels: npt.NDArray[Any]) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if suffix == ".jpg" else []
    done, data = cv2.imencode(suffix, pixels, options)
    if not done:
        raise ValueError(f"cannot encode {pixels.shape} {pixels.dtype} as {suffix}")
    return data.tobytes()
