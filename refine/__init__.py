"""Better alphas: stages that repair what a source delivered, and the array functions they call.

>>> from maskmill.refine import Clean, Smooth
>>> Smooth(edge_width=1.5)
Smooth(edge_width=1.5, sigma=0.0025)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .automatic import AutoRefine, Mend, Refined, auto_refine
    from .cleaning import Clean, Cleaned, clean, cleaned
    from .decontamination import Decontaminate, decontaminate
    from .degradation import degrade
    from .detection import Defects, defects
    from .matting import Matte, Matted, matte
    from .scoring import quality
    from .sharpening import Sharpen, enlarge, sharpen
    from .smoothing import Smooth, smooth
    from .trimaps import trimap

__all__ = [
    "AutoRefine",
    "Clean",
    "Cleaned",
    "Decontaminate",
    "Defects",
    "Matte",
    "Matted",
    "Mend",
    "Refined",
    "Sharpen",
    "Smooth",
    "auto_refine",
    "clean",
    "cleaned",
    "decontaminate",
    "defects",
    "degrade",
    "enlarge",
    "matte",
    "quality",
    "sharpen",
    "smooth",
    "trimap",
]

_HOMES = {
    "AutoRefine": "automatic",
    "Clean": "cleaning",
    "Cleaned": "cleaning",
    "Decontaminate": "decontamination",
    "Defects": "detection",
    "Matte": "matting",
    "Matted": "matting",
    "Mend": "automatic",
    "Refined": "automatic",
    "Sharpen": "sharpening",
    "Smooth": "smoothing",
    "auto_refine": "automatic",
    "clean": "cleaning",
    "cleaned": "cleaning",
    "decontaminate": "decontamination",
    "defects": "detection",
    "degrade": "degradation",
    "enlarge": "sharpening",
    "matte": "matting",
    "quality": "scoring",
    "sharpen": "sharpening",
    "smooth": "smoothing",
    "trimap": "trimaps",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'maskmill.refine' has no attribute {name!r}")
    value = getattr(import_module(f"maskmill.refine.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
