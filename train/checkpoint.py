"""The trainer's state on disk: whole or absent, and read without unpickling any code."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from maskmill.files import created

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Settings:
    """What a training run may not change half-way.

    Parameters
    ----------
    model : str
        Name for `maskmill.train.build`.
    size : int
        Side of the squares, pixels.
    batch : int
        Pairs per step.
    seed : int
        Of the weights, the order and the augmentation.
    lr : float
        Learning rate.
    augment : bool
        Whether pairs are varied.
    """

    model: str
    size: int
    batch: int
    seed: int
    lr: float
    augment: bool


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a state of tensors and plain values; a crash leaves the former file as it was.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(Path(folder) / "checkpoint.pt", {"step": 3})
    ...     load_checkpoint(Path(folder) / "checkpoint.pt")
    {'format': 1, 'step': 3}
    """
    with created(path, alone=True) as file:
        torch.save({"format": FORMAT, **state}, file)


def load_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a checkpoint that `maskmill.train.fit` wrote, with its tensors on the CPU.

    Raises
    ------
    FileNotFoundError
        When there is none.
    ValueError
        When the file is something else, is damaged, or is of another format version.
    """
    if Path(path).is_dir():
        raise ValueError(f"checkpoint must be a file, such as checkpoint.pt, got the folder {path}")
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # the reader of foreign bytes raises whatever it comes upon
        raise ValueError(
            f"checkpoint must be a whole file written by maskmill.train.fit, got {os.fspath(path)}"
        ) from error
    version = state.get("format") if isinstance(state, dict) else None
    if version != FORMAT:
        raise ValueError(
            f"checkpoint must be of maskmill's format {FORMAT}, got {version!r} in "
            f"{os.fspath(path)}; load bare weights into a module from maskmill.train.build"
        )
    return state


class CannotResumeError(ValueError):
    """Training cannot go on from a checkpoint as if it had never stopped."""


def check_resumable(
    state: dict[str, Any], settings: Settings, fingerprint: str, steps: int
) -> None:
    """Raise unless training can go on from `state` to `steps` as if it had never stopped.

    Raises
    ------
    CannotResumeError
        With every setting that differs, the two fingerprints of the data, or when `state` is
        beyond `steps` already.

    Examples
    --------
    >>> settings = Settings("u2netp", size=160, batch=4, seed=0, lr=1e-3, augment=True)
    >>> state = {"settings": asdict(settings), "dataset": "a0", "step": 5}
    >>> check_resumable(state, settings, "a0", steps=9)
    """
    before, now = state["settings"], asdict(settings)
    changed = [
        f"{name} must stay {before.get(name)!r}, got {value!r}"
        for name, value in now.items()
        if before.get(name) != value
    ]
    if state["dataset"] != fingerprint:
        changed.append(f"dataset must stay {state['dataset']} (fingerprint), got {fingerprint}")
    if changed:
        raise CannotResumeError(
            f"cannot resume: {'; '.join(changed)}; give another out, or start over "
            "(resume=False, --restart)"
        )
    if state["step"] > steps:
        raise CannotResumeError(
            f"steps must be at least the {state['step']} of the checkpoint, got {steps}; give "
            "another out, or start over (resume=False, --restart)"
        )
