"""Why a server refuses a row for good, in plain words."""

from collections.abc import Mapping
from types import MappingProxyType

_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "22001": "a text is longer than its column takes",
        "22003": "a number is larger than its column takes",
        "22007": "a time cannot be read",
        "22008": "its time is none that the server keeps: the clock may have been wrong",
        "22021": "a text has a character that the server cannot keep",
        "22P02": "a value is not of the kind that its column takes",
        "22P05": "a text has a character that the server cannot keep",
        "23502": "a value is missing that the server must have",
        "23503": "it refers to something that the server does not have",
        "23505": "another row of the server has what must be there once",
        "23514": "a value is none that the server allows",
    }
)
"""By the code of PostgreSQL."""


def reason_of(code: str, words: str) -> str:
    """What a code of PostgreSQL (classes 22 and 23) says of a row, with the server's own `words` behind it."""
    return f"{_REASONS.get(code, 'the server does not take its values')} ({words})"
