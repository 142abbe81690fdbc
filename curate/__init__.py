"""Choose training pairs from annotated photographs and divide them into splits.

>>> from maskmill.curate import Coco, PersonFilter, Split
>>> PersonFilter(persons=(1, 2), coverage=(0.2, 0.7)).crowd
'reject'
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .animals import Animals
    from .body_parts import BodyParts
    from .coco import Coco
    from .held_objects import HeldObjects
    from .lighting import Lighting
    from .mixture import Mix, mix
    from .near_duplicates import NearDuplicates
    from .people import PersonFilter
    from .roughness import Roughness
    from .selection import select_people
    from .split import Split

__all__ = [
    "Animals",
    "BodyParts",
    "Coco",
    "HeldObjects",
    "Lighting",
    "Mix",
    "NearDuplicates",
    "PersonFilter",
    "Roughness",
    "Split",
    "mix",
    "select_people",
]

_HOMES = {
    "Animals": "animals",
    "BodyParts": "body_parts",
    "Coco": "coco",
    "HeldObjects": "held_objects",
    "Lighting": "lighting",
    "Mix": "mixture",
    "NearDuplicates": "near_duplicates",
    "PersonFilter": "people",
    "Roughness": "roughness",
    "Split": "split",
    "mix": "mixture",
    "select_people": "selection",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'maskmill.curate' has no attribute {name!r}")
    value = getattr(import_module(f"maskmill.curate.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
