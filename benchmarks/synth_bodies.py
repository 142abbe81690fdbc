"""Runs in Blender's Python, for benchmarks/synth.py: people posed, and not rendered.

python benchmarks/synth_bodies.py JOB.json RESULT.json
"""

import importlib
import importlib.util
import json
import sys
import time
from pathlib import Path
from typing import Any

ENTRY = Path(__file__).resolve().parents[1] / "synth" / "blender" / "__main__.py"


def measured(base: Any, subject: dict[str, Any]) -> dict[str, Any]:
    """Pose the body of a subject; return its height and the clearance of its soles, in metres."""
    figures, draws = (worker(name) for name in ("figures", "draws"))
    started = time.process_time()
    facts = figures.grounded(base, subject, draws.Draws("subject", "person", subject["seed"]))
    return {**facts, "cpu": time.process_time() - started}


def worker(name: str) -> Any:
    """Return a module of the worker."""
    return importlib.import_module(f"maskmill_blender.{name}")


def main() -> None:
    """Build the people of a job one after another."""
    spec = importlib.util.spec_from_file_location("entry", ENTRY)
    assert spec is not None
    assert spec.loader is not None
    entry = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(entry)
    entry.load()
    job = json.loads(Path(sys.argv[1]).read_text())
    bodies = worker("bodies")
    base = bodies.load(bodies.data_folder())
    results: list[dict[str, Any]] = []
    for sample in job["samples"]:
        try:
            results.append(measured(base, sample["subject"]))
        except Exception as error:
            results.append({"name": sample["name"], "error": repr(error)})
    Path(sys.argv[2]).write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
