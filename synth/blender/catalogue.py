"""The names a scene can ask for. Each is built by the module of its kind."""

POSES: tuple[str, ...] = ()
HAIR_STYLES: tuple[str, ...] = ()
TOPS: tuple[str, ...] = ()
BOTTOMS: tuple[str, ...] = ()
SHOES: tuple[str, ...] = ()
OVERS: tuple[str, ...] = ()

PRODUCTS: tuple[str, ...] = ()

OCCLUDERS: tuple[str, ...] = ()
BACKGROUND: tuple[str, ...] = ()

GROUNDS: tuple[str, ...] = ()
WORLDS: tuple[str, ...] = ()
