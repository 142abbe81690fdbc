"""Read what `maskmill render` has written: pictures with their exact alphas."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from maskmill.door import Refused, admit
from maskmill.folder import read_inside
from maskmill.images import decode_alpha, decode_levels, encode_alpha
from maskmill.sample import Dropped, Sample, content_key
from maskmill.source import Partition
from maskmill.stage import Location, Stage, describe, digest_of

from .facts import RenderFacts, read_facts
from .folder import Facts, files_of, looked_at, storable

__all__ = ["Render", "Renders"]

ALPHA = ".alpha.png"


@dataclass(frozen=True, slots=True)
class Render:
    """A picture of a folder, as a partition carries it.

    Parameters
    ----------
    name : str
        Relative to the folder, without ``.png``.
    files : tuple
        What was known of picture, alpha and facts when the run was planned; None: not there.
    """

    name: str
    files: tuple[Facts | None, Facts | None, Facts | None]


@dataclass(frozen=True)
class Renders:
    """Pictures with exact alphas: a folder of NAME.png, NAME.alpha.png and NAME.json.

    `maskmill render` writes such folders; any other of this form will do. What there is no alpha
    of, such as a contact sheet, is no render unless a NAME.json says so.

    Parameters
    ----------
    folder : str
        Folders within it are entered too. Nothing outside it is ever read.
    bits : {8, 16}
        Levels of the alphas that are taken over: renders have 16 bits, of which a dataset keeps 8
        unless both this and the run say 16.
    samples_per_partition : int
        Pairs to read per partition, at least 1.

    Raises
    ------
    ValueError
        When a parameter is out of range; while planning, when there is no such folder or no render
        in it.

    Notes
    -----
    The group is that of the facts, by which the views of one subject stay in one split; else the
    name. The licence is what the facts say of every asset. Tags: ``rendered``, ``no_facts`` where
    there is no NAME.json, and those of `maskmill.synth.facts.RenderFacts`, as are scores;
    ``coverage`` is measured on the alpha.

    Reasons beside those of `maskmill.door.admit`, where ``alpha`` is 1 for the alpha's file and
    ``facts`` is 1 for the facts': ``missing_file``, ``unreadable_file``, ``file_too_large``,
    ``unsafe_path`` (leads out of the folder), ``frame_mismatch`` (picture and alpha are of
    different sizes), ``bad_record`` (facts that are no JSON object) and ``empty_alpha``.

    Examples
    --------
    >>> Renders("renders/").bits
    8
    """

    folder: Location
    bits: Literal[8, 16] = 8
    samples_per_partition: int = 128

    def __post_init__(self) -> None:
        if "://" not in os.fspath(self.folder):
            # Absolute: a worker of a cluster may stand in another folder.
            object.__setattr__(self, "folder", os.path.abspath(self.folder))  # noqa: PTH100
        if self.bits not in (8, 16):
            raise ValueError(f"bits must be 8 or 16, got {self.bits}")
        if self.samples_per_partition < 1:
            raise ValueError(
                f"samples_per_partition must be at least 1, got {self.samples_per_partition}"
            )

    def plan(self, stages: Sequence[Stage]) -> list[Partition]:
        items = renders_of(os.fspath(self.folder))
        if not items:
            raise ValueError(
                f"folder must hold NAME.png with NAME.alpha.png, as maskmill render writes them, "
                f"got none in {self.folder}"
            )
        about = describe(self)
        parts = [
            items[at : at + self.samples_per_partition]
            for at in range(0, len(items), self.samples_per_partition)
        ]
        return [
            Partition(
                tuple(part),
                digest_of(about, [[storable(i.name), i.files] for i in part]),
                len(part),
            )
            for part in parts
        ]

    def read(self, partition: Partition) -> Iterator[Sample | Dropped]:
        root = os.path.realpath(self.folder)
        for item in partition.items:
            yield opened(item, root, self.bits)


def renders_of(folder: str) -> list[Render]:
    """List the renders of a folder, in order of their names."""
    root, pictures = files_of(folder, [".png"])
    _, written = files_of(folder, [".json"])
    known = {*pictures, *written}
    names = {name.removesuffix(ALPHA) for name in pictures if name.endswith(ALPHA)}
    names |= {name.removesuffix(".json") for name in written} & {
        name.removesuffix(".png") for name in pictures
    }
    wanted = [[f"{name}{end}" for end in (".png", ALPHA, ".json")] for name in sorted(names)]
    present = [file for files in wanted for file in files if file in known]
    found = dict(zip(present, looked_at(root, present), strict=True))

    def facts(file: str) -> Facts | None:
        one = found.get(file)
        return one if isinstance(one, Facts) else None  # why not is said when it is read

    return [
        Render(image.removesuffix(".png"), (facts(image), facts(alpha), facts(written)))
        for image, alpha, written in wanted
    ]


def opened(item: Render, root: str, bits: int) -> Sample | Dropped:
    """Read a render, or say why it cannot be."""
    origin = storable(item.name)
    data: list[bytes] = []
    for number, end in enumerate((".png", ALPHA)):
        try:
            data.append(read_inside(root, item.name + end))
        except Refused as refused:
            _check_vanished(refused, item.name + end, item.files[number])
            return _refused(refused, origin, alpha=number)
    try:
        facts = read_facts(root, f"{item.name}.json")
    except Refused as refused:
        return Dropped(None, refused.reason, {**refused.values, "facts": 1.0}, origin)
    try:
        picture = admit(data[0])
    except Refused as refused:
        return _refused(refused, origin, alpha=0)
    try:
        admit(data[1])  # OpenCV makes something of a file that is cut short
        levels = decode_levels(data[1])
    except Refused as refused:
        return _refused(refused, origin, alpha=1)
    except ValueError:
        return _refused(Refused("unsupported_mode"), origin, alpha=1)
    if levels.shape != (picture.height, picture.width):
        sizes = {"height": picture.height, "width": picture.width}
        sizes |= {"alpha_height": levels.shape[0], "alpha_width": levels.shape[1]}
        return Dropped(None, "frame_mismatch", sizes, origin)
    alpha = data[1]
    if levels.dtype == np.uint16 and bits == 8:
        alpha = encode_alpha(decode_alpha(alpha), 8)
    told = facts or RenderFacts()
    sample = Sample(
        key=content_key(data[0], data[1]),
        source="",
        origin=origin,
        image_bytes=picture.image_bytes,
        height=picture.height,
        width=picture.width,
        alpha_bytes=alpha,
        group=told.group or origin,
        tags=picture.tags,
        licence=told.licence,
        history=() if facts is None else (told.step,),
    )
    peak = float(levels.max()) / np.iinfo(levels.dtype).max
    if peak == 0:
        return Dropped(sample, "empty_alpha", {"peak": peak})
    coverage = float(levels.mean(dtype=np.float64)) / np.iinfo(levels.dtype).max
    tags = ("rendered", *told.tags) if facts else ("rendered", "no_facts")
    return sample.tagged(*tags).scored(**told.scores, coverage=coverage)


def _refused(refused: Refused, origin: str, *, alpha: int) -> Dropped:
    values = {**refused.values, "alpha": 1.0} if alpha else refused.values
    return Dropped(None, refused.reason, values, origin)


def _check_vanished(refused: Refused, name: str, planned: Facts | None) -> None:
    """Raise where a file is gone that was there: that is the storage's fault, not the file's."""
    if refused.reason == "missing_file" and planned:
        raise FileNotFoundError(
            f"{name} was there when the run was planned and is not now: was it removed, or does "
            "this worker not see the same files?"
        ) from refused
