"""Find which photograph a clip was cut from when names do not tell: a shortlist, then a verdict."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .alignment import PLENTY, Alignment, align
from .gallery import Gallery, clip_signature, photograph_signature
from .support import clip_of, rgb

CANDIDATES = 5
"""Photographs that are tried for a clip; the right one is nearly always the first."""


class Match(NamedTuple):
    """A candidate, and how the clip lies on it."""

    original: int
    alignment: Alignment


@dataclass(frozen=True, slots=True)
class Discovery:
    """What belongs together.

    Parameters
    ----------
    matches : tuple of (Match or None)
        One for each clip; None where it lies on none of the photographs.
    unmatched : tuple of int
        Photographs that no clip lies on.
    """

    matches: tuple[Match | None, ...]
    unmatched: tuple[int, ...]


def discover(
    originals: Sequence[npt.NDArray[np.generic]],
    clips: Sequence[npt.NDArray[np.generic]],
    *,
    candidates: int = CANDIDATES,
) -> Discovery:
    """Find the photograph that each clip was cut from.

    A shortlist comes from local features and colours (`maskmill.stitch.gallery`); `align` decides.
    A photograph may have several clips, or none; a clip has one photograph, or none. The result
    does not depend on the order of the clips.

    Parameters
    ----------
    originals, clips : sequence of ndarray, uint8 or uint16
        Pictures as `maskmill.stitch.align` takes them: H x W grey, H x W x 3 RGB or H x W x 4 RGBA.
    candidates : int
        Photographs to try for each clip, at least 1.

    Returns
    -------
    Discovery

    Raises
    ------
    ValueError
        When an array is no picture or there is nothing to try.

    Examples
    --------
    >>> from skimage.data import chelsea, coffee
    >>> clip = np.full((260, 300, 3), 255, np.uint8)
    >>> clip[20:220, 30:270] = coffee()[100:300, 180:420]
    >>> found = discover([chelsea(), coffee()], [clip])
    >>> found.matches[0].original, found.unmatched
    (1, (0,))
    """
    if candidates < 1:
        raise ValueError(f"candidates must be at least 1, got {candidates}")
    gallery = Gallery([photograph_signature(rgb(original)) for original in originals])
    lists = gallery.shortlists([clip_signature(clip_of(clip)) for clip in clips], candidates)
    matches = [
        best_of(clip, chosen, lambda number: originals[number]).match
        for clip, chosen in zip(clips, lists, strict=True)
    ]
    used = {match.original for match in matches if match is not None}
    return Discovery(tuple(matches), tuple(at for at in range(len(originals)) if at not in used))


class Verdict(NamedTuple):
    """The candidate that a clip lies on, or None; how many were tried; the highest score."""

    match: Match | None
    tried: int
    score: float


def best_of(
    clip: npt.NDArray[np.generic],
    candidates: Iterable[int],
    original: Callable[[int], npt.NDArray[np.generic] | None],
) -> Verdict:
    """Try candidates until one is accepted that many matches bear out.

    Parameters
    ----------
    clip : ndarray
        As `maskmill.stitch.align` takes it.
    candidates : iterable of int
        Best first.
    original : callable
        Returns the photograph of a number; None where it cannot be read, which passes it over.
    """
    best: Match | None = None
    tried, score = 0, 0.0
    for number in candidates:
        photograph = original(number)
        if photograph is None:
            continue
        found = align(photograph, clip)
        tried, score = tried + 1, max(score, found.score)
        if found.reason == "too_small":
            break  # on every other photograph, too
        if found.accepted and (best is None or found.score > best.alignment.score):
            best = Match(number, found)
            if found.inliers >= PLENTY:
                break
    return Verdict(best, tried, score)
