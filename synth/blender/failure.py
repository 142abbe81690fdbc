"""What is said of a scene that cannot be made: one stable reason word, and the detail."""


class Failure(Exception):  # noqa: N818 - a failed sample is no defect of the program
    """A sample that fails, while the run goes on.

    Parameters
    ----------
    reason
        A stable word: `corrupt_asset`, `missing_texture`, `outside_folder` (a part of an asset that
        leads out of its folder) or `empty_asset`; others belong to who raises them.
    detail
        What exactly, in one line.

    Examples
    --------
    >>> str(Failure("missing_texture", "wood.png"))
    'missing_texture: wood.png'
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
