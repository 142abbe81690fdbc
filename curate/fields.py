"""Fields of annotation files as they really are: numbers as text, halves of characters, NaN."""

_UNSET = frozenset({"", "0", "0.0", "false", "no", "none", "null"})


def id_of(value: object) -> int | str | None:
    """Return an id under which 12, 12.0 and "12" are one; None for what is no id.

    Examples
    --------
    >>> id_of("12"), id_of(12.0), id_of("007"), id_of(None)
    (12, 12, '007', None)
    """
    if isinstance(value, int):
        return None if isinstance(value, bool) else value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        plain = value.removeprefix("-")
        # "007" stays itself: files are numbered that way, and 7 may be another one.
        whole = len(plain) < 19 and plain.isascii() and plain.isdigit() and str(int(value)) == value
        return int(value) if whole else value
    return None


def flag_of(value: object) -> bool:
    """Return whether a flag is set, however it is written.

    Examples
    --------
    >>> flag_of(1), flag_of("1"), flag_of(True), flag_of(None), flag_of("false")
    (True, True, True, False, False)
    """
    if isinstance(value, str):
        return value.strip().lower() not in _UNSET
    return value is True or id_of(value) not in (None, 0)


def text_of(value: object) -> str | None:
    """Return a word or a whole number as text; None for anything else and for nothing."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return storable(value) or None if isinstance(value, str) else None


def storable(text: str) -> str:
    """Replace half surrogate pairs, which JSON can write and UTF-8 and Parquet cannot."""
    return text.encode("utf-8", "backslashreplace").decode()


def numbers_of(values: object) -> tuple[float, ...] | None:
    """Return finite numbers as floats; None for what is no list of them.

    Examples
    --------
    >>> numbers_of([1, 2.5]), numbers_of([float("nan")]), numbers_of("12")
    ((1.0, 2.5), None, None)
    """
    if not isinstance(values, list):
        return None
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if not -(2**53) <= value <= 2**53:  # neither for NaN nor for infinity
            return None
    return tuple(float(value) for value in values)
