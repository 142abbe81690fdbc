"""Every example in every docstring runs and prints what it says."""

import doctest
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
    "setuptools"
]["package-dir"]
MODULES = sorted(
    package if file.stem == "__init__" else f"{package}.{file.stem}"
    for package, folder in FOLDERS.items()
    for file in (ROOT / folder).glob("*.py")
    if file.stem != "__main__"  # importing it would start the program
)
EXTRAS = {"torch", "dask", "distributed", "fiftyone", "bpy", "mathutils", "onnx", "onnxruntime"}


@pytest.mark.parametrize("name", MODULES)
def test_examples(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name in EXTRAS:
            pytest.skip(f"{name} needs {error.name}, which is not installed")
        raise
    monkeypatch.chdir(tmp_path)  # an example may write files
    if doctest.testmod(module).failed:
        pytest.fail(capsys.readouterr().out, pytrace=False)
