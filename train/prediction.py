"""Alphas from a trained network, at each picture's own size."""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal, get_args

import numpy as np
import torch
from torch import nn

from maskmill.images import Alpha, Image
from maskmill.refine.sharpening import Sharpen, enlarge
from maskmill.refine.smoothing import smooth

from .checkpoint import load_checkpoint
from .networks import build
from .preprocess import normalise, resize

Post = Literal["none", "sharpen", "smooth"]

_DEFAULT_SIZE = 320  # what U-2-Net's authors predict at


def predict(
    model: str | os.PathLike[str] | nn.Module,
    images: Iterable[Image],
    *,
    size: int | None = None,
    device: str | torch.device | None = None,
    batch: int = 1,
    post: Post = "none",
) -> Iterator[Alpha]:
    """Predict the alpha of each picture, one after another.

    The network sees a square; its soft map is enlarged with a cubic kernel to the picture's size
    and clipped. Nothing is made hard at the low resolution, and no map is stretched to its own
    least and greatest value: an empty picture stays empty.

    Parameters
    ----------
    model : path-like or torch.nn.Module
        A checkpoint of `fit`, or a network such as `build` makes. A network keeps its mode.
    images : iterable of ndarray, H x W x 3, uint8
        RGB, of any sizes. Read `batch` at a time.
    size : int, optional
        Side of the square in pixels. None: the checkpoint's own, or 320 for a network.
    device : str or torch.device, optional
        None: the GPU if there is one for a checkpoint, and where it is for a network. A network is
        moved to the device that is given.
    batch : int
        Pictures per pass.
    post : {"none", "sharpen", "smooth"}
        What becomes of a map besides: ``"sharpen"`` takes its blur off and steepens its edges as
        `maskmill.refine.sharpen` does, ``"smooth"`` gives the enlarged map one even edge with
        `maskmill.refine.smooth`, which ends all softness.

    Returns
    -------
    iterator of ndarray, H x W, float32 in [0, 1]

    Raises
    ------
    ValueError
        When the checkpoint or a picture is not as described or a parameter is out of range.

    Examples
    --------
    >>> alphas = predict(build("u2netp"), [np.zeros((48, 80, 3), np.uint8)], size=64)
    >>> next(alphas).shape
    (48, 80)
    """
    if batch < 1:
        raise ValueError(f"batch must be 1 or more, got {batch}")
    if post not in get_args(Post):
        raise ValueError(f"post must be one of {', '.join(get_args(Post))}, got {post!r}")
    if isinstance(model, nn.Module):
        network = model if device is None else model.to(device)
    else:
        state = load_checkpoint(model)
        network = build(state["settings"]["model"])
        try:
            network.load_state_dict(state["weights"], strict=True)
        except RuntimeError:
            raise ValueError(
                f"checkpoint must hold the weights of {state['settings']['model']}, as it says, "
                f"got others in {os.fspath(model)}"
            ) from None
        network = network.to(choose_device(device))
        size = size or int(state["settings"]["size"])
    return _predictions(network, iter(images), size or _DEFAULT_SIZE, batch, post)


def choose_device(device: str | torch.device | None) -> torch.device:
    """Return the device that is meant; None means the GPU if there is one.

    Raises
    ------
    ValueError
        When there is no such device.
    """
    gpu = torch.cuda.is_available()
    try:
        chosen = torch.device(device or ("cuda" if gpu else "cpu"))
    except RuntimeError:
        raise ValueError(f"device must be cpu, cuda or cuda:1, got {device!r}") from None
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        found = f"{torch.cuda.device_count()} GPUs" if gpu else "no GPU"
        raise ValueError(f"device must be there, got {device!r}: PyTorch finds {found}")
    return chosen


def predict_squares(network: nn.Module, squares: Sequence[Image]) -> list[Alpha]:
    """Predict the alphas of pictures that have the network's size already.

    Parameters
    ----------
    network : torch.nn.Module
        Run in evaluation mode; its own mode is put back.
    squares : sequence of ndarray, H x W x 3, uint8
        RGB, all of one size.

    Returns
    -------
    list of ndarray, H x W, float32 in [0, 1]
    """
    device = next(network.parameters()).device
    pixels = torch.from_numpy(np.stack(squares)).to(device).permute(0, 3, 1, 2)
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with torch.inference_mode():
            maps = torch.sigmoid(network(normalise(pixels))[0].float())
    finally:
        for module, training in modes:
            module.training = training
    return list(maps[:, 0].cpu().numpy())


def _predictions(
    network: nn.Module, images: Iterator[Image], size: int, batch: int, post: Post
) -> Iterator[Alpha]:
    while chunk := list(islice(images, batch)):
        squares = [resize(_checked(image), size, size) for image in chunk]
        for image, small in zip(chunk, predict_squares(network, squares), strict=True):
            yield _at_full_size(small, image.shape[0], image.shape[1], post)


def _at_full_size(small: Alpha, height: int, width: int, post: Post) -> Alpha:
    if post == "sharpen":
        usual = Sharpen()
        return enlarge(small, height, width, restore=usual.restore, gain=usual.gain)
    alpha = enlarge(small, height, width)
    return smooth(alpha) if post == "smooth" else alpha


def _checked(image: Image) -> Image:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"image must be H x W x 3 uint8, got {image.shape} {image.dtype}")
    return image
