"""Put a clip back on its photograph, or refuse; find the pairs first.

>>> from maskmill.stitch import ClipPairs
>>> ClipPairs("originals/", "clipped/").match
'name'
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .alignment import Alignment, align
    from .compositing import ClipMatte, Solved, clip_matte
    from .context import ClipContext
    from .decoding import decode_clip
    from .discovery import Discovery, discover
    from .pairs import ClipPairs
    from .realignment import Realign
    from .simulation import Making, Simulated, simulate

__all__ = [
    "Alignment",
    "ClipContext",
    "ClipMatte",
    "ClipPairs",
    "Discovery",
    "Making",
    "Realign",
    "Simulated",
    "Solved",
    "align",
    "clip_matte",
    "decode_clip",
    "discover",
    "simulate",
]

_HOMES = {
    "Alignment": "alignment",
    "ClipContext": "context",
    "ClipMatte": "compositing",
    "ClipPairs": "pairs",
    "Discovery": "discovery",
    "Making": "simulation",
    "Realign": "realignment",
    "Simulated": "simulation",
    "Solved": "compositing",
    "align": "alignment",
    "clip_matte": "compositing",
    "decode_clip": "decoding",
    "discover": "discovery",
    "simulate": "simulation",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'maskmill.stitch' has no attribute {name!r}")
    value = getattr(import_module(f"maskmill.stitch.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
