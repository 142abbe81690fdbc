"""A dataset's folder, on the local disk or behind an fsspec URL.

Files appear whole or not at all: by rename on a local disk, by a single PUT on an object store.
"""

import contextlib
import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import IO, Any, Protocol

from maskmill.files import created


class Storage(Protocol):
    """The few operations a dataset needs of its folder; names are relative and use ``/``."""

    url: str

    def exists(self, name: str) -> bool: ...
    def names(self, folder: str) -> list[str]: ...
    def read(self, name: str) -> bytes: ...
    def read_range(self, name: str, offset: int, length: int) -> bytes: ...
    def open(self, name: str) -> contextlib.AbstractContextManager[IO[bytes]]: ...
    def create(self, name: str) -> contextlib.AbstractContextManager[IO[bytes]]: ...
    def remove(self, name: str) -> None: ...


def open_storage(url: str | os.PathLike[str]) -> Storage:
    """Return the storage behind a path or an fsspec URL such as ``s3://bucket/dataset``."""
    text = os.fspath(url)
    if "://" in text and not text.startswith("file://"):
        return RemoteStorage(text)
    return LocalStorage(text.removeprefix("file://"))


class LocalStorage:
    """A folder on a disk whose rename is atomic."""

    # Beyond this many open shards, a read opens and closes its file: descriptors are limited.
    _MOST_OPEN = 256

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).absolute()
        self.url = str(self.folder)
        self._open: dict[str, int] = {}

    def __getstate__(self) -> str:
        return self.url

    def __setstate__(self, url: str) -> None:
        LocalStorage.__init__(self, url)

    def __del__(self) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)

    def exists(self, name: str) -> bool:
        return (self.folder / name).is_file()

    def names(self, folder: str) -> list[str]:
        place = self.folder / folder
        if not place.is_dir():
            return []
        names = (entry.name for entry in place.iterdir() if entry.is_file())
        return sorted(f"{folder}/{name}" if folder else name for name in names)

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def read_range(self, name: str, offset: int, length: int) -> bytes:
        descriptor = self._open.get(name)
        if descriptor is None:
            descriptor = os.open(self.folder / name, os.O_RDONLY | os.O_CLOEXEC)
            if len(self._open) >= self._MOST_OPEN:
                try:
                    return os.pread(descriptor, length, offset)
                finally:
                    os.close(descriptor)
            self._open[name] = descriptor
        return os.pread(descriptor, length, offset)

    def open(self, name: str) -> IO[bytes]:
        return (self.folder / name).open("rb")

    def create(self, name: str) -> contextlib.AbstractContextManager[IO[bytes]]:
        return created(self.folder / name)

    def remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)


class RemoteStorage:
    """An fsspec URL; a file is written to a local temporary file and sent in one PUT."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._connect()

    def _connect(self) -> None:
        import fsspec

        self._files: Any
        self._files, self._root = fsspec.core.url_to_fs(self.url)

    def __getstate__(self) -> str:
        return self.url

    def __setstate__(self, url: str) -> None:
        self.url = url
        self._connect()

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def exists(self, name: str) -> bool:
        return self._files.isfile(self._path(name))

    def names(self, folder: str) -> list[str]:
        self._files.invalidate_cache()
        place = self._path(folder).rstrip("/")
        if not self._files.isdir(place):
            return []
        found = self._files.ls(place, detail=True)
        names = (entry["name"].rsplit("/", 1)[1] for entry in found if entry["type"] == "file")
        return sorted(f"{folder}/{name}" if folder else name for name in names)

    def read(self, name: str) -> bytes:
        return self._files.cat_file(self._path(name))

    def read_range(self, name: str, offset: int, length: int) -> bytes:
        return self._files.cat_file(self._path(name), start=offset, end=offset + length)

    def open(self, name: str) -> IO[bytes]:
        return self._files.open(self._path(name), "rb")

    @contextlib.contextmanager
    def create(self, name: str) -> Generator[IO[bytes]]:
        with tempfile.NamedTemporaryFile(prefix="maskmill-") as file:
            yield file  # pyright: ignore[reportReturnType]
            file.flush()
            path = self._path(name)
            self._files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            self._files.put_file(file.name, path)

    def remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._path(name))
