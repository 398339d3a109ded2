"""How well a few typed letters match a text."""

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
WORD_START, INSIDE, SCATTERED = 0, 10, 30
"""Penalties of a typed word that begins a word of the text, is inside one, or has its letters in it, with gaps."""


def penalty(typed: str, text: str) -> int | None:
    """How far a text is from what was typed, 0 for every word at the start of one; None where it does not match."""
    text = f" {text.casefold()}"
    total = 0
    for word in typed.casefold().split():
        if f" {word}" in text:
            total += WORD_START
        elif word in text:
            total += INSIDE
        elif (gaps := _gaps(word, text)) is not None:
            total += SCATTERED + gaps
        else:
            return None
    return total


def best(typed: str, found: Iterable[T], text: Callable[[T], str], *, most: int) -> list[T]:
    """At most so many that match, the nearest first, equally near ones as they were given."""
    near = [(miss, i, entry) for i, entry in enumerate(found) if (miss := penalty(typed, text(entry))) is not None]
    return [entry for _, _, entry in sorted(near, key=lambda n: n[:2])[:most]]


def _gaps(word: str, text: str) -> int | None:
    """Letters between those of a word, found one after the other from the start of a word of the text; None without."""
    start = text.find(f" {word[0]}")
    at = start + 1
    for letter in word:
        found = text.find(letter, at) if start >= 0 else -1
        if found < 0:
            return None
        at = found + 1
    return at - start - 1 - len(word)
