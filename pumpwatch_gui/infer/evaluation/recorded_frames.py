"""A recording turned back into frames, as a link would have delivered them."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.quality import Quality, Reason
from pumpwatch_gui.domain.values.recording import Recording

_ROWS_AT_ONCE = 4096
CONTINUES_S = 30.0
BETWEEN_RECORDINGS_S = 3600.0
"""A recording that does not go on where the one before ended is at least so far from it: nothing is carried over."""


def frames_of(recording: Recording, profile: PumpProfile, *, pump_id: str, mono_ns: int = 0) -> Iterator[Frame]:
    """The frame of each row. `mono_ns` is the monotonic time of the first, the others follow by their stamps.

    A missing value is BAD (not connected where the whole column is missing, not a number else), one outside the
    sensor's span is BAD (out of range).
    """
    absent = np.array([tag in recording.missing for tag in profile.tags])
    first_ns = _ns(recording.time_s[:1])
    for start in range(0, recording.time_s.size, _ROWS_AT_ONCE):  # not all at once: that takes the memory four times
        part = slice(start, start + _ROWS_AT_ONCE)
        values, outside = _within_span(recording.values[part], profile)
        reason = np.zeros(values.shape, dtype=np.uint8)
        reason[np.isnan(values)] = Reason.NOT_A_NUMBER
        reason[outside] = Reason.OUT_OF_RANGE
        reason[:, absent] = Reason.NOT_CONNECTED
        quality = np.where(np.isnan(values), Quality.BAD, Quality.GOOD).astype(np.uint8)
        time_ns = _ns(recording.time_s[part])
        mono = time_ns - first_ns + mono_ns
        for i, (stamp, since_start) in enumerate(zip(time_ns.tolist(), mono.tolist(), strict=True)):
            yield Frame(pump_id, start + i, stamp, since_start, values[i], quality[i], reason[i])


def _within_span(values: NDArray[np.float64], profile: PumpProfile) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values (m, n) with NaN for those outside the sensors' spans, and which those are."""
    low, high = np.array([s.span for s in profile.sensors]).T
    with np.errstate(invalid="ignore"):
        outside = (values < low) | (values > high)
    return np.where(outside, np.nan, values), outside


def _ns(time_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Unix nanoseconds, to the microsecond: a float of today's seconds holds no more."""
    return np.rint(time_s * 1e6).astype(np.int64) * 1000


class RecordedRows:
    """The rows of several recordings as those of `chained`: all times at once, values when they are asked for."""

    def __init__(self, recordings: Sequence[Recording], profile: PumpProfile) -> None:
        self._recordings, self._profile = recordings, profile
        self._starts = np.cumsum([0, *(r.time_s.size for r in recordings)])
        times, monos = list[NDArray[np.int64]](), list[NDArray[np.int64]]()
        mono_ns, last_ns = 0, None
        for recording in recordings:
            time_ns = _ns(recording.time_s)
            times.append(time_ns)
            monos.append(time_ns - time_ns[0] + mono_ns + _pause_ns(recording, last_ns))
            mono_ns, last_ns = int(monos[-1][-1]), int(time_ns[-1])
        self.time_ns, self.mono_ns = np.concatenate(times), np.concatenate(monos)

    def values(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """The values (b, n) of rows (b,), NaN where a frame would be BAD."""
        which = np.searchsorted(self._starts, rows, side="right") - 1
        values = np.empty((rows.size, len(self._profile.sensors)))
        for i in np.unique(which).tolist():
            own = which == i
            values[own] = self._recordings[i].values[rows[own] - self._starts[i]]
        return _within_span(values, self._profile)[0]


def chained(recordings: Iterable[Recording], profile: PumpProfile, *, pump_id: str) -> Iterator[Frame]:
    """The frames of several recordings of one pump, one after the other, on one monotonic clock that never falls."""
    mono_ns, last_ns = 0, None
    for recording in recordings:
        frame = None
        for frame in frames_of(recording, profile, pump_id=pump_id, mono_ns=mono_ns + _pause_ns(recording, last_ns)):
            yield frame
        if frame is not None:
            mono_ns, last_ns = frame.mono_ns, frame.time_ns


def _pause_ns(recording: Recording, last_ns: int | None) -> int:
    """Nanoseconds between the end of the recording before and the start of this one."""
    if last_ns is None:
        return 0
    apart = int(recording.time_s[0] * 1e9) - last_ns
    return apart if 0 < apart <= CONTINUES_S * 1e9 else max(apart, int(BETWEEN_RECORDINGS_S * 1e9))
