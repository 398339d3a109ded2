"""A list of readings, a row each: what the panels of sensors and of derived quantities have in common."""

from dataclasses import dataclass

from PySide6.QtCore import Signal
from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.display import ABSENT, ShownValue
from pumpwatch_gui.domain.station import RunState
from pumpwatch_gui.domain.wording import UNKNOWN, unit_text
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.tables.painted_list import PaintedList


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One quantity as shown, and the priority of its worst active alarm."""

    reading: ShownValue
    urgent: Priority | None = None


class ReadingList(PaintedList):
    """Repaints the rows that change. `chosen` carries the place of a row. A subclass places and paints them."""

    chosen = Signal(int)

    def __init__(self, appearance: Appearance, name: str) -> None:
        super().__init__(appearance, name)
        self.rows: tuple[ReadingRow, ...] = ()
        self._quiet = False

    def show_rows(self, rows: tuple[ReadingRow, ...], state: RunState) -> None:
        """Show these; a standing pump has quiet numbers."""
        quiet = state is RunState.STANDBY
        if len(rows) != len(self.rows) or quiet != self._quiet:
            self.rows, self._quiet = rows, quiet
            self.updateGeometry()
            self.update()
            return
        before, self.rows = self.rows, rows
        for i, (old, new) in enumerate(zip(before, rows, strict=True)):
            if old != new:
                self.update(self.cell_rect(i).toAlignedRect())
                if i == self._at and self.hasFocus():
                    self.speak()

    @override
    def cell_count(self) -> int:
        return len(self.rows)

    @override
    def speak(self) -> None:
        if self.rows:
            self.describe(self.words_of(self.rows[self._at]))

    @override
    def cell_words(self, i: int) -> str:
        return self.words_of(self.rows[i])

    def words_of(self, row: ReadingRow) -> str:
        """A row for assistive technology: label, value, what is wrong with it, and its alarm."""
        reading = row.reading
        value = reading.text.replace(UNKNOWN, "no value").replace(ABSENT, "none")
        rank = f"alarm priority {int(row.urgent)}" if row.urgent else ""
        words = (f"{reading.sensor.label}: {value} {unit_text(reading.sensor.unit)}".rstrip(), reading.reason)
        return ", ".join(w for w in (*words, reading.age_text, rank) if w)

    @override
    def activate(self, i: int) -> None:
        self.chosen.emit(i)
