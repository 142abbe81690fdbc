"""Read photographs and the clips that were made of them."""

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from maskmill.door import Admitted, Refused, admit
from maskmill.folder import path_inside, read_inside
from maskmill.images import Image, decode_image
from maskmill.sample import Dropped, Sample, content_key
from maskmill.source import Partition
from maskmill.stage import Location, Stage, describe, digest_of

from .context import ClipContext
from .decoding import decode_clip, read_clip
from .folder import facts_of, pictures_of, rooted
from .names import Fault, partners

if TYPE_CHECKING:
    from .alignment import Alignment

__all__ = ["ClipPair", "ClipPairs", "PairRow", "decode_clip", "pairs_of", "read_table"]

LEAST_SIDE = 16
"""Pixels; nothing can be laid on less."""

_COLUMNS = ("original", "clipped")
_File = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class ClipPair:
    """A clip and the photographs it may come from, as a partition carries them.

    Parameters
    ----------
    origin : str
        What the pair is called: the clip's name.
    clip : str
        Name relative to the clips' folder.
    originals : tuple of str
        Names relative to the photographs' folder: the one it belongs to, or the likeliest first.
    known : bool
        Whether there is just one, and the pair stands.
    group : str or None
        Of the table of pairs.
    files : tuple
        Sizes and times of the clip and of the photographs when the run was planned.
    """

    origin: str
    clip: str
    originals: tuple[str, ...]
    known: bool = True
    group: str | None = None
    files: tuple[_File, ...] = ()


@dataclass(frozen=True, slots=True)
class PairRow:
    """A row of a table of pairs."""

    original: str
    clipped: str
    group: str | None = None


