"""Runs in Blender's Python, for benchmarks/synth.py: what the layers of a scene add up to.

    python benchmarks/synth_layers.py JOB.json RESULT.json

Each sample of the job is rendered whole with Cryptomatte, then the subject alone with all else as
holes, then all else with the subject as a hole, and the three are compared.
"""

import importlib
import importlib.util
import json
import sys
import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np

ENTRY = Path(__file__).resolve().parents[1] / "synth" / "blender" / "__main__.py"


def worker(name: str) -> Any:
    """Return a module of the worker."""
    return importlib.import_module(f"maskmill_blender.{name}")


def compared(spec: dict[str, Any]) -> dict[str, Any]:
    """Render the layers of a sample, and say how far they are from adding up."""
    job, alpha, stage, images = map(worker, ("job", "alpha", "stage", "images"))
    ready = job.made_ready(spec, 1, "CPU")
    path, why = alpha.chosen_path(spec, ready.stage, ready.subject.transparent)
    around = (stage.BACKGROUND, stage.GROUND, stage.OCCLUDERS)
    clock = [time.process_time()]
    whole = alpha.rendered(ready.stage, cryptomatte=True)
    clock.append(time.process_time())
    with ready.stage.showing(film=True, holdout=around):
        front = alpha.rendered(ready.stage).colour.astype(np.float64)
    clock.append(time.process_time())
    with ready.stage.showing(holdout=(stage.SUBJECT,)):
        back = alpha.rendered(ready.stage).colour.astype(np.float64)
    full = whole.colour.astype(np.float64)
    names = [thing.name for thing in ready.stage.collections[stage.SUBJECT].all_objects]
    counted = alpha.coverage(whole, names)
    covers = front[..., 3]
    together = front[..., :3] + back[..., :3]

    def levels(light: Any) -> Any:
        return images.quantised(images.srgb(light), 8).astype(int)

    differ = levels(together) != levels(full[..., :3])
    # A sum that lies on the edge between two levels to the last bits of a float.
    bits = 8 * np.spacing(np.maximum(whole.colour[..., :3], 1e-3)).astype(np.float64)
    edges = levels(together - bits) != levels(together + bits)
    straight = front[..., :3] / np.maximum(covers[..., None], 1e-6)
    behind = back[..., :3] / np.maximum(1 - covers[..., None], 1e-6)
    mixed = covers[..., None] * images.srgb(straight) + (1 - covers[..., None]) * images.srgb(
        behind
    )
    soft = (covers > 0.02) & (covers < 0.98)
    return {
        "name": spec["name"],
        "path": path,
        "why": why,
        "soft_pixels": int(soft.sum()),
        "coverage": float(covers.mean()),
        "max_linear_error": float(np.abs(together - full[..., :3]).max()),
        "differing_8bit_pixels": int(differ.any(-1).sum()),
        "rounding_8bit_pixels": int((differ & edges).any(-1).sum()),
        "cryptomatte_max": float(np.abs(counted - covers).max()),
        "cryptomatte_mean": float(np.abs(counted - covers).mean()),
        "cryptomatte_bias": float((counted - covers).mean()),
        "srgb_mixing_error": float(
            np.abs(images.srgb(full[..., :3]) - mixed)[soft].mean() * 255 if soft.any() else 0.0
        ),
        "cpu_whole": round(clock[1] - clock[0], 3),
        "cpu_holdout": round(clock[2] - clock[1], 3),
    }


def veiled(spec: dict[str, Any], opacity: float) -> dict[str, Any]:
    """Compare the alpha of a veil over nothing, as few samples give it, with that of many."""
    job, alpha, stage = map(worker, ("job", "alpha", "stage"))
    ready = job.made_ready(spec, 1, "CPU")
    path, why = alpha.chosen_path(spec, ready.stage, ready.subject.transparent)
    around = (stage.BACKGROUND, stage.GROUND, stage.OCCLUDERS)
    found = alpha.take(ready.stage, spec, path, why).alpha
    with ready.stage.showing(film=True, holdout=around):
        ready.stage.scene.cycles.samples = 16 * spec["samples"]
        true = alpha.rendered(ready.stage).colour[..., 3]
    between = (true > opacity - 0.1) & (true < opacity + 0.1)
    return {
        "name": spec["name"],
        "path": path,
        "why": why,
        "pixels": int(between.sum()),
        "bias": float((found - true).mean()),
        "bias_where_half": float((found - true)[between].mean()) if between.any() else 0.0,
        "opacity_found": float(found[between].mean()) if between.any() else 0.0,
        "opacity": opacity,
    }


def main() -> None:
    """Compare every sample of the job."""
    spec = importlib.util.spec_from_file_location("entry", ENTRY)
    assert spec is not None
    assert spec.loader is not None
    entry = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(entry)
    entry.load()
    job = json.loads(Path(sys.argv[1]).read_text())
    bpy.ops.wm.read_factory_settings(use_empty=True)
    results = [
        veiled(sample, sample["opacity"]) if "opacity" in sample else compared(sample)
        for sample in job["samples"]
    ]
    Path(sys.argv[2]).write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
