"""Recipes: TOML files that say what `mm.run` shall do, checked whole before any work starts.

::

    out = "dataset/"                  # may be given on the command line instead

    [people.source]
    use = "coco"
    annotations = "instances.json"    # relative to the recipe's folder
    images = "train2017/"

    [[people.stage]]                  # in order
    use = "person_filter"
    coverage = [0.2, 0.7]

    [[finish]]
    use = "split"
"""

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from .catalogue import load, nearest
from .execute import SOURCE_NAME
from .pipeline import Pipeline
from .source import Source
from .stage import TableStage, is_location

_SETTINGS: dict[str, type] = {"out": str, "bits": int}
_PARTS = ("source", "stage")


class RecipeError(ValueError):
    """A recipe that cannot be run; the message names file, table, key and the right spelling."""


@dataclass(frozen=True)
class Recipe:
    """What a recipe says: the arguments of `mm.run`."""

    sources: Mapping[str, tuple[Pipeline, Source]]
    finish: tuple[TableStage, ...]
    out: str | None = None
    bits: int = 8


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Read and check a recipe.

    Raises
    ------
    RecipeError
        For anything that is wrong with it: syntax, an unknown or missing key, a wrong type, a value
        out of range, an unknown stage.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode()
        table = tomllib.loads(text)
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RecipeError(f"{path}: must be UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path}: not valid TOML: {error}") from None
    try:
        return _build(table, path.absolute().parent)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None


def _build(table: dict[str, Any], folder: Path) -> Recipe:
    settings: dict[str, Any] = {}
    sources: dict[str, tuple[Pipeline, Source]] = {}
    for name, value in table.items():
        if name in _SETTINGS:
            settings[name] = converted(value, _SETTINGS[name], "top level", name)
        elif isinstance(value, dict) and name != "finish":
            sources[name] = _source(name, value, folder)
        elif name != "finish":
            raise RecipeError(f"top level: unknown key {name!r}{nearest(name, _all_keys(table))}")
    if not sources:
        raise RecipeError("no source: a recipe needs at least one [<name>.source] table")
    finish = _tables(table.get("finish", []), "[[finish]]")
    if settings.get("bits", 8) not in (8, 16):
        raise RecipeError(f"top level: bits must be 8 or 16, got {settings['bits']}")
    if "out" in settings:
        if not settings["out"]:
            raise RecipeError("top level: out must be a folder or URL, got an empty string")
        settings["out"] = _resolve(settings["out"], folder)
    stages = tuple(
        _part("table stage", part, f"[[finish]] number {number}", folder)
        for number, part in enumerate(finish, 1)
    )
    return Recipe(sources, stages, **settings)


def _all_keys(table: dict[str, Any]) -> list[str]:
    return [*_SETTINGS, "finish", *(name for name, value in table.items() if type(value) is dict)]


def _source(name: str, table: dict[str, Any], folder: Path) -> tuple[Pipeline, Source]:
    if not SOURCE_NAME.fullmatch(name):
        raise RecipeError(f"[{name}]: a source's name must be snake_case, such as people")
    for key in table:
        if key not in _PARTS:
            hint = nearest(name, ["finish"]) if "use" in table else nearest(key, _PARTS)
            raise RecipeError(f"[{name}]: unknown key {key!r}{hint}")
    if not isinstance(table.get("source"), dict):
        raise RecipeError(f"[{name}]: missing table [{name}.source]")
    source = _part("source", table["source"], f"[{name}.source]", folder)
    stages = _tables(table.get("stage", []), f"[[{name}.stage]]")
    return Pipeline(
        *(
            _part("stage", part, f"[[{name}.stage]] number {number}", folder)
            for number, part in enumerate(stages, 1)
        )
    ), source


def _tables(value: object, where: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise RecipeError(f"{where}: must be an array of tables, write {where} before each")
    return value


def _part(kind: str, table: dict[str, Any], where: str, folder: Path) -> Any:
    """Build one source, stage or table stage from its table."""
    if "use" not in table:
        raise RecipeError(f"{where}: missing key 'use', which names the {kind}")
    try:
        part = load(kind, converted(table["use"], str, where, "use"))
    except LookupError as error:
        raise RecipeError(f"{where}: use: {error.args[0]}") from None
    where = f"{where} ({table['use']})"
    hints = get_type_hints(part, include_extras=True)
    fields = {field.name: field for field in dataclasses.fields(part) if field.init}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key == "use":
            continue
        if key not in fields:
            raise RecipeError(f"{where}: unknown key {key!r}{nearest(key, fields)}")
        values[key] = converted(value, hints[key], where, key)
        if is_location(hints[key]) and isinstance(values[key], str):
            values[key] = _resolve(values[key], folder)
    for name, field in fields.items():
        required = field.default is field.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise RecipeError(f"{where}: missing key {name!r}")
    try:
        return part(**values)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"{where}: {error}") from None


def converted(value: object, hint: Any, where: str, key: str) -> Any:
    """Return a value as the type its hint says, or raise RecipeError with the nearest word."""
    if get_origin(hint) is Literal and value not in get_args(hint):
        words = [str(word) for word in get_args(hint)]
        raise RecipeError(
            f"{where}: {key}: must be one of {', '.join(words)}, got {value!r}"
            f"{nearest(str(value), words)}"
        )
    try:
        return msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        what = what[0].lower() + what[1:]
        raise RecipeError(f"{where}: {key}{place.rstrip('`')}: {what}") from None


def _resolve(location: str, folder: Path) -> str:
    return location if "://" in location else os.fspath(folder / location)
