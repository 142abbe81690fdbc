"""The networks by name."""

from difflib import get_close_matches

from torch import nn

from .u2net import FULL, SMALL, U2Net

_WIDTHS = {"u2net": FULL, "u2netp": SMALL}


def build(name: str) -> nn.Module:
    """Make a network with fresh weights.

    Parameters
    ----------
    name : str
        ``"u2net"`` (44.0 M parameters) or ``"u2netp"`` (1.1 M).

    Returns
    -------
    torch.nn.Module
        Takes normalised images, N x 3 x H x W, and returns seven maps of logits, N x 1 x H x W
        each; the first is the prediction. The state dict has the layout of the authors' code, so
        their published weights load with ``load_state_dict(..., strict=True)``.

    Raises
    ------
    ValueError
        For an unknown name, with the nearest right spelling.

    Examples
    --------
    >>> sum(weights.numel() for weights in build("u2netp").parameters())
    1131181
    >>> build("u2metp")
    Traceback (most recent call last):
        ...
    ValueError: model must be 'u2net' or 'u2netp', got 'u2metp'; did you mean 'u2netp'?
    """
    if name not in _WIDTHS:
        near = get_close_matches(str(name).lower(), _WIDTHS, n=1, cutoff=0.3)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"model must be {' or '.join(map(repr, _WIDTHS))}, got {name!r}{hint}")
    return U2Net(_WIDTHS[name])
