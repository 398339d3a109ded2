"""Which damaged files are still to be salvaged: each has a side database next to it until all of it is through."""

import logging
from contextlib import suppress
from pathlib import Path

log = logging.getLogger("pumpwatch.store")

ENDING = ".salvage"


def side_of(damaged: Path) -> Path:
    """Where the side database of a damaged file lies."""
    return damaged.with_name(damaged.name + ENDING)


def ask_for(damaged: Path) -> None:
    """Lay down an empty side database: a salvage is due, whatever happens next. Never raises."""
    try:
        side_of(damaged).touch(0o600)
    except OSError as error:
        log.error("no salvage: %s cannot be made: %s", side_of(damaged), error)


def due(database: Path) -> Path | None:
    """The newest damaged file next to a database whose rows are not all through; None when there is none."""
    for side in sorted(database.parent.glob(f"{database.stem}.damaged-*{database.suffix}{ENDING}"), reverse=True):
        damaged = side.with_name(side.name.removesuffix(ENDING))
        if damaged.exists():
            return damaged
        done(damaged)  # a person took it away
    return None


def done(damaged: Path) -> None:
    """Remove the side database of a damaged file."""
    for ending in ("-wal", "-shm", "-journal", ""):
        with suppress(OSError):
            side = side_of(damaged)
            side.with_name(side.name + ending).unlink(missing_ok=True)
