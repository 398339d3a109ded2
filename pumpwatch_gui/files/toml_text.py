"""Reading TOML files that a person wrote: whatever they are, the program neither hangs nor ends with a traceback."""

import codecs
import errno
import stat
import tomllib
from pathlib import Path
from typing import Any

from typing_extensions import override

MAX_BYTES = 10_000_000
MAX_DEPTH = 100
MAX_WHOLE = 10**4000
"""From 10**4300 on Python writes a whole number into no message."""


class UnreadableTextError(OSError):
    """A file that is there and is no text to read; its words are all that is shown."""

    @override
    def __str__(self) -> str:
        return str(self.strerror)


def read_toml_text(path: Path) -> str:
    """The UTF-8 text of a file, without a byte order mark; raises OSError, in words for what is no such text.

    A pipe or a folder, more than 10 MB and another encoding are no such text.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever for whoever writes to it
        raise UnreadableTextError(errno.EINVAL, "it is not a regular file")
    if status.st_size > MAX_BYTES:
        raise UnreadableTextError(errno.EFBIG, f"it is larger than {MAX_BYTES // 1_000_000} MB")
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = "it is UTF-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else f"line {line}"
        raise UnreadableTextError(errno.EILSEQ, f"it is not UTF-8 ({what}): save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse_toml(text: str) -> dict[str, Any]:
    """The document of a text; raises TOMLDecodeError, also for what TOML allows and nothing here could work with.

    That is a text that is nested too deep, or a whole number of more than 4000 digits.
    """
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise tomllib.TOMLDecodeError("its brackets are nested too deep") from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # of int(), which reads 4300 digits at most
        raise tomllib.TOMLDecodeError("a whole number in it has more than 4300 digits") from None
    _check_fields(document)
    return document


def _check_fields(document: dict[str, Any]) -> None:
    fields: list[tuple[str, Any, int]] = [("", document, 0)]
    while fields:  # not by recursion: dotted keys nest deeper than the stack is
        path, value, depth = fields.pop()
        if depth > MAX_DEPTH:
            raise tomllib.TOMLDecodeError(f"its tables are nested more than {MAX_DEPTH} deep")
        if isinstance(value, dict):
            fields += [(f"{path}.{key}".lstrip("."), item, depth + 1) for key, item in value.items()]
        elif isinstance(value, list):
            fields += [(f"{path}[{i}]", item, depth + 1) for i, item in enumerate(value)]
        elif isinstance(value, int) and abs(value) > MAX_WHOLE:
            raise tomllib.TOMLDecodeError(f"the whole number at {path!r} has more than 4000 digits")
