"""Scenes: TOML files that say what may be in a picture, and the samples drawn from them.

::

    name = "people"

    [subject]
    person = 1.0                    # shares of what stands in the middle

    [occluders]
    share = 0.35                    # of the pictures that have any
    kinds = { plant = 2, net = 1 }

    [camera]
    lens = [50, 105]                # ranges: each sample draws its own

Every choice is hashed from the seed, the sample's index and the choice's name: samples may be made
in any order, anywhere, and one more choice in a new version changes no other one.
"""

import dataclasses
import functools
import hashlib
import json
import math
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_type_hints

from maskmill import __version__
from maskmill.catalogue import nearest
from maskmill.recipe import RecipeError, converted

from .blender import catalogue
from .blender.draws import Draws
from .blender.population import sampled

Range = tuple[float, float]
Names = list[str] | dict[str, float]
"""Which names may come: a list of equals, or names with weights. Empty: all there are."""
Spec = dict[str, Any]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_TRIES = 2000
_DEEP = 0.6  # metres that furniture needs before a wall


def _range(name: str, value: Range, low: float = -math.inf, high: float = math.inf) -> None:
    if not low <= value[0] <= value[1] <= high:
        bounds = f"{low:g} <= low <= high <= {high:g}"
        raise ValueError(f"{name} must be [low, high] with {bounds}, got {list(value)}")


def _share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be a share of 0 to 1, got {value:g}")


def _names(name: str, value: Names, known: Sequence[str]) -> None:
    for word in value:
        if word not in known:
            raise ValueError(f"{name}: unknown name {word!r}{nearest(word, known)}")
    if isinstance(value, dict):
        _weights(name, value.values())


def _weights(name: str, value: Iterable[float]) -> None:
    weights = list(value)
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
        raise ValueError(f"{name} must be weights of 0 and more, got {weights}")
    if weights and not sum(weights):
        raise ValueError(f"{name} must have a weight above 0")


def _count(name: str, value: tuple[int, int]) -> None:
    _range(name, value, 0, 20)


@dataclass(frozen=True, kw_only=True)
class SubjectTable:
    """``[subject]``: how often which kind stands in the middle.

    Parameters
    ----------
    person, product, asset, monkey : float
        Weights; the monkey is for trials.
    """

    person: float = 0.0
    product: float = 0.0
    asset: float = 0.0
    monkey: float = 0.0

    def __post_init__(self) -> None:
        if any(share < 0 for share in dataclasses.astuple(self)):
            raise ValueError("shares must be weights of 0 and more")


@dataclass(frozen=True, kw_only=True)
class PersonTable:
    """``[person]``: which of the people one meets are drawn; lists of names are filters.

    Parameters
    ----------
    age : (float, float)
        Years.
    height : (float, float)
        Metres, without shoes.
    poses, hair, tops, bottoms, shoes, overs : list of str
        Names of the catalogue; empty for all.
    turn : (float, float)
        Degrees about the vertical; 0 looks at the camera.
    """

    age: Range = (4.0, 85.0)
    height: Range = (0.8, 2.2)
    poses: list[str] = field(default_factory=list[str])
    hair: list[str] = field(default_factory=list[str])
    tops: list[str] = field(default_factory=list[str])
    bottoms: list[str] = field(default_factory=list[str])
    shoes: list[str] = field(default_factory=list[str])
    overs: list[str] = field(default_factory=list[str])
    turn: Range = (-35.0, 35.0)

    def __post_init__(self) -> None:
        _range("age", self.age, 4, 85)
        _range("height", self.height, 0.5, 2.5)
        _range("turn", self.turn, -180, 180)
        _names("poses", self.poses, catalogue.POSES)
        _names("hair", self.hair, catalogue.HAIR_STYLES)
        _names("tops", self.tops, catalogue.TOPS)
        _names("bottoms", self.bottoms, catalogue.BOTTOMS)
        _names("shoes", self.shoes, catalogue.SHOES)
        _names("overs", self.overs, catalogue.OVERS)

    def drawn(self, draws: Draws) -> Spec:
        """Return the first person of a row of random ones who fits."""
        for number in range(_TRIES):
            person = sampled(draws if number == 0 else draws.within("again", number))
            if self._fits(person):
                return person | {"turn": math.radians(draws.uniform("turned", *self.turn))}
        raise RecipeError(
            "[person]: nobody fits: of the people drawn, too few are so; "
            f"allow more than age {list(self.age)} with height {list(self.height)} and these lists"
        )

    def _fits(self, person: Spec) -> bool:
        garments = person["garments"]
        worn = {
            "top": self.tops,
            "bottom": self.bottoms,
            "shoes": self.shoes,
            "over": self.overs,
        }
        return (
            self.age[0] <= person["age"] <= self.age[1]
            and self.height[0] <= person["height"] <= self.height[1]
            and (not self.poses or person["pose"] in self.poses)
            and (not self.hair or person["hair"]["style"] in self.hair)
            and all(
                not allowed or garments[part] is None or garments[part] in allowed
                for part, allowed in worn.items()
            )
        )


