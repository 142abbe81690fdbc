"""How close a predicted alpha is to the true one: pure functions over one pair of arrays.

Every function takes ``prediction`` and ``truth``, H x W of the same shape, bool or floating point
in [0, 1] (0 background, 1 foreground), and returns one number, or one array where its name says
curve. Values count as they are: nothing is stretched to [0, 1] per image first, as some saliency
toolboxes do. Wherever a metric needs a yes or no, a truth of .5 or more is foreground.

>>> import numpy as np
>>> prediction, truth = np.array([[0.9, 0.6, 0.1]]), np.array([[1.0, 0.0, 0.0]])
>>> iou(prediction, truth), round(mae(prediction, truth), 3)
(0.5, 0.267)
"""

from .boundary import relaxed_f
from .differences import mae
from .f_measure import f_beta, f_curve
from .overlap import iou

__all__ = ["f_beta", "f_curve", "iou", "mae", "relaxed_f"]
