"""Find the arrays of an annotation file, and read them in pieces, whatever its size.

A COCO file is one JSON object with a few arrays of many small records. An array is cut between two
records, ``}, {``, and every piece is decoded as an array of its own. A cut in a wrong place, inside
a string or a nested list, leaves a piece that no decoder accepts: so a file of which every piece
decodes, each beginning where the one before it ended, was cut rightly all along.
"""

import contextlib
import gzip
import json
import math
import os
import re
import tempfile
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar, Generic, TypeVar

import msgspec
import pyarrow as pa

PIECE = 2**23
"""Bytes that are decoded at a time."""

_ARRAYS = ("images", "annotations", "categories")
_SEPARATOR = re.compile(rb"\}\s*,\s*\{")
_CLOSING = re.compile(rb"\}\s*(\])(?=\s*(?:,\s*\"|\}|\Z|,\s*\Z))")
_GLUE = b", \t\r\n"
_BLANK = ord(" ")
_BLOCK = 2**16
_GAP = 2**24  # bytes between two arrays that are worth a proof; no info or licences are as long
_LONGEST_RECORD = 2**25
_TRIES = 1000
_CUTS = 16  # cuts that are tried before records are decoded one by one
_GZIP = b"\x1f\x8b"
_SWELL = 200  # a gzip file of JSON is a tenth of it; a thousandth is a bomb
_ROOM = 2**26
_DIGITS = 400

_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def _whole(digits: str) -> float:
    """Read a whole number; one that no computer means is infinite, as such a fraction is."""
    return int(digits) if len(digits) < _DIGITS else math.inf


_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_elements = msgspec.json.Decoder(list[msgspec.Raw])
_object = json.JSONDecoder(parse_int=_whole)


class Record(msgspec.Struct, gc=False):
    """Base of what is read from an array: fields named as in the file, `msgspec.Raw` undecoded."""

    ESSENTIAL: ClassVar[str] = "id"  # what tells a record from the objects within one


R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Span:
    """Where the records of an array stand in the file, in bytes, its brackets left out."""

    start: int
    stop: int


@dataclass(frozen=True)
class AnnotationFile:
    """A file whose arrays are found.

    Parameters
    ----------
    name : str
        As the user calls it, for messages.
    path : str
        Where it lies on this machine, uncompressed.
    arrays : mapping of str to Span
        ``images``, ``annotations`` and ``categories``, and ``licenses`` where there are any.
    """

    name: str
    path: str
    arrays: Mapping[str, Span]

    def list_of(self, array: str) -> list[Any]:
        """Return a small array decoded; empty where the file has none."""
        span = self.arrays.get(array)
        if span is None:
            return []
        with Path(self.path).open("rb") as file:
            text = b"[" + _slice(file, span.start, span.stop).rstrip(_GLUE) + b"]"
        try:
            return value_of(text)
        except ValueError as error:
            raise UnusualLayoutError(self.name) from error


@dataclass(frozen=True, slots=True)
class Piece(Generic[R]):
    """Decoded neighbours.

    Parameters
    ----------
    records : list of Record
        A record that is no JSON object is None.
    buffer : bytearray
        What the `msgspec.Raw` fields of the records lie in.
    offset : int
        Place of the buffer's first byte in the file.
    stop : int
        Place behind the last record; the next piece begins there.
    broken : int
        Records that were passed over because nothing could decode them.
    loose : bool
        Whether the fields hold whatever the file has.
    """

    records: list[R | None]
    buffer: bytearray
    offset: int
    stop: int
    broken: int = 0
    loose: bool = False


class UnusualLayoutError(ValueError):
    """An array ends before the place that was taken for its end."""


T = TypeVar("T")


def with_arrays(location: str, work: Callable[[AnnotationFile], T]) -> T:
    """Find the arrays of a file, do something with them, and return what comes of it.

    What is compressed or remote is laid in a temporary file first.

    Parameters
    ----------
    location : str
        Path or fsspec URL of a ``.json`` or ``.json.gz`` file.
    work : callable
        Gets the `AnnotationFile`; it may be called a second time.

    Raises
    ------
    OSError
        When the file cannot be read.
    ValueError
        When it is not JSON, or not in COCO's form.

    Notes
    -----
    A file whose top level holds one of the names twice, or something large between its arrays, is
    read whole, once, and laid out anew: slow and as large in memory as it is, but right.
    """
    with contextlib.ExitStack() as stack:
        path = location
        if "://" in location or _is_compressed(location):
            path = stack.enter_context(_unpacked(location))
        arrays = _arrays(path)
        if arrays is not None:
            with contextlib.suppress(UnusualLayoutError):
                return work(AnnotationFile(location, path, arrays))
        path, arrays = stack.enter_context(_laid_out(path, location))
        return work(AnnotationFile(location, path, arrays))


