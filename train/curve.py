"""The losses of a run, kept on the device until they are wanted and written as text."""

import csv
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import torch
from torch import Tensor


class LossCurve:
    """The losses so far, also in a CSV file with the columns step and loss.

    Reading a loss from a GPU waits for it, so losses gather until `drain`. The file is rewritten
    from `losses` when it is opened: what a killed run wrote behind its last checkpoint goes.

    Parameters
    ----------
    path : Path
        The CSV file. Values are written so that they read back exactly.
    losses : iterable of float
        Of the steps before.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with LossCurve(Path(folder) / "losses.csv", [4.5]) as curve:
    ...         curve.add(torch.tensor(2.25))
    ...         curve.drain()
    ...     (Path(folder) / "losses.csv").read_text().split()
    ['step,loss', '1,4.5', '2,2.25']
    """

    def __init__(self, path: Path, losses: Iterable[float] = ()) -> None:
        self.losses = list(losses)
        self._pending: list[Tensor] = []
        self._file = path.open("w", newline="", encoding="utf-8")
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._rows.writerow(("step", "loss"))
        self._rows.writerows(enumerate(self.losses, start=1))
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, loss: Tensor) -> None:
        """Take the loss of the next step, a scalar on any device."""
        self._pending.append(loss.detach())

    def drain(self) -> None:
        """Read the gathered losses and write them.

        Raises
        ------
        FloatingPointError
            When one is not finite, with its step.
        """
        if not self._pending:
            return
        values: list[float] = torch.stack(self._pending).tolist()
        self._pending.clear()
        for value in values:
            self.losses.append(value)
            self._rows.writerow((len(self.losses), value))
            if not math.isfinite(value):
                self._file.flush()
                raise FloatingPointError(
                    f"loss must be finite, got {value} at step {len(self.losses)}; nothing "
                    "was saved since the last checkpoint: start over with a lower lr (resume=False)"
                )
        self._file.flush()
