"""What becomes of a sample whose alpha a stage has remade."""

import numpy as np

from maskmill.images import Alpha
from maskmill.sample import Dropped, Sample


def with_remade(sample: Sample, alpha: Alpha, step: str) -> Sample | Dropped:
    """Return the sample with its remade alpha, or dropped where that has taken the foreground.

    Parameters
    ----------
    sample : Sample
        With the alpha as it was.
    alpha : ndarray, H x W, float32 in [0, 1]
    step : str
        Name of the stage. The history notes ``changed``, the share of pixels that crossed .5.

    Returns
    -------
    Sample or Dropped
        ``empty_alpha`` where pixels of .5 or more were there and are gone, with ``foreground``
        (their share before) and ``peak`` (the highest alpha after). A picture of nothing stays one.

    Examples
    --------
    >>> pair = Sample.of(np.zeros((4, 4, 3), np.uint8), np.ones((4, 4), np.float32))
    >>> with_remade(pair, np.zeros((4, 4), np.float32), "clean").reason
    'empty_alpha'
    """
    was, now = sample.alpha >= 0.5, alpha >= 0.5
    if was.any() and not now.any():
        values = {"foreground": float(was.mean()), "peak": float(alpha.max())}
        return Dropped(sample, "empty_alpha", values)
    return sample.with_alpha(alpha, step=step, changed=float(np.mean(was != now)))
