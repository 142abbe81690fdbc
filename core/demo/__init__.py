"""Data for the demo that we may ship, made on the user's machine without any network.

The photographs come out of the scikit-image wheel, their outlines are ours; the clips are made of
them.
"""

from .photographs import write_photographs
from .products import write_products

__all__ = ["write_photographs", "write_products"]
