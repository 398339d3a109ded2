"""Reading TOML files that somebody wrote: whatever they are, the program neither hangs nor ends with a traceback."""

import errno
import stat
import tomllib
from pathlib import Path
from typing import Any

MAX_BYTES = 10_000_000


def read_toml_text(path: Path) -> str:
    """The UTF-8 text of a file; raises OSError (also for what is no file, or above 10 MB) or UnicodeDecodeError."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever for whoever writes to it
        raise OSError(errno.EINVAL, "it is not a regular file")
    if status.st_size > MAX_BYTES:
        raise OSError(errno.EFBIG, f"it is larger than {MAX_BYTES // 1_000_000} MB")
    return path.read_text("utf-8")


def parse_toml(text: str) -> dict[str, Any]:
    """The document of a text; raises TOMLDecodeError, also for a text that is nested too deep for the parser."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise tomllib.TOMLDecodeError("its brackets are nested too deep") from None
