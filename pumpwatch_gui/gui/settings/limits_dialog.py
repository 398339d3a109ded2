"""Limits of one pump: every sensor's alarm limits, deadband and delays, checked while they are typed."""

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QSignalBlocker, QTimer
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.pumps.profiles import profile_limits
from pumpwatch_gui.domain.display import read_sensor
from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile, Sensor
from pumpwatch_gui.domain.site_changes import SetLimits
from pumpwatch_gui.domain.station import PumpView
from pumpwatch_gui.domain.wording import UNKNOWN, error_text
from pumpwatch_gui.gui.forms.history import History
from pumpwatch_gui.gui.forms.limits_table import LimitsTable
from pumpwatch_gui.gui.forms.site_dialog import SiteDialog, undo_buttons
from pumpwatch_gui.gui.look.layout import hbox
from pumpwatch_gui.gui.look.widgets import StatusText, button, label
from pumpwatch_gui.gui.settings.what_if_panel import WhatIfPanel
from pumpwatch_gui.gui.shell.page import PageContext

RENEW_MS = 500
"""How often the values of now are renewed."""
SHOWN_CHANGES = 4


class LimitsDialog(SiteDialog):
    """A row a sensor. A wrong row is named below and cannot be saved; nothing changes before Save."""

    def __init__(self, context: PageContext, pump_id: str = "", parent: QWidget | None = None) -> None:
        super().__init__(context, (1120, 800), parent)
        self.pump = QComboBox()
        self.pump.setAccessibleName("Pump")
        self.table = LimitsTable(context.appearance, "Now")
        hint = label("An empty limit is not watched.", "dim")
        rules = button("Rules…", "Alarm rules of several terms, rates and deviations", self.open_rules)
        restore = button("Restore row", "Restore the profile's own limits in this row", self.restore_row)
        self._pump_id = ""
        self._restored: dict[str, Limits] = {}
        self._own: PumpProfile | None = None
        """What the shown limits were made of, in the units of the tags."""
        self._history = History(self.table.texts())
        self.undo, self.redo = undo_buttons(self, self._step)
        head = hbox(label("Pump", "heading"), self.pump, None, hint, self.undo, self.redo, restore, rules)
        self.changed = StatusText()
        self.reason = QLineEdit()
        self.reason.setPlaceholderText("Why, as the next shift must know it")
        self.reason.setAccessibleName("Reason of the change")
        self.past = WhatIfPanel(context)
        self.lay_out(head, (self.table, 1), hbox((self.changed, 3), (self.reason, 2)), self.past)
        self.pump.currentIndexChanged.connect(lambda _: self._change_pump())
        self.table.edited.connect(self.check)
        self.table.currentCellChanged.connect(self._turn_row)
        self.past.dragged.connect(self._drag)
        self.finished.connect(self.past.close_down)
        self._show_site(pump_id)
        self.table.turn_to(context.opening.limits_tag)
        context.opening.limits_tag = ""
        renew = QTimer(self)
        renew.timeout.connect(self._renew_now)
        renew.start(RENEW_MS)

    @override
    def show_site(self) -> None:
        self._show_site(self.pump.currentText())

    def _show_site(self, pump_id: str) -> None:
        with QSignalBlocker(self.pump):
            self.pump.clear()
            self.pump.addItems([p.pump_id for p in self.context.station.site().pumps])
            self.pump.setCurrentText(pump_id)
        self._show_pump()

    def _change_pump(self) -> None:
        """Turn to the pump in the box, unless that would drop edits."""
        if self.is_edited():
            with QSignalBlocker(self.pump):
                self.pump.setCurrentText(self._pump_id)
            self.trouble.warn(f"The changes of {self._pump_id} are not saved: save or undo them first.")
            return
        self._show_pump()

    @override
    def is_edited(self) -> bool:
        self.table.commit()
        return self._history.is_changed

    def _step(self, by: int) -> None:
        self.table.commit()
        self.table.show_texts(self._history.step(by))
        self.check()

    def _show_pump(self) -> None:
        """Show the limits the chosen pump is judged by now."""
        self._pump_id = self.pump.currentText()
        self.setWindowTitle(f"Limits of {self.context.title_of(self._pump_id)}")
        pump = self._pump_now()
        self._own, self._restored = pump.profile if pump else None, {}
        sensors = self.context.units.profile(pump.profile).quantities if pump else ()
        self.table.show_limits(sensors, {sensor.tag: sensor.limits for sensor in sensors}, self._values_now())
        self._history = History(self.table.texts())
        self.check()

    def _pump_now(self) -> PumpView | None:
        view, wanted = self.context.station.latest(), self.pump.currentText()
        return next((p for p in view.pumps if p.pump_id == wanted), None)

    def _values_now(self) -> list[tuple[str]]:
        """What may be shown of each row's sensor now; `?` for one that the pump has no longer."""
        view = self.context.latest()
        pump = next((p for p in view.pumps if p.pump_id == self.pump.currentText()), None)
        tags = pump.profile.quantity_tags if pump else ()
        return [
            (read_sensor(pump, tags.index(sensor.tag), view.mono_ns, self.context.last_good).with_unit,)
            if pump and sensor.tag in tags
            else (UNKNOWN,)
            for sensor in (self.table.sensors or (pump.profile.quantities if pump else ()))
        ]

    def _renew_now(self) -> None:
        self.table.show_facts(self._values_now())

    def check(self) -> None:
        """Name every wrong row; Save is there only when none is."""
        self._history.add(self.table.texts())
        self.undo.setEnabled(self._history.can_undo)
        self.redo.setEnabled(self._history.can_redo)
        limits, wrong = self.table.read()
        changes = self.table.changes()
        more = f" and {len(changes) - SHOWN_CHANGES} more" if len(changes) > SHOWN_CHANGES else ""
        self.changed.say("Changed: " + ", ".join(changes[:SHOWN_CHANGES]) + more if changes else "")
        self.reason.setVisible(bool(changes))
        self.trouble.warn("\n".join(wrong))
        self.allow_save(not wrong)
        self._show_past(limits)

    def _turn_row(self, row: int, _column: int, was: int, _was_column: int) -> None:
        if row != was:
            self._show_past(self.table.read()[0])

    def _show_past(self, typed: Mapping[str, Limits]) -> None:
        """Show the past of the current row with its typed limits; of a row with a mistake the limits as they were."""
        row, own = self.table.currentRow(), self._own
        if own is None or not 0 <= row < len(self.table.sensors):
            self.past.show_quantity(self._pump_id, None, None, Limits())
            return
        sensor = self.table.sensors[row]
        limits = typed.get(sensor.tag, sensor.limits)
        self.past.show_quantity(self._pump_id, own, own.quantities[own.index(sensor.tag)], limits)

    def _drag(self, level: str, value: float) -> None:
        self.table.set_limit(self.table.currentRow(), level, value)

    def open_rules(self) -> None:
        """Show the alarm rules above the limits."""
        self.context.open_dialog("rules", self.pump.currentText(), self)

    def restore_row(self) -> None:
        """Put the profile's own limits into the current row."""
        row, site = self.table.currentRow(), self.context.station.site()
        pump = site.pump(self.pump.currentText())
        if pump is not None and row >= 0:
            tag, name = self.table.sensors[row].tag, pump.profile_name
            self.context.ask(lambda: profile_limits(name, site.folder), partial(self._restore, tag), self._failed)

    def _restore(self, tag: str, own: Mapping[str, Limits]) -> None:
        row = next((i for i, sensor in enumerate(self.table.sensors) if sensor.tag == tag), -1)
        if row >= 0 and tag in own and self._own is not None:
            self._restored[tag] = own[tag]
            self.table.fill(row, self.context.units.limits(own[tag], self._own.quantities[self._own.index(tag)]))
            self.check()

    def _failed(self, error: Exception) -> None:
        self.trouble.warn(error_text(error))

    def _typed(self, limits: Limits, sensor: Sensor) -> Limits:
        known = [self._restored[sensor.tag]] if sensor.tag in self._restored else []
        return self.context.units.own_limits(limits, sensor, *known)

    @override
    def save(self) -> None:
        """Order the limits that were changed, in the units of the tags."""
        self.table.commit()
        limits, wrong = self.table.read()
        own = {sensor.tag: sensor for sensor in self._own.quantities} if self._own is not None else {}
        try:
            typed = {tag: self._typed(one, own[tag]) for tag, one in limits.items()}
        except ValueError as error:
            self.trouble.warn(str(error))
            return
        changed = {tag: one for tag, one in typed.items() if one != own[tag].limits}
        if not wrong:
            change = SetLimits(self.pump.currentText(), changed, self.reason.text().strip())
            self.order((change,) if changed else ())
