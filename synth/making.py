"""Make the composite of a foreground and a background out of their files."""

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import astuple, dataclass, field
from typing import Any, Generic, Literal, TypeVar

import cv2
import numpy as np

from maskmill.door import Refused, admit
from maskmill.folder import read_inside
from maskmill.images import Alpha, Image, decode_alpha, encode_image
from maskmill.sample import Dropped, Sample, content_key

from .blender.draws import Draws
from .compositing import Layer, shaded
from .compression import Compression, compression_of, jpeg
from .decoding import decode_foreground, decode_shrunk
from .facts import RenderFacts
from .folder import Facts, storable
from .framing import Place, cropping, cut_sides, drawn_place, fitted, kept_place
from .matching import Look, Matching, compose, look_of
from .pools import Background, Foreground

FORMAT = 1
"""Enters the keys: to be raised when the same pair comes out otherwise."""
MOST_ENLARGED = 2.0
"""A background that would have to grow by more is too small."""
_MEMORY = 1 << 28  # bytes of pictures that a partition holds at most, of either kind


@dataclass(frozen=True, slots=True)
class Pair:
    """A foreground and a background of one split, as a partition carries them."""

    foreground: Foreground
    background: Background

    @property
    def origin(self) -> str:
        """What the pair is called."""
        return storable(f"{self.foreground.name} on {self.background.name}")


@dataclass(frozen=True, slots=True)
class Manner:
    """How composites are made; see `maskmill.synth.Composite`."""

    place: Literal["keep", "draw"] = "keep"
    coverage: tuple[float, float] = (0.2, 0.7)
    size: int | None = None
    matching: Matching = field(default_factory=Matching)
    jpeg: bool = True
    shadows: bool = False
    seed: int = 0


@dataclass(frozen=True, eq=False)
class _Cutout:
    """A foreground, decoded; where it keeps its place, at the size of the composite."""

    layer: Layer
    size: tuple[int, int]
    digest: str
    place: Place | None
    look: Look | None
    cut: tuple[str, ...] = ()
    shadow: Alpha | None = None

    @property
    def bytes(self) -> int:
        return self.layer.light.nbytes + self.layer.alpha.nbytes


@dataclass(frozen=True, eq=False)
class _Photograph:
    """A background, decoded and perhaps shrunk by a whole number."""

    image: Image
    data: bytes = field(repr=False)
    compression: Compression | None = None
    size: tuple[int, int] = (0, 0)

    @property
    def bytes(self) -> int:
        return self.image.nbytes + len(self.data)


_Thing = TypeVar("_Thing", _Cutout, _Photograph)


