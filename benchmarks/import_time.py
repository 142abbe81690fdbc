"""CPU time of `import maskmill` over that of `import numpy`.

Each run is a fresh interpreter; what is counted is the user and system time that the kernel charged
to that process. Runs are interleaved, so that a busy spell falls on all of them alike. Prints a
table and, as its last line, the same numbers as JSON.

    python benchmarks/import_time.py [runs]
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile

CASES = {
    "nothing": "pass",
    "numpy": "import numpy",
    "numpy, maskmill": "import numpy, maskmill",
    "numpy, maskmill, first Sample": "import numpy, maskmill; maskmill.Sample",
}


def cpu_seconds(code: str) -> float:
    """Run `code` in a fresh interpreter and return its user and system time."""
    # Away from the checkout, so that the current folder plays no part in finding modules.
    child = subprocess.Popen([sys.executable, "-c", code], cwd=tempfile.gettempdir())
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{code!r} failed with {child.returncode}")
    return usage.ru_utime + usage.ru_stime


def main(runs: int) -> None:
    """Measure every case `runs` times, in turn."""
    for code in CASES.values():
        cpu_seconds(code)  # so that files and bytecode are in the cache for all
    seconds: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(runs):
        for name, code in CASES.items():
            seconds[name].append(cpu_seconds(code))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    over = medians["numpy, maskmill"] - medians["numpy"]
    print(f"CPU time of an import, user + system, median of {runs} interleaved runs")
    for name, median in medians.items():
        low, high = min(seconds[name]), max(seconds[name])
        print(f"  {name:<30} {median * 1e3:7.1f} ms   ({low * 1e3:.1f} to {high * 1e3:.1f})")
    print(f"  maskmill over numpy            {over * 1e3:7.1f} ms   (target: at most 100)")
    print(json.dumps({"runs": runs, "median_s": medians, "over_numpy_s": over}))


if __name__ == "__main__":
    main(max(7, int(sys.argv[1]) if len(sys.argv) > 1 else 9))
