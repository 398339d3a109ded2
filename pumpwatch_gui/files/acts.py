"""What was done to a home from outside its program: noted in the home until the program has it in its audit log."""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, TypeVar

from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.files.atomic import write_atomic
from pumpwatch_gui.files.home import Home

log = logging.getLogger("pumpwatch")
R = TypeVar("R")
ENDING: Final = ".json"


@dataclass(frozen=True, slots=True)
class OutsideAct:
    """Who did what, when (Unix UTC), and what came of it."""

    time_ns: int
    command: str
    actor: str
    ok: bool
    text: str


def audited(home: Home, command: str, actor: str, job: Callable[[], R], words: Callable[[R], str]) -> R:
    """Do something to a home and note what came of it, also where it failed. Raises what `job` raises.

    A home that is not there, or cannot be written, gets no note.
    """
    try:
        result = job()
    except PumpWatchError as error:
        _note(home, OutsideAct(time.time_ns(), command, actor, False, error.message))
        raise
    _note(home, OutsideAct(time.time_ns(), command, actor, True, words(result)))
    return result


def acts_noted(home: Home) -> Iterator[tuple[Path, OutsideAct]]:
    """The notes there are, the oldest first. One that cannot be read is logged and put aside."""
    for path in sorted(home.acts.glob(f"*{ENDING}")):
        try:
            yield path, OutsideAct(**json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, TypeError) as error:
            log.warning("%s is no note of an act: %s", path, error)
            with suppress(OSError):
                path.rename(path.with_suffix(".unreadable"))


def _note(home: Home, act: OutsideAct) -> None:
    if not home.database.exists():
        return
    try:
        home.acts.mkdir(mode=0o700, exist_ok=True)
        path = home.acts / f"{act.time_ns}-{os.urandom(4).hex()}{ENDING}"
        write_atomic(path, json.dumps(asdict(act)).encode())
    except OSError as error:
        log.warning("that there was a %s cannot be noted in %s: %s", act.command, home.path, error)
