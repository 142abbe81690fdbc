"""Whoever calls a public function with an array learns from its docstring which array it wants."""

import inspect
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args, get_origin

import numpy as np
import numpy.typing as npt
import pytest
from test_packaging import imported

PACKAGES = (
    *("maskmill", "maskmill.shards", "maskmill.metrics", "maskmill.report"),
    *("maskmill.curate", "maskmill.stitch", "maskmill.refine", "maskmill.synth"),
    *("maskmill.train", "maskmill.review"),
)
# Written for whoever adds a stage: they offer their public functions without an __all__.
MODULES = ("maskmill.images", "maskmill.light")

_DTYPE = r"\b(u?int(8|16|32|64)|float(16|32|64)?|bool|floating)\b"
_SHAPE = r"\b\w+ x \w+|\(\w[\w ]*,\)|\(\w+(, \w+)+\)|\bany shape\b"
# What the numbers mean: a range, a unit, or the colours, of which uint8 says the range.
_RANGE = (
    r"[\[(][-\d.]+, [-\d.]+[\])]|\bfrom 0 to n\b|\b0\b.*\b255\b|\bs?RGBA?\b"
    r"|\bpixels?\b|\blevels?\b|\bshares?\b"
)
_NAMES = re.compile(r"ndarray|NDArray|Tensor|\bImage\b|\bAlpha\b")
_HEADING = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)


class Quantity(NamedTuple):
    """An array that goes into or comes out of something public."""

    owner: str
    name: str
    annotation: Any
    text: str


def arrays_in(annotation: Any) -> Iterator[Any]:
    """Yield the array types anywhere inside an annotation; a string stands for itself."""
    if isinstance(annotation, str):
        if _NAMES.search(annotation):
            yield annotation
        return
    origin = get_origin(annotation) or annotation
    if inspect.isclass(origin) and (
        issubclass(origin, np.ndarray) or origin.__qualname__ == "Tensor"
    ):
        yield annotation
        return
    for argument in get_args(annotation):
        yield from arrays_in(argument)


def only_truths(annotation: Any) -> bool:
    """Tell whether the values of all arrays in an annotation are true or false."""
    kinds = [get_args(kind) for array in arrays_in(annotation) for kind in get_args(array)[1:]]
    return bool(kinds) and all(kind == (np.bool,) for kind in kinds)


def sections(text: str) -> dict[str, str]:
    """Return a numpydoc text by heading; what stands before the first is called ''."""
    head, *rest = _HEADING.split(text)
    return {"": head, **dict(zip(rest[::2], rest[1::2], strict=True))}


def entries(section: str) -> dict[str, str]:
    """Return what a section says of each name, the type included."""
    found: dict[str, str] = {}
    for block in re.split(r"\n(?=\S)", section.strip("\n")):
        names = block.partition("\n")[0].partition(" : ")[0]
        for name in names.split(","):
            found[name.strip().lstrip("*")] = block
    return found


def told(text: str, name: str) -> str:
    """Return what a docstring says of a parameter or attribute.

    Where nothing has an entry, the sentence at the top has to do: short functions have no more.
    """
    parts = sections(text)
    listed = {**entries(parts.get("Attributes", "")), **entries(parts.get("Parameters", ""))}
    if name in listed:
        return listed[name]
    return "" if {"Parameters", "Attributes"} & parts.keys() else parts[""]


def returned(text: str) -> str:
    parts = sections(text)
    return parts.get("Returns") or parts.get("Yields") or parts[""]


def of_function(owner: str, function: Any) -> Iterator[Quantity]:
    text = inspect.getdoc(function) or ""
    for name, annotation in inspect.get_annotations(function).items():
        if any(True for _ in arrays_in(annotation)):
            said = returned(text) if name == "return" else told(text, name)
            yield Quantity(owner, name, annotation, said)


def of_class(owner: str, kind: type) -> Iterator[Quantity]:
    text = inspect.getdoc(kind) or ""
    for name, annotation in inspect.get_annotations(kind).items():
        if not name.startswith("_") and any(True for _ in arrays_in(annotation)):
            yield Quantity(owner, name, annotation, told(text, name))
    for name, member in vars(kind).items():
        function = getattr(member, "__func__", None) or getattr(member, "fget", None) or member
        function = getattr(function, "func", function)  # of a cached property
        if inspect.isfunction(function) and not name.startswith("_"):
            yield from of_function(f"{owner}.{name}", function)


