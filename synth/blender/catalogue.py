"""The names a scene can ask for. Each is built by the module of its kind."""

POSES: tuple[str, ...] = (
    "relaxed",
    "contrapposto",
    "hand_on_hip",
    "hands_on_hips",
    "arms_crossed",
    "hands_behind",
    "waving",
    "pointing",
    "reaching_up",
    "cheering",
    "looking_at_phone",
    "thinking",
    "wide_stance",
    "leaning",
    "walking",
    "stepping",
    "running",
    "crouching",
    "kneeling",
    "sitting",
)
HAIR_STYLES: tuple[str, ...] = (
    "buzz",
    "short_crop",
    "side_part",
    "curly",
    "afro",
    "bob",
    "long",
    "ponytail",
    "bun",
    "bald",
)
TOPS: tuple[str, ...] = ("t_shirt", "shirt", "sweater", "hoodie", "tank_top", "dress")
BOTTOMS: tuple[str, ...] = ("jeans", "trousers", "shorts", "leggings", "skirt")
SHOES: tuple[str, ...] = ("sneakers", "boots", "loafers")
OVERS: tuple[str, ...] = ("jacket", "coat", "vest")

PRODUCTS: tuple[str, ...] = (
    "bottle",
    "carton",
    "mug",
    "shoe",
    "boot",
    "handbag",
    "tote",
    "truck",
    "vase",
    "teapot",
    "basket",
    "chair",
    "stool",
    "lamp",
    "radio",
    "tumbler",
    "wine_glass",
    "wine_bottle",
)

OCCLUDERS: tuple[str, ...] = (
    "plant",
    "grass",
    "branch",
    "net",
    "picket_fence",
    "chain_link",
    "railing",
    "pole",
    "veil",
)
BACKGROUND: tuple[str, ...] = (
    "wall",
    "door",
    "window",
    "curtain",
    "bookshelf",
    "sofa",
    "table",
    "cupboard",
    "crates",
    "tree",
    "hedge",
    "potted",
)
# Of the background, what fills the picture from side to side: one is enough, and behind the rest.
BACKDROPS: tuple[str, ...] = ("wall", "door", "window", "hedge")

GROUNDS: tuple[str, ...] = (
    "tiles",
    "planks",
    "paving",
    "asphalt",
    "concrete",
    "grass",
    "sand",
    "carpet",
)
WORLDS: tuple[str, ...] = (
    "city",
    "courtyard",
    "forest",
    "interior",
    "night",
    "studio",
    "sunrise",
    "sunset",
)
