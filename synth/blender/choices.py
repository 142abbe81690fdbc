"""What differs between two products of one kind."""

import colorsys
from typing import Any

from .colours import PALETTE, Colour
from .draws import Draws

NAMES = (
    "Holm & Tar", "Nordvik", "Odela", "Fenby", "Aurora", "Kaloren", "Tibor", "Marrow", "Sollen",
    "Brisk", "Lunde", "Ostara", "Quill", "Vento", "Haddon", "Pelle", "Mirova", "Juno & Co",
    "Tamsin", "Orrery", "Cask", "Belmond", "Zephyr", "Umber",
)  # fmt: skip


class Choices:
    """Numbers, colours and words that one product has and the next one has not.

    Each method takes what is usual and returns it as long as there are no draws: the product is
    then the one that `scripts/render_views.py` has always rendered.

    Parameters
    ----------
    draws
        Where choices come from; None for the usual ones.
    random
        A generator for what is strewn in great number.
    """

    def __init__(self, draws: Draws | None, random: Any) -> None:
        self._draws = draws
        self.random = random

    @property
    def usual(self) -> bool:
        """Whether nothing is drawn."""
        return self._draws is None

    def number(self, name: str, usual: float, low: float, high: float) -> float:
        """Return a number of [low, high)."""
        return usual if self._draws is None else self._draws.uniform(name, low, high)

    def chance(self, name: str, share: float, usual: bool = False) -> bool:
        """Return whether something is so."""
        return usual if self._draws is None else self._draws.chance(name, share)

    def pick(self, name: str, usual: Any, *others: Any) -> Any:
        """Return one of several; each is as likely."""
        return usual if self._draws is None else self._draws.choice(name, (usual, *others))

    def word(self, usual: str) -> str:
        """Return a maker's name."""
        return usual if self._draws is None else self._draws.choice(f"word {usual}", NAMES)

    def colour(self, name: str, usual: Colour, dark: float = 0.0, light: float = 1.0) -> Colour:
        """Return a colour (sRGB) whose brightness lies in [dark, light]."""
        if self._draws is None:
            return usual
        red, green, blue = self._draws.choice(name, PALETTE)
        hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
        draws = self._draws.within(name)
        hue += draws.uniform("hue", -0.03, 0.03)
        saturation = min(1.0, saturation * draws.uniform("saturation", 0.75, 1.1))
        value = min(light, max(dark, value * draws.uniform("value", 0.85, 1.1)))
        return colorsys.hsv_to_rgb(hue % 1.0, saturation, min(1.0, value))

    def colours(self, name: str, usual: list[Colour], dark: float = 0.0) -> list[Colour]:
        """Return as many colours as usual."""
        return [self.colour(f"{name} {n}", colour, dark) for n, colour in enumerate(usual)]
