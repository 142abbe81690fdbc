"""Records of ``annotations`` with what is heavy left undecoded, in every spelling files have."""

from collections.abc import Sequence
from typing import Any

import msgspec

from .annotation_file import Piece, Record, elements_of, members_of, value_of
from .fields import flag_of, id_of

NOTHING = msgspec.Raw(b"")
"""A member that the record does not have."""


class Located(Record, gc=False):
    """An annotation whose segmentation is only located."""

    ESSENTIAL = "image_id"

    image_id: int
    category_id: int
    id: int | None = None
    iscrowd: int = 0
    segmentation: msgspec.Raw = NOTHING
    segments_info: msgspec.Raw = NOTHING


class Boxed(Located, gc=False):
    """The same with its box."""

    bbox: msgspec.Raw = NOTHING


class Entire(Boxed, gc=False):
    """All that stages of this room ask for."""

    keypoints: msgspec.Raw = NOTHING
    file_name: msgspec.Raw = NOTHING


def normal(piece: Piece[Any], kind: type[Located]) -> list[Any]:
    """Return a piece's records with ids that can be compared, and iscrowd 0 or 1.

    A panoptic annotation, which has its objects in ``segments_info``, is as many records; their
    segmentation is the object itself: ``{"id": ..., "category_id": ..., "area": ...}``.
    """
    if not piece.loose:
        return piece.records
    found: list[Any] = []
    for record in piece.records:
        if record is None:
            found.append(kind(None, None))  # pyright: ignore[reportArgumentType]
            continue
        segments = _segments(record) if record.category_id is None else ()
        if not segments:
            record.image_id = id_of(record.image_id)
            record.category_id = id_of(record.category_id)
            record.id = id_of(record.id)
            record.iscrowd = int(flag_of(record.iscrowd))
            found.append(record)
        found += [_segment(record, segment, kind) for segment in segments]
    return found


def is_segment(segmentation: object) -> bool:
    """Tell whether a decoded segmentation is an object of a panoptic picture.

    Examples
    --------
    >>> is_segment({"id": 7, "category_id": 1, "area": 12}), is_segment({"counts": [], "size": []})
    (True, False)
    """
    return (
        isinstance(segmentation, dict)
        and "counts" not in segmentation
        and {
            "area",
            "id",
        }
        <= segmentation.keys()
    )


def _segments(record: Any) -> Sequence[msgspec.Raw]:
    if not bytes(record.segments_info).startswith(b"["):
        return ()
    found = elements_of(record.segments_info)
    return [segment for segment in found if bytes(segment).startswith(b"{")]


def _segment(record: Any, segment: msgspec.Raw, kind: type[Located]) -> Located:
    members = members_of(segment)

    def value(name: str) -> Any:
        return value_of(members[name]) if name in members else None

    made: Any = kind(
        image_id=id_of(record.image_id),  # pyright: ignore[reportArgumentType]
        category_id=id_of(value("category_id")),  # pyright: ignore[reportArgumentType]
        id=id_of(value("id")),  # pyright: ignore[reportArgumentType]
        iscrowd=int(flag_of(value("iscrowd"))),
        segmentation=segment,
    )
    if isinstance(made, Boxed):
        made.bbox = members.get("bbox", NOTHING)
    if isinstance(made, Entire):
        made.file_name = record.file_name
    return made
