"""Open a dataset: its index first, then single pictures by one positioned read each."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, overload

import pyarrow as pa
import pyarrow.compute as pc

from maskmill.sample import Sample, Step

from .parquet import opened, table_of
from .schema import INDEX, LEDGER, check_format
from .storage import LocalStorage, Storage, open_storage
from .verdicts import BLOCKING, read_verdicts, settle
from .writer import digest

_NO_SPLIT = "None, or --split all for all pairs (none: the recipe has no split, or kept nothing)"


class Dataset:
    """A finished dataset folder.

    Parameters
    ----------
    url : path-like or fsspec URL

    Attributes
    ----------
    info : dict
        What dataset.json says: format, maskmill (version), recipe, recipe_hash, counts.

    Raises
    ------
    FileNotFoundError
        When there is no finished dataset.
    ValueError
        When it is of another format version.

    Examples
    --------
    ::

        dataset = Dataset("dataset/")
        for sample in dataset.split("train"):
            sample.image, sample.alpha
    """

    def __init__(self, url: str | os.PathLike[str]) -> None:
        self.storage = open_storage(url)
        info = read_info(self.storage)
        if info is None:
            if isinstance(self.storage, LocalStorage) and not self.storage.folder.is_dir():
                raise FileNotFoundError(f"no dataset at {self.storage.url}: no such folder")
            raise FileNotFoundError(
                f"no finished dataset at {self.storage.url}: dataset.json is written last, so a "
                "run that is at work or was stopped has none yet; run it again to finish it"
            )
        self.info = info
        index = self.storage.read("index.parquet")
        if digest(index) != info.get("index"):
            raise ValueError(
                f"index.parquet and dataset.json in {self.storage.url} are of different runs: one "
                "was stopped between the two, or a file was changed; run it again"
            )
        self._index = table_of(pa.BufferReader(index), INDEX)
        self._rows = {key: row for row, key in enumerate(self._index["key"].to_pylist())}

    def __len__(self) -> int:
        return self._index.num_rows

    def __repr__(self) -> str:
        return f"Dataset({self.storage.url!r}, samples={len(self)})"

    def table(self) -> pa.Table:
        """Return one row per sample: the index, and what reviewers decided as column `verdict`."""
        verdicts = settle(
            self._index["key"].to_pylist(),
            self._index["alpha_hash"].to_pylist(),
            read_verdicts(self.storage),
        )
        return self._index.append_column("verdict", pa.array(verdicts, pa.string()))

    def ledger(self) -> pa.Table:
        """Return one row per item that was not kept: origin, stage, kind, reason, values."""
        parts: list[pa.Table] = []
        for name in self.info["dropped"]:
            with self.storage.open(name) as file:
                parts.append(table_of(file, LEDGER))
        return pa.concat_tables([LEDGER.empty_table(), *parts])

    def split(self, name: str | None = None) -> "View":
        """Return the samples to train on: status ``kept`` and no verdict against them.

        Parameters
        ----------
        name : str or None
            ``"train"``, ``"val"``, ``"test"``; None takes all.

        Raises
        ------
        ValueError
            When no sample of the dataset is in a split of that name.
        """
        table = self.table()
        blocked = pc.is_in(table["verdict"], pa.array(BLOCKING, pa.string()))
        usable = pc.and_(pc.equal(table["status"], "kept"), pc.invert(blocked))
        if name is not None:
            known = sorted(filter(None, pc.unique(table["split"]).to_pylist()))
            if name not in known:
                choice = f"one of {', '.join(known)}" if known else _NO_SPLIT
                raise ValueError(f"split must be {choice}, got {name!r}")
            usable = pc.and_(usable, pc.fill_null(pc.equal(table["split"], name), False))
        return View(self.storage, table.filter(usable))

    def sample(self, key: str) -> Sample:
        """Return one sample with all its facts, whatever its status.

        Raises
        ------
        KeyError
            When the dataset has no such key.
        """
        if key not in self._rows:
            raise KeyError(f"no sample {key!r} in {self.storage.url}")
        return View(self.storage, self._index.slice(self._rows[key], 1))[0]


def read_info(storage: Storage) -> dict[str, Any] | None:
    """Return what dataset.json says, or None where there is none.

    Raises
    ------
    ValueError
        When it is damaged or of another format version.
    """
    if not storage.exists("dataset.json"):
        return None
    try:
        info = json.loads(storage.read("dataset.json"))
    except ValueError as error:
        raise ValueError(f"dataset.json in {storage.url} is damaged: {error}") from None
    if not isinstance(info, dict):
        raise ValueError(f"dataset.json in {storage.url} is damaged: it must hold an object")
    check_format(info)
    return info


class View(Sequence[Sample]):
    """Rows of an index as a sequence of samples.

    It pickles without pixels, so loader workers can be spawned; each reopens the files it needs.

    Attributes
    ----------
    table : pyarrow.Table
        The index rows.
    """

    def __init__(self, storage: Storage, table: pa.Table) -> None:
        self.storage = storage
        self.table = table.combine_chunks()
        self._histories: tuple[tuple[str, int], Any] = (("", 0), None)

    def __len__(self) -> int:
        return self.table.num_rows

    @cached_property
    def keys(self) -> list[str]:
        """Content keys, in order."""
        return self.table["key"].to_pylist()

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that change with membership, order or content."""
        digest = hashlib.blake2b(digest_size=8)
        for key, content in zip(self.keys, self.table["checksum"].to_pylist(), strict=True):
            digest.update(f"{key}{content}".encode())
        return digest.hexdigest()

    @cached_property
    def _places(self) -> tuple[list[str], list[list[int]]]:
        columns = ("image_offset", "image_length", "alpha_offset", "alpha_length")
        return self.table["shard"].to_pylist(), [self.table[name].to_pylist() for name in columns]

    def read(self, index: int) -> tuple[bytes, bytes]:
        """Return the encoded image and alpha of one row, read without any Parquet decoding.

        Raises
        ------
        OSError
            When the shard ends before the picture does.
        """
        shards, (image_at, image_size, alpha_at, alpha_size) = self._places
        name = f"shards/{shards[index]}"
        image = self.storage.read_range(name, image_at[index], image_size[index])
        alpha = self.storage.read_range(name, alpha_at[index], alpha_size[index])
        if len(image) != image_size[index] or len(alpha) != alpha_size[index]:
            raise OSError(f"{name} in {self.storage.url} is shorter than the index says")
        return image, alpha

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> "View": ...
    def __getitem__(self, index: int | slice) -> "Sample | View":
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            return View(
                self.storage, self.table.take(pa.array(range(start, stop, step), pa.int64()))
            )
        if not -len(self) <= index < len(self):
            raise IndexError(f"index must be below {len(self)}, got {index}")
        index %= len(self)
        image, alpha = self.read(index)
        facts = self.table.slice(index, 1).to_pylist()[0]
        return Sample(
            image_bytes=image,
            alpha_bytes=alpha,
            scores=dict(facts["scores"]),
            tags=tuple(facts["tags"]),
            history=self._history(facts["shard"], facts["row_group"], facts["row"]),
            **{name: facts[name] for name in ("key", "source", "origin", "height", "width")},
            **{name: facts[name] for name in ("group", "split", "licence")},
        )

    def __iter__(self) -> Iterator[Sample]:
        for index in range(len(self)):
            yield self[index]

    def _history(self, shard: str, row_group: int, row: int) -> tuple[Step, ...]:
        if self._histories[0] != (shard, row_group):  # neighbours mostly share a row group
            with self.storage.open(f"shards/{shard}") as file:
                group = opened(file).read_row_group(
                    row_group, columns=["history"], use_threads=False
                )
            self._histories = ((shard, row_group), group["history"])
        steps = self._histories[1][row].as_py()
        return tuple(Step(step["stage"], dict(step["values"])) for step in steps)
