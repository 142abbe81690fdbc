"""How good a network is on pairs it has not learnt from."""

import numpy as np
from torch import nn

from maskmill.images import decode_alpha, decode_image
from maskmill.metrics import iou
from maskmill.shards import View

from .prediction import predict


def mean_iou(network: nn.Module, view: View, size: int, batch: int = 1) -> float:
    """Return the mean over all pairs of the IoU at .5, at each picture's own size.

    Parameters
    ----------
    network : torch.nn.Module
        Predicts where it is.
    view : View
        The pairs, with at least one.
    size : int
        Side in pixels of the squares that the network sees.
    batch : int
        Pictures per pass.

    Returns
    -------
    float
        In [0, 1].
    """
    scores: list[float] = []
    for start in range(0, len(view), batch):
        pairs = [view.read(index) for index in range(start, min(start + batch, len(view)))]
        images = [decode_image(image) for image, _ in pairs]
        alphas = predict(network, images, size=size, batch=batch)
        truths = [decode_alpha(alpha) for _, alpha in pairs]
        scores += [iou(alpha, truth) for alpha, truth in zip(alphas, truths, strict=True)]
    return float(np.mean(scores))
