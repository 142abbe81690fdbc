"""What the subject stands on: materials of the plane z = 0."""

from typing import Any

from .draws import Draws
from .materials import hsv, patterned


def ground_material(kind: str, draws: Draws) -> Any:
    """Return the material of a kind of ground.

    Parameters
    ----------
    kind
        A name of `catalogue.GROUNDS`.
    draws
        Which colours and how large the pattern is.
    """
    hue, saturation, value, pattern, scale, roughness, bump = _looks(kind, draws)
    other = value * draws.uniform("contrast", 0.55, 0.9)
    return patterned(
        f"ground {kind}",
        hsv(hue, saturation, value),
        hsv(hue + draws.uniform("turn", -0.03, 0.03), saturation, other),
        pattern,
        scale=scale,
        roughness=roughness,
        bump=bump,
    )


def _looks(kind: str, draws: Draws) -> tuple[float, float, float, str, float, float, float]:
    """Return hue, saturation, value, pattern, repeats per metre, roughness and bump."""
    any_hue, between = draws.uniform("hue"), draws.uniform
    if kind == "tiles":
        return any_hue, between("s", 0, 0.3), between("v", 0.4, 0.9), "checker", 2.5, 0.35, 0.0
    if kind == "planks":
        return between("h", 0.05, 0.1), 0.5, between("v", 0.3, 0.7), "bricks", 1.5, 0.5, 0.1
    if kind == "paving":
        return between("h", 0, 0.12), between("s", 0, 0.25), 0.5, "bricks", 4.0, 0.9, 0.4
    if kind == "asphalt":
        return 0.6, 0.05, between("v", 0.15, 0.4), "noise", 60.0, 0.95, 0.5
    if kind == "concrete":
        return 0.1, between("s", 0, 0.1), between("v", 0.4, 0.75), "noise", 1.5, 0.85, 0.1
    if kind == "grass":
        return between("h", 0.2, 0.33), 0.6, between("v", 0.25, 0.5), "noise", 45.0, 1.0, 1.0
    if kind == "sand":
        return between("h", 0.08, 0.13), 0.35, between("v", 0.6, 0.85), "waves", 6.0, 1.0, 0.5
    if kind == "carpet":
        return any_hue, between("s", 0.2, 0.7), between("v", 0.2, 0.7), "plaid", 3.0, 1.0, 0.0
    raise ValueError(f"ground must be one of catalogue.GROUNDS, got {kind!r}")
