"""Put foregrounds before photographs: a source that keeps what is on one side from the other."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from maskmill.sample import Dropped, Sample
from maskmill.source import Partition
from maskmill.stage import Location, Stage, describe, digest_of

from .division import Shares
from .facts import RenderFacts
from .folder import storable
from .making import Maker, Manner, Pair
from .matching import Matching
from .pairing import blocks, chosen
from .pools import Background, Foreground, Row, backgrounds_of, foregrounds_of, read_about

__all__ = ["Composite"]


@dataclass(frozen=True)
class Composite:
    """Foregrounds with transparency over photographs, composited in linear light.

    Both pools are divided into splits first, and pairs are made within a split: no foreground and
    no background is ever on two sides.

    Parameters
    ----------
    foregrounds : str
        Folder of RGBA PNGs, 8 or 16 bits, not premultiplied; folders within it are entered. Of
        renders, the NAME.foreground.png. Nothing outside the folder is ever read.
    backgrounds : str
        Folder of photographs; folders within it are entered.
    per_foreground : int or "all"
        Backgrounds that each foreground meets, chosen by hashes of their identities; "all": every
        foreground meets every background of its split.
    place : {"keep", "draw"}
        "keep": the foreground's own frame, in which it stays where it is; backgrounds are cropped
        to it. "draw": the background's frame, in which the foreground is moved and scaled.
    coverage : pair of float
        Where ``place`` is "draw": least and largest share of the frame that a foreground is to
        cover. The frame is made narrower or wider where it would not fit otherwise.
    size : int, optional
        Long side of the composites in pixels; by default the foreground's.
    light : float
        How far the foreground takes on the background's brightness and colour of light, in [0, 1];
        see `maskmill.synth.matching.light_gains`.
    blur, noise : bool
        Whether the foreground is made as soft and as noisy as the background.
    jpeg : bool
        Whether composites are compressed as their backgrounds were; else, and where those are no
        JPEGs, they are PNGs.
    shadows : bool
        Where ``place`` is "keep": whether a NAME.shadow.png beside a foreground darkens the
        background.
    views : {"file", "folder"}
        What must not be parted between splits where no facts say it: each foreground is for itself
        ("file"), or those of one folder show one thing ("folder").
    about : str, optional
        CSV about the backgrounds: ``image`` (name relative to their folder), ``licence`` and
        ``group`` (what must not be parted, such as the shots of one room).
    train, val, test : float
        Shares in [0, 1] that sum to 1, of foregrounds' groups as of backgrounds.
    salt : str
        Another salt, another division. With that of the table stage ``split`` a render and the
        composites of its foreground are on one side.
    seed : int
        Another seed, other pairs, crops and places.
    samples_per_partition : int
        Pairs to make per partition, at least 1.

    Raises
    ------
    ValueError
        When a parameter is out of range; while planning, when a folder is missing or empty, or no
        split has foregrounds and backgrounds.

    Notes
    -----
    A sample's group is its foreground's: that of the facts, else of the folder, else of the file's
    content. Tags: ``composite``, ``foreground:<id>`` and ``background:<id>``, with the identities
    of `maskmill.synth.folder.Facts` (a copy under another name has the same), and what the facts
    say. The licence names both. The history notes the place, the crop, and what was matched.

    An item is a pair. Reasons beside those of `maskmill.door.admit`, where ``foreground`` or
    ``background`` is 1 for whose fault it is: ``no_alpha`` (nothing of a foreground is
    transparent), ``empty_alpha`` (everything is), ``bad_record`` (its facts are broken),
    ``too_small`` (the background would have to be enlarged more than twice), ``no_partner`` (no
    background, or no foreground, is in its split), ``missing_file``, ``unreadable_file``,
    ``file_too_large`` and ``unsafe_path``.

    Examples
    --------
    >>> Composite("foregrounds/", "backgrounds/", per_foreground=3).place
    'keep'
    """

    foregrounds: Location
    backgrounds: Location
    per_foreground: int | Literal["all"] = 1
    place: Literal["keep", "draw"] = "keep"
    coverage: tuple[float, float] = (0.2, 0.7)
    size: int | None = None
    light: float = 0.5
    blur: bool = True
    noise: bool = True
    jpeg: bool = True
    shadows: bool = False
    views: Literal["file", "folder"] = "file"
    about: Location | None = None
    train: float = 0.7
    val: float = 0.2
    test: float = 0.1
    salt: str = ""
    seed: int = 0
    samples_per_partition: int = 64

    def __post_init__(self) -> None:
        for place in ("foregrounds", "backgrounds", "about"):
            path = getattr(self, place)
            if path is not None and "://" not in os.fspath(path):
                # Absolute: a worker of a cluster may stand in another folder.
                object.__setattr__(self, place, os.path.abspath(path))  # noqa: PTH100
        if self.foregrounds == self.backgrounds:
            raise ValueError(
                f"foregrounds and backgrounds must be different folders, got {self.foregrounds} "
                "twice"
            )
        number = self.per_foreground
        if number != "all" and not (type(number) is int and number > 0):
            raise ValueError(f"per_foreground must be 1 or more, or 'all', got {number!r}")
        for name, words in (("place", ("keep", "draw")), ("views", ("file", "folder"))):
            if getattr(self, name) not in words:
                raise ValueError(
                    f"{name} must be {' or '.join(map(repr, words))}, got {getattr(self, name)!r}"
                )
        low, high = self.coverage
        if not 0 < low < high <= 1:
            raise ValueError(f"coverage must be two shares 0 < low < high <= 1, got {(low, high)}")
        if self.size is not None and self.size < 16:
            raise ValueError(f"size must be 16 pixels or more, got {self.size}")
        if self.shadows and self.place == "draw":
            raise ValueError("shadows must be false where place is 'draw': a shadow cannot move")
        if self.samples_per_partition < 1:
            raise ValueError(
                f"samples_per_partition must be at least 1, got {self.samples_per_partition}"
            )
        self._manner()
        self._shares().check()

    def plan(self, stages: Sequence[Stage]) -> list[Partition]:
        parts = _planned(self)
        about = describe(self)
        return [
            Partition(tuple(part), digest_of(about, [_identity(item) for item in part]), len(part))
            for part in parts
        ]

    def read(self, partition: Partition) -> Iterator[Sample | Dropped]:
        maker = Maker(
            self._manner(), os.path.realpath(self.foregrounds), os.path.realpath(self.backgrounds)
        )
        for item in partition.items:
            yield item if isinstance(item, Dropped) else maker.made(item)

    def _manner(self) -> Manner:
        return Manner(
            place=self.place,
            coverage=self.coverage,
            size=self.size,
            matching=Matching(self.light, self.blur, self.noise),
            jpeg=self.jpeg,
            shadows=self.shadows,
            seed=self.seed,
        )

    def _shares(self) -> Shares:
        return Shares(self.train, self.val, self.test)


_Item = Pair | Dropped


def _planned(source: Composite) -> list[list[_Item]]:
    """Divide both pools, then pair within each split."""
    shares = source._shares()
    about: dict[str, Row] = {} if source.about is None else read_about(source.about)
    foregrounds, lost = foregrounds_of(
        os.fspath(source.foregrounds), source.views, shares, source.salt
    )
    backgrounds, more = backgrounds_of(os.fspath(source.backgrounds), about, shares, source.salt)
    lost += more
    parts: list[list[_Item]] = []
    sides: dict[str, tuple[list[Foreground], list[Background]]] = {
        split: (
            [one for one in foregrounds if one.split == split],
            [one for one in backgrounds if one.split == split],
        )
        for split in ("train", "val", "test")
    }
    for fronts, behind in sides.values():
        if fronts and behind:
            parts += _paired(source, fronts, behind)
        else:
            lost += [_alone("foreground", one.name) for one in fronts]
            lost += [_alone("background", one.name) for one in behind]
    if not parts:
        told = ", ".join(
            f"{split} {len(fronts)} and {len(behind)}" for split, (fronts, behind) in sides.items()
        )
        raise ValueError(
            f"some split must have foregrounds and backgrounds, got {told}: with few files, put "
            "all into one split (train = 1.0, val = 0.0, test = 0.0)"
        )
    size = source.samples_per_partition
    return [*parts, *(list(lost[at : at + size]) for at in range(0, len(lost), size))]


def _paired(
    source: Composite, foregrounds: list[Foreground], backgrounds: list[Background]
) -> list[list[_Item]]:
    size = source.samples_per_partition
    if source.per_foreground == "all":
        found = blocks(foregrounds, backgrounds, size)
        return [[Pair(*pair) for pair in block] for block in found]
    partners = chosen(
        [one.file.identity for one in foregrounds],
        [one.file.identity for one in backgrounds],
        source.per_foreground,
        source.seed,
    )
    pairs: list[_Item] = [
        Pair(one, backgrounds[at])
        for one, places in zip(foregrounds, partners, strict=True)
        for at in places
    ]
    return [pairs[at : at + size] for at in range(0, len(pairs), size)]


def _alone(kind: str, name: str) -> Dropped:
    return Dropped(None, "no_partner", {kind: 1.0}, storable(f"{kind}: {name}"))


def _identity(item: _Item) -> list[Any]:
    if isinstance(item, Dropped):
        return [item.origin, item.reason, sorted(item.values.items())]
    front, behind = item.foreground, item.background
    facts = None if front.facts is None else _told(front.facts)
    shadow = front.shadow and storable(front.shadow)
    return [
        [storable(front.name), *front.file, front.group, front.split, facts, shadow],
        [storable(behind.name), *behind.file, behind.split, behind.licence],
    ]


def _told(facts: RenderFacts) -> list[Any]:
    step = [facts.step.stage, sorted(facts.step.values.items())]
    return [facts.group, facts.licence, facts.tags, sorted(facts.scores.items()), step]
