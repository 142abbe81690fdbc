"""What holds the house together: pins, packages, entry points, the direction of imports, docs."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import maskmill

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS = {
    name: ROOT / folder for name, folder in PROJECT["tool"]["setuptools"]["package-dir"].items()
}
PACKAGES = sorted(FOLDERS)
EXTRAS = {"torch", "dask", "distributed", "fiftyone", "bpy"}
HEAVY = ("torch", "dask", "distributed", "fiftyone", "matplotlib", "bpy")


def requirements() -> list[Requirement]:
    """Return what `make install` asks for by name."""
    project = PROJECT["project"]
    lines = [*project["dependencies"]]
    for extra in ("dask", "train"):
        lines += project["optional-dependencies"][extra]
    return [Requirement(line) for line in (*lines, *PROJECT["dependency-groups"]["dev"])]


def pins() -> dict[str, str]:
    """Return the versions in constraints.txt by canonical name."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    parts = [line.partition("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, _, version in parts}


def modules() -> Iterator[tuple[str, Path]]:
    """Yield every module of the house with its file."""
    for package, folder in FOLDERS.items():
        for file in sorted(folder.glob("*.py")):
            yield package if file.stem == "__init__" else f"{package}.{file.stem}", file


def imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name in EXTRAS:
            pytest.skip(f"{name} needs {error.name}, which is not installed")
        raise


def modules_after(code: str) -> set[str]:
    """Return the names of the top-level modules that a fresh interpreter has after `code`."""
    code = f"{code}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(answer.stdout.split())


@pytest.mark.parametrize("file", sorted(ROOT.glob("constraints*.txt")), ids=lambda file: file.name)
def test_pins_name_no_address_and_no_build(file: Path) -> None:
    wrong = [
        line
        for line in file.read_text().splitlines()
        if line.strip()
        and not re.fullmatch(r"#.*|[A-Za-z0-9._-]+(==|<|>=)[0-9A-Za-z.,<>=!]+", line)
    ]
    assert wrong == [], "a pin is a name and a version"
    assert "://" not in file.read_text()


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_every_requirement_is_pinned_to_a_version_that_suits_it(requirement: Requirement) -> None:
    version = pins().get(canonicalize_name(requirement.name))
    assert version is not None, f"constraints.txt does not pin {requirement.name}"
    assert requirement.specifier.contains(version)


def test_everything_that_the_requirements_pull_in_is_pinned() -> None:
    pinned = pins()
    waiting, seen = requirements(), set[str]()
    while waiting:
        requirement = waiting.pop()
        # An exact requirement is a pin already: a CUDA build of torch names its libraries so.
        if str(requirement.specifier).startswith("==") or requirement.name in seen:
            continue
        seen.add(requirement.name)
        name = canonicalize_name(requirement.name)
        assert name in pinned, f"constraints.txt does not pin {name}"
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # opencv-contrib-python where headless stands in
            continue
        if found.version.partition("+")[0] != pinned[name]:
            continue  # somebody's own choice: what it pulls in is not what the pin does
        asked = [Requirement(line) for line in found.requires or []]
        waiting += [ask for ask in asked if not ask.marker or ask.marker.evaluate({"extra": ""})]


def test_headless_opencv_stands_in_at_the_same_version() -> None:
    pinned = pins()
    assert pinned["opencv-contrib-python-headless"] == pinned["opencv-contrib-python"]


def test_every_package_folder_is_listed() -> None:
    rooms = {folder.relative_to(ROOT).parts[0] for folder in FOLDERS.values()}
    found = {file.parent for room in rooms for file in (ROOT / room).rglob("__init__.py")}
    assert found == set(FOLDERS.values())
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == PACKAGES


def test_every_data_file_goes_into_the_wheel() -> None:
    data = PROJECT["tool"]["setuptools"]["package-data"]
    packed = {
        file
        for package, patterns in data.items()
        for pattern in patterns
        for file in FOLDERS[package].glob(pattern)
    }
    rooms = {folder.relative_to(ROOT).parts[0] for folder in FOLDERS.values()}
    lying = {
        file
        for room in rooms
        for file in (ROOT / room).rglob("*")
        if file.is_file() and file.suffix not in {".py", ".pyc"}
    }
    assert sorted(lying - packed) == []


