"""What stands around the subject: occluders before it, furniture and trees behind it."""

from typing import Any

from .draws import Draws
from .subject import Frame


def build(collection: Any, spec: dict[str, Any], draws: Draws, *, frame: Frame) -> list[Any]:
    """Build."""
    return []