@dataclass(frozen=True)
class ClipPairs:
    """Photographs with their clips: same object, cut out, on white or transparent.

    Parameters
    ----------
    originals, clipped : str
        Folders, whose folders are entered too, or globs such as ``shots/*_front.jpg``. Nothing
        outside them is ever read.
    pairs : str, optional
        A CSV or Parquet file with the columns ``original`` and ``clipped``: names relative to the
        two folders. A column ``group`` is taken over: what is of one group never parts across
        splits.
    match : str
        ``"name"``: by what the files are called, see `maskmill.stitch.names.partners`.
        ``"content"``: by what they show, see `maskmill.stitch.discover`; names do not matter.
    candidates : int
        Photographs that are tried for each clip where ``match`` is ``"content"``.
    samples_per_partition : int
        Pairs to read per partition, at least 1.

    Raises
    ------
    ValueError
        When a parameter is out of range; while planning, when there is no such folder or the table
        has not these columns.

    Notes
    -----
    A sample is the photograph without an alpha, with the clip in its context
    (`maskmill.stitch.context.ClipContext`): the stages ``realign`` and ``clip_matte`` make the
    alpha of it. A photograph with several clips gives as many samples, in one group.

    Reasons beside those of `maskmill.door.admit`, which hold for the clip where ``clip`` is 1:
    ``no_partner`` (a photograph without a clip, a clip without a photograph), ``ambiguous_name``
    (photographs of equally similar names), ``duplicate_clip`` (a table gives the clip to another
    photograph as well: the first counts), ``bad_record`` (a row without a name), ``missing_file``,
    ``unreadable_file``, ``file_too_large``, ``unsafe_path`` (leads out of the folder),
    ``same_file`` (the clip is the photograph) and ``too_small`` (a side under 16 pixels). By
    content, a photograph that was tried for some clip and lies under none is not reported here;
    `maskmill stitch` does; and planning opens every picture once: .2 s and 130 kB for each.

    Examples
    --------
    >>> ClipPairs("photos/", "clips/").match
    'name'
    """

    originals: Location
    clipped: Location
    pairs: Location | None = None
    match: Literal["name", "content"] = "name"
    candidates: int = 5
    samples_per_partition: int = 32

    def __post_init__(self) -> None:
        for place in ("originals", "clipped", "pairs"):
            path = getattr(self, place)
            if path is not None and "://" not in os.fspath(path):
                # Absolute: a worker of a cluster may stand in another folder.
                object.__setattr__(self, place, os.path.abspath(path))  # noqa: PTH100
        if self.match not in ("name", "content"):
            raise ValueError(f"match must be 'name' or 'content', got {self.match!r}")
        if self.pairs is not None and self.match == "content":
            raise ValueError("match must be 'name' where a table of pairs is given, got 'content'")
        if self.originals == self.clipped:
            raise ValueError(
                "originals and clipped must be different folders, or globs that tell them apart "
                f"(shots/*_raw.jpg and shots/*_clip.png), got {self.originals} twice"
            )
        for name in ("candidates", "samples_per_partition"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    def plan(self, stages: Sequence[Stage]) -> list[Partition]:
        about = describe(self)
        items = pairs_of(self)
        return [
            Partition(tuple(part), digest_of(about, [_identity(item) for item in part]), len(part))
            for part in (
                items[at : at + self.samples_per_partition]
                for at in range(0, len(items), self.samples_per_partition)
            )
        ]

    def read(self, partition: Partition) -> Iterator[Sample | Dropped]:
        originals, _ = rooted(os.fspath(self.originals))
        clips, _ = rooted(os.fspath(self.clipped))
        for item in partition.items:
            yield item if isinstance(item, Dropped) else opened(item, originals, clips)


def pairs_of(source: ClipPairs) -> list[ClipPair | Dropped]:
    """List what a source has to read, and what it cannot.

    By content every picture is opened once for that, in threads; otherwise none.
    """
    if source.pairs is not None:
        return _of_table(source)
    originals, photographs = pictures_of(os.fspath(source.originals))
    clips, made = pictures_of(os.fspath(source.clipped))
    if originals == clips and set(photographs) & set(made):
        both = min(set(photographs) & set(made))
        raise ValueError(f"a file must be a photograph or a clip, got both for {both}")
    faults: list[Fault] = []
    if source.match == "content":
        listed = _by_content(originals, photographs, clips, made, source.candidates)
    else:
        pairs, faults = partners(photographs, made)
        listed = [ClipPair(clip, clip, (original,)) for original, clip in pairs]
    items = [
        _looked_up(item, originals, clips) if isinstance(item, ClipPair) else item
        for item in listed
    ]
    return [*items, *(_unpaired(fault) for fault in faults)]


def opened(item: ClipPair, originals: str, clips: str) -> Sample | Dropped:
    """Read a pair; one whose photograph is not known is tried on its candidates."""
    try:
        data = read_inside(clips, item.clip)
        admitted = admit(data)
        clip = None if item.known else read_clip(data, admitted)
    except Refused as refused:
        _check_vanished(refused, item.clip, item.files[:1])
        return Dropped(None, refused.reason, {**refused.values, "clip": 1.0}, item.origin)
    if clip is None:
        return _sample(item, originals, data, admitted, item.originals[0], None)
    from .discovery import best_of

    def photograph(number: int) -> Image | None:
        try:
            return decode_image(admit(read_inside(originals, item.originals[number])).image_bytes)
        except Refused:
            return None  # it is no worse a candidate for other clips; its own row says why

    verdict = best_of(clip, range(len(item.originals)), photograph)
    if verdict.match is None:
        values = {"tried": float(verdict.tried), "score": verdict.score, "clip": 1.0}
        return Dropped(None, "no_partner", values, item.origin)
    found = verdict.match
    name = item.originals[found.original]
    return _sample(item, originals, data, admitted, name, found.alignment)


def _sample(
    item: ClipPair,
    originals: str,
    clip: bytes,
    clip_door: Admitted,
    name: str,
    alignment: "Alignment | None",
) -> Sample | Dropped:
    try:
        data = read_inside(originals, name)
        door = admit(data)
    except Refused as refused:
        _check_vanished(refused, name, item.files[1:2] if item.known else ())
        return Dropped(None, refused.reason, refused.values, item.origin)
    if data == clip:
        return Dropped(None, "same_file", origin=item.origin)
    for side, picture in ((0.0, door), (1.0, clip_door)):
        if min(picture.height, picture.width) < LEAST_SIDE:
            sizes = {"height": picture.height, "width": picture.width, "clip": side}
            return Dropped(None, "too_small", sizes, item.origin)
    return Sample(
        key=content_key(data, clip),
        source="",
        origin=item.origin,
        image_bytes=door.image_bytes,
        height=door.height,
        width=door.width,
        group=item.group or content_key(data, b""),
        tags=door.tags,
        context=ClipContext(clip, alignment, storable(name)),
    )


def _check_vanished(refused: Refused, name: str, planned: Sequence[_File]) -> None:
    """Raise where a file is gone that was there: that is the storage's fault, not the file's."""
    if refused.reason == "missing_file" and any(planned):
        raise FileNotFoundError(
            f"{name} was there when the run was planned and is not now: was it removed, or does "
            "this worker not see the same files?"
        ) from refused


def _unpaired(fault: Fault) -> Dropped:
    # In no pair there is nothing but the name to call it by, and both sides may have the same.
    origin = storable(f"{'clip' if fault.is_clip else 'original'}: {fault.name}")
    values = {"clip": float(fault.is_clip), "partners": float(fault.partners)}
    if fault.reason == "ambiguous_name":
        return Dropped(None, "ambiguous_name", values, origin)
    return Dropped(None, "no_partner", values, origin)


def storable(text: str) -> str:
    """Return text without what UTF-8 cannot hold, as names of files may have."""
    return text.encode("utf-8", "replace").decode()


def _looked_up(item: ClipPair, originals: str, clips: str) -> ClipPair:
    files = (facts_of(clips, item.clip), *(facts_of(originals, name) for name in item.originals))
    origin = storable(item.origin)
    return ClipPair(origin, item.clip, item.originals, item.known, item.group, files)


def _identity(item: ClipPair | Dropped) -> list[Any]:
    if isinstance(item, Dropped):
        return [item.origin, item.reason, sorted(item.values.items())]
    names = [storable(name) for name in (item.clip, *item.originals)]
    return [item.origin, names, item.known, item.group, item.files]


def _of_table(source: ClipPairs) -> list[ClipPair | Dropped]:
    roots: list[str] = []
    for which, place in (("originals", source.originals), ("clipped", source.clipped)):
        root, pattern = rooted(os.fspath(place))
        if pattern is not None:
            raise ValueError(
                f"{which} must be a folder where a table of pairs is given, got a glob"
            )
        roots.append(root)
    items: list[ClipPair | Dropped] = []
    taken: dict[str, PairRow] = {}
    for number, row in enumerate(read_table(Path(os.fspath(source.pairs or ""))), 1):
        origin = f"{row.clipped or '?'} (row {number})"
        if not row.original or not row.clipped:
            items.append(Dropped(None, "bad_record", {"row": number}, storable(origin)))
        elif row.clipped not in taken:
            taken[row.clipped] = row
            pair = ClipPair(row.clipped, row.clipped, (row.original,), group=row.group)
            try:
                for root, name in zip(roots, (row.original, row.clipped), strict=True):
                    path_inside(root, name)
            except Refused as refused:
                items.append(Dropped(None, refused.reason, origin=storable(origin)))
            else:
                items.append(_looked_up(pair, *roots))
        elif taken[row.clipped].original != row.original:
            items.append(Dropped(None, "duplicate_clip", {"row": number}, storable(origin)))
    return items


def read_table(path: Path) -> list[PairRow]:
    """Read a CSV or Parquet file of pairs.

    A CSV is UTF-8 with a header, separated by commas, semicolons or tabs.

    Raises
    ------
    ValueError
        When it has not the columns ``original`` and ``clipped``.
    """
    rows = _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)
    return [
        PairRow(*(row.get(name) or "" for name in _COLUMNS), group=row.get("group") or None)
        for row in rows
    ]


