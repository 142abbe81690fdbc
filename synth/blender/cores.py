"""Keep a worker on as many cores as it has threads.

Blender's helpers (denoising, the build of curves) start a thread for every core they may run on,
whatever the renderer is told, and let it spin while it waits: twice the CPU time for one thread on
two cores. They may run where the process may.
"""

import os
from pathlib import Path
from typing import IO

_held: list[IO[bytes]] = []


def claim(threads: int, folder: Path) -> bool:
    """Bind this process to cores that no other worker of this machine has claimed.

    Parameters
    ----------
    threads
        How many it needs.
    folder
        Holds a lock for each core, given up when the process ends; made if missing.

    Returns
    -------
    bool
        Whether it was bound; it stays free where the system cannot, or too few cores are left.
    """
    if not hasattr(os, "sched_setaffinity"):
        return False
    import fcntl

    may = sorted(os.sched_getaffinity(0))
    if threads >= len(may):
        return False
    claimed: dict[int, IO[bytes]] = {}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for core in may:
            lock = (folder / f"core-{core}.lock").open("ab")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                continue
            claimed[core] = lock
            if len(claimed) == threads:
                os.sched_setaffinity(0, claimed)
                _held.extend(claimed.values())
                return True
    except OSError:
        pass
    for lock in claimed.values():
        lock.close()
    return False
