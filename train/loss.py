"""The training loss: binary cross-entropy under deep supervision, taken on logits."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def deep_supervision(logits: Sequence[Tensor], alpha: Tensor) -> Tensor:
    """Return the sum over all outputs of their mean binary cross-entropy.

    Equation 1 of Qin et al. (2020), every weight 1. The target may be soft. It is computed in
    float32 whatever the logits are and whether or not autocast is on, and from logits: finite,
    with a gradient of magnitude 1 on a wrong pixel however wrong it is.

    Parameters
    ----------
    logits : sequence of Tensor, N x 1 x H x W each, float
        The network's outputs.
    alpha : Tensor, N x 1 x H x W, float32 in [0, 1]
        The truth.

    Returns
    -------
    Tensor
        A scalar, float32.

    Examples
    --------
    >>> round(deep_supervision([torch.zeros(1, 1, 2, 2)] * 7, torch.ones(1, 1, 2, 2)).item(), 4)
    4.852
    """
    with torch.autocast(alpha.device.type, enabled=False):
        losses = [
            functional.binary_cross_entropy_with_logits(side.float(), alpha) for side in logits
        ]
        return torch.stack(losses).sum()
