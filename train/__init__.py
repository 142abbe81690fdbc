"""Train U-2-Net on shards: on a machine with PyTorch, NumPy, PyArrow and OpenCV, and no more.

>>> import torch
>>> tuple(build("u2netp").eval()(normalise(torch.zeros(1, 3, 64, 64, dtype=torch.uint8)))[0].shape)
(1, 1, 64, 64)
"""

try:
    from .checkpoint import CannotResumeError
    from .loader import Shards
    from .networks import build
    from .prediction import predict
    from .preprocess import normalise
    from .trainer import FitResult, fit
except ModuleNotFoundError as error:
    if error.name == "torch":
        error.msg = "maskmill.train needs PyTorch: pip install 'maskmill[train]'"
    raise

__all__ = ["CannotResumeError", "FitResult", "Shards", "build", "fit", "normalise", "predict"]
