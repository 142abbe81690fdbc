from pathlib import Path

import pytest

from maskmill.cli import main
from maskmill.curate import Coco, PersonFilter, Split
from maskmill.recipe import RecipeError, read_recipe
from maskmill.refine import Clean, Smooth

SOUND = """\
out = "dataset"

[people.source]
use = "coco"
annotations = "people.json"
images = "pictures"

[[people.stage]]
use = "person_filter"
persons = [1, 2]
coverage = [0.2, 0.7]

[[people.stage]]
use = "clean"
preset = "classic"

[[people.stage]]
use = "smooth"

[[finish]]
use = "split"
train = 0.7
val = 0.2
test = 0.1
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


def test_a_recipe_says_what_the_call_would(tmp_path: Path):
    recipe = read_recipe(write(tmp_path, SOUND))
    pipeline, source = recipe.sources["people"]
    assert pipeline.stages == (PersonFilter((1, 2), (0.2, 0.7)), Clean("classic"), Smooth())
    assert source == Coco(str(tmp_path / "people.json"), str(tmp_path / "pictures"))
    assert recipe.finish == (Split(0.7, 0.2, 0.1),)
    assert recipe.out == str(tmp_path / "dataset")


def test_paths_are_of_the_recipes_folder_and_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write(tmp_path, SOUND)
    monkeypatch.chdir(tmp_path)
    recipe = read_recipe("recipe.toml")
    assert recipe.sources["people"][1] == Coco(f"{tmp_path}/people.json", f"{tmp_path}/pictures")
    assert recipe.out == f"{tmp_path}/dataset"


def test_urls_are_left_as_they_are(tmp_path: Path):
    recipe = read_recipe(write(tmp_path, SOUND.replace('"dataset"', '"s3://bucket/d"')))
    assert recipe.out == "s3://bucket/d"


MISTAKES = {
    "misspelled stage": (
        ('use = "person_filter"', 'use = "person_fliter"'),
        "[[people.stage]] number 1: use: unknown stage 'person_fliter'; "
        'did you mean "person_filter"?',
    ),
    "misspelled source": (
        ('use = "coco"', 'use = "cocoo"'),
        "[people.source]: use: unknown source 'cocoo'; did you mean \"coco\"?",
    ),
    "misspelled table stage": (
        ('use = "split"', 'use = "splt"'),
        "[[finish]] number 1: use: unknown table stage 'splt'; did you mean \"split\"?",
    ),
    "misspelled key": (
        ("coverage =", "coverge ="),
        "[[people.stage]] number 1 (person_filter): unknown key 'coverge'; "
        'did you mean "coverage"?',
    ),
    "misspelled setting": (
        ('out = "dataset"', 'outt = "dataset"'),
        "top level: unknown key 'outt'; did you mean \"out\"?",
    ),
    "misspelled part": (
        ("[people.source]", "[people.sorce]"),
        "[people]: unknown key 'sorce'; did you mean \"source\"?",
    ),
    "wrong type": (
        ("[0.2, 0.7]", '[0.2, "0.7"]'),
        "[[people.stage]] number 1 (person_filter): coverage[1]: expected `float`, got `str`",
    ),
    "wrong length": (
        ("[0.2, 0.7]", "[0.2, 0.5, 0.7]"),
        "[[people.stage]] number 1 (person_filter): coverage: expected `array` of length 2",
    ),
    "out of range": (
        ("[0.2, 0.7]", "[0.7, 0.2]"),
        "[[people.stage]] number 1 (person_filter): coverage must be",
    ),
    "missing key": (
        ('annotations = "people.json"\n', ""),
        "[people.source] (coco): missing key 'annotations'",
    ),
    "misspelled word": (
        ("coverage = [0.2, 0.7]", 'crowd = "regect"'),
        "[[people.stage]] number 1 (person_filter): crowd: must be one of reject, ignore, count, "
        "got 'regect'; did you mean \"reject\"?",
    ),
    "name of a source": (("[people.source]", "[People.source]"), "[People]: a source's name must"),
    "bits": (('out = "dataset"', "bits = 7"), "top level: bits must be 8 or 16, got 7"),
    "empty out": (('out = "dataset"', 'out = ""'), "top level: out must be a folder or URL"),
    "misspelled array": (
        ("[[finish]]", "[finsh]"),
        "[finsh]: unknown key 'use'; did you mean \"finish\"?",
    ),
    "missing use": (('use = "smooth"\n', ""), "[[people.stage]] number 3: missing key 'use'"),
    "not an array": (("[[finish]]", "[finish]"), "[[finish]]: must be an array of tables"),
    "not TOML": (("[[finish]]", "[[finish]"), "not valid TOML"),
    "no source": ((SOUND, 'out = "dataset"'), "no source"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_with_file_table_key_and_spelling(
    tmp_path: Path, mistake: str, capsys: pytest.CaptureFixture[str]
):
    (before, after), message = MISTAKES[mistake]
    assert before in SOUND
    path = write(tmp_path, SOUND.replace(before, after, 1))
    assert main(["run", str(path), "--out", str(tmp_path / "dataset")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith(f"maskmill: error: {path}: {message}")
    assert list(tmp_path.iterdir()) == [path]


def test_a_recipe_that_is_not_there_is_said_so(tmp_path: Path):
    with pytest.raises(RecipeError, match="cannot be read: No such file"):
        read_recipe(tmp_path / "none.toml")


def test_the_example_recipes_are_sound():
    examples = Path(__file__).parents[1] / "examples"
    recipes = sorted(examples.glob("*.toml"))
    assert recipes
    for recipe in recipes:
        assert read_recipe(recipe).sources


def test_two_packages_with_one_name_are_told_apart(monkeypatch: pytest.MonkeyPatch):
    from importlib.metadata import EntryPoint

    from maskmill import catalogue

    group = catalogue.GROUPS["stage"]
    both = [EntryPoint("clean", "ours:Clean", group), EntryPoint("clean", "theirs:Clean", group)]
    monkeypatch.setattr(catalogue, "entry_points", lambda group: both)
    with pytest.raises(ValueError, match="got ours:Clean and theirs:Clean"):
        catalogue.installed("stage")
