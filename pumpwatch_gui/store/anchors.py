"""The head of the audit chain, noted outside the database: an audit log that was cut or replaced shows."""

import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

log = logging.getLogger("pumpwatch.store")

FILE: Final = "audit-anchors.jsonl"
TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Anchor:
    """The newest row of the audit log at some instant (Unix UTC ns): its id and its hash in hexadecimal."""

    time_ns: int
    id: int
    hash: str


class Anchors:
    """The file of a database's anchors, an object a line, oldest first; only ever added to."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(FILE)

    def add(self, anchor: Anchor) -> None:
        """Note an anchor and force it to the disk. Never raises: without it the history still is what it is."""
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(handle, (json.dumps(asdict(anchor)) + "\n").encode())
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            log.warning("the head of the audit log could not be noted in %s: %s", self.path, error)

    def last(self) -> Anchor | None:
        """The newest anchor; None when there is none that can be read."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
                lines = file.read().splitlines()
        except OSError:
            return None
        return next((a for line in reversed(lines) if (a := _parsed(line)) is not None), None)

    def all(self) -> list[Anchor]:
        """Every anchor that can be read, oldest first. Raises OSError when the file is there and cannot be read."""
        if not self.path.exists():
            return []
        return [a for line in self.path.read_bytes().splitlines() if (a := _parsed(line)) is not None]


def _parsed(line: bytes) -> Anchor | None:
    try:
        plain = json.loads(line)
        anchor = Anchor(int(plain["time_ns"]), int(plain["id"]), str(plain["hash"]))
        bytes.fromhex(anchor.hash)
    except (ValueError, TypeError, KeyError):  # a line that a power cut left half
        return None
    return anchor
