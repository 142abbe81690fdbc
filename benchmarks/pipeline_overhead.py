"""What a pipeline costs over a bare loop: identity stages, CPU time, both sides interleaved.

    python benchmarks/pipeline_overhead.py [--out overhead.json]

Target: at most 20 microseconds per stage and sample.
"""

import argparse
import json
import statistics
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from maskmill import Pipeline, Sample

STAGES, SAMPLES, ROUNDS = 5, 2000, 15
TARGET_US = 20.0


@dataclass(frozen=True)
class Identity:
    """Hands the sample on."""

    def __call__(self, sample: Sample) -> Sample:
        """Return it as it is."""
        return sample


@dataclass(frozen=True)
class Scored:
    """Does the least that a useful stage does: returns a changed sample."""

    def __call__(self, sample: Sample) -> Sample:
        """Return it with a score."""
        return sample.scored(x=1.0)


def bare(samples: list[Sample], stage: Identity | Scored) -> None:
    """Call the stages in two loops."""
    for sample in samples:
        current = sample
        for _ in range(STAGES):
            current = stage(current)


def piped(samples: list[Sample], stage: Identity | Scored) -> None:
    """Call the same stages as a pipeline."""
    pipeline = Pipeline(*[stage] * STAGES)
    for sample in samples:
        pipeline(sample)


def main() -> int:
    """Measure, print a table, write JSON, fail when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    sample = Sample.of(np.zeros((8, 8, 3), np.uint8), np.ones((8, 8), np.float32))
    samples = [replace(sample, origin=str(number)) for number in range(SAMPLES)]
    results: dict[str, float] = {}
    for stage in (Identity(), Scored()):
        times: dict[str, list[float]] = {"bare": [], "piped": []}
        for _ in range(ROUNDS):
            for function in (bare, piped):
                start = time.process_time()
                function(samples, stage)
                times[function.__name__].append(time.process_time() - start)
        for name, seconds in times.items():
            cost = statistics.median(seconds) / STAGES / SAMPLES * 1e6
            results[f"{type(stage).__name__.lower()}_{name}_us"] = round(cost, 3)
    print("us per stage and sample, CPU time, median of", ROUNDS, "interleaved rounds")
    print(f"{'stage':<12}{'bare loop':>12}{'pipeline':>12}")
    for stage in ("identity", "scored"):
        print(f"{stage:<12}{results[f'{stage}_bare_us']:>12}{results[f'{stage}_piped_us']:>12}")
    met = results["identity_piped_us"] <= TARGET_US
    print(f"target <= {TARGET_US} us with identity stages: {'met' if met else 'MISSED'}")
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
