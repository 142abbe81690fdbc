"""Divide what pairs are made of before they are made, so that nothing is on two sides."""

import hashlib
from typing import NamedTuple


class Shares(NamedTuple):
    """Shares in [0, 1] of the splits, of sum 1."""

    train: float
    val: float
    test: float

    def check(self) -> None:
        """Raise ValueError unless they are shares that sum to 1."""
        if not all(0 <= share <= 1 for share in self) or abs(sum(self) - 1) > 1e-9:
            raise ValueError(f"train, val and test must be shares that sum to 1, got {(*self,)}")

    def side_of(self, group: str, salt: str = "") -> str:
        """Return the split of a group, from its name alone.

        It is the one that the table stage ``split`` gives with these shares and this salt: a render
        and the composites made of its foreground agree.

        Examples
        --------
        >>> [Shares(0.7, 0.2, 0.1).side_of(name) for name in ("a", "b", "c", "d")]
        ['train', 'train', 'train', 'val']
        """
        digest = hashlib.blake2b((salt + group).encode(), digest_size=8).digest()
        place = int.from_bytes(digest, "big") / 2**64
        named = [name for name, share in self._asdict().items() if share > 0]
        edge = 0.0
        for name in named:
            edge += getattr(self, name)
            if place < edge:
                return name
        return named[-1]  # rounding can leave the sum a hair below 1
