"""The counters of the pumps over restarts: read back at the start, kept while they move, set by order."""

import logging
import time
from collections.abc import Callable, Mapping

import numpy as np

from pumpwatch_gui.domain.commands import SetCounters
from pumpwatch_gui.domain.errors import InputError, PumpWatchError
from pumpwatch_gui.domain.pump.counters import HOUR_NS, CounterRow, CounterTotals, PumpCounters
from pumpwatch_gui.domain.pump.quantities import COUNTERS
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.wording import number, unit_text
from pumpwatch_gui.engine.live_pump import LivePump
from pumpwatch_gui.store.query.history import History

log = logging.getLogger("pumpwatch.engine")

AGAIN_S = 2.0
"""A history that cannot be read is tried again after so long."""
REPLAYED_NS = 2 * HOUR_NS
"""Readings after the last row that are counted again; a row is at least one an hour."""


class CounterKeeper:
    """Recalls, keeps and sets the counters of pumps. `recall` on one thread, all else on any."""

    def __init__(self, history: History, keep: Callable[[CounterRow], None]) -> None:
        self._history, self._keep = history, keep
        self._due_s = 0.0

    def recall(self, pumps: Mapping[str, LivePump]) -> None:
        """Have every pump that does not know yet take up what it had counted before; cheap when all do."""
        waiting = [pump for pump in pumps.values() if pump.counters.totals is None]
        if not waiting or time.monotonic() < self._due_s:
            return
        try:
            for pump in waiting:
                self._take_up(pump)
        except PumpWatchError as error:
            self._due_s = time.monotonic() + AGAIN_S
            log.info("the counters cannot be read yet: %s", error)

    def seen(self, pump: LivePump, frame: Frame) -> None:
        """Keep what the counters stand at after a frame, when that is due."""
        row = pump.counters.due_row(pump.pump_id, time_ns=frame.time_ns, mono_ns=frame.mono_ns)
        if row is not None and pump.derived.counters:
            self._keep(row)

    def keep_last(self, pumps: Mapping[str, LivePump]) -> None:
        """Keep what has moved, at the end of a run."""
        time_ns, mono_ns = time.time_ns(), time.monotonic_ns()
        for pump_id, pump in pumps.items():
            row = pump.counters.due_row(pump_id, time_ns=time_ns, mono_ns=mono_ns, is_last=True)
            if row is not None and pump.derived.counters:
                self._keep(row)

    def set_totals(self, pump: LivePump | None, command: SetCounters) -> str:
        """Set counters of a pump; what was changed in words. Raises InputError, with nothing changed."""
        if pump is None:
            raise InputError(f"there is no pump {command.pump_id}", "choose one of the site")
        there = {c.tag: c for c in pump.derived.counters if c.total}
        unknown = command.values.keys() - there.keys()
        if unknown or not command.values:
            named = ", ".join(sorted(unknown)) or "none"
            raise InputError(f"{pump.pump_id} has no such counter ({named})", f"it has {', '.join(there)}")
        try:
            before, after = pump.counters.set_totals(
                {there[tag].total: value * there[tag].per_unit for tag, value in command.values.items()}
            )
        except ValueError as error:
            raise InputError(f"the counters of {pump.pump_id} are not set: {error}", "") from error
        self._keep(CounterRow(pump.pump_id, time.time_ns(), after, is_set=True))
        words = "; ".join(_words(tag, before, after) for tag in there if tag in command.values)
        return f"{words}: {command.note}" if command.note else words

    def _take_up(self, pump: LivePump) -> None:
        now_ns, mono_ns = time.time_ns(), time.monotonic_ns()
        kept = self._history.counters(pump.pump_id, since_ns=now_ns - HOUR_NS)
        counted = PumpCounters(pump.counters.preferred_region)
        row = kept.newest
        counted.take_up(row.totals if row else CounterTotals(), was_running=None, starts_ns=kept.starts_ns)
        # A run that was killed in its first seconds has left readings and no row yet.
        self._replay(pump, pump.since_ns - REPLAYED_NS if row is None else row.time_ns, counted)
        totals = counted.totals
        assert totals is not None
        starts_ns = [mono_ns - (now_ns - at_ns) for at_ns in counted.starts_ns if 0 <= now_ns - at_ns < HOUR_NS]
        pump.counters.take_up(totals, was_running=counted.was_running, starts_ns=starts_ns)

    def _replay(self, pump: LivePump, start_ns: int, counted: PumpCounters) -> None:
        """Count the readings after the last row: they are on the disk to the last second before a kill."""
        end_ns = min(pump.since_ns, start_ns + REPLAYED_NS)
        try:
            read = self._history.recording(pump.pump_id, pump.derived.profile, start_ns=start_ns, end_ns=end_ns)
        except InputError:
            return  # there is none
        pump.derived.replay(counted, np.round(read.time_s * 1e9).astype(np.int64).tolist(), read.values)


def _words(tag: str, before: CounterTotals, after: CounterTotals) -> str:
    counter = next(c for c in COUNTERS if c.tag == tag)
    decimals = 0 if counter.per_unit == 1.0 else 2
    was, now = (number(getattr(totals, counter.total) / counter.per_unit, decimals) for totals in (before, after))
    return f"{counter.label} set from {was} to {now} {unit_text(counter.unit)}".rstrip()
