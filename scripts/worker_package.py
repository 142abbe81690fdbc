"""Load synth/blender as the package `maskmill_blender`, for scripts that Blender's Python runs."""

import importlib.util
import sys
from pathlib import Path


def load() -> None:
    """Make `import maskmill_blender` work, without maskmill, which Blender's Python has not."""
    folder = Path(__file__).resolve().parents[1] / "synth" / "blender"
    spec = importlib.util.spec_from_file_location(
        "maskmill_blender", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} is not there: run this from a checkout of maskmill")
    module = importlib.util.module_from_spec(spec)
    sys.modules["maskmill_blender"] = module
    spec.loader.exec_module(module)