def _csv(path: Path) -> list[Mapping[str, str | None]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"pairs must be a CSV in UTF-8 or a Parquet file, got {path}") from None
    header = text.partition("\n")[0]
    mark = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=mark)
    names = [name.strip() for name in reader.fieldnames or ()]
    _check_columns(names, path)
    reader.fieldnames = names
    try:
        return [
            {name: (row[name] or "").strip() for name in (*_COLUMNS, "group") if name in names}
            for row in reader
        ]
    except csv.Error as error:
        raise ValueError(f"pairs must be a CSV, got {path}: {error}") from None


def _parquet(path: Path) -> list[Mapping[str, str | None]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = pq.read_schema(path).names
        _check_columns(names, path)
        columns = [*_COLUMNS, *(["group"] if "group" in names else [])]
        table = pq.read_table(path, columns=columns)
    except pa.ArrowInvalid as error:
        raise ValueError(f"pairs must be a Parquet file, got {path}: {error}") from None
    return [
        {name: None if value is None else str(value) for name, value in row.items()}
        for row in table.to_pylist()
    ]


def _check_columns(names: Iterable[str], path: Path) -> None:
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise ValueError(
            f"pairs must have the columns original and clipped, got {', '.join(names) or 'none'} "
            f"in {path}"
        )


def _by_content(
    originals: str, photographs: Sequence[str], clips: str, made: Sequence[str], candidates: int
) -> list[ClipPair | Dropped]:
    """Shortlist the photographs of every clip; what lies on what is decided when they are read."""
    from .gallery import Gallery, Signature, clip_signature, photograph_signature
    from .support import clip_of

    def photograph(name: str) -> Signature | Refused:
        try:
            return photograph_signature(
                decode_image(admit(read_inside(originals, name)).image_bytes)
            )
        except Refused as refused:
            return refused

    def clip(name: str) -> Signature | Refused:
        try:
            return clip_signature(clip_of(decode_clip(read_inside(clips, name))))
        except Refused as refused:
            return refused

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        known = list(threads.map(photograph, photographs))
        wanted = list(threads.map(clip, made))
    items: list[ClipPair | Dropped] = []
    usable = [
        (name, one)
        for name, one in zip(photographs, known, strict=True)
        if isinstance(one, Signature)
    ]
    gallery = Gallery([one for _, one in usable])
    found = iter(
        gallery.shortlists([one for one in wanted if isinstance(one, Signature)], candidates)
    )
    used: set[str] = set()
    for name, one in zip(made, wanted, strict=True):
        if isinstance(one, Refused):
            values = {**one.values, "clip": 1.0}
            items.append(Dropped(None, one.reason, values, storable(name)))
            continue
        chosen = tuple(usable[at][0] for at in next(found))
        used.update(chosen)
        items.append(ClipPair(name, name, chosen, known=False))
    for name, one in zip(photographs, known, strict=True):
        origin = storable(f"original: {name}")
        if isinstance(one, Refused):
            items.append(Dropped(None, one.reason, one.values, origin))
        elif name not in used:
            items.append(Dropped(None, "no_partner", {"clip": 0.0, "partners": 0.0}, origin))
    return items
