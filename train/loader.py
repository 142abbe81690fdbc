"""A dataset's pairs as a torch dataset: one read, one decode, one resize each."""

import os

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from maskmill.images import Image, decode_image, decode_levels
from maskmill.shards import Dataset, View

from .augment import Variation, draw_variation, relight
from .preprocess import resize

Levels = npt.NDArray[np.uint8]
_SMALLEST = 64  # U-2-Net halves five times, and batch normalisation needs more than one value


class Shards(TorchDataset[tuple[Tensor, Tensor, int]]):
    """A split of a dataset as squares of uint8: what a `torch.utils.data.DataLoader` reads.

    ``shards[i]`` is an image tensor, 3 x size x size, RGB, its alpha, 1 x size x size, both uint8
    in [0, 255], and ``i``. Bytes are a quarter of what float32 would move between processes and to
    the GPU; `maskmill.train.preprocess.normalise` belongs behind that.

    The picture is squashed to a square, as U-2-Net's authors train. What an epoch shows of a sample
    is a pure function of the seed, the epoch and the sample's key, so it is the same with any
    number of workers. The epoch comes from `set_epoch`, or with the index as ``shards[epoch, i]``,
    which is how `maskmill.train.order.Batches` reaches workers that live through many epochs.

    Parameters
    ----------
    dataset : path-like, fsspec URL or View
        A finished dataset, or rows of one.
    size : int
        Side in pixels, 64 or more.
    seed : int
        Of the augmentation.
    augment : bool
        Mirror, crop and relight. Without it every epoch is the same.
    split : str or None
        Which split to open; None takes all. A View has been chosen already and stays as it is.

    Raises
    ------
    ValueError
        When there is no such split, or no usable pair in it, or `size` is too small.

    Examples
    --------
    ::

        for images, alphas, index in DataLoader(Shards("dataset/"), batch_size=8, shuffle=True):
            ...
    """

    def __init__(
        self,
        dataset: str | os.PathLike[str] | View,
        size: int = 320,
        seed: int = 0,
        augment: bool = True,
        split: str | None = "train",
    ) -> None:
        if size < _SMALLEST:
            raise ValueError(f"size must be {_SMALLEST} pixels or more, got {size}")
        self.view = dataset if isinstance(dataset, View) else Dataset(dataset).split(split)
        if not len(self.view):
            raise ValueError(
                "dataset must have pairs to train on, got none: those of the split may all be "
                "duplicates, unused or rejected"
            )
        self.size = size
        self.seed = seed
        self.augment = augment
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch plain indices belong to.

        Workers copy the dataset when they start: with ``persistent_workers=True`` give the epoch
        with the index instead.
        """
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.view)

    def __getitem__(self, item: int | tuple[int, int]) -> tuple[Tensor, Tensor, int]:
        epoch, index = item if isinstance(item, tuple) else (self.epoch, item)
        if not 0 <= index < len(self):
            raise IndexError(f"index must lie in [0, {len(self)}), got {index}")
        key = self.view.keys[index]
        variation = draw_variation(self.seed, epoch, key) if self.augment else Variation()
        image_bytes, alpha_bytes = self.view.read(index)
        try:
            image, alpha = decode_image(image_bytes), decode_levels(alpha_bytes)
        except ValueError as error:
            error.add_note(f"in sample {key}")
            raise
        image, levels = square(image, alpha, self.size, variation)
        planes = np.ascontiguousarray(image.transpose(2, 0, 1))
        return torch.from_numpy(planes), torch.from_numpy(levels[None]), index


def square(
    image: Image,
    alpha: npt.NDArray[np.uint8] | npt.NDArray[np.uint16],
    size: int,
    variation: Variation,
) -> tuple[Image, Levels]:
    """Return what a variation shows of a pair, squashed to a square.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
        RGB.
    alpha : ndarray, H x W, uint8 or uint16
        Levels.
    size : int
        Side in pixels.
    variation : Variation
        What to show.

    Returns
    -------
    image : ndarray, size x size x 3, uint8
    alpha : ndarray, size x size, uint8
        Soft where the squares of the grid are partly covered.

    Examples
    --------
    >>> image, alpha = np.zeros((4, 8, 3), np.uint8), np.zeros((4, 8), np.uint8)
    >>> alpha[:, 4:] = 255
    >>> square(image, alpha, 2, Variation(mirrored=True))[1].tolist()
    [[255, 0], [255, 0]]
    """
    box = variation.box(*alpha.shape)
    image, levels = resize(image[box], size, size), resize(alpha[box], size, size)
    levels = (np.rint(levels / 257) if levels.dtype == np.uint16 else levels).astype(np.uint8)
    if variation.mirrored:
        image, levels = image[:, ::-1], levels[:, ::-1]
    if variation.contrast != 1 or variation.brightness != 0:
        image = relight(image, variation.contrast, variation.brightness)
    return np.ascontiguousarray(image), np.ascontiguousarray(levels)
