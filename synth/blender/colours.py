"""Colours (sRGB, 0 to 1) of goods, inks and woods."""

Colour = tuple[float, float, float]

# sRGB. Paints, dyes and inks as they are seen on goods, not the corners of the colour cube.
PALETTE: tuple[Colour, ...] = (
    (0.78, 0.13, 0.11), (0.1, 0.24, 0.56), (0.13, 0.42, 0.22), (0.95, 0.76, 0.16),
    (0.9, 0.43, 0.1), (0.9, 0.55, 0.62), (0.1, 0.5, 0.52), (0.36, 0.2, 0.1),
    (0.5, 0.5, 0.5), (0.45, 0.15, 0.35), (0.55, 0.72, 0.82), (0.62, 0.66, 0.35),
    (0.85, 0.8, 0.7), (0.16, 0.18, 0.22), (0.7, 0.32, 0.25), (0.3, 0.33, 0.5),
    (0.93, 0.92, 0.9), (0.24, 0.36, 0.34), (0.72, 0.6, 0.78), (0.8, 0.62, 0.4),
)  # fmt: skip

WHITE, BLACK, CREAM = (0.96, 0.95, 0.92), (0.06, 0.06, 0.07), (0.93, 0.87, 0.74)
RED, BLUE, GREEN = (0.78, 0.13, 0.11), (0.1, 0.24, 0.56), (0.13, 0.42, 0.22)
YELLOW, ORANGE, PINK = (0.95, 0.76, 0.16), (0.9, 0.43, 0.1), (0.9, 0.55, 0.62)
TEAL, BROWN, GREY = (0.1, 0.5, 0.52), (0.36, 0.2, 0.1), (0.5, 0.5, 0.5)
GAUDY = (RED, BLUE, GREEN, YELLOW, ORANGE, PINK, TEAL)

OAK = ((0.5, 0.29, 0.13), (0.68, 0.44, 0.22), (0.56, 0.33, 0.15))
PINE = ((0.8, 0.62, 0.38), (0.68, 0.48, 0.26), (0.76, 0.57, 0.33))
WALNUT = ((0.3, 0.15, 0.07), (0.5, 0.28, 0.13), (0.38, 0.2, 0.09))
PAINTED = ((0.9, 0.89, 0.85), (0.86, 0.85, 0.8), (0.92, 0.91, 0.88))
EBONY = ((0.08, 0.07, 0.07), (0.14, 0.12, 0.11), (0.1, 0.09, 0.08))


def shade(colour: Colour, by: float) -> Colour:
    """Return a colour (sRGB), darker (`by` < 1) or lighter."""
    red, green, blue = (min(1.0, max(0.0, part * by)) for part in colour)
    return red, green, blue


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """Return a colour (sRGB) between two; `share` is the first one's."""
    red, green, blue = (share * a + (1 - share) * b for a, b in zip(first, second, strict=True))
    return red, green, blue


def contrast(colour: Colour) -> Colour:
    """Return ink (sRGB) that can be read on a colour."""
    red, green, blue = colour
    light = 0.3 * red + 0.6 * green + 0.1 * blue > 0.5
    return BLACK if light else (0.95, 0.94, 0.9)


def readable(ink: Colour, ground: Colour) -> Colour:
    """Return an ink, or black or white where it could not be read on the ground."""
    bright = [0.3 * red + 0.6 * green + 0.1 * blue for red, green, blue in (ink, ground)]
    return ink if abs(bright[0] - bright[1]) > 0.22 else contrast(ground)


def linear(colour: Colour) -> Colour:
    """Return an sRGB colour in linear light."""
    red, green, blue = (((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return red, green, blue
