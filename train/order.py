"""Which pairs a step sees: a pure function of how many there are, the seed and the epoch."""

import hashlib
import json
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch.utils.data import Sampler


class Draw(NamedTuple):
    """A pair to read, and the epoch that its augmentation belongs to."""

    epoch: int
    row: int


def philox(*identity: str | int) -> np.random.Philox:
    """Return a Philox counter generator keyed with the BLAKE2b-128 hash of an identity.

    Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011). Hashing keeps seed 1 of
    epoch 2 apart from seed 2 of epoch 1, which adding would not.

    Examples
    --------
    >>> philox("order", 0, 1).random_raw() == philox("order", 0, 1).random_raw()
    True
    """
    digest = hashlib.blake2b(json.dumps(identity).encode(), digest_size=16).digest()
    return np.random.Philox(key=int.from_bytes(digest, "little"))


def permutation(n: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Return the order of `n` pairs in an epoch: int64, every index once.

    Examples
    --------
    >>> permutation(6, seed=0, epoch=0).tolist()
    [5, 1, 4, 0, 3, 2]
    >>> sorted(permutation(6, seed=0, epoch=1).tolist())
    [0, 1, 2, 3, 4, 5]
    """
    # Sorting raw words, because numpy promises those for ever, but not Generator.permutation.
    return np.argsort(philox("order", seed, epoch).random_raw(n), kind="stable")


class Batches(Sampler[list[Draw]]):
    """Batches in order, epoch after epoch, from where the trainer stands.

    Loader workers read ahead, so what has been drawn says nothing about what has been learnt:
    only `advance` moves `epoch` and `position`. An epoch's incomplete last batch is left out; the
    next epoch's order is another one.

    Parameters
    ----------
    n : int
        How many pairs there are.
    batch : int
        Pairs in a batch, at most `n`.
    count : int
        How many batches to yield.
    seed : int
        Of the order.
    epoch, position : int
        Where to start: the epoch, and how many of its pairs have been consumed.

    Raises
    ------
    ValueError
        When `batch` does not lie between 1 and `n`.

    Examples
    --------
    >>> batches = Batches(5, 2, count=3)
    >>> [[draw.row for draw in batch] for batch in batches]
    [[1, 4], [0, 3], [3, 1]]
    >>> batches.advance()
    >>> batches.epoch, batches.position
    (0, 2)
    """

    def __init__(
        self, n: int, batch: int, *, count: int, seed: int = 0, epoch: int = 0, position: int = 0
    ) -> None:
        if not 1 <= batch <= n:
            raise ValueError(f"batch must lie between 1 and the {n} pairs there are, got {batch}")
        self.n = n
        self.batch = batch
        self.count = count
        self.seed = seed
        self.epoch = epoch
        self.position = position

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[list[Draw]]:
        epoch, position = self.epoch, self.position
        order = permutation(self.n, self.seed, epoch)
        for _ in range(self.count):
            if position + self.batch > self.n:
                epoch, position = epoch + 1, 0
                order = permutation(self.n, self.seed, epoch)
            chosen = order[position : position + self.batch].tolist()
            yield [Draw(epoch, row) for row in chosen]
            position += self.batch

    def advance(self) -> None:
        """Count one batch as consumed."""
        if self.position + self.batch > self.n:
            self.epoch, self.position = self.epoch + 1, 0
        self.position += self.batch
