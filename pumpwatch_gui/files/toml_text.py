"""Reading TOML files that somebody wrote: whatever they are, the program neither hangs nor ends with a traceback."""

import codecs
import errno
import stat
import tomllib
from pathlib import Path
from typing import Any

from typing_extensions import override

MAX_BYTES = 10_000_000


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
    """The document of a text; raises TOMLDecodeError, also for a text that is nested too deep for the parser."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise tomllib.TOMLDecodeError("its brackets are nested too deep") from None
