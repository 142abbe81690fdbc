"""Which clip belongs to which photograph, by what their files are called."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

MARKS = (
    "clip",
    "clipped",
    "clipping",
    "cut",
    "cutout",
    "cut-out",
    "cut_out",
    "out",
    "output",
    "result",
    "white",
    "whitebg",
    "white-bg",
    "white_bg",
    "nobg",
    "no-bg",
    "no_bg",
    "bg-removed",
    "bg_removed",
    "removebg",
    "removebg-preview",
    "transparent",
    "isolated",
    "packshot",
    "final",
    "done",
    "edit",
    "edited",
    "retouched",
    "processed",
    "crop",
    "cropped",
    "clean",
    "web",
    "shop",
    "rgba",
    "orig",
    "original",
    "raw",
    "src",
    "source",
    "photo",
    "before",
)
"""What may follow ``-``, ``_``, ``.`` or a space at the end of a name without being part of it."""

_MARK = re.compile(
    rf"(?<=.)[\s._-]+(?:{'|'.join(re.escape(mark) for mark in sorted(MARKS, key=len)[::-1])})$"
)
_COUNTER = re.compile(r"(?<=.)(?:[\s._-]+\d{1,2}|[\s._-]*\(\d{1,2}\))$")

# A partner without counter goes before one with: IMG_2 is seldom the second clip of IMG.
_COUNTED = 100


class Fault(NamedTuple):
    """A file that is in no pair, and why.

    Parameters
    ----------
    name : str
    is_clip : bool
    reason : str
        ``"no_partner"`` or ``"ambiguous_name"``.
    partners : int
        How many it could belong to.
    """

    name: str
    is_clip: bool
    reason: str
    partners: int


def partners(
    originals: Sequence[str], clips: Sequence[str]
) -> tuple[list[tuple[str, str]], list[Fault]]:
    """Find the photograph of every clip by name.

    Names are compared without their suffix and without regard to case. Marks at the end of either,
    such as ``_clip``, ``-cutout`` or ``.out``, are dropped one by one (see `MARKS`), and at last a
    number of the clip's, as in ``bag_clip_2`` and ``bag (2)``; the pair for which least has to be
    dropped counts. A file in a folder belongs to one in the folder of the same name, or to one in
    none. A photograph may have several clips.

    Parameters
    ----------
    originals, clips : sequence of str
        Names relative to their folders.

    Returns
    -------
    pairs : list of (str, str)
        Photograph and clip, in the order of the clips.
    faults : list of Fault
        Every other file.

    Examples
    --------
    >>> partners(["bag.jpg", "hat.jpg"], ["bag-cutout.png", "bag_clip_2.png", "shoe.png"])[0]
    [('bag.jpg', 'bag-cutout.png'), ('bag.jpg', 'bag_clip_2.png')]
    """
    known: dict[str, list[tuple[int, str]]] = {}
    for name in originals:
        for form, dropped in _forms(name, counted=False):
            known.setdefault(form, []).append((dropped, name))
    pairs: list[tuple[str, str]] = []
    faults: list[Fault] = []
    for clip in clips:
        found = sorted(
            {
                (here + there, name)
                for form, here in _forms(clip, counted=True)
                for there, name in known.get(form, ())
                if _near(name, clip)
            }
        )
        best = sorted({name for dropped, name in found if dropped == found[0][0]})
        if len(best) == 1:
            pairs.append((best[0], clip))
        else:
            reason = "ambiguous_name" if best else "no_partner"
            faults.append(Fault(clip, True, reason, len(best)))
    used = {original for original, _ in pairs}
    faults += [Fault(name, False, "no_partner", 0) for name in originals if name not in used]
    return pairs, faults


def _forms(name: str, *, counted: bool) -> Iterator[tuple[str, int]]:
    """Yield what a name is without its marks, and what had to be dropped for that."""
    stem = unicodedata.normalize("NFC", PurePosixPath(name).stem).casefold()
    yield stem, 0
    dropped = 0
    while True:
        shorter = _MARK.sub("", stem)
        if shorter == stem and counted and dropped < _COUNTED:
            shorter = _COUNTER.sub("", stem)
            dropped += _COUNTED - 1
        if shorter == stem:
            return
        stem, dropped = shorter, dropped + 1
        yield stem, dropped


def _near(original: str, clip: str) -> bool:
    folders = {str(PurePosixPath(name).parent) for name in (original, clip)}
    return len(folders) == 1 or "." in folders
