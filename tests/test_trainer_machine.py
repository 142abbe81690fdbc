"""A trainer's machine has PyTorch, NumPy, PyArrow and OpenCV; a dataset is all else it needs."""

import json
import math
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from procedural import Discs

import maskmill as mm

ROOT = Path(__file__).resolve().parents[1]
TORCH = "torch==2.13.0"
ABSENT = (
    "PIL",
    "dask",
    "distributed",
    "fiftyone",
    "msgspec",
    "pycocotools",
    "skimage",
    "threadpoolctl",
    "tqdm",
)
CHILD = """
import json, sys
from importlib.util import find_spec

absent, dataset, out = json.loads(sys.argv[1]), *sys.argv[2:]
present = [name for name in absent if find_spec(name) is not None]

import numpy as np
import maskmill
from maskmill.train import fit, predict

result = fit(dataset, out=out, steps=2, batch=2, size=64, threads=1, device="cpu")
alpha = next(predict(result.checkpoint, [np.zeros((40, 50, 3), np.uint8)], device="cpu"))
print(json.dumps({
    "present": present,
    "home": maskmill.__file__,
    "losses": result.losses,
    "iou": result.iou,
    "alpha": [list(alpha.shape), str(alpha.dtype), float(alpha.min()), float(alpha.max())],
}))
"""


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Path]:
    """Yield the interpreter of a fresh environment with a trainer's four packages."""
    home = tmp_path / "machine"
    venv.create(home, with_pip=True)
    constraints = ROOT / "constraints.txt"
    pinned = ["--constraint", constraints] if constraints.exists() else []
    packages = [TORCH, "numpy", "pyarrow", "opencv-python-headless"]
    python = home / "bin" / "python"
    install = run(python, "-m", "pip", "install", "--no-compile", *pinned, *packages)
    if install.returncode:
        pytest.skip(f"pip cannot install {' '.join(packages)}: {install.stderr[-400:]}")
    yield python
    shutil.rmtree(home)  # torch is large, and pytest keeps the folders of three sessions


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """Return maskmill as it is here, built from a copy: no build/ is left in the checkout."""
    source, out = tmp_path / "source", tmp_path / "wheel"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    folders = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"][
        "package-dir"
    ].values()
    for room in {folder.partition("/")[0] for folder in folders}:
        shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns("__pycache__"))
    made = run(
        *(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"),
        *("--wheel-dir", out, source),
    )
    assert made.returncode == 0, made.stderr
    return next(out.glob("maskmill-*.whl"))


def test_four_packages_train_and_predict(machine: Path, wheel: Path, tmp_path: Path) -> None:
    sources = {
        "train": (mm.Pipeline(), Discs(4, split="train")),
        "val": (mm.Pipeline(), Discs(2, split="val", first=100)),
    }
    mm.run(sources, str(tmp_path / "dataset"))
    installed = run(machine, "-m", "pip", "install", "--no-deps", wheel)
    assert installed.returncode == 0, installed.stderr

    absent = json.dumps(ABSENT)
    child = run(machine, "-I", "-c", CHILD, absent, tmp_path / "dataset", tmp_path / "run")
    assert child.returncode == 0, child.stderr
    told = json.loads(child.stdout)
    assert told["present"] == [], "the environment has more than a trainer's machine"
    assert Path(told["home"]).is_relative_to(tmp_path / "machine")
    assert len(told["losses"]) == 2
    assert all(math.isfinite(loss) for loss in told["losses"])
    assert 0 <= told["iou"] <= 1
    shape, dtype, low, high = told["alpha"]
    assert (shape, dtype) == ([40, 50], "float32")
    assert 0 <= low <= high <= 1
