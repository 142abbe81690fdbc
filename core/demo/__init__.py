"""Data for the demo that we may ship, made on the user's machine without any network.

The photographs come out of the scikit-image wheel, their outlines are ours; the clips are made of
them; people are rendered where Blender is at hand, and laid over parts of the photographs that
show nobody.
"""

from .backgrounds import write_backgrounds
from .photographs import write_photographs
from .products import write_products
from .rendered import write_rendered

__all__ = ["write_backgrounds", "write_photographs", "write_products", "write_rendered"]