@dataclass(frozen=True, kw_only=True)
class ProductTable:
    """``[product]``: which products, and how they are turned.

    Parameters
    ----------
    kinds : list of str or mapping of str to float
    turn : (float, float)
        Degrees.
    """

    kinds: Names = field(default_factory=list[str])
    turn: Range = (-180.0, 180.0)

    def __post_init__(self) -> None:
        _names("kinds", self.kinds, catalogue.PRODUCTS)
        _range("turn", self.turn, -180, 180)

    def drawn(self, draws: Draws) -> Spec:
        """Return a product."""
        return {
            "kind": "product",
            "product": _one(draws, "product", self.kinds, catalogue.PRODUCTS),
            "seed": draws.seed("product"),
            "turn": math.radians(draws.uniform("turned", *self.turn)),
        }


@dataclass(frozen=True, kw_only=True)
class AssetTable:
    """``[asset]``: things of the user's own.

    Parameters
    ----------
    folder : str
        With .blend, .glb, .obj or .fbx files and their licences; relative to the scene's file.
    turn : (float, float)
        Degrees.
    """

    folder: str = ""
    turn: Range = (-180.0, 180.0)

    def __post_init__(self) -> None:
        _range("turn", self.turn, -180, 180)


@dataclass(frozen=True, kw_only=True)
class PictureTable:
    """``[picture]``: its shapes.

    Parameters
    ----------
    shapes : list of str or mapping of str to float
        Width to height, such as ``"3:4"``; the longer side is what `size` says.
    denoise : bool
        Smooth the noise of rendering in the picture (never in its alpha).
    """

    shapes: Names = field(default_factory=lambda: ["1:1"])
    denoise: bool = False

    def __post_init__(self) -> None:
        if not self.shapes:
            raise ValueError("shapes must name a shape, such as ['3:4']")
        for shape in self.shapes:
            parts = shape.split(":")
            whole = len(parts) == 2 and all(part.isdecimal() and int(part) for part in parts)
            if not whole or not 1 / 4 <= int(parts[0]) / int(parts[1]) <= 4:
                raise ValueError(
                    f"shapes must be WIDTH:HEIGHT of 1:4 to 4:1, such as 3:4, got {shape!r}"
                )
        if isinstance(self.shapes, dict):
            _weights("shapes", self.shapes.values())


@dataclass(frozen=True, kw_only=True)
class WorldTable:
    """``[world]``: what lights the scene and stands at the horizon.

    Parameters
    ----------
    names : list of str or mapping of str to float
        Panoramas that come with Blender (CC0); none but the folder's where there is a folder and
        no name.
    folder : str
        With .hdr and .exr panoramas of the user's own; relative to the scene's file.
    licence : str
        Of the folder's panoramas.
    strength : (float, float)
        Factors of their light.
    """

    names: Names = field(default_factory=list[str])
    folder: str = ""
    licence: str = ""
    strength: Range = (0.7, 1.3)

    def __post_init__(self) -> None:
        _names("names", self.names, catalogue.WORLDS)
        _range("strength", self.strength, 0.01, 100)


