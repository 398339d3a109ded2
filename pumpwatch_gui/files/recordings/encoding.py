"""The encoding of a recording, found from its first bytes."""

import codecs
from pathlib import Path

from pumpwatch_gui.domain.errors import InputError

HEAD_BYTES = 65_536
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_FILES = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "a compressed file"),
    (b"PAR1", "a Parquet file"),
    (b"TDSm", "a TDMS file"),
    (b"SQLite format 3", "a database"),
)
_WORDS = {"utf-8-sig": "UTF-8", "utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "cp1252": "CP1252"}
FALLBACK = "cp1252"
"""What office programs of western Europe and America write where it is not Unicode."""


def encoding_words(encoding: str) -> str:
    """The encoding as people write it."""
    return _WORDS.get(encoding, encoding.upper())


def find_encoding(path: Path, chosen: str) -> str:
    """The encoding to read a text file in; `chosen` where that is given, but never with its byte order mark as content.

    UTF-8, UTF-16 and UTF-32 with a mark, UTF-16 without by its zero bytes, UTF-8, else CP1252. Raises InputError for a
    file that cannot be opened, is empty, or is no text at all.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", "give the path of a CSV file that can be read") from None
    if not head.strip():
        raise InputError(f"{path}, line 1: the file is empty", "a recording has a header row and samples below it")
    for magic, what in _OTHER_FILES:
        if head.startswith(magic):
            raise InputError(f"{path}: this is {what}, no CSV text", "save it as CSV in UTF-8")
    marked = next((name for mark, name in _BOMS if head.startswith(mark)), "")
    if chosen:
        name = codecs.lookup(chosen).name
        return marked if marked.startswith(name) or name.startswith(marked or " ") else chosen
    return marked or _unmarked(path, head)


def _unmarked(path: Path, head: bytes) -> str:
    zeros_even, zeros_odd = (head[start::2].count(0) / max(len(head) // 2, 1) for start in (0, 1))
    if zeros_odd > 0.3 and zeros_even < 0.05:
        return "utf-16-le"
    if zeros_even > 0.3 and zeros_odd < 0.05:
        return "utf-16-be"
    controls = sum(head.count(code) for code in range(32) if code not in (9, 10, 12, 13))
    if controls > 0.02 * len(head):
        raise InputError(f"{path}: this is no CSV text", "save it as CSV in UTF-8")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # incremental: the head may end within a character
    except UnicodeDecodeError:
        return FALLBACK
    return "utf-8"
