"""Data for the demo that we may ship, made on the user's machine without any network.

The photographs come out of the scikit-image wheel, their outlines are ours.
"""

from .photographs import write_photographs

__all__ = ["write_photographs"]