@dataclass(frozen=True, kw_only=True)
class GroundTable:
    """``[ground]``: what the subject stands on.

    Parameters
    ----------
    share : float
        Of the pictures that have one.
    kinds : list of str or mapping of str to float
    """

    share: float = 1.0
    kinds: Names = field(default_factory=list[str])

    def __post_init__(self) -> None:
        _share("share", self.share)
        _names("kinds", self.kinds, catalogue.GROUNDS)


@dataclass(frozen=True, kw_only=True)
class BackgroundTable:
    """``[background]``: what stands behind the subject.

    Parameters
    ----------
    count : (int, int)
        How many things.
    kinds : list of str or mapping of str to float
    distance : (float, float)
        Metres behind the subject.
    side : (float, float)
        Shares of the picture's width from its middle, -0.5 at the left edge.
    """

    count: tuple[int, int] = (0, 3)
    kinds: Names = field(default_factory=list[str])
    distance: Range = (1.2, 5.0)
    side: Range = (-0.5, 0.5)

    def __post_init__(self) -> None:
        _count("count", self.count)
        _names("kinds", self.kinds, catalogue.BACKGROUND)
        _range("distance", self.distance, 0.1, 100)
        _range("side", self.side, -2, 2)


@dataclass(frozen=True, kw_only=True)
class OccludersTable:
    """``[occluders]``: what stands before the subject and hides some of it.

    Parameters
    ----------
    share : float
        Of the pictures that have any.
    count : (int, int)
        How many where there are any.
    kinds : list of str or mapping of str to float
    cover : (float, float)
        Share of the subject that each is to hide.
    side : (float, float)
        Shares of the picture's width from its middle.
    """

    share: float = 0.3
    count: tuple[int, int] = (1, 1)
    kinds: Names = field(default_factory=list[str])
    cover: Range = (0.05, 0.25)
    side: Range = (-0.4, 0.4)

    def __post_init__(self) -> None:
        _share("share", self.share)
        _count("count", self.count)
        _names("kinds", self.kinds, catalogue.OCCLUDERS)
        _range("cover", self.cover, 0.0, 0.6)
        _range("side", self.side, -0.5, 0.5)


@dataclass(frozen=True, kw_only=True)
class LightsTable:
    """``[lights]``: lamps besides the panorama.

    Parameters
    ----------
    count : (int, int)
    azimuth, elevation : (float, float)
        Degrees; azimuth 0 is in front of the subject.
    power : (float, float)
        Watts, 3 m away.
    size : (float, float)
        Metres; a small lamp throws hard shadows.
    tint : float
        0 white, 1 any colour.
    """

    count: tuple[int, int] = (0, 2)
    azimuth: Range = (-120.0, 120.0)
    elevation: Range = (10.0, 65.0)
    power: Range = (40.0, 250.0)
    size: Range = (0.3, 2.0)
    tint: float = 0.15

    def __post_init__(self) -> None:
        _count("count", self.count)
        _range("azimuth", self.azimuth, -180, 180)
        _range("elevation", self.elevation, -30, 90)
        _range("power", self.power, 0, 1e5)
        _range("size", self.size, 0.01, 50)
        _share("tint", self.tint)


