"""One writer at a time: a named, heart-beating lease on a dataset folder.

The lease is the file ``lease.json`` with its holder's name, host, process and last heartbeat. It is
stale, and the next writer takes it over, as soon as its holder is known to be dead: its process is
gone from this host, or (a holder on another host) its heart has not beaten for `STALE_AFTER`.
"""

import contextlib
import fcntl
import getpass
import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from maskmill.shards.storage import LocalStorage, Storage

from .files import TEMPORARY

logger = logging.getLogger(__name__)

LEASE = "lease.json"
BEAT_EVERY = 5.0
"""Seconds between heartbeats."""
STALE_AFTER = 60.0
"""Seconds without a heartbeat after which a holder on another host counts as dead."""


class DatasetBusyError(RuntimeError):
    """Another writer holds the dataset."""


@contextlib.contextmanager
def lease(storage: Storage) -> Generator[Callable[[], None]]:
    """Hold the dataset for the length of the block.

    It gives a function to call before each thing that another writer must not see undone: it raises
    when the lease is ours no more.

    Raises
    ------
    DatasetBusyError
        When a living writer holds it, or has taken it over meanwhile.
    """
    mine = {
        "holder": f"{_user()}@{socket.gethostname()} process {os.getpid()}",
        "host": _host(),
        "pid": os.getpid(),
        "started": _started(os.getpid()),
        "token": uuid.uuid4().hex,
    }
    with _exclusive(storage):
        found = _read(storage)
        if found and not _is_dead(found):
            raise DatasetBusyError(
                f"{storage.url} is being written by {found['holder']}; wait for it, or end it"
            )
        if found:
            logger.warning("took over the lease of %s, which is gone", found["holder"])
        for name in storage.names(""):
            if TEMPORARY.fullmatch(name) and name.endswith(LEASE):
                storage.remove(name)  # of a holder that died in a heartbeat
        _write(storage, mine)
    done = threading.Event()
    heart = threading.Thread(target=_beat, args=(storage, mine, done), daemon=True)
    heart.start()

    def check() -> None:
        if not _is_ours(storage, mine):
            raise DatasetBusyError(f"the lease of {storage.url} was taken over by another writer")

    try:
        yield check
        check()
    finally:
        done.set()
        heart.join()
        if _is_ours(storage, mine):
            storage.remove(LEASE)


def _beat(storage: Storage, mine: dict[str, Any], done: threading.Event) -> None:
    while not done.wait(BEAT_EVERY):
        try:
            if not _is_ours(storage, mine):
                return
            _write(storage, mine)
        except OSError as error:  # a full disk must not stop the heart before the run reports it
            logger.warning("cannot renew the lease of %s: %s", storage.url, error)


def _is_ours(storage: Storage, mine: dict[str, Any]) -> bool:
    found = _read(storage)
    return found is not None and found.get("token") == mine["token"]


def _is_dead(found: dict[str, Any]) -> bool:
    if found.get("host") == _host():
        return _started(int(found.get("pid", 0))) != found.get("started")
    return time.time() - float(found.get("beat", 0)) > STALE_AFTER


def _read(storage: Storage) -> dict[str, Any] | None:
    try:
        found = json.loads(storage.read(LEASE))
    except FileNotFoundError:
        return None
    except ValueError:  # written by something else: nobody's
        found = {}
    return found if isinstance(found, dict) and "holder" in found else None


def _write(storage: Storage, mine: dict[str, Any]) -> None:
    with storage.create(LEASE) as file:
        file.write(json.dumps(mine | {"beat": time.time()}).encode())


@contextlib.contextmanager
def _exclusive(storage: Storage) -> Generator[None]:
    """Let one process at a time look at the lease and take it.

    The lock is on the folder itself, so it leaves no file. Object stores have none: there, two
    writers that start in the same instant are told apart by the check at the end of the block.
    """
    if not isinstance(storage, LocalStorage):
        yield
        return
    storage.folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(storage.folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _started(pid: int) -> str | None:
    """Return when a process of this host started, in clock ticks since boot; None if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, ticks = fields[0], fields[19]
    return None if state in "ZX" else ticks


def _host() -> str:
    """Name this boot of this host: process numbers mean nothing across a restart or a container."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    space = Path("/proc/self/ns/pid")
    with contextlib.suppress(OSError):
        return f"{socket.gethostname()} {boot.read_text().strip()} {space.readlink()}"
    return socket.gethostname()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
