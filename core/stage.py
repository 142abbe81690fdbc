"""What a stage is, and how a stage or source is written down for recipes and fingerprints."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Protocol,
    get_type_hints,
    runtime_checkable,
)

from .sample import Dropped, Sample

if TYPE_CHECKING:
    import pyarrow as pa

Location = Annotated[str, "location"]
"""A path or fsspec URL. Recipes resolve it against their own folder; fingerprints leave it out."""


@runtime_checkable
class Stage(Protocol):
    """A frozen dataclass whose fields are its parameters and whose call is its work.

    Values are checked in ``__post_init__``. Bad data is a returned `Dropped`; an exception is
    counted as failed, kept with its traceback in the ledger, and the run goes on.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class MinimumSide:
    ...     pixels: int = 256
    ...     def __call__(self, sample):
    ...         side = min(sample.height, sample.width)
    ...         return sample if side >= self.pixels else Dropped(sample, "small", {"side": side})
    >>> name_of(MinimumSide()), describe(MinimumSide(300))["pixels"]
    ('minimum_side', 300)
    """

    def __call__(self, sample: Sample, /) -> Sample | Dropped: ...


@runtime_checkable
class Feature(Protocol):
    """What a table stage needs to know of every sample: a frozen dataclass whose call computes it.

    The partition task calls it while it writes; the value lands in the shard as the column
    ``feature.<name>`` of the Arrow type that `arrow_type` names.
    """

    name: ClassVar[str]
    arrow_type: ClassVar[str]

    def __call__(self, sample: Sample, /) -> object: ...


@runtime_checkable
class TableStage(Protocol):
    """Decides over the whole dataset, from metadata alone; a frozen dataclass.

    It gets the index (with its declared features as columns, and with ``split`` already filled
    where an earlier run or the source has decided) and returns a table keyed by ``key`` whose other
    columns, ``group``, ``split`` or ``status``, replace those of the index for these rows. Image
    bytes are never rewritten.
    """

    features: ClassVar[tuple[Feature, ...]]

    def __call__(self, table: "pa.Table", /) -> "pa.Table": ...


def name_of(stage: object) -> str:
    """Return the snake_case name of a stage's class, as recipes and ledgers write it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(stage).__name__).lower()


def describe(part: object) -> dict[str, Any]:
    """Return a stage, source or table stage as plain JSON values: its class and its parameters.

    Locations are left out: where a file lies does not change what is made of it.

    Raises
    ------
    TypeError
        When it is not a frozen dataclass of plain values.
    """
    kind = type(part)
    if not dataclasses.is_dataclass(part) or not kind.__dataclass_params__.frozen:  # pyright: ignore
        raise TypeError(
            f"a stage must be a frozen dataclass with __call__, got {part!r}; its fields are what "
            "the fingerprint of a shard is made from"
        )
    places = {
        name
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if is_location(hint)
    }
    text = {"use": name_of(part), "class": f"{kind.__module__}:{kind.__qualname__}"}
    version = getattr(kind, "version", None)
    if version is not None:
        text["version"] = _plain(version)
    for field in dataclasses.fields(part):
        if field.name not in places:
            text[field.name] = _plain(getattr(part, field.name))
    return text


def is_location(hint: object) -> bool:
    """Tell whether a field's type is `Location`, or may be."""
    return hint == Location or Location in getattr(hint, "__args__", ())


def digest_of(*values: Any) -> str:
    """Return 16 hexadecimal digits that identify plain JSON values.

    Examples
    --------
    >>> digest_of({"b": 1, "a": [0.1]}) == digest_of({"a": [0.1], "b": 1})
    True
    """
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _plain(value: object) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, bytes):
        return value.hex()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return describe(value)
    raise TypeError(
        f"a parameter must be a plain value (number, string, tuple, mapping, None), got {value!r}"
    )
