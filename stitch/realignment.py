"""The stage that puts a sample's clip back on its photograph."""

from dataclasses import dataclass, replace

from maskmill.door import Refused
from maskmill.sample import Dropped, Sample, Step

from .alignment import Alignment, align
from .context import ClipContext
from .decoding import decode_clip


@dataclass(frozen=True)
class Realign:
    """Find where a sample's clip lies on its photograph; see `align`.

    For samples of `ClipPairs`. What is found travels in the context, for `ClipMatte`; an alignment
    that the source has found already is kept. The history notes ``score``, ``scale``, ``mirrored``
    and ``inliers``. A pair that is refused is dropped with the reason that `align` gives.

    Parameters
    ----------
    threshold : float
        Score from which an alignment is accepted, at least the .5 of `align`.

    Examples
    --------
    >>> import numpy as np
    >>> from skimage.data import coffee
    >>> from maskmill.stitch.simulation import Making, simulate
    >>> alpha = np.zeros((400, 600), np.float32)
    >>> alpha[60:330, 150:450] = 1
    >>> clip = simulate(coffee(), alpha, Making(scale=0.6)).data
    >>> realigned = Realign()(Sample.of(coffee(), context=ClipContext(clip)))
    >>> realigned.context.alignment.accepted, round(realigned.history[0].values["scale"], 2)
    (True, 0.6)
    """

    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not 0.5 <= self.threshold <= 1:
            raise ValueError(f"threshold must be from 0.5 to 1, got {self.threshold}")

    def __call__(self, sample: Sample) -> Sample | Dropped:
        """Return the sample with its alignment, or why it was dropped."""
        context = sample.context
        if not isinstance(context, ClipContext):
            raise ValueError(
                f"sample {sample.origin or sample.key} must come with a clip, as those of "
                f"ClipPairs do, got the context {type(context).__name__}"
            )
        alignment = context.alignment
        if alignment is None:
            try:
                clip = decode_clip(context.clip)
            except Refused as refused:
                return Dropped(sample, refused.reason, {**refused.values, "clip": 1.0})
            alignment = align(sample.image, clip)
        values = _values(alignment)
        if not alignment.accepted or alignment.score < self.threshold:
            return Dropped(sample, alignment.reason or "wrong_pair", values)
        history = (*sample.history, Step("realign", values))
        return replace(sample, context=replace(context, alignment=alignment), history=history)


def _values(alignment: Alignment) -> dict[str, float]:
    return {
        "score": alignment.score,
        "scale": alignment.scale,
        "mirrored": float(alignment.mirrored),
        "inliers": float(alignment.inliers),
    }
