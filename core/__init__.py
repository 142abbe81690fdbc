"""maskmill: exact (image, alpha) pairs for background removal.

The public names load when they are first used, so ``import maskmill`` costs next to nothing:

>>> import maskmill as mm
>>> mm.Pipeline()
Pipeline()
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .execute import Report, run
    from .pipeline import Pipeline
    from .sample import Dropped, Sample, Step

__all__ = ["Dropped", "Pipeline", "Report", "Sample", "Step", "run"]
__version__ = "0.1.0"

_HOMES = {
    "Dropped": "sample",
    "Pipeline": "pipeline",
    "Report": "execute",
    "Sample": "sample",
    "Step": "sample",
    "run": "execute",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'maskmill' has no attribute {name!r}")
    value = getattr(import_module(f"maskmill.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
