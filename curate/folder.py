"""What an annotation file calls its images, and what a folder does."""

from pathlib import Path


def name_inside(root: str, name: str) -> str:
    """Return a name as the folder has it: without its first part where that is the folder's own.

    LVIS calls its images ``train2017/1.jpg``; whoever has only that folder points there.
    """
    first, _, rest = name.partition("/")
    if rest and first == Path(root).name and not Path(root, first).exists():
        return rest
    return name
