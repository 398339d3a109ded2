"""Recordings with a column for each sensor."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.values.recording_format import FormatChoices
from pumpwatch_gui.files.recordings.cells.numbers import NumberReader
from pumpwatch_gui.files.recordings.columns import Layout
from pumpwatch_gui.files.recordings.growing import Growing, keep_rows
from pumpwatch_gui.files.recordings.rows import Piece

Floats = NDArray[np.float64]


class WideSink:
    """Gathers the values of rows that hold one sample each."""

    def __init__(self, layout: Layout, profile: PumpProfile, decimal: str, choices: FormatChoices, path: Path) -> None:
        self._layout, self._profile, self._path = layout, profile, path
        self._values = Growing(np.float64, np.nan, len(profile.sensors))
        self._readers = [NumberReader(decimal, profile.sensors[sensor].unit) for sensor, _ in layout.sensors]

    def take(self, piece: Piece, line: int) -> None:
        """Take some rows, the first of them in that line. Raises InputError for a unit that is not the sensor's."""
        part = self._values.extend(len(piece))
        for (sensor, column), reader in zip(self._layout.sensors, self._readers, strict=True):
            numbers = piece.numbers(column)
            if numbers is not None:
                part[:, sensor] = numbers
                continue
            part[:, sensor] = reader.read(piece.cells(column))
            check_unit(reader, self._profile.sensors[sensor], f"{self._path}, line {line} and below")

    def samples(self, time_s: Floats) -> tuple[Floats, Floats]:
        """Times (m,) and values (m, n) of the rows that have a time, given the times of all."""
        values = self._values.whole()
        readable = np.isfinite(time_s)
        return (time_s, values) if readable.all() else (time_s[readable], keep_rows(values, readable))

    def columns(self) -> tuple[tuple[str, str], ...]:
        """Each tag with the name of its column."""
        layout = self._layout
        return tuple((self._profile.tags[sensor], layout.names[column].strip()) for sensor, column in layout.sensors)

    def missing(self) -> list[int]:
        """The sensors without a column."""
        there = {sensor for sensor, _ in self._layout.sensors}
        return [sensor for sensor in range(len(self._profile.sensors)) if sensor not in there]

    def notes(self) -> list[str]:
        """What the cells held that was no number."""
        tags = (self._profile.tags[sensor] for sensor, _ in self._layout.sensors)
        return [note for tag, reader in zip(tags, self._readers, strict=True) for note in tally_notes(tag, reader)]

    def example(self) -> str:
        """A cell that was no number, "" without any."""
        return next((f", such as {r.tally.example!r}" for r in self._readers if r.tally.example), "")


def check_unit(reader: NumberReader, sensor: Sensor, where: str) -> None:
    """Raise InputError when a cell carried another unit than its sensor has."""
    if reader.foreign_unit:
        raise InputError(
            f"{where}: cells of {sensor.tag} are in {reader.foreign_unit}, the profile has {sensor.unit}",
            f"export them in {sensor.unit}, or use a profile with that unit",
        )


def tally_notes(tag: str, reader: NumberReader) -> list[str]:
    """What the cells of one tag held that was no number."""
    tally = reader.tally
    notes = [f"{tally.unread} cells of {tag} hold no number, such as {tally.example!r}"] if tally.unread else []
    return notes + ([f"{tally.empty} cells of {tag} are empty"] if tally.empty else [])
