"""The file of what the database refused: kept for a person to look at, so that nothing is dropped in silence."""

import json
import logging
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from pumpwatch_gui.store.hot.batch import Refused

log = logging.getLogger("pumpwatch.store")

FILE = "quarantine.jsonl"
MAX_BYTES = 5_000_000
"""Beyond this the file becomes `quarantine.jsonl.old` (and what had that name is dropped): the newest are kept."""


def quarantine_rows(database: Path, refused: Sequence[Refused]) -> None:
    """Append items to the file in the folder of `database`, a JSON object a line: time, reason, kind, item.

    A number that is not finite is written as NaN or Infinity, as Python's JSON reads it. Never raises: a file that
    cannot be written must not stop the writer.
    """
    path = database.with_name(FILE)
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    try:
        for one in refused:
            line = json.dumps(
                {"time": now, "reason": one.reason, "kind": _kind(one.item), "item": one.item}, default=_plain
            )
            if path.exists() and path.stat().st_size + len(line) >= MAX_BYTES:
                path.replace(path.with_name(FILE + ".old"))
            with path.open("a", encoding="ascii") as file:
                file.write(line + "\n")
    except (OSError, TypeError, ValueError) as error:
        log.warning("refused rows could not be kept in %s: %s", path, error)


def _kind(item: object) -> str:
    return "Frame" if isinstance(item, tuple) else type(item).__name__


def _plain(value: object) -> Any:
    """What JSON does not know of an item: dataclasses as their fields, arrays as lists."""
    if is_dataclass(value):
        return {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return value.value if isinstance(value, Enum) else repr(value)
