"""A shortlist of the photographs that a clip may come from: local features that vote, and colours.

Votes are those of S. McCann, D. Lowe, "Local naive Bayes nearest neighbor for image
classification", CVPR 2012, with every photograph as a class of its own: what a feature of the clip
has in common with many photographs counts little.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Image

from .keypoints import Keypoints, clip_keypoints, keypoints_of
from .support import Clip, Mask

Floats = npt.NDArray[np.float32]
Features = npt.NDArray[np.uint8]

ORIGINAL_SIDE, CLIP_SIDE = 800, 400
"""Long sides in pixels at which features are found: enough to tell pictures apart."""
OF_ORIGINAL, OF_CLIP = 1000, 300
"""Features that are kept, the evenest over the list; the photograph's background takes many."""
NEIGHBOURS = 10
"""Nearest features that get a vote each; the next one says what is common."""
CELLS = 256
"""Parts in which features are searched once there are more than `PLENTY`."""
PROBES = 4
PLENTY = 20_000
TOGETHER, ROWS = 32, 512
"""Clips and features that are looked up at a time: what memory has to hold."""
BINS = 8
"""Of the colour histogram, for each of three channels."""
SHARE = 0.05
"""Of the photograph that an object is taken to fill at least."""
BY_COLOUR = 3
"""Places of ten that colours fill: plain objects have few features."""


class Signature(NamedTuple):
    """What a picture is known by.

    Parameters
    ----------
    features : ndarray, n x 128, uint8
        RootSIFT, each of length 255.
    colours : ndarray, 512, float32
        Histogram over CIE Lab, 1 in sum; of a clip, of its object only.
    """

    features: Features
    colours: Floats


def photograph_signature(image: Image) -> Signature:
    """Return what a photograph is known by.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
        RGB.

    Examples
    --------
    >>> from skimage.data import coffee
    >>> photograph_signature(coffee()).colours.sum().round(3).item()
    1.0
    """
    small = _shrunk(image, ORIGINAL_SIDE)
    found = keypoints_of(small, None, ORIGINAL_SIDE)
    return Signature(_kept(found, OF_ORIGINAL), _colours(small, None))


def clip_signature(clip: Clip) -> Signature:
    """Return what a clip is known by: only its object counts."""
    rows, columns = np.nonzero(clip.support)
    if len(rows) == 0:
        return Signature(np.zeros((0, 128), np.uint8), np.zeros(BINS**3, np.float32))
    box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    image = _shrunk(clip.image[box], CLIP_SIDE)
    levels = clip.support[box].astype(np.uint8) * np.uint8(255)
    shown = cv2.resize(levels, image.shape[1::-1], interpolation=cv2.INTER_AREA) > 200
    found = clip_keypoints(image, shown) if shown.any() else Keypoints(*_NONE)
    return Signature(_kept(found, OF_CLIP), _colours(image, shown))


class Gallery:
    """Photographs to choose from.

    Parameters
    ----------
    signatures : sequence of Signature
        Of `photograph_signature`.
    """

    def __init__(self, signatures: Sequence[Signature]) -> None:
        counts = [len(one.features) for one in signatures]
        self._count = len(signatures)
        owners = np.repeat(np.arange(self._count, dtype=np.int32), counts)
        stacked = [one.features for one in signatures]
        features = np.concatenate(stacked) if stacked else np.zeros((0, 128), np.uint8)
        self._colours = np.array([one.colours for one in signatures], np.float32)
        self._centres = _centres(features)
        cells = _nearest_centres(features, self._centres, 1)[:, 0]
        order = np.argsort(cells, kind="stable")
        self._features, self._owners = features[order], owners[order]
        self._starts = np.searchsorted(cells[order], np.arange(len(self._centres) + 1))

    def shortlist(self, clip: Signature, most: int = 10) -> list[int]:
        """Return the numbers of the photographs that a clip most likely comes from, best first."""
        return self.shortlists([clip], most)[0]

    def shortlists(self, clips: Sequence[Signature], most: int = 10) -> list[list[int]]:
        """Return `shortlist` of many clips, for which the photographs are gone through together."""
        return [
            self._chosen(votes, self.likeness(clip), min(most, self._count))
            for at in range(0, len(clips), TOGETHER)
            for clip, votes in zip(
                clips[at : at + TOGETHER], self.votes(clips[at : at + TOGETHER]), strict=True
            )
        ]

    def votes(self, clips: Sequence[Signature]) -> npt.NDArray[np.float64]:
        """Return how much each photograph's features resemble those of each clip, mirrored or not.

        Returns
        -------
        ndarray, clips x photographs, float64
        """
        parts = [way for one in clips for way in (one.features, mirrored(one.features))]
        votes = np.zeros((len(parts), self._count))
        owners = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        if len(owners) and len(self._features):
            gains, who = self._neighbours(_unit(np.concatenate(parts)))
            for place in range(gains.shape[1]):
                # A photograph counts once for a feature, with its nearest.
                new = (who[:, :place] != who[:, place : place + 1]).all(axis=1)
                first = new & (who[:, place] >= 0)
                np.add.at(votes, (owners[first], who[first, place]), gains[first, place])
        return np.maximum(votes[::2], votes[1::2])

    def likeness(self, clip: Signature) -> Floats:
        """Return the share of the object's colours that each photograph has to offer."""
        if self._count == 0:
            return np.zeros(0, np.float32)
        return np.minimum(clip.colours * np.float32(SHARE), self._colours).sum(axis=1) / SHARE

    def _chosen(self, votes: npt.NDArray[Any], likeness: Floats, most: int) -> list[int]:
        by_votes = [int(at) for at in np.argsort(-votes, kind="stable") if votes[at] > 0]
        by_colour = [int(at) for at in np.argsort(-likeness, kind="stable")]
        room = most - min(most - 1, round(BY_COLOUR / 10 * most))
        chosen = dict.fromkeys(by_votes[:room])
        for at in (*by_colour[: most - room], *by_votes[room:], *by_colour):
            if len(chosen) < most:
                chosen.setdefault(at)
        return list(chosen)

    def _neighbours(self, features: Floats) -> tuple[Floats, npt.NDArray[np.int32]]:
        """Return for the nearest features how much nearer they are than the next, and whose.

        Both are n x `NEIGHBOURS`, the nearest first; nobody's are -1.
        """
        near = np.full((len(features), PROBES * (NEIGHBOURS + 1)), -1, np.float32)
        who = np.full(near.shape, -1, np.int32)
        probed = _nearest_centres(features, self._centres, PROBES)
        for cell in np.unique(probed):
            rows, probe = np.nonzero(probed == cell)
            part = slice(self._starts[cell], self._starts[cell + 1])
            known = _unit(self._features[part])
            most = min(NEIGHBOURS + 1, len(known))
            if most == 0:
                continue
            for at in range(0, len(rows), ROWS):
                some = rows[at : at + ROWS]
                alike = features[some] @ known.T
                best = np.argpartition(-alike, most - 1, axis=1)[:, :most]
                places = probe[at : at + ROWS, None] * (NEIGHBOURS + 1) + np.arange(most)
                near[some[:, None], places] = np.take_along_axis(alike, best, axis=1)
                who[some[:, None], places] = self._owners[part][best]
        order = np.argsort(-near, axis=1, kind="stable")[:, : NEIGHBOURS + 1]
        near, who = np.take_along_axis(near, order, 1), np.take_along_axis(who, order, 1)
        distances = 2 - 2 * np.clip(near, -1, 1)
        return distances[:, -1:] - distances[:, :-1], who[:, :-1]


