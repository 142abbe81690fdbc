"""How close a predicted alpha is to the true one: pure functions over one pair of arrays.

Every function takes ``prediction`` and ``truth``, H x W of the same shape, bool or floating point
in [0, 1] (0 background, 1 foreground), and returns one number, or one array where its name says
curve. Values count as they are: nothing is stretched to [0, 1] per image first, as some saliency
toolboxes do (`normalised` does it, to compare with them). Wherever a metric needs a yes or no, a
truth of .5 or more is foreground. `evaluate` scores a set of pairs in one pass.

>>> import numpy as np
>>> prediction, truth = np.array([[0.9, 0.6, 0.1]]), np.array([[1.0, 0.0, 0.0]])
>>> iou(prediction, truth), round(mae(prediction, truth), 3)
(0.5, 0.267)
"""

from .alignment import e_curve, e_measure
from .boundary import boundary_iou, relaxed_f
from .connectivity import conn
from .differences import mae, mse, sad
from .evaluation import METRICS, QUICK, Evaluation, evaluate
from .f_measure import f_beta, f_curve, precision_recall_curve
from .folders import evaluate_folders
from .gradient import grad
from .overlap import iou
from .pair import normalised
from .structure import s_measure
from .weighted import weighted_f

__all__ = [
    "METRICS",
    "QUICK",
    "Evaluation",
    "boundary_iou",
    "conn",
    "e_curve",
    "e_measure",
    "evaluate",
    "evaluate_folders",
    "f_beta",
    "f_curve",
    "grad",
    "iou",
    "mae",
    "mse",
    "normalised",
    "precision_recall_curve",
    "relaxed_f",
    "s_measure",
    "sad",
    "weighted_f",
]
