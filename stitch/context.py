"""What the stages of this room hand on with a sample: the clip, and where it lies."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .alignment import Alignment


@dataclass(frozen=True, slots=True, eq=False)
class ClipContext:
    """The clip that was made of a sample's photograph.

    Parameters
    ----------
    clip : bytes
        The clip's file as it came; `maskmill.stitch.decode_clip` reads it.
    alignment : Alignment or None
        Where it lies on the photograph; None until a stage, or the discovery of pairs, has found
        out.
    original : str
        Name of the photograph in its folder; empty where it has none.
    """

    clip: bytes = field(repr=False)
    alignment: "Alignment | None" = None
    original: str = ""