def test_no_folder_at_the_root_shadows_the_package() -> None:
    assert not (ROOT / "maskmill").exists()
    assert not (ROOT / "maskmill.py").exists()


def entry_points() -> Iterator[tuple[str, str]]:
    for name, target in PROJECT["project"]["scripts"].items():
        yield f"scripts.{name}", target
    for group, entries in PROJECT["project"]["entry-points"].items():
        for name, target in entries.items():
            yield f"{group}.{name}", target


@pytest.mark.parametrize(("name", "target"), list(entry_points()), ids=lambda text: text)
def test_every_entry_point_resolves(name: str, target: str) -> None:
    module, _, attribute = target.partition(":")
    assert callable(getattr(imported(module), attribute)), name


@pytest.mark.parametrize("group", ["sources", "stages", "table_stages"])
def test_recipes_use_the_snake_case_name_of_the_class(group: str) -> None:
    entries: dict[str, str] = PROJECT["project"]["entry-points"][f"maskmill.{group}"]
    for name, target in entries.items():
        kind = target.partition(":")[2]
        assert re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower() == name


def test_importing_maskmill_loads_nothing_heavy() -> None:
    heavy = {*HEAVY, "cv2", "pyarrow", "numpy", "skimage", "pycocotools", "fsspec"}
    assert modules_after("import maskmill") & heavy == set()


@pytest.mark.parametrize(
    "room", ["curate", "stitch", "refine", "synth", "shards", "metrics", "report", "review", "cli"]
)
def test_importing_a_room_loads_no_extra(room: str) -> None:
    assert modules_after(f"import maskmill.{room}") & set(HEAVY) == set()


def test_importing_train_loads_only_what_a_trainers_machine_has() -> None:
    imported("torch")
    there = modules_after("import torch.utils.data, numpy, pyarrow.parquet, cv2")
    more = modules_after("import maskmill.train") - there - sys.stdlib_module_names
    assert {name for name in more if not name.startswith("_")} == {"maskmill"}


def test_run_is_a_function_even_after_its_module_was_imported() -> None:
    import maskmill.execute as module

    assert inspect.ismodule(module)
    assert inspect.isfunction(maskmill.run)


# The rooms of docs/architecture.md, lowest first: imports only ever point down. "core" is what that
# page calls execution: the modules of core/ that are no nouns.
NOUNS = {"images", "sample", "stage", "source", "pipeline", "light", "door", "files"}
LEVELS = {
    "nouns": 1,
    "core": 2,
    "shards": 2,
    "metrics": 2,
    "report": 2,
    "refine": 3,
    "curate": 4,
    "stitch": 4,
    "synth": 4,
    "train": 5,
    "review": 5,
    "demo": 6,
    "cli": 7,
}
ALONGSIDE = {"core", "shards", "metrics", "report"}


def room_of(name: str) -> str:
    """Return the room of a module, given in full: "nouns", "core" or the folder's name."""
    parts = name.split(".")
    if len(parts) == 1:
        return "nouns"  # the names it offers are looked up one by one in `imports`
    if parts[1] in LEVELS:
        return parts[1]
    if parts[1] == "__main__":
        return "cli"
    return "nouns" if parts[1] in NOUNS else "core"


def imports(name: str, file: Path) -> Iterator[str]:
    """Yield the modules of maskmill that a file imports anywhere, in functions too."""
    package = name if file.stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(), file.name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level < 2, f"{name}: relative imports stay inside one folder"
            module = package if node.level else ""
            module = ".".join(part for part in (module, node.module) if part)
            homes: dict[str, str] = maskmill._HOMES if module == "maskmill" else {}
            for alias in node.names:
                inner = f"{module}.{homes.get(alias.name, alias.name)}"
                known = inner in FOLDERS or inner in ALL
                yield inner if known else module


ALL = dict(modules())


