"""What a history costs of its disk, as it was measured while the station ran."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import apsw

from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.store.hot.growth import Growth, measured, read_samples
from pumpwatch_gui.store.schema import from_apsw


@dataclass(frozen=True, slots=True)
class Outlook:
    """The growth that was measured last, and the bytes that the disk has free now."""

    growth: Growth
    free_bytes: int

    @property
    def days_left(self) -> float:
        """Days of running until the disk is full; NaN while too little was measured."""
        return self.growth.days_left(self.free_bytes)


def outlook(database: Path) -> Outlook:
    """The outlook of a database. Raises StoreError when it cannot be read."""
    try:
        connection = apsw.Connection(os.fspath(database), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            connection.set_busy_timeout(1_000)
            return Outlook(measured(read_samples(connection)), shutil.disk_usage(database.parent).free)
        finally:
            connection.close()
    except apsw.Error as error:
        raise from_apsw(error, database) from error
    except OSError as error:
        raise StoreError(f"the disk of {database} cannot be examined: {error.strerror}") from error