class _Recent(Generic[_Thing]):
    """What was opened last, refusals too, within a limit of memory."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, _Thing | Refused] = OrderedDict()
        self._bytes = 0

    def get(self, name: Any, opened: Callable[[], _Thing]) -> _Thing:
        if name in self._kept:
            self._kept.move_to_end(name)
            thing = self._kept[name]
        else:
            try:
                thing = opened()
                self._bytes += thing.bytes
            except Refused as refused:
                thing = refused
            self._kept[name] = thing
            while self._bytes > _MEMORY and len(self._kept) > 1:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= 0 if isinstance(oldest, Refused) else oldest.bytes
        if isinstance(thing, Refused):
            raise thing
        return thing


class Maker:
    """Makes composites; whatever several pairs share is opened once.

    Parameters
    ----------
    manner : Manner
    foregrounds, backgrounds : str
        The folders, links followed.
    """

    def __init__(self, manner: Manner, foregrounds: str, backgrounds: str) -> None:
        self._manner = manner
        self._fronts, self._behind = foregrounds, backgrounds
        self._cutouts = _Recent[_Cutout]()
        self._photographs = _Recent[_Photograph]()

    def made(self, pair: Pair) -> Sample | Dropped:
        """Return the composite of a pair, or why there is none."""
        front, behind = pair.foreground, pair.background
        try:
            cutout = self._cutouts.get(front.name, lambda: self._cutout(front))
        except Refused as refused:
            return Dropped(None, refused.reason, {**refused.values, "foreground": 1.0}, pair.origin)
        side = max(cutout.size) if self._manner.size is None else self._manner.size
        try:
            name = (behind.name, side)
            photograph = self._photographs.get(name, lambda: self._photograph(behind, side))
        except Refused as refused:
            return Dropped(None, refused.reason, {**refused.values, "background": 1.0}, pair.origin)
        return self._composed(pair, cutout, photograph, side)

    def _composed(
        self, pair: Pair, cutout: _Cutout, photograph: _Photograph, side: int
    ) -> Sample | Dropped:
        front, behind = pair.foreground, pair.background
        draws = Draws(self._manner.seed, front.file.identity, behind.file.identity)
        place, layer, own = self._placed(cutout, photograph, side, draws)
        shrunk = (photograph.image.shape[1], photograph.image.shape[0])
        crop = cropping(shrunk, place.frame, draws.uniform("across"), draws.uniform("down"))
        enlarged = max(place.frame[0] / crop.width, place.frame[1] / crop.height)
        if enlarged > MOST_ENLARGED:
            width, height = photograph.size
            values = {"width": width, "height": height, "enlarged": enlarged, "background": 1.0}
            return Dropped(None, "too_small", values, pair.origin)
        background = fitted(photograph.image, crop, place.frame)
        if cutout.shadow is not None:
            background = shaded(background, cutout.shadow)
        made = compose(layer, background, self._manner.matching, own=own, seed=draws.seed("noise"))
        reduced = round(photograph.size[0] / shrunk[0])  # a whole number, up to the last pixel
        values = {
            "scale": place.size[0] / _box_width(cutout),
            "left": place.left,
            "top": place.top,
            "crop_left": crop.left * reduced,
            "crop_top": crop.top * reduced,
            "crop_width": crop.width * reduced,
            "crop_height": crop.height * reduced,
            **made.values,
        }
        image_bytes, quality = self._encoded(made.image, photograph.compression, enlarged / reduced)
        facts = front.facts or RenderFacts()
        height, width = made.alpha.shape
        sample = Sample(
            key=content_key(photograph.data, self._made_from(cutout)),
            source="",
            origin=pair.origin,
            image_bytes=image_bytes,
            height=height,
            width=width,
            group=front.group,
            split=front.split,
            scores={**facts.scores, "coverage": float(made.alpha.mean(dtype=np.float64))},
            tags=(
                "composite",
                f"foreground:{front.file.identity}",
                f"background:{behind.file.identity}",
                *facts.tags,
            ),
            licence=(
                f"foreground: {facts.licence or 'not stated'}; "
                f"background: {behind.licence or 'not stated'}"
            ),
            history=() if front.facts is None else (facts.step,),
        )
        return sample.with_alpha(made.alpha, step="composite", **values, **quality)

    def _placed(
        self, cutout: _Cutout, photograph: _Photograph, side: int, draws: Draws
    ) -> tuple[Place, Layer, Look | None]:
        """Return where the foreground lies, and itself in its frame."""
        if cutout.place is not None:
            return cutout.place, cutout.layer, cutout.look
        height, width = photograph.image.shape[:2]
        place = drawn_place(
            cutout.layer.size,
            float(cutout.layer.alpha.sum(dtype=np.float64)),
            width / height,
            side,
            draws.uniform("coverage", *self._manner.coverage),
            cut=cutout.cut,
            across=draws.uniform("x"),
            # What is not cut off stands on something: in the lower half of its room.
            down=draws.uniform("y", 0.5, 1.0),
        )
        near = cutout.layer.resized(*place.size)
        own = look_of(near) if self._looks else None
        return place, near.placed(place.frame, place.left, place.top), own

    @property
    def _looks(self) -> bool:
        return self._manner.matching.blur or self._manner.matching.noise

    def _encoded(
        self, image: Image, compression: Compression | None, scale: float
    ) -> tuple[bytes, dict[str, float]]:
        if compression is None or not self._manner.jpeg:
            return encode_image(image), {}
        coarseness = compression.at(scale)
        return jpeg(image, coarseness), {"quality": round(coarseness.quality)}

    def _made_from(self, cutout: _Cutout) -> bytes:
        """Return what shapes a composite beside its background, canonically."""
        manner = self._manner
        shape: list[Any] = [FORMAT, cutout.digest, manner.place, manner.size, manner.jpeg]
        shape += [manner.shadows, manner.seed, *astuple(manner.matching)]
        if manner.place == "draw":
            shape += manner.coverage
        return json.dumps(shape).encode()

    def _cutout(self, front: Foreground) -> _Cutout:
        data = _read(self._fronts, front.name, front.file)
        rgba = decode_foreground(data)
        size = (rgba.shape[1], rgba.shape[0])
        digest = content_key(data, b"")
        if self._manner.place == "draw":
            alpha = rgba[..., 3].astype(np.float32) / np.float32(np.iinfo(rgba.dtype).max)
            cut = cut_sides(alpha)
            if {"left", "right"} <= set(cut) or {"top", "bottom"} <= set(cut):
                # It spans its picture, and can only stay as it is.
                place = kept_place(size, self._manner.size)
                layer = Layer.of(rgba).resized(*place.size)
                return _Cutout(layer, size, digest, place, self._look(layer))
            left, top, width, height = cv2.boundingRect((rgba[..., 3] > 0).astype(np.uint8))
            layer = Layer.of(rgba[top : top + height, left : left + width])
            return _Cutout(layer, size, digest, None, None, cut)
        place = kept_place(size, self._manner.size)
        layer = Layer.of(rgba).resized(*place.size)
        shadow = self._shadow(front, size, place) if self._manner.shadows else None
        return _Cutout(layer, size, digest, place, self._look(layer), shadow=shadow)

    def _look(self, layer: Layer) -> Look | None:
        return look_of(layer) if self._looks else None

    def _shadow(self, front: Foreground, size: tuple[int, int], place: Place) -> Alpha | None:
        if front.shadow is None:
            return None
        data = read_inside(self._fronts, front.shadow)
        admit(data)  # OpenCV makes something of a file that is cut short
        try:
            taken = decode_alpha(data)
        except ValueError:
            raise Refused("unsupported_mode", {"shadow": 1.0}) from None
        if taken.shape != size[::-1]:
            raise Refused("frame_mismatch", {"shadow": 1.0})
        taken = cv2.resize(taken, place.size, interpolation=cv2.INTER_AREA)
        return np.clip(taken, 0, 1).astype(np.float32, copy=False)

    def _photograph(self, behind: Background, side: int) -> _Photograph:
        data = _read(self._behind, behind.name, behind.file)
        admitted = admit(data)
        size = (admitted.width, admitted.height)
        # It remains larger than any frame.
        image = decode_shrunk(admitted.image_bytes, min(size) // side)
        return _Photograph(image, data, compression_of(data), size)


def _box_width(cutout: _Cutout) -> int:
    return cutout.size[0] if cutout.place is not None else cutout.layer.size[0]


def _read(root: str, name: str, planned: Facts) -> bytes:
    try:
        return read_inside(root, name)
    except Refused as refused:
        if refused.reason != "missing_file":
            raise
        # That is the storage's fault, not the file's.
        raise FileNotFoundError(
            f"{name} was there ({planned.size} bytes) when the run was planned and is not now: was "
            "it removed, or does this worker not see the same files?"
        ) from refused
