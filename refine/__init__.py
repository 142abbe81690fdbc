"""Better alphas: stages that repair what a source delivered, and the array functions they call.

>>> from maskmill.refine import Clean, Smooth
>>> Smooth(edge_width=1.5)
Smooth(edge_width=1.5, sigma=0.0025)
"""

from .cleaning import Clean, clean
from .smoothing import Smooth, smooth

__all__ = ["Clean", "Smooth", "clean", "smooth"]