@dataclass(frozen=True, kw_only=True)
class CameraTable:
    """``[camera]``: where it stands and how it takes the picture.

    Parameters
    ----------
    azimuth, elevation : (float, float)
        Degrees round the subject and above the horizon; azimuth 0 is in front of it.
    lens : (float, float)
        Millimetres, on a sensor whose longer side is 36 mm.
    crops : list of (float, float)
        Parts of the subject's height, from below, that are to fill the frame: [0, 1] is all of it,
        [0.45, 1] a person from the hips up. Each is as likely.
    coverage : (float, float)
        Share of the frame that the subject covers, as measured in the picture; the camera moves
        until it does.
    side : (float, float)
        Where the subject's middle stands, in shares of the width from the picture's middle.
    exposure : (float, float)
        Stops over or under what a camera would choose.
    depth_of_field : float
        Share of the pictures with a lens that is not sharp everywhere.
    f_number : (float, float)
        Of these.
    motion_blur : float
        Share of the pictures that are taken while the camera pans.
    shutter : (float, float)
        Of these: how much of a frame's time it is open, 0 to 1.
    pan : (float, float)
        Of these: degrees that the camera turns in a frame's time, to either side.
    """

    azimuth: Range = (-40.0, 40.0)
    elevation: Range = (-5.0, 20.0)
    lens: Range = (40.0, 105.0)
    crops: list[Range] = field(default_factory=lambda: [(0.0, 1.0)])
    coverage: Range = (0.2, 0.7)
    side: Range = (-0.06, 0.06)
    exposure: Range = (-0.4, 0.4)
    depth_of_field: float = 0.3
    f_number: Range = (1.4, 5.6)
    motion_blur: float = 0.1
    shutter: Range = (0.3, 1.0)
    pan: Range = (0.1, 1.5)

    def __post_init__(self) -> None:
        _range("azimuth", self.azimuth, -360, 360)
        _range("elevation", self.elevation, -85, 85)
        _range("lens", self.lens, 10, 600)
        if not self.crops:
            raise ValueError("crops must have one part of the subject, such as [[0, 1]]")
        for crop in self.crops:
            _range("crops", crop, 0, 1)
            if crop[0] == crop[1]:
                raise ValueError(f"crops must be parts of the subject, got {list(crop)}")
        _range("coverage", self.coverage, 0.001, 0.999)
        if self.coverage[1] - self.coverage[0] < 0.1:
            raise ValueError(
                "coverage must be at least 0.1 wide, or no camera will do, "
                f"got {list(self.coverage)}"
            )
        _range("side", self.side, -0.5, 0.5)
        _range("exposure", self.exposure, -5, 5)
        _share("depth_of_field", self.depth_of_field)
        _range("f_number", self.f_number, 0.5, 64)
        _share("motion_blur", self.motion_blur)
        _range("shutter", self.shutter, 0, 1)
        _range("pan", self.pan, 0, 90)

    def drawn(self, draws: Draws) -> Spec:
        """Return a camera."""
        sharp = not draws.chance("depth of field", self.depth_of_field)
        still = not draws.chance("motion blur", self.motion_blur)
        turn = math.radians(draws.uniform("pan", *self.pan))
        return {
            "azimuth": math.radians(draws.uniform("azimuth", *self.azimuth)),
            "elevation": math.radians(draws.uniform("elevation", *self.elevation)),
            # Even in the logarithm: from 35 to 50 is as far as from 70 to 100.
            "lens": math.exp(draws.uniform("lens", *map(math.log, self.lens))),
            "crop": list(draws.choice("crop", self.crops)),
            "coverage": list(self.coverage),
            "side": draws.uniform("side", *self.side),
            "exposure": draws.uniform("exposure", *self.exposure),
            "f_number": None if sharp else draws.uniform("f-number", *self.f_number),
            "shutter": 0.0 if still else draws.uniform("shutter", *self.shutter),
            "pan": 0.0 if still else turn * (1 if draws.chance("pans left", 0.5) else -1),
        }


@dataclass(frozen=True, kw_only=True)
class AlphaTable:
    """``[alpha]``: how it is got, and what comes with it.

    Parameters
    ----------
    path : str
        ``cryptomatte`` counts in the picture's own render; ``holdout`` renders the subject alone
        with the rest as holes; ``auto`` takes the second where something lets light through.
    foreground : bool
        Also write NAME.foreground.png, the subject's own colours with its alpha.
    shadow : bool
        Also write NAME.shadow.png, what the subject takes of the ground's light.
    """

    path: Literal["auto", "cryptomatte", "holdout"] = "auto"
    foreground: bool = False
    shadow: bool = False


