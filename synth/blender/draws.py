"""Random numbers that depend on what they are for, and on nothing else."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


class Draws:
    """Choices hashed from an identity and the name of what is chosen.

    Two names never share a number, and a choice that is added or left out changes no other one.

    Parameters
    ----------
    *identity
        What is drawn for, such as a seed and an index.

    Examples
    --------
    >>> draws = Draws(7, 3)
    >>> draws.uniform("lens", 35, 85) == Draws(7, 3).uniform("lens", 35, 85)
    True
    """

    def __init__(self, *identity: object) -> None:
        self._identity = identity

    def within(self, *names: object) -> "Draws":
        """Return the draws of a part."""
        return Draws(*self._identity, *names)

    def seed(self, name: str) -> int:
        """Return 31 bits for `name`."""
        digest = hashlib.blake2b(repr((*self._identity, name)).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") >> 33

    def uniform(self, name: str, low: float = 0.0, high: float = 1.0) -> float:
        """Return a number of [low, high)."""
        digest = hashlib.blake2b(repr((*self._identity, name)).encode(), digest_size=8).digest()
        return low + (high - low) * (int.from_bytes(digest, "big") / 2**64)

    def chance(self, name: str, share: float) -> bool:
        """Return whether what happens in a share of the cases happens in this one."""
        return self.uniform(name) < share

    def choice(self, name: str, among: Sequence[Any] | Mapping[Any, float]) -> Any:
        """Return one of a sequence, or one key of a mapping of keys to weights."""
        if isinstance(among, Mapping):
            keys, weights = list(among), np.cumsum(list(among.values()))
            return keys[int(np.searchsorted(weights / weights[-1], self.uniform(name), "right"))]
        return among[int(self.uniform(name) * len(among))]

    def generator(self, name: str) -> np.random.Generator:
        """Return a generator for many numbers of one kind."""
        digest = hashlib.blake2b(repr((*self._identity, name)).encode(), digest_size=16).digest()
        return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))
