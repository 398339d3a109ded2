"""What a headless run reports to a service manager: that it is ready, that it lives, that it stops (sd_notify)."""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

from pumpwatch_gui.domain.station import RunState, StationView

ESSENTIAL = frozenset({"links", "infer", "judge", "orders", "store", "watchdog"})
"""Loops whose standstill is worth a restart of the whole program; the others are announced, and start again alone."""


class ServiceState:
    """Speaks to the socket that systemd names in the environment; silent without one. Only on one thread."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        watched = environment.get("WATCHDOG_USEC", "")
        is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._every_s = int(watched) / 2e6 if watched.isdigit() and is_ours else 0.0
        self._pinged_s = float("-inf")
        self._is_ready = False

    @property
    def is_watched(self) -> bool:
        """Whether a service manager listens."""
        return bool(self._address)

    def see(self, view: StationView) -> None:
        """Say that the station is ready, once every loop turns, and from then on that it lives, as long as they do."""
        if not self._address or ESSENTIAL & {loop.name for loop in view.stopped_loops}:
            return
        if not self._is_ready:
            self._is_ready = True
            self._say("READY=1")
        if self._every_s and time.monotonic() - self._pinged_s >= self._every_s:
            self._pinged_s = time.monotonic()
            running = sum(pump.run_state is RunState.RUNNING for pump in view.pumps)
            self._say(f"WATCHDOG=1\nSTATUS={running} of {len(view.pumps)} pumps run, {len(view.alarms)} alarms")

    def stopping(self) -> None:
        """Say that the run comes to its end."""
        self._say("STOPPING=1")

    def _say(self, text: str) -> None:
        if not self._address:
            return
        # A manager that has gone gets no report.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as talking:
            talking.sendto(text.encode(), self._address)
