"""What was learnt of devices, kept over reconnections and restarts in a small file of the home."""

import hashlib
import json
import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pumpwatch_gui.acquire.modbus.learnt.facts import Facts, read_facts
from pumpwatch_gui.acquire.modbus.learnt.learning import Learning
from pumpwatch_gui.acquire.modbus.wire.owed import Owed
from pumpwatch_gui.domain.links.config import ModbusConfig
from pumpwatch_gui.domain.links.register_map import Point
from pumpwatch_gui.files.atomic import write_atomic

log = logging.getLogger("pumpwatch.links")

VERSION = 1
MAX_UNITS = 2000
MAX_BYTES = 20_000_000
SAVE_AFTER_S = 5.0


class DeviceMemory:
    """Facts by endpoint, unit and map. Without a path nothing outlives the process. Any thread.

    `edition` changes when something was forgotten: who holds facts then asks for them again.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.edition = 0
        self._path = path
        self._lock = threading.Lock()
        self._facts: dict[str, Facts] = _read(path) if path is not None else {}
        self._learnings: dict[str, tuple[tuple[str, ModbusConfig], Learning]] = {}
        self._owed: dict[str, Owed] = {}
        self._changed_s: float | None = None

    def owed(self, connection: str) -> Owed:
        """What a line may still bring (`DriverConfig.connection`), whichever connection it comes by; not on disk."""
        with self._lock:
            while len(self._owed) > MAX_UNITS:
                del self._owed[next(iter(self._owed))]
            return self._owed.setdefault(connection, Owed())

    def learning(self, link_id: str, config: ModbusConfig, points: Sequence[Point]) -> Learning:
        """What is known and suspected of a unit by a link's points; the same object again, as long as nothing changed.

        Links of one unit and map share their facts.
        """
        with self._lock:
            known = self._learnings.pop(link_id, None)
            key = _key(config, points)
            if known is None or known[0] != (key, config):
                facts = self._facts.pop(key, None) or Facts()
                self._facts[key] = facts  # the newest last, so that the oldest go first
                while len(self._facts) > MAX_UNITS:
                    del self._facts[next(iter(self._facts))]
                known = (key, config), Learning(config, points, facts, self.note_change)
            self._learnings[link_id] = known
            while len(self._learnings) > MAX_UNITS:
                del self._learnings[next(iter(self._learnings))]
            return known[1]

    def forget(self, endpoint: str) -> None:
        """Forget what is known of an endpoint with its unit (`DriverConfig.endpoint`), by whatever map."""
        with self._lock:
            for key in [k for k in self._facts if k.rpartition("|")[0] == endpoint]:
                del self._facts[key]
            self._learnings.clear()
            self.edition += 1
        self.note_change()

    def note_change(self) -> None:
        """Something was learnt: save it before long."""
        if self._changed_s is None:
            self._changed_s = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether something was learnt some seconds ago and is not saved."""
        return self._path is not None and self._changed_s is not None and self._age_s() >= SAVE_AFTER_S

    @property
    def is_changed(self) -> bool:
        """Whether something is not saved."""
        return self._path is not None and self._changed_s is not None

    def _age_s(self) -> float:
        return time.monotonic() - (self._changed_s or 0.0)

    def save(self) -> None:
        """Write the file, whole or not at all. Blocks: never on the loop. A disk that refuses is logged."""
        if self._path is None:
            return
        with self._lock:
            self._changed_s = None
            units: dict[str, Any] = {k: f.document() for k, f in self._facts.items() if f != Facts()}
        try:
            write_atomic(self._path, json.dumps({"version": VERSION, "units": units}).encode())
        except OSError as error:
            log.warning("what was learnt of devices is not kept: %s: %s", self._path, error.strerror or error)


def _read(path: Path) -> dict[str, Facts]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("it is too large")
        document = json.loads(path.read_bytes())
        if document["version"] != VERSION:
            raise ValueError(f"version {document['version']!r}")
        return {str(key): read_facts(facts) for key, facts in document["units"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        log.warning("%s cannot be read and is ignored, devices are learnt again: %r", path, error)
        return {}


def _key(config: ModbusConfig, points: Sequence[Point]) -> str:
    places = sorted((p.function, p.address, p.size) for p in points)
    digest = hashlib.sha256(repr((places, config.heartbeat)).encode()).hexdigest()[:16]
    return f"{config.endpoint}|{digest}"
