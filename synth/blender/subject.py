"""What a builder hands to the stage: the thing in the middle of the picture."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class Credit(NamedTuple):
    """Where a part of a scene comes from."""

    asset: str
    licence: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject that stands at the origin on the ground z = 0 and looks along -y.

    Parameters
    ----------
    objects
        Its objects, `bpy.types.Object`, all within the collection it was built in.
    points
        N x 3 float64, metres: points of its surface, by which the camera frames it.
    facts
        What a user wants to know of it (pose, height, clearance of the soles), JSON values only.
    credits
        Where its parts come from.
    transparent
        Whether a material lets light through (glass, veil): the alpha then takes the holdout path.
    """

    objects: tuple[Any, ...]
    points: npt.NDArray[np.float64]
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    credits: tuple[Credit, ...] = ()
    transparent: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """Where things stand, for what is put behind and before the subject.

    Parameters
    ----------
    low, high
        The corners of the subject's box, metres.
    camera
        Where the camera stands, metres.
    right, up
        Unit vectors of the picture in the world.
    width, height
        Metres that the picture shows at the subject's distance.
    """

    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    camera: npt.NDArray[np.float64]
    right: npt.NDArray[np.float64]
    up: npt.NDArray[np.float64]
    width: float
    height: float
