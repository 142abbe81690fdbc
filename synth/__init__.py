"""Blender pairs with exact alpha, and composites of cut-outs over photographs.

>>> from maskmill.synth import Composite
>>> Composite("foregrounds/", "backgrounds/").per_foreground
1
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .composition import Composite
    from .rendering import RenderReport, render
    from .renders import Renders
    from .scene import Scene, read_scene

__all__ = ["Composite", "RenderReport", "Renders", "Scene", "read_scene", "render"]

_HOMES = {
    "Composite": "composition",
    "RenderReport": "rendering",
    "Renders": "renders",
    "Scene": "scene",
    "read_scene": "scene",
    "render": "rendering",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'maskmill.synth' has no attribute {name!r}")
    value = getattr(import_module(f"maskmill.synth.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
