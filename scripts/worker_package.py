"""Load synth/blender as the package `maskmill_blender`, for scripts that Blender's Python runs."""

import runpy
from pathlib import Path


def load() -> None:
    """Make `import maskmill_blender` work, without maskmill, which Blender's Python has not."""
    entry = Path(__file__).resolve().parents[1] / "synth" / "blender" / "__main__.py"
    runpy.run_path(str(entry))["load"]()