def mirrored(features: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return what SIFT would find in the picture turned left to right.

    A descriptor's frame lies along its keypoint's direction, which is mirrored with the picture:
    its rows change sides and its directions change sign.
    """
    grid = features.reshape(-1, 4, 4, 8)
    turned = grid[:, ::-1][..., (-np.arange(8)) % 8]
    return np.ascontiguousarray(turned.reshape(-1, 128))


_NONE = (np.zeros((0, 2)), np.zeros((0, 128), np.float32))


def _kept(found: Keypoints, most: int) -> Features:
    count = len(found.descriptors)
    rows = np.linspace(0, count - 1, min(count, most)).astype(int)
    return np.rint(found.descriptors[rows] * 255).astype(np.uint8)


def _unit(features: Features) -> Floats:
    return features.astype(np.float32) / np.float32(255)


def _shrunk(image: Image, side: int) -> Image:
    height, width = image.shape[:2]
    factor = side / max(height, width)
    if factor >= 1:
        return np.ascontiguousarray(image)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _colours(image: Image, shown: Mask | None) -> Floats:
    lab: Any = cv2.cvtColor(image.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    pixels = lab[shown] if shown is not None else lab.reshape(-1, 3)
    histogram: Floats = np.zeros((BINS, BINS, BINS), np.float32)
    if len(pixels):
        # Colours of photographs lie near the axis of grey: a and b are stretched there.
        places = np.stack(
            [pixels[:, 0] / 100, *(0.5 + 0.5 * np.tanh(pixels[:, at] / 40) for at in (1, 2))], 1
        )
        counted, _ = np.histogramdd(places, BINS, [(0, 1)] * 3)
        histogram = _blurred(counted.astype(np.float32))
    total = histogram.sum()
    return (histogram / total if total else histogram).ravel()


def _blurred(histogram: Floats) -> Floats:
    """Spread a histogram over the neighbouring bins: retouching moves colours."""
    for axis in range(3):
        padded = np.pad(histogram, [(1, 1) if at == axis else (0, 0) for at in range(3)], "edge")
        before, after = (np.take(padded, np.arange(BINS) + at, axis) for at in (0, 2))
        histogram = (0.5 * histogram + 0.25 * (before + after)).astype(np.float32)
    return histogram


def _centres(features: Features) -> Floats:
    """Return what the features are grouped by: k-means of some, the same for the same features."""
    if len(features) <= PLENTY:
        return np.zeros((1, 128), np.float32)
    some = features[np.linspace(0, len(features) - 1, PLENTY).astype(int)]
    cv2.setRNGSeed(0)
    rule = (cv2.TERM_CRITERIA_MAX_ITER, 10, 0)
    labels = np.zeros((len(some), 1), np.int32)
    _, _, centres = cv2.kmeans(_unit(some), CELLS, labels, rule, 1, cv2.KMEANS_RANDOM_CENTERS)
    return centres.astype(np.float32)


def _nearest_centres(
    features: npt.NDArray[Any], centres: Floats, most: int
) -> npt.NDArray[np.intp]:
    most = min(most, len(centres))
    half = 0.5 * (centres * centres).sum(axis=1)
    found = np.empty((len(features), most), np.intp)
    for at in range(0, len(features), 8192):
        part = features[at : at + 8192]
        alike = (part if part.dtype == np.float32 else _unit(part)) @ centres.T - half
        found[at : at + 8192] = np.argsort(-alike, axis=1, kind="stable")[:, :most]
    return found
