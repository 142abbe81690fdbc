"""The worker: `python synth/blender JOB.json`, or `blender -b --python __main__.py -- JOB.json`.

It runs in Blender's Python, where maskmill is not installed: the package is loaded from its folder
under a name of its own.
"""

import importlib
import importlib.util
import json
import sys
from pathlib import Path

PACKAGE = "maskmill_blender"


def load() -> None:
    """Make the modules beside this file importable as the package `maskmill_blender`."""
    folder = Path(__file__).resolve().parent
    # Python puts the folder of a script on the path, where its modules would hide others.
    sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != folder]
    spec = importlib.util.spec_from_file_location(
        PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} must hold the package of the worker")
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    after = sys.argv.index("--") + 1 if "--" in sys.argv else 1
    load()
    job = json.loads(Path(sys.argv[after]).read_text(encoding="utf-8"))
    if "cores" in job:  # before Blender counts the cores
        cores = importlib.import_module(f"{PACKAGE}.cores")
        cores.claim(int(job.get("threads", 1)), Path(job["cores"]))
    sys.exit(importlib.import_module(f"{PACKAGE}.job").main(sys.argv[after:]))
