"""Blender pairs with exact alpha, and composites of cut-outs over photographs.

>>> from maskmill.synth import Composite
>>> Composite("foregrounds/", "backgrounds/").per_foreground
1
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .composition import Composite
    from .renders import Renders

__all__ = ["Composite", "Renders"]

_HOMES = {
    "Composite": "composition",
    "Renders": "renders",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'maskmill.synth' has no attribute {name!r}")
    value = getattr(import_module(f"maskmill.synth.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