# maskmill itself is the door to every public name, which it opens only when one is asked for.
@pytest.mark.parametrize("name", sorted(ALL.keys() - {"maskmill"}))
def test_imports_point_down(name: str) -> None:
    room = room_of(name)
    for target in imports(name, ALL[name]):
        if target.partition(".")[0] != "maskmill":
            continue
        other = room_of(target)
        beside = room == other or {room, other} <= ALONGSIDE
        below = LEVELS[other] < LEVELS[room]
        assert beside or below, f"{name} ({room}) must not import {target} ({other})"


class Row(NamedTuple):
    """A line of the table of rooms in docs/architecture.md."""

    level: int
    names: list[str]
    imports: str


def documented() -> dict[str, Row]:
    """Return the table of rooms by room."""
    page = (ROOT / "docs/architecture.md").read_text()
    rows: dict[str, Row] = {}
    for level, cell, targets in re.findall(r"^\| (\d) \| (.+?) \| (.+?) \|", page, re.MULTILINE):
        names: list[str] = re.findall(r"`([a-z_/]+)`", cell)
        kind = cell.partition(":")[0]
        room = {"nouns": "nouns", "execution": "core"}.get(kind, names[0].removeprefix("core/"))
        rows[room] = Row(int(level), names, targets)
    return rows


def test_the_page_has_every_room_on_its_level() -> None:
    assert {room: row.level for room, row in documented().items()} == LEVELS
    folders = {str(folder.relative_to(ROOT)) for folder in FOLDERS.values()} - {"core"}
    assert folders <= {name for row in documented().values() for name in row.names}


def test_the_page_has_every_module_of_core() -> None:
    rows = documented()
    assert set(rows["nouns"].names) - {"core/"} == NOUNS
    modules = {file.stem for file in FOLDERS["maskmill"].glob("*.py")}
    assert set(rows["core"].names) - {"core/"} == modules - NOUNS - {"__init__", "__main__"}


@pytest.mark.parametrize("room", [room for room in LEVELS if room not in {"demo", "cli"}])
def test_the_page_has_what_a_room_imports(room: str) -> None:
    real = {
        room_of(target)
        for name, file in ALL.items()
        if name != "maskmill" and room_of(name) == room
        for target in imports(name, file)
        if target.partition(".")[0] == "maskmill"
    }
    words = {"execution": "core", "nothing": room}
    told = documented()[room].imports.replace("`", "").replace("core/", "").split(", ")
    assert {words.get(word, word) for word in told} | {room} == real | {room}


def test_train_reads_datasets_and_nothing_else() -> None:
    allowed = {"shards", "metrics", "images", "files", "refine", "train"}
    for name, file in ALL.items():
        if room_of(name) == "train":
            for target in imports(name, file):
                if target.startswith("maskmill."):
                    assert target.split(".")[1] in allowed, f"{name} must not import {target}"


def test_nothing_imports_a_folder_by_its_bare_name() -> None:
    bare = {folder.relative_to(ROOT).parts[0] for folder in FOLDERS.values()}
    for name, file in ALL.items():
        tops = {target.partition(".")[0] for target in imports(name, file)}
        assert not tops & bare, f"{name} must import maskmill.<room>"


OFFERING = [
    "maskmill",
    *(f"maskmill.{room}" for room in LEVELS if room not in {"nouns", "core", "cli", "demo"}),
]


@pytest.mark.parametrize("package", OFFERING)
def test_every_public_name_is_there_and_documented(package: str) -> None:
    module = imported(package)
    assert hasattr(module, "__all__"), f"{package} says in __all__ what it offers"
    names: list[str] = module.__all__
    for name in names:
        thing: Any = getattr(module, name)
        if inspect.isclass(thing) or inspect.isroutine(thing):
            # A dataclass without a docstring is given its signature as one.
            text = thing.__doc__ or ""
            assert text.strip(), f"{package}.{name} has no docstring"
            assert not text.startswith(f"{name}("), f"{package}.{name} has no docstring"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_bears_the_name_of_a_public_function_beside_it(package: str) -> None:
    # Importing the module would put it in the function's place.
    names: list[str] = getattr(imported(package), "__all__", [])
    assert set(names) & {file.stem for file in FOLDERS[package].glob("*.py")} == set()