def pieces(
    path: str, span: Span, kind: type[R], size: int = PIECE, end: int | None = None
) -> Iterator[Piece[R]]:
    """Decode the records of a span, piece by piece.

    Parameters
    ----------
    path : str
    span : Span
        It begins with a record. It may end anywhere: the last piece goes on to the end of a record.
    kind : type of Record
        A record whose fields are not of its types is decoded loosely: its fields then hold whatever
        the file has, None where it has nothing.
    size : int
        Bytes to decode at a time.
    end : int, optional
        Where the array ends, if not with the span.

    Yields
    ------
    Piece

    Raises
    ------
    UnusualLayoutError
        When the array ends earlier.
    """
    fast = msgspec.json.Decoder(list[kind])
    limit = end or span.stop
    place = span.start
    with Path(path).open("rb") as file:
        while place < span.stop:
            stop = min(place + size, span.stop)
            if stop < span.stop:
                stop = next_record(file, stop, span.stop)
            piece = None
            for _ in range(_CUTS):
                piece, cut = _piece(file, place, stop, fast, kind)
                if piece is not None or not cut or stop >= limit:
                    break
                stop = next_record(file, stop, limit)
            if piece is not None:
                yield piece
                place = stop
                continue
            for piece in _one_by_one(file, place, stop, limit, kind):
                yield piece
                stop = piece.stop
            place = stop


def _piece(
    file: IO[bytes], place: int, stop: int, fast: msgspec.json.Decoder[list[R]], kind: type[R]
) -> tuple[Piece[R] | None, bool]:
    """Decode a stretch; None when nothing does, and whether it seems to end within a record."""
    buffer = _bracketed(file, place, stop)
    try:
        return Piece(list(fast.decode(buffer)), buffer, place - 1, stop), False
    except _NOT_JSON:
        pass
    try:
        return Piece(_loosely(buffer, kind), buffer, place - 1, stop, loose=True), False
    except _NOT_JSON as error:
        return None, str(error) == "Input data was truncated"


def next_record(file: IO[bytes], place: int, stop: int) -> int:
    """Return where the next record after `place` seems to begin, or `stop`."""
    while place < stop:
        block = _slice(file, place, min(place + _BLOCK, stop))
        found = _SEPARATOR.search(block)
        if found:
            return place + found.end() - 1
        if len(block) < _BLOCK:
            break
        place += len(block) - 64
    return stop


def value_of(text: bytes | bytearray | memoryview | msgspec.Raw) -> Any:
    """Decode one JSON value, with the NaN and Infinity that Python writes and JSON does not know.

    Bytes that are no UTF-8 are replaced; whole numbers of hundreds of digits are infinite.

    Examples
    --------
    >>> value_of(b"[1, 2.5]"), value_of(b"[NaN]")
    ([1, 2.5], [nan])
    """
    try:
        return msgspec.json.decode(text)
    except _NOT_JSON:
        return _object.decode(bytes(text).decode("utf-8", "replace").strip())


def _loosely(buffer: bytearray, kind: type[R]) -> list[R | None]:
    found = msgspec.json.decode(buffer, type=list[dict[str, msgspec.Raw] | msgspec.Raw | None])
    return [_record(item, kind) if isinstance(item, dict) else None for item in found]


def _record(members: Mapping[str, msgspec.Raw], kind: type[R]) -> R:
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        raw = members.get(field.encode_name)
        if field.type is msgspec.Raw:
            if raw is not None:
                values[field.name] = raw
        else:
            values[field.name] = None if raw is None else value_of(raw)
    return kind(**values)


def _one_by_one(
    file: IO[bytes], place: int, stop: int, limit: int, kind: type[R]
) -> Iterator[Piece[R]]:
    """Decode a stretch that is cut wrongly, or that holds what strict decoders refuse."""
    window = _slice(file, place, stop).decode("latin-1")  # one character a byte
    start = 0
    while True:
        while window[start : start + 1] in {" ", "\t", "\r", "\n", ","}:
            start += 1
        if place + start >= stop:
            return
        if window[start] == "]":
            raise UnusualLayoutError(file.name)
        try:
            value, end = _object.raw_decode(window, start)
        except (ValueError, RecursionError) as error:
            here = place + start
            reach = min(here + _LONGEST_RECORD, limit)
            if place + len(window) < reach and _is_cut(error, len(window)):
                # The record goes on behind the cut.
                place, start = here, 0
                longer = min(max(here + 2 * len(window), stop + PIECE), reach)
                window = _slice(file, here, longer).decode("latin-1")
                continue
            following = _after_break(file, here, limit, kind)
            yield Piece([], bytearray(), here, following, broken=1)
            if following >= stop:
                return
            start = following - place
            if start >= len(window):
                place, start = following, 0
                window = _slice(file, following, stop).decode("latin-1")
            continue
        text = bytearray(window[start:end].encode("latin-1"))
        record = _record(members_of(text), kind) if isinstance(value, dict) else None
        yield Piece([record], text, place + start, place + end, loose=True)
        start = end


