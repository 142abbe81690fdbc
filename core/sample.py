"""The record everything hangs on: an (image, alpha) pair with its facts, or why it was dropped."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from .images import (
    Alpha,
    Image,
    check_alpha,
    decode_alpha,
    decode_image,
    encode_alpha,
    encode_image,
)

_REASON = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def content_key(image_bytes: bytes, made_from: bytes) -> str:
    """Return the identity of a sample: BLAKE2b-128 of the image and of what its alpha is made from.

    Parameters
    ----------
    image_bytes : bytes
        The file as it arrived, before the door made anything of it.
    made_from : bytes
        Canonical annotations, the clip's bytes or the alpha's bytes.

    Returns
    -------
    str
        32 hexadecimal digits.

    Examples
    --------
    >>> content_key(b"image", b"alpha")
    '5261e7e4a898dec16a526b04492cf4b3'
    """
    digest = hashlib.blake2b(len(image_bytes).to_bytes(8, "little"), digest_size=16)
    digest.update(image_bytes)
    digest.update(made_from)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a sample's history: what a stage did to it, with its numbers."""

    stage: str
    values: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One (image, alpha) pair with its facts. Samples never change: every method returns a new one.

    Parameters
    ----------
    key : str
        Content key, fixed by the source; see `content_key`.
    source, origin : str
        Name of the source in the run, and the item's identity within it.
    image_bytes : bytes
        Upright sRGB, 8 bits per channel, JPEG, PNG or WebP: what the door let through.
    height, width : int
        Size in pixels.
    alpha_bytes : bytes or None
        Encoded alpha as the source delivered it or as the writer quantised it; None while there is
        no alpha, or only the float32 one that a stage set.
    group : str or None
        Samples of one group never part across splits; None means a group of its own.
    split : str or None
        Set by a source that has divided its material already, else None.
    scores : mapping of str to float
        Numbers about the pair, for ordering and histograms.
    tags : tuple of str
        Words about the pair.
    history : tuple of Step
        What the stages did, in order.
    licence : str
        Licence of the photograph, as its origin states it.
    context : object or None
        What only one room's stages need: a frozen dataclass of that room. Ends at the writer.

    Examples
    --------
    >>> import numpy as np
    >>> pair = Sample.of(np.zeros((2, 2, 3), np.uint8), np.ones((2, 2), np.float32))
    >>> pair.tagged("tiny").scored(sharpness=0.5).scores
    {'sharpness': 0.5}
    >>> pair.alpha.mean().item()
    1.0
    """

    key: str
    source: str
    origin: str
    image_bytes: bytes = field(repr=False)
    height: int
    width: int
    alpha_bytes: bytes | None = field(default=None, repr=False)
    group: str | None = None
    split: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    tags: tuple[str, ...] = ()
    history: tuple[Step, ...] = ()
    licence: str = ""
    context: object | None = field(default=None, repr=False)
    _image: Image | None = field(default=None, repr=False)
    _alpha: Alpha | None = field(default=None, repr=False)

    @classmethod
    def of(cls, image: Image, alpha: Alpha | None = None, **facts: Any) -> Self:
        """Make a sample from arrays, for notebooks and tests.

        Parameters
        ----------
        image : ndarray, H x W x 3, uint8
            RGB. Encoded losslessly.
        alpha : ndarray, H x W, float32 in [0, 1], optional
            Of the image's size.
        **facts
            Fields of the sample, such as ``origin``.
        """
        image_bytes = encode_image(image)
        made_from = b"" if alpha is None else encode_alpha(alpha, 16)
        facts = {"key": content_key(image_bytes, made_from), "source": "", "origin": ""} | facts
        height, width = image.shape[:2]
        bare = cls(image_bytes=image_bytes, height=height, width=width, **facts)
        return bare if alpha is None else bare.with_alpha(alpha)

    @property
    def image(self) -> Image:
        """H x W x 3, uint8, RGB, read-only; decoded once."""
        if self._image is None:
            object.__setattr__(self, "_image", decode_image(self.image_bytes))
        return self._image  # pyright: ignore[reportReturnType]

    @property
    def has_alpha(self) -> bool:
        """Whether a source or a stage has set the alpha."""
        return self._alpha is not None or self.alpha_bytes is not None

    @property
    def alpha(self) -> Alpha:
        """H x W, float32 in [0, 1], read-only; decoded once.

        Raises
        ------
        ValueError
            When nothing has set an alpha yet.
        """
        if self._alpha is None:
            if self.alpha_bytes is None:
                raise ValueError(
                    f"sample {self.origin or self.key} has no alpha yet: put a stage that sets one "
                    "(ClipMatte for clip pairs) before the stage that reads it"
                )
            object.__setattr__(self, "_alpha", decode_alpha(self.alpha_bytes))
        return self._alpha  # pyright: ignore[reportReturnType]

    def with_alpha(self, alpha: Alpha, step: str | None = None, **values: float) -> Self:
        """Return the sample with another alpha.

        Parameters
        ----------
        alpha : ndarray, H x W, float32 in [0, 1]
            Of the image's shape. Kept as it is (made read-only) until the writer quantises it.
        step : str, optional
            Adds ``Step(step, values)`` to the history.
        **values : float
            Numbers for that step.
        """
        check_alpha(alpha, (self.height, self.width))
        alpha = alpha.view()
        alpha.setflags(write=False)
        history = self.history if step is None else (*self.history, Step(step, values))
        return replace(self, alpha_bytes=None, _alpha=alpha, history=history)

    def with_image(self, image: Image, step: str | None = None, **values: float) -> Self:
        """Return the sample with other pixels: H x W x 3, uint8, RGB, of the same size.

        They are encoded losslessly; the key stays that of the original file.
        """
        if image.shape[:2] != (self.height, self.width):
            raise ValueError(
                f"image must keep its size {(self.height, self.width)}, got {image.shape[:2]}"
            )
        encoded = encode_image(image)
        history = self.history if step is None else (*self.history, Step(step, values))
        return replace(self, image_bytes=encoded, _image=None, history=history)

    def tagged(self, *tags: str) -> Self:
        """Return the sample with more tags, each once."""
        return replace(self, tags=tuple(dict.fromkeys((*self.tags, *tags))))

    def scored(self, **scores: float) -> Self:
        """Return the sample with more scores; a repeated name takes the new value."""
        return replace(self, scores={**self.scores, **scores})

    def quantised(self, bits: int = 8) -> Self:
        """Return the sample with its alpha encoded in 8 or 16 bits: the writer's last step."""
        if self._alpha is None or self.alpha_bytes is not None:
            return self
        return replace(self, alpha_bytes=encode_alpha(self._alpha, bits))


@dataclass(frozen=True, slots=True, eq=False)
class Dropped:
    """An item that was not kept, and why.

    Parameters
    ----------
    sample : Sample or None
        None when the item was never read.
    reason : str
        A stable snake_case word; docs/reasons.md lists them all.
    values : mapping of str to float
        The numbers behind the decision.
    origin : str or None
        The item's identity where there is no sample.
    stage : str or None
        Who decided; None: the stage (or the source) that returned this.

    Examples
    --------
    >>> Dropped(None, "too_small", {"coverage": 0.1}, origin="a.jpg").reason
    'too_small'
    """

    sample: Sample | None
    reason: str
    values: Mapping[str, float] = field(default_factory=dict[str, float])
    origin: str | None = None
    stage: str | None = None

    def __post_init__(self) -> None:
        if not _REASON.fullmatch(self.reason):
            raise ValueError(
                f"reason must be one snake_case word of the reasons table, got {self.reason!r}"
            )
        if self.sample is None and self.origin is None:
            raise ValueError("Dropped must have a sample or the origin of the item, got neither")
