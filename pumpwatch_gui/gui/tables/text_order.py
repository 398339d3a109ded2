"""What a text is sorted by: numbers by their value, P-9 before P-10, and nothing at the end."""

import re

_NUMBER = re.compile(r"[-−]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_CLOCK = re.compile(r"\d+(?::\d\d)+")
_NOTHING = frozenset({"", "–", "?"})


def number_order(text: str) -> float | None:
    """The first number of a text (`1,234.5 mm/s`, `2.1 / 4.8`), a time in seconds (`1:02:03`); None without one."""
    if clock := _CLOCK.match(text):
        value = 0
        for part in clock[0].split(":"):
            value = 60 * value + int(part)
        return float(value)
    number = _NUMBER.search(text)
    return float(number[0].replace(",", "").replace("−", "-")) if number else None


def text_order(text: str) -> tuple[str | int, ...] | None:
    """Words and whole numbers in turn, without regard to case; None for nothing."""
    if text in _NOTHING:
        return None
    return tuple(int(part) if i % 2 else part.casefold() for i, part in enumerate(re.split(r"([0-9]+)", text)))