def _after_break(file: IO[bytes], place: int, stop: int, kind: type[Record]) -> int:
    """Return where the first whole record behind a broken one begins, or `stop`.

    What the broken one held may look like a record: one with what a record must have is taken.
    """
    while (place := next_record(file, place, stop)) < stop:
        length = _BLOCK
        while True:
            window = _slice(file, place, min(place + length, stop)).decode("latin-1")
            try:
                value, _ = _object.raw_decode(window)
            except (ValueError, RecursionError) as error:
                if _is_cut(error, len(window)) and length < min(_LONGEST_RECORD, stop - place):
                    length *= 8
                    continue
                break
            if isinstance(value, dict) and kind.ESSENTIAL in value:
                return place
            break
    return stop


def _is_cut(error: Exception, length: int) -> bool:
    """Tell whether a text is wrong only in that it ends too early."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.pos >= length - len("-Infinity") or error.msg.startswith("Unterminated")


def members_of(text: bytearray | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """Return the members of an object undecoded, those with a NaN in them too."""
    try:
        return _members.decode(text)
    except _NOT_JSON:
        return {name: raw for name, raw in _parts(text) if name is not None}


def elements_of(text: msgspec.Raw) -> list[msgspec.Raw]:
    """Return the elements of an array undecoded, those with a NaN in them too."""
    try:
        return _elements.decode(text)
    except _NOT_JSON:
        return [raw for _, raw in _parts(text)]


def _parts(text: bytearray | msgspec.Raw) -> Iterator[tuple[str | None, msgspec.Raw]]:
    """Walk through an object or an array that is known to be one."""
    view = memoryview(text)
    plain = bytes(view).decode("latin-1")
    place = 1
    while True:
        while plain[place] in " \t\r\n,":
            place += 1
        if plain[place] in "}]":
            return
        name = None
        if plain[0] == "{":
            name, place = _object.raw_decode(plain, place)
            place = plain.index(":", place) + 1
            while plain[place] in " \t\r\n":
                place += 1
        _, end = _object.raw_decode(plain, place)
        yield name, msgspec.Raw(view[place:end])
        place = end


def _arrays(path: str) -> dict[str, Span] | None:
    """Find the arrays, or None when the layout is not plain."""
    with Path(path).open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        found: dict[str, tuple[int, int]] = {}
        for name in _ARRAYS:
            place = _find_array(file, name, size)
            if place is None:
                return None
            found[name] = place
        order = sorted(_ARRAYS, key=lambda name: found[name])
        limits = [*(found[name][0] for name in order[1:]), size]
        spans: dict[str, Span] = {}
        gaps = [(_after_head(file), found[order[0]][0])]
        for name, limit in zip(order, limits, strict=True):
            inside = found[name][1]
            close = _closing(file, inside, limit, size)
            if close is None:
                return None
            spans[name] = Span(inside, close)
            gaps.append((close + 1, limit))
        for start, stop in gaps:
            members = _members_between(file, start, stop, size)
            if members is None:
                return None
            if "licenses" in members:
                spans["licenses"] = members["licenses"]
        return spans


def _after_head(file: IO[bytes]) -> int:
    """Return the place behind the brace that opens the document."""
    head = os.pread(file.fileno(), 64, 0)
    return head.find(b"{") + 1 if re.match(rb"(\xef\xbb\xbf)?\s*\{", head) else 0


def _find_array(file: IO[bytes], name: str, size: int) -> tuple[int, int] | None:
    """Return the place of ``"name": [`` and of what follows it.

    Both ends of the file are looked at first. Which one is found, if there are several, does not
    matter: what surrounds it has to prove that it is a member of the document.
    """
    quoted = f'"{name}"'.encode()
    opening = re.compile(re.escape(quoted) + rb"\s*:\s*\[\s*")
    places = list(range(0, size, PIECE))
    for place in dict.fromkeys([0, max(size - PIECE, 0), *places]):
        block = _slice(file, place, min(place + PIECE + 256, size))
        at = block.find(quoted)
        while at >= 0:
            found = opening.match(block, at)
            if found:
                return place + found.start(), place + found.end()
            at = block.find(quoted, at + 1)
    return None


def _closing(file: IO[bytes], start: int, stop: int, size: int) -> int | None:
    """Return the place of the bracket that ends the array: behind it, only members follow.

    Behind a bracket within a record there is a rest of that record, which is no list of members.
    """
    if start < stop and _slice(file, start, start + 1) == b"]":  # an array of nothing
        return start
    reach = _BLOCK
    tries = 0
    while True:
        low = max(stop - reach, start)
        for bracket in _CLOSING.finditer(_slice(file, low, stop)):
            tries += 1
            if tries > _TRIES:  # an index of lists or the like: not worth the search
                return None
            place = low + bracket.start(1)
            if _members_between(file, place + 1, stop, size) is not None:
                return place
        if low == start or reach >= _GAP:
            return None
        reach *= 16


def _members_between(file: IO[bytes], start: int, stop: int, size: int) -> dict[str, Span] | None:
    """Return the places of what lies in the members between two places; None: it is no members."""
    if stop - start > _GAP:
        return None
    text = _slice(file, start, stop)
    body = text.lstrip(_GLUE)
    lead = len(text) - len(body)
    body = body.rstrip(_GLUE)
    buffer = bytearray(b"{" + body + (b"" if stop == size else b"}"))
    try:
        members = _members.decode(buffer)
    except _NOT_JSON:
        return None
    base = start + lead - 1 - pa.py_buffer(buffer).address
    if not members.keys().isdisjoint(_ARRAYS):
        return None
    spans: dict[str, Span] = {}
    for name, raw in members.items():
        at = base + pa.py_buffer(raw).address
        if bytes(raw).startswith(b"["):
            spans[name] = Span(at + 1, at + len(bytes(raw)) - 1)
    return spans


def _bracketed(file: IO[bytes], start: int, stop: int) -> bytearray:
    """Return a stretch of records as an array of their own, without copying it once more.

    The bracket in front stands for the byte before `start`; commas at the ends become spaces.
    """
    buffer = bytearray(stop - start + 2)
    buffer[:1] = b"["
    if os.preadv(file.fileno(), [memoryview(buffer)[1:-1]], start) < stop - start:
        raise _changed(file)
    last = len(buffer) - 2
    while last > 0 and buffer[last] in _GLUE:
        buffer[last] = _BLANK
        last -= 1
    first = 1
    while first < last and buffer[first] in _GLUE:
        buffer[first] = _BLANK
        first += 1
    buffer[-1:] = b"]"
    return buffer


def _slice(file: IO[bytes], start: int, stop: int) -> bytes:
    length = max(stop - start, 0)
    text = os.pread(file.fileno(), length, start)
    if len(text) < length:
        raise _changed(file)
    return text


def _changed(file: IO[bytes]) -> OSError:
    return OSError(f"{file.name} became shorter while it was read")


def _is_compressed(path: str) -> bool:
    with Path(path).open("rb") as file:
        return file.read(2) == _GZIP


@contextlib.contextmanager
def _unpacked(location: str) -> Generator[str]:
    """Copy a remote or compressed file to a temporary one."""
    import fsspec  # takes longer to load than most files to read

    with tempfile.NamedTemporaryFile(prefix="maskmill-", suffix=".json") as copy:
        with fsspec.open(location, "rb") as source:
            packed: Any = source
            first = packed.read(2)
            packed.seek(0)
            stream = gzip.GzipFile(fileobj=packed) if first == _GZIP else packed
            written = 0
            try:
                while block := stream.read(PIECE):
                    written += len(block)
                    if stream is not packed and written > _ROOM + _SWELL * packed.tell():
                        raise ValueError(
                            f"annotations must be a JSON file, got {location}, which swells to "
                            f"more than {_SWELL} times its size"
                        )
                    copy.write(block)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise ValueError(
                    f"annotations must be a JSON file, got {location}: {error}"
                ) from error
        copy.flush()
        yield copy.name


@contextlib.contextmanager
def _laid_out(path: str, name: str) -> Generator[tuple[str, dict[str, Span]]]:
    """Read a file whole and write its arrays down, one after the other."""
    document = _document(path, name)
    spans: dict[str, Span] = {}
    with tempfile.NamedTemporaryFile(prefix="maskmill-", suffix=".json") as copy:
        for key in ("licenses", *_ARRAYS):
            if isinstance(document.get(key), list):
                start = copy.tell()
                for number, record in enumerate(document.pop(key)):
                    copy.write(b"," * (number > 0) + json.dumps(record).encode())
                spans[key] = Span(start, copy.tell())
        copy.flush()
        yield copy.name, spans


def _document(path: str, name: str) -> dict[str, Any]:
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            document = json.load(file, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"annotations must be a JSON file, got {name}: {error}") from error
    if not isinstance(document, dict):
        raise ValueError(
            f"annotations must be an object with images, annotations and categories, got a "
            f"{type(document).__name__} in {name}"
        )
    for key in _ARRAYS:
        if not isinstance(document.get(key), list):
            found = type(document[key]).__name__ if key in document else "nothing"
            raise ValueError(f"annotations must have a list of {key}, got {found} in {name}")
    return document