@dataclass(frozen=True, kw_only=True)
class ViewsTable:
    """``[views]``: several pictures of one scene, from cameras along a path.

    Parameters
    ----------
    count : int
        Pictures of each scene: samples 0 to count - 1 are the first, and so on.
    sweep : float
        Degrees that the cameras go round the subject; 360 ends where it began.
    """

    count: int = 1
    sweep: float = 360.0

    def __post_init__(self) -> None:
        if not 1 <= self.count <= 10_000:
            raise ValueError(f"count must be 1 to 10000 views, got {self.count}")
        if not 0 < self.sweep <= 360:
            raise ValueError(f"sweep must be degrees of 0 to 360, got {self.sweep:g}")

    def azimuth(self, view: int) -> float:
        """Return how far a view is turned from the first, in radians.

        Examples
        --------
        >>> [round(math.degrees(ViewsTable(count=12).azimuth(view))) for view in (0, 1, 11)]
        [0, 30, 330]
        >>> [round(math.degrees(ViewsTable(count=3, sweep=40).azimuth(view))) for view in range(3)]
        [0, 20, 40]
        """
        steps = self.count if self.sweep == 360 else max(1, self.count - 1)
        return math.radians(self.sweep) * view / steps


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What may be in a picture.

    Parameters
    ----------
    name : str
        What the samples' names begin with.
    subject, person, product, asset, picture, world, ground, background, occluders, lights, camera
        The tables of the file.
    alpha, views
        Likewise.
    """

    name: str = "scene"
    subject: SubjectTable = field(default_factory=SubjectTable)
    person: PersonTable = field(default_factory=PersonTable)
    product: ProductTable = field(default_factory=ProductTable)
    asset: AssetTable = field(default_factory=AssetTable)
    picture: PictureTable = field(default_factory=PictureTable)
    world: WorldTable = field(default_factory=WorldTable)
    ground: GroundTable = field(default_factory=GroundTable)
    background: BackgroundTable = field(default_factory=BackgroundTable)
    occluders: OccludersTable = field(default_factory=OccludersTable)
    lights: LightsTable = field(default_factory=LightsTable)
    camera: CameraTable = field(default_factory=CameraTable)
    alpha: AlphaTable = field(default_factory=AlphaTable)
    views: ViewsTable = field(default_factory=ViewsTable)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"name must be of lower-case letters, digits, _ and -, got {self.name!r}"
            )
        if not sum(dataclasses.astuple(self.subject)):
            raise ValueError("[subject] must give a kind a share, such as person = 1.0")
        if self.subject.asset and not self.asset.folder:
            raise ValueError("[asset] must name a folder, as [subject] asks for assets")

    def sample(self, index: int, *, size: int, samples: int, seed: int) -> Spec:
        """Return one sample, which depends on nothing but the scene and these numbers.

        Parameters
        ----------
        index : int
        size : int
            Pixels of the picture's longer side.
        samples : int
            Samples a pixel.
        seed : int

        Returns
        -------
        dict
            JSON values only: all that the worker needs to know. Angles are radians, lengths metres.

        Examples
        --------
        >>> scene = Scene(subject=SubjectTable(monkey=1))
        >>> spec = scene.sample(3, size=64, samples=4, seed=0)
        >>> spec == scene.sample(3, size=64, samples=4, seed=0), spec["name"]
        (True, 'scene_00000003')
        """
        number, view = divmod(index, self.views.count)
        draws = Draws(seed, number)
        kinds = {kind: share for kind, share in dataclasses.asdict(self.subject).items() if share}
        subject = self._subject(draws.choice("kind", kinds), draws.within("subject"))
        camera = self.camera.drawn(draws.within("camera"))
        camera["azimuth"] += self.views.azimuth(view)
        width, height = self._shape(draws, size)
        spec = {
            "name": f"{self.name}_{index:08d}",
            "seed": seed,
            "index": index,
            "width": width,
            "height": height,
            "samples": samples,
            "group": _group(subject),
            "subject": subject,
            "world": self._world(draws.within("world")),
            "ground": self._ground(draws.within("ground")),
            "background": self._background(draws.within("background")),
            "occluders": self._occluders(draws.within("occluders")),
            "lights": self._lights(draws.within("lights")),
            "camera": camera,
            "alpha": self.alpha.path,
            "foreground": self.alpha.foreground,
            "shadow": self.alpha.shadow,
            "denoise": self.picture.denoise,
        }
        return _rounded(spec)

    def _subject(self, kind: str, draws: Draws) -> Spec:
        if kind == "person":
            return self.person.drawn(draws)
        if kind == "product":
            return self.product.drawn(draws)
        if kind == "monkey":
            turn = math.radians(draws.uniform("turned", -40, 40))
            return {"kind": "monkey", "seed": draws.seed("monkey"), "turn": turn}
        asset = draws.choice("asset", _assets(self.asset.folder))
        turn = math.radians(draws.uniform("turned", *self.asset.turn))
        return {"kind": "asset", **asset, "turn": turn}

    def _shape(self, draws: Draws, size: int) -> tuple[int, int]:
        wide, high = map(int, draws.choice("shape", self.picture.shapes).split(":"))
        longer = max(wide, high)
        return max(1, round(size * wide / longer)), max(1, round(size * high / longer))

    def _world(self, draws: Draws) -> Spec:
        world = {
            "strength": draws.uniform("strength", *self.world.strength),
            "rotation": draws.uniform("rotation", 0, math.tau),
        }
        files = panoramas(self.world.folder) if self.world.folder else ()
        names = dict.fromkeys(self.world.names, 1.0)
        if isinstance(self.world.names, dict):
            names = self.world.names
        elif not names and not files:
            names = dict.fromkeys(catalogue.WORLDS, 1.0)
        chosen = draws.choice("world", names | dict.fromkeys(files, 1.0))
        if chosen in names:
            return {"name": chosen, "path": None, "licence": "CC0 1.0", **world}
        licence = self.world.licence or "licence not stated"
        return {"name": Path(chosen).stem, "path": chosen, "licence": licence, **world}

    def _ground(self, draws: Draws) -> Spec | None:
        if not draws.chance("there", self.ground.share):
            return None
        kind = _one(draws, "kind", self.ground.kinds, catalogue.GROUNDS)
        return {"kind": kind, "seed": draws.seed("ground")}

    def _background(self, draws: Draws) -> list[Spec]:
        table, things = self.background, list[Spec]()
        for number in range(_number(draws, table.count)):
            each = draws.within(number)
            things.append(
                {
                    "kind": _one(each, "kind", table.kinds, catalogue.BACKGROUND),
                    "seed": each.seed("thing"),
                    "distance": each.uniform("distance", *table.distance),
                    "side": each.uniform("side", *table.side),
                }
            )
        return _arranged(things)

    def _occluders(self, draws: Draws) -> list[Spec]:
        table, things = self.occluders, list[Spec]()
        if not draws.chance("there", table.share):
            return things
        for number in range(_number(draws, table.count)):
            each = draws.within(number)
            things.append(
                {
                    "kind": _one(each, "kind", table.kinds, catalogue.OCCLUDERS),
                    "seed": each.seed("thing"),
                    "share": each.uniform("cover", *table.cover),
                    "side": each.uniform("side", *table.side),
                }
            )
        return things

    def _lights(self, draws: Draws) -> list[Spec]:
        table, lamps = self.lights, list[Spec]()
        for number in range(_number(draws, table.count)):
            each = draws.within(number)
            tint = [1 - table.tint * each.uniform(part) for part in ("red", "green", "blue")]
            lamps.append(
                {
                    "kind": "area",
                    "azimuth": math.radians(each.uniform("azimuth", *table.azimuth)),
                    "elevation": math.radians(each.uniform("elevation", *table.elevation)),
                    "power": each.uniform("power", *table.power),
                    "size": each.uniform("size", *table.size),
                    "colour": tint,
                }
            )
        return lamps


def _number(draws: Draws, count: tuple[int, int]) -> int:
    return count[0] + int(draws.uniform("count") * (count[1] - count[0] + 1))


def _arranged(things: list[Spec]) -> list[Spec]:
    """Keep one backdrop at most, behind all else: it fills the picture from side to side.

    Examples
    --------
    >>> drawn = (("wall", 2.0), ("sofa", 3.0), ("hedge", 4.0))
    >>> kept = _arranged([{"kind": kind, "distance": far} for kind, far in drawn])
    >>> [(thing["kind"], thing["distance"]) for thing in kept]
    [('wall', 3.6), ('sofa', 3.0)]
    """
    backdrops = [thing for thing in things if thing["kind"] in catalogue.BACKDROPS]
    others = [thing for thing in things if thing["kind"] not in catalogue.BACKDROPS]
    behind = max((thing["distance"] + _DEEP for thing in others), default=0.0)
    return [
        thing | {"distance": max(thing["distance"], behind)} if thing in backdrops else thing
        for thing in things
        if thing in others or thing is backdrops[0]
    ]


def _one(draws: Draws, name: str, wanted: Names, known: Sequence[str]) -> str:
    """Return one of the names that are wanted, or of all that are known."""
    among = wanted or known
    if not among:
        raise RecipeError(f"there is no {name} of any kind yet")
    return draws.choice(name, among)


def _group(subject: Spec) -> str:
    """Return what all pictures of one subject share: they must not be parted between splits."""
    if subject["kind"] == "asset":
        return f"asset-{subject['asset']}"
    return f"{subject.get('product', subject['kind'])}-{subject['seed']}"


def _rounded(value: Any) -> Any:
    """Return JSON values with numbers of six places: the same whatever the processor's last bit."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return value


