"""Small sources and stages made of arrays, importable by spawned workers too."""

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from maskmill.sample import Dropped, Sample
from maskmill.source import Partition
from maskmill.stage import Stage, digest_of


def disc(number: int, size: int = 32) -> Sample:
    """A coloured disc on a seeded texture, with its exact alpha."""
    seed = int.from_bytes(hashlib.blake2b(str(number).encode(), digest_size=8).digest())
    random = np.random.Generator(np.random.Philox(seed))
    rows, columns = np.mgrid[:size, :size] + 0.5
    centre = random.uniform(0.3, 0.7, 2) * size
    distance = np.hypot(rows - centre[0], columns - centre[1])
    alpha = np.clip(random.uniform(0.15, 0.4) * size - distance + 0.5, 0, 1).astype(np.float32)
    colour, texture = random.integers(0, 256, 3), random.integers(0, 256, (size, size, 3))
    mixed = alpha[..., None] * colour + (1 - alpha[..., None]) * texture
    return Sample.of(np.rint(mixed).astype(np.uint8), alpha, origin=f"disc-{number:04d}")


@dataclass(frozen=True)
class Discs:
    """`count` discs; every `empty`-th item cannot be read."""

    count: int = 20
    per_partition: int = 4
    empty: int = 0
    groups: int = 0
    split: str | None = None
    first: int = 0

    def plan(self, stages: Sequence[Stage]) -> list[Partition]:
        numbers = range(self.first, self.first + self.count)
        chunks = [
            tuple(numbers[at : at + self.per_partition])
            for at in range(0, self.count, self.per_partition)
        ]
        return [Partition(chunk, digest_of(list(chunk)), len(chunk)) for chunk in chunks]

    def read(self, partition: Partition) -> Iterator[Sample | Dropped]:
        for number in partition.items:
            if self.empty and number % self.empty == 0:
                yield Dropped(None, "missing_file", origin=f"disc-{number:04d}")
                continue
            sample = disc(number)
            group = f"group-{number % self.groups}" if self.groups else None
            from dataclasses import replace

            yield replace(sample, group=group, split=self.split)


@dataclass(frozen=True)
class Identity:
    """Does nothing."""

    mark: int = 0

    def __call__(self, sample: Sample) -> Sample:
        return sample


@dataclass(frozen=True)
class Smallest:
    """Drops discs below a coverage."""

    coverage: float = 0.2

    def __call__(self, sample: Sample) -> Sample | Dropped:
        coverage = float(sample.alpha.mean())
        if coverage < self.coverage:
            return Dropped(sample, "too_small", {"coverage": coverage})
        return sample.scored(coverage=coverage)


@dataclass(frozen=True)
class FailsOn:
    """Raises on one origin, until the file `cure` is there."""

    origin: str = "disc-0003"
    cure: str = ""

    def __call__(self, sample: Sample) -> Sample:
        if sample.origin == self.origin and not (self.cure and Path(self.cure).exists()):
            raise ZeroDivisionError("this stage cannot take discs")
        return sample


@dataclass(frozen=True)
class Slow:
    """Takes its time, and says in a file of its own (outside the dataset) that it ran."""

    seconds: float = 0.05
    diary: ClassVar[str] = "MASKMILL_TEST_DIARY"

    def __call__(self, sample: Sample) -> Sample:
        time.sleep(self.seconds)
        diary = os.environ.get(self.diary)
        if diary:
            with Path(diary).open("a") as file:
                file.write(f"{sample.origin}\n")
        return sample


@dataclass(frozen=True)
class MeanColour:
    """A feature: the mean of the picture."""

    name: ClassVar[str] = "mean_colour"
    arrow_type: ClassVar[str] = "double"

    def __call__(self, sample: Sample) -> float:
        return float(sample.image.mean())


def tree(folder: Path) -> dict[str, str]:
    """Every file of a folder with the hash of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.blake2b(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
