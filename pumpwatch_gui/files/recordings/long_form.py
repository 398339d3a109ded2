"""Recordings with one value of one sensor in a row: tag, time, value, and perhaps the pump and a quality."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.recording_format import FormatChoices
from pumpwatch_gui.files.recordings.cells.numbers import NumberReader
from pumpwatch_gui.files.recordings.cells.units import unit_notes
from pumpwatch_gui.files.recordings.columns import ColumnFinder, Layout
from pumpwatch_gui.files.recordings.growing import Growing
from pumpwatch_gui.files.recordings.rows import Piece
from pumpwatch_gui.files.recordings.wide_form import check_unit, tally_notes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_OPC_GOOD, _OPC_UNCERTAIN, _OPC_BAD = 192, 64, 0
"""Quality codes of OPC: from 192 good, from 64 uncertain, below bad."""
_QUALITY_WORDS = {"good": _OPC_GOOD, "uncertain": _OPC_UNCERTAIN, "bad": _OPC_BAD}
_NO_CODE = -1
_WORTHWHILE = 0.7


class LongSink:
    """Gathers single values and puts those of one time into one row."""

    def __init__(self, layout: Layout, profile: PumpProfile, decimal: str, choices: FormatChoices, path: Path) -> None:
        self._layout, self._profile, self._path = layout, profile, path
        self._pump = choices.pump
        self._finder = ColumnFinder(profile, choices)
        self._known: dict[str, int] = {}
        self._pumps: Counter[str] = Counter()
        self._others: Counter[str] = Counter()
        self._tags = Growing(np.int16, -1)
        self._codes = Growing(np.int16, _NO_CODE)
        self._values = Growing(np.float64, np.nan)
        self._readers = [NumberReader(decimal, sensor.unit) for sensor in profile.sensors]
        self._notes: list[str] = []
        self._units = set[tuple[int, str]]()

    def take(self, piece: Piece, line: int) -> None:
        """Take some rows, the first of them in that line. Raises InputError for a unit that is not the sensor's."""
        layout = self._layout
        tags = np.array([self._sensor(name) for name in piece.cells(layout.tag)], dtype=np.int16)
        if layout.pump >= 0:
            self._pumps.update(piece.cells(layout.pump))
            if self._pump:
                tags[[pump.strip() != self._pump for pump in piece.cells(layout.pump)]] = -1
        self._tags.extend(len(piece))[:] = tags
        values, codes = self._values.extend(len(piece)), self._codes.extend(len(piece))
        texts = piece.cells(layout.value)
        for sensor, reader in enumerate(self._readers):
            own = np.flatnonzero(tags == sensor)
            if own.size:
                values[own] = reader.read([texts[i] for i in own.tolist()])
                check_unit(reader, self._profile.sensors[sensor], f"{self._path}, line {line} and below")
        if layout.unit >= 0:
            self._check_units(tags, piece.cells(layout.unit), line)
        if layout.quality >= 0:
            codes[:] = [_code(cell) for cell in piece.cells(layout.quality)]

    def samples(self, time_s: Floats) -> tuple[Floats, Floats]:
        """Times (m,), rising, and values (m, n), given the times of all rows.

        Raises InputError when there are several pumps and none is chosen, or no tag of the profile.
        """
        self._check_pumps()
        tags, values, codes = self._tags.whole(), self._values.whole(), self._codes.whole()
        doubtful = (codes >= 0) & (codes < _OPC_GOOD)
        if (codes >= _OPC_GOOD).any():
            values[doubtful] = np.nan
            if doubtful.any():
                self._notes.append(f"{int(doubtful.sum())} values of bad or uncertain quality are taken as missing")
        elif (codes == 0).any() and (codes > 0).any():
            self._notes.append("the quality codes are not known: every value is taken as good")
        own = np.flatnonzero((tags >= 0) & np.isfinite(time_s))
        if not own.size:
            names = ", ".join(list(self._others)[:5])
            raise InputError(
                f"{self._path}: none of the tags in it is of profile {self._profile.name}: {names}",
                "name them: --columns TAG=NAME",
            )
        steps = np.diff(time_s[own])
        if (steps < 0).sum() > (steps > 0).sum():
            own = own[::-1]
        return self._pivoted(time_s[own], tags[own].astype(np.int64), values[own])

    def columns(self) -> tuple[tuple[str, str], ...]:
        """Each tag with its name in the file."""
        return tuple((self._profile.tags[sensor], name) for name, sensor in self._known.items() if sensor >= 0)

    def missing(self) -> list[int]:
        """The sensors of which there is no value."""
        return [sensor for sensor in range(len(self._profile.sensors)) if sensor not in set(self._known.values())]

    def notes(self) -> list[str]:
        """What the cells held that was no number, and the tags passed over."""
        notes = [note for tag, reader in zip(self._profile.tags, self._readers, strict=True)
                 for note in tally_notes(tag, reader)]  # fmt: skip
        if self._others:
            names = ", ".join(list(self._others)[:3]) + (" …" if len(self._others) > 3 else "")
            notes.append(f"{self._others.total()} rows of other tags are not read: {names}")
        return self._notes + notes

    def example(self) -> str:
        """A cell that was no number, "" without any."""
        return next((f", such as {r.tally.example!r}" for r in self._readers if r.tally.example), "")

    def _check_units(self, tags: NDArray[np.int16], units: Sequence[str], line: int) -> None:
        where = f"{self._path}, line {line} and below"
        for sensor, unit in sorted(set(zip(tags.tolist(), units, strict=True)) - self._units):
            self._units.add((sensor, unit))
            if sensor >= 0:
                own = self._profile.sensors[sensor]
                self._notes += unit_notes(unit.strip(), own, f"{where}: {own.tag}")

    def _sensor(self, name: str) -> int:
        sensor = self._known.get(name)
        if sensor is None:
            sensor = self._known[name] = self._finder.sensor(name)
        if sensor < 0:
            self._others[name.strip()] += 1
        return sensor

    def _check_pumps(self) -> None:
        pumps = sorted({pump.strip() for pump in self._pumps} - {""})
        if self._pump and pumps and self._pump not in pumps:
            raise InputError(f"{self._path}: there is no pump {self._pump}", "it has " + ", ".join(pumps[:20]))
        if not self._pump and len(pumps) > 1:
            raise InputError(
                f"{self._path}: it holds {len(pumps)} pumps: {', '.join(pumps[:10])}",
                f"choose one: --pump {pumps[0]}",
            )

    def _pivoted(self, time_s: Floats, tags: Ints, values: Floats) -> tuple[Floats, Floats]:
        """One row for each time. A tag with several values at one time has them in as many rows of that time."""
        order = np.lexsort((tags, time_s))
        time_s, tags, values = time_s[order], tags[order], values[order]
        scan, spread_s = _scans(time_s, tags)
        if spread_s:
            self._notes.append(f"values up to {spread_s:.3g} s apart are taken as one sample")
        again = np.lexsort((tags, scan))
        same = np.concatenate(([False], (np.diff(scan[again]) == 0) & (np.diff(tags[again]) == 0)))
        run = np.arange(again.size) - np.maximum.accumulate(np.where(same, 0, np.arange(again.size)))
        rank = np.empty(again.size, dtype=np.int64)
        rank[again] = run
        key, row = np.unique(scan * (int(rank.max()) + 1) + rank, return_inverse=True)
        whole = np.full((key.size, len(self._profile.sensors)), np.nan)
        whole[row, tags] = values
        start = np.full(int(scan.max()) + 1, np.inf)
        np.minimum.at(start, scan, time_s)
        return start[key // (int(rank.max()) + 1)], whole


def _code(cell: str) -> int:
    """The OPC code of a quality, given as such or in a word; -1 for any other word."""
    text = cell.strip().lower()
    if text.isdigit():
        return min(int(text), 32_767)
    return next((code for word, code in _QUALITY_WORDS.items() if text.startswith(word)), _NO_CODE)


def _scans(time_s: Floats, tags: Ints) -> tuple[Ints, float]:
    """Which sample each value is of, and how far apart the times within one are.

    Values of one time are one sample. Where that leaves most rows nearly empty, as when a logger stamps each point as
    it reads it, those within half of the usual period are: the first of them gives the time.
    """
    exact = np.concatenate(([0], np.cumsum(np.diff(time_s) > 0)))
    periods = [float(np.median(steps)) for tag in np.unique(tags) if (steps := np.diff(time_s[tags == tag])).size]
    reach_s = min((period for period in periods if period > 0), default=0.0) / 2
    if len(periods) < 2 or reach_s == 0:
        return exact, 0.0
    starts = [0]
    while (following := int(np.searchsorted(time_s, time_s[starts[-1]] + reach_s, side="left"))) < time_s.size:
        starts.append(following)
    if len(starts) > _WORTHWHILE * (exact[-1] + 1):
        return exact, 0.0
    scan = np.zeros(time_s.size, dtype=np.int64)
    scan[starts[1:]] = 1
    scan = np.cumsum(scan)
    return scan, float((time_s - time_s[np.array(starts)][scan]).max())