@functools.lru_cache
def _assets(folder: str) -> tuple[Spec, ...]:
    from .assets_folder import found

    try:
        assets = tuple(found(folder))
    except (OSError, ValueError) as error:
        raise RecipeError(f"[asset]: {error}") from None
    if not assets:
        raise RecipeError(f"[asset]: folder must hold .blend, .glb, .obj or .fbx, got {folder}")
    return assets


@functools.lru_cache
def panoramas(folder: str) -> tuple[str, ...]:
    """Return the .hdr and .exr files of a folder, in order.

    Raises
    ------
    RecipeError
        When there is none.
    """
    place = Path(folder)
    names = sorted(place.iterdir()) if place.is_dir() else []
    files = tuple(str(path) for path in names if path.suffix.lower() in (".hdr", ".exr"))
    if not files:
        raise RecipeError(f"[world]: folder must hold .hdr or .exr panoramas, got {folder}")
    return files


def stamp(spec: Spec) -> str:
    """Return a hash of a sample and of the version that renders it: what is done is known by it.

    Examples
    --------
    >>> stamp({"name": "a", "seed": 1}) == stamp({"seed": 1, "name": "a"})
    True
    """
    told = dict(spec)
    for part in ("subject", "world"):
        path = spec.get(part, {}).get("path")
        if path:  # wherever it lies, it is the same file
            told[part] = spec[part] | {"path": [Path(path).name, _contents(path)], "root": None}
    content = {"version": __version__, "spec": told}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@functools.lru_cache(maxsize=4096)
