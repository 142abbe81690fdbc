"""Products: bottles, shoes, furniture and more, each another for each seed."""

from collections.abc import Callable
from typing import Any

from . import products_boxes, products_glass, products_home, products_vessels, products_wear
from .choices import Choices
from .draws import Draws
from .joined import joined, points_of, stood
from .subject import Credit, Subject

MAKERS: dict[str, Callable[[Any, Choices], None]] = {
    "bottle": products_vessels.bottle,
    "carton": products_boxes.carton,
    "mug": products_vessels.mug,
    "shoe": products_wear.shoe,
    "boot": products_wear.boot,
    "handbag": products_wear.handbag,
    "tote": products_wear.tote,
    "truck": products_boxes.truck,
    "vase": products_vessels.vase,
    "teapot": products_vessels.teapot,
    "basket": products_home.basket,
    "chair": products_home.chair,
    "stool": products_home.stool,
    "lamp": products_home.lamp,
    "radio": products_home.radio,
    "tumbler": products_glass.tumbler,
    "wine_glass": products_glass.wine_glass,
    "wine_bottle": products_glass.wine_bottle,
}

# Metres of the largest side, as in a shop.
SIZES: dict[str, tuple[float, float]] = {
    "bottle": (0.18, 0.34),
    "carton": (0.2, 0.45),
    "mug": (0.1, 0.14),
    "shoe": (0.24, 0.32),
    "boot": (0.26, 0.36),
    "handbag": (0.26, 0.42),
    "tote": (0.5, 0.65),
    "truck": (0.25, 0.45),
    "vase": (0.25, 0.45),
    "teapot": (0.2, 0.28),
    "basket": (0.35, 0.55),
    "chair": (0.85, 1.05),
    "stool": (0.45, 0.75),
    "lamp": (0.4, 0.65),
    "radio": (0.25, 0.4),
    "tumbler": (0.09, 0.15),
    "wine_glass": (0.16, 0.24),
    "wine_bottle": (0.29, 0.33),
}

TRANSPARENT = frozenset(("tumbler", "wine_glass", "wine_bottle"))

CREDIT = "maskmill product"


def build(collection: Any, spec: dict[str, Any], draws: Draws) -> Subject:
    """Build the product that a spec asks for; the same spec gives the same product.

    Parameters
    ----------
    collection
        Where it goes; linked into the scene, and empty.
    spec
        `product`, a name of `catalogue.PRODUCTS`; `seed`, None for the usual one; `turn`, radians.
    draws
        Not used: a product seen from twelve sides is one product, so its seed is in the spec.

    Returns
    -------
    One object, of real size. Its material lets light through if it is of glass.
    """
    name, seed = spec["product"], spec.get("seed")
    own = Draws("product", name, seed)
    MAKERS[name](collection, Choices(None if seed is None else own, own.generator("strewn")))
    thing = joined(collection, f"product {name}")
    size = own.uniform("size", *SIZES[name])
    stood(thing, size, float(spec.get("turn", 0.0)))
    return Subject(
        objects=(thing,),
        points=points_of([thing]),
        facts={"product": name, "seed": seed, "size": round(size, 4)},
        credits=(Credit(f"{CREDIT} {name}", "MIT"),),
        transparent=name in TRANSPARENT,
    )
