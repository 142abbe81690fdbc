"""Progress bars: the library counts, the command line shows."""

import sys
from types import TracebackType
from typing import Self

from tqdm import tqdm

from maskmill.execute import Progress

# Seconds; what is done sooner needs no bar.
_DELAY = 0.7


class Bars:
    """One tqdm bar per label on a terminal, and none in a log, for the length of a ``with`` block.

    Call it with (label, done, total), or hand out `counter` where the label is fixed.
    """

    def __init__(self) -> None:
        self.began = False  # whether anything was told yet
        self._bar: tqdm | None = None
        self._label = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def __call__(self, label: str, done: int, total: int, note: str = "") -> None:
        self.began = True
        if self._bar is None or self._label != label:
            self._close()
            self._label = label
            self._bar = tqdm(
                desc=label,
                total=total,
                file=sys.stderr,
                dynamic_ncols=True,
                delay=_DELAY,
                disable=None,
            )
        self._bar.total = total
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._bar.n)

    def say(self, line: str) -> None:
        """Print a line without tearing the bar."""
        tqdm.write(line)

    def counter(self, label: str) -> "Counter":
        """Return a callable of (done, total) for one label."""
        return Counter(self, label)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class Counter:
    """One label of a set of bars."""

    def __init__(self, bars: Progress, label: str) -> None:
        self._bars, self._label = bars, label

    def __call__(self, done: int, total: int) -> None:
        self._bars(self._label, done, total)