def _contents(path: str) -> str:
    """Return a hash of a file; of one that cannot be read, nothing: the worker will say so."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()[:32]
    except OSError:
        return ""


def read_scene(path: str | os.PathLike[str]) -> Scene:
    """Read and check a scene's file.

    Raises
    ------
    RecipeError
        For anything that is wrong with it: it names the file, the table, the key and the nearest
        right spelling.
    """
    path = Path(path)
    try:
        table = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RecipeError(f"{path}: must be UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path}: not valid TOML: {error}") from None
    try:
        return _scene(table, path)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None


def _scene(table: Mapping[str, Any], path: Path) -> Scene:
    stem = re.sub(r"[^a-z0-9_-]+", "_", path.stem.lower()).strip("_-")
    parts: dict[str, Any] = {"name": stem or "scene"}
    hints = get_type_hints(Scene)
    for key, value in table.items():
        if key not in hints:
            raise RecipeError(f"top level: unknown key {key!r}{nearest(key, hints)}")
        if key == "name":
            parts[key] = converted(value, str, "top level", key)
        elif not isinstance(value, dict):
            raise RecipeError(f"top level: {key} must be a table, write [{key}]")
        else:
            parts[key] = _table(hints[key], value, f"[{key}]", path.absolute().parent)
    try:
        return Scene(**parts)
    except ValueError as error:
        raise RecipeError(str(error)) from None


def _table(kind: Any, table: Mapping[str, Any], where: str, folder: Path) -> Any:
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in hints:
            raise RecipeError(f"{where}: unknown key {key!r}{nearest(key, hints)}")
        values[key] = converted(value, hints[key], where, key)
        if key == "folder" and value:
            values[key] = os.fspath(folder / values[key])
    try:
        return kind(**values)
    except ValueError as error:
        raise RecipeError(f"{where}: {error}") from None
