"""What a signal does with its finding: drop the sample, tag it, or only score it."""

from collections.abc import Mapping
from typing import Literal, get_args

from maskmill.sample import Dropped, Sample

Action = Literal["drop", "tag", "score"]


def act(
    sample: Sample, scores: Mapping[str, float], words: tuple[str, ...], action: Action
) -> Sample | Dropped:
    """Carry out a finding.

    Parameters
    ----------
    sample : Sample
    scores : mapping of str to float
        The numbers of the finding; kept as scores, or as the values of the drop.
    words : tuple of str
        What was found, the gravest first: tags, or the reason of the drop; empty: nothing wrong.
    action : {"drop", "tag", "score"}

    Examples
    --------
    >>> import numpy as np
    >>> pair = Sample.of(np.zeros((2, 2, 3), np.uint8))
    >>> act(pair, {"roughness": 9.0}, ("rough_mask",), "tag").tags
    ('rough_mask',)
    >>> act(pair, {"roughness": 9.0}, ("rough_mask",), "drop").reason
    'rough_mask'
    >>> act(pair, {"roughness": 1.0}, (), "drop").scores
    {'roughness': 1.0}
    """
    if words and action == "drop":
        return Dropped(sample, words[0], scores)
    scored = sample.scored(**scores)
    return scored.tagged(*words) if action == "tag" else scored


def check_action(action: str) -> None:
    """Raise ValueError unless `action` is one of `Action`."""
    if action not in get_args(Action):
        raise ValueError(f"action must be one of {', '.join(get_args(Action))}, got {action!r}")