def beside(kind: type) -> Iterator[Any]:
    """Yield the functions that a class's docstring sends its reader to, in the same module."""
    home = vars(inspect.getmodule(kind))
    for name in set(re.findall(r"`([a-z]\w*)`", inspect.getdoc(kind) or "")):
        if inspect.isfunction(home.get(name)):
            yield home[name]


def of_thing(owner: str, thing: Any) -> Iterator[Quantity]:
    if inspect.isclass(thing):
        yield from of_class(owner, thing)
        for function in beside(thing):
            yield from of_function(f"{function.__module__}.{function.__name__}", function)
    elif inspect.isfunction(thing):
        yield from of_function(owner, thing)


def public(module: types.ModuleType) -> list[str]:
    """Return the names a module offers."""
    own = (
        name
        for name, thing in vars(module).items()
        if getattr(thing, "__module__", "") == module.__name__ and not name.startswith("_")
    )
    return list(getattr(module, "__all__", own))


def missing(quantity: Quantity) -> list[str]:
    """Return what the docstring does not say of an array."""
    wanted = {"shape": _SHAPE, "dtype": _DTYPE, "range": _RANGE}
    if only_truths(quantity.annotation):
        del wanted["range"]
    return [what for what, words in wanted.items() if not re.search(words, quantity.text, re.S)]


@pytest.mark.parametrize("name", [*PACKAGES, *MODULES])
def test_public_docstrings_say_shape_dtype_and_range_of_every_array(name: str) -> None:
    module = imported(name)
    lacking = [
        f"{quantity.owner}: {quantity.name} lacks {', '.join(gaps)}"
        for thing in public(module)
        for quantity in of_thing(f"{name}.{thing}", getattr(module, thing))
        if (gaps := missing(quantity))
    ]
    assert lacking == []


def lit(picture: npt.NDArray[np.uint8], alpha: npt.NDArray[np.float32]) -> npt.NDArray[np.bool]:
    """Return what is light.

    Parameters
    ----------
    picture : ndarray, H x W x 3, uint8
        RGB.
    alpha : ndarray, H x W, float32 in [0, 1]

    Returns
    -------
    ndarray, H x W, bool
    """
    return alpha > picture.mean(2)


@dataclass
class Painted:
    """A picture.

    Attributes
    ----------
    alpha : ndarray, H x W, float32 in [0, 1]
    """

    alpha: npt.NDArray[np.float32]

    def under(self, other: npt.NDArray[np.float32] | None = None) -> None:
        """Lay it under an alpha, H x W, float32 in [0, 1]."""


@pytest.mark.parametrize("thing", [lit, Painted])
def test_a_docstring_that_says_all_of_every_array_passes(thing: Any) -> None:
    assert [missing(quantity) for quantity in of_thing("", thing)] != []
    assert all(missing(quantity) == [] for quantity in of_thing("", thing))


@pytest.mark.parametrize(
    ("thing", "word", "name", "gap"),
    [
        (lit, "H x W x 3, ", "picture", "shape"),
        (lit, "uint8", "picture", "dtype"),
        (lit, "RGB.", "picture", "range"),
        (lit, " in [0, 1]", "alpha", "range"),
        (lit, ", bool", "return", "dtype"),
        (Painted, "float32 ", "alpha", "dtype"),
        (Painted.under, "H x W, ", "other", "shape"),
    ],
)
def test_a_docstring_that_leaves_something_out_is_caught(
    thing: Any, word: str, name: str, gap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert word in thing.__doc__
    monkeypatch.setattr(thing, "__doc__", thing.__doc__.replace(word, ""))
    gaps = {quantity.name: missing(quantity) for quantity in of_thing("", thing)}
    assert gaps[name] == [gap]
    assert all(left == [] for other, left in gaps.items() if other != name)


def test_an_array_without_an_entry_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lit, "__doc__", (lit.__doc__ or "").replace("    alpha :", "    beta :"))
    gaps = {quantity.name: missing(quantity) for quantity in of_thing("", lit)}
    assert gaps["alpha"] == ["shape", "dtype", "range"]


def test_the_fixed_public_names_are_looked_at() -> None:
    import maskmill.metrics
    import maskmill.refine

    looked_at = {
        quantity.owner
        for module in (maskmill.metrics, maskmill.refine)
        for name in public(module)
        for quantity in of_thing(name, getattr(module, name))
    }
    functions = {"iou", "f_beta", "relaxed_f", "boundary_iou", "mae", "s_measure", "e_measure"}
    functions |= {"weighted_f", "sad", "mse", "grad", "conn"}
    functions |= {"auto_refine", "trimap", "quality", "matte", "clean", "sharpen", "smooth"}
    assert functions <= looked_at
