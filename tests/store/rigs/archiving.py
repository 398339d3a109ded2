"""The archiver on a database of its own, as the writer runs it."""

from pathlib import Path
from unittest.mock import patch

from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.store.archive import archiver, moving
from pumpwatch_gui.store.archive.archiver import Archiver
from pumpwatch_gui.store.schema import connect


def archive_all(
    path: Path, *, piece_ms: int = moving.PIECE_MS, kept_ms: int = archiver.KEPT_MS, budget_bytes: int = 0
) -> list[Event]:
    """Archive until nothing is left to do; what was reported."""
    reported: list[Event] = []
    connection = connect(path)
    with patch.object(moving, "PIECE_MS", piece_ms), patch.object(archiver, "PIECE_MS", piece_ms), \
            patch.object(archiver, "KEPT_MS", kept_ms):  # fmt: skip
        archive = Archiver(reported.append, budget_bytes=budget_bytes)
        archive.take_up(connection)
        while archive.step(connection, within_s=10.0):
            pass
    connection.close()
    assert not any("stopped" in str(event) for event in reported), reported
    return reported
