"""A Dask cluster whose scheduler and workers are processes of their own."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

HERE = Path(__file__).parent


@contextlib.contextmanager
def scheduler_and_workers(folder: Path, workers: int = 2) -> Generator[str]:
    """Start a scheduler and workers, which keep their files in `folder`; yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    worker = ["--nthreads=1", "--no-dashboard", f"--local-directory={folder}"]
    commands = [
        [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host=127.0.0.1",
         f"--port={port}", "--no-dashboard", "--no-show"],
        *([sys.executable, "-m", "distributed.cli.dask_worker", address, *worker],) * workers,
    ]  # fmt: skip
    quiet = subprocess.DEVNULL
    processes = [
        subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet)
        for command in commands
    ]
    try:
        yield address
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(20)
